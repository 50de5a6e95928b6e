//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"fmt"
	"os"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// library is an MPI library that is loaded.
type library struct {
	abi
	version string // the first line of what it says of itself
	fn      [len(symbols)]uintptr
	out     *results
}

// results is where the library writes. It is on the heap: a stack may move between taking an address and the call.
type results struct {
	status [8]uint64 // MPI_Status
	number int32
	flag   int32
	text   [8192]byte // the longest text is the library's version: MPI_MAX_LIBRARY_VERSION_STRING of MPICH
}

// load loads the first library that there is.
func load() (*library, error) {
	var missing, broken []string
	for _, file := range candidates(os.Getenv) {
		// The plug-ins of Open MPI look up its symbols among those of the whole process.
		handle, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_GLOBAL)
		switch {
		case err == nil:
			return bind(file, handle)
		case strings.HasPrefix(err.Error(), file+": cannot open shared object file: No such file"):
			missing = append(missing, file)
		default:
			broken = append(broken, err.Error())
		}
	}
	text := "found no MPI library: there is no " + strings.Join(missing, ", ")
	if len(broken) > 0 {
		text = "could load no MPI library: " + strings.Join(broken, "; ")
	}
	return nil, fmt.Errorf("mpi: %s; load the MPI module of the cluster, install openmpi-bin or mpich, "+
		"or set LONGSPAN_MPI to the library's file", text)
}

// bind looks up what is needed of a library.
func bind(file string, handle uintptr) (*library, error) {
	l := &library{out: new(results)}
	symbol := func(name string) uintptr {
		address, err := purego.Dlsym(handle, name)
		if err != nil {
			return 0
		}
		return address
	}
	for f, name := range symbols {
		if l.fn[f] = symbol(name); l.fn[f] == 0 {
			return nil, fmt.Errorf("mpi: found no %s in %s, expected an MPI library; set LONGSPAN_MPI to another file", name, file)
		}
	}
	if err := l.call(libraryVersion, address(&l.out.text), address(&l.out.number)); err != nil {
		return nil, err
	}
	text := l.text()
	known := false
	if l.abi, known = recognise(file, text, symbol); !known {
		return nil, fmt.Errorf("mpi: found %.60q in %s, expected Open MPI, MPICH, Intel MPI, MVAPICH or libmpi_abi.so of another; "+
			"set LONGSPAN_MPI to the file of one of them", text, file)
	}
	l.version = summary(text, l.family)
	return l, nil
}

// text is the text that the library has written last.
func (l *library) text() string {
	n := max(0, min(int(l.out.number), len(l.out.text)))
	return strings.TrimRight(string(l.out.text[:n]), "\x00\n ")
}

// summary makes one short line of the text of MPI_Get_library_version. Open MPI has all in one line, MPICH a table.
func summary(text, family string) string {
	line, _, _ := strings.Cut(text, "\n")
	line, _, _ = strings.Cut(line, ",")
	line = strings.Join(strings.Fields(strings.Replace(line, "Version:", "", 1)), " ")
	if family == standardABI.family {
		line += " (" + family + ")"
	}
	return line
}

// failure is an error of an MPI function.
type failure struct {
	function string
	class    int32 // MPI_ERR_…
	text     string
}

func (f *failure) Error() string { return f.function + ": " + strings.ReplaceAll(f.text, "\n", "; ") }

// call calls a function. Addresses among args must be those of memory on the heap.
func (l *library) call(f function, args ...uintptr) error {
	code, _, _ := purego.SyscallN(l.fn[f], args...)
	if int32(code) == 0 {
		return nil
	}
	failed := &failure{function: symbols[f], text: fmt.Sprintf("error %d", int32(code))}
	if r, _, _ := purego.SyscallN(l.fn[errorClass], code, address(&l.out.number)); int32(r) == 0 {
		failed.class = l.out.number
	}
	if r, _, _ := purego.SyscallN(l.fn[errorString], code, address(&l.out.text), address(&l.out.number)); int32(r) == 0 {
		failed.text = l.text()
	}
	return failed
}

// address is that of what is on the heap.
func address[T any](x *T) uintptr { return uintptr(unsafe.Pointer(x)) }
