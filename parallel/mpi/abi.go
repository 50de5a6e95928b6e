//go:build mpi && linux && (amd64 || arm64)

package mpi

import "strings"

// abi is what differs of mpi.h between libraries. Only bytes are moved, so it is little. A request takes 4 or 8 bytes and a status 20 to
// 32: both lie in words with room for either.
type abi struct {
	family       string
	world        uintptr // MPI_COMM_WORLD
	bytes        uintptr // MPI_BYTE
	errorsReturn uintptr // MPI_ERRORS_RETURN
	funneled     int32   // MPI_THREAD_FUNNELED
	truncate     int32   // MPI_ERR_TRUNCATE
}

// standardABI is that of the standard: MPI 5.0, chapter 20 and appendix A.
var standardABI = abi{family: "MPI-5 ABI", world: 0x101, bytes: 0x247, errorsReturn: 0x143, funneled: 1024, truncate: 15}

// mpichABI is that of MPICH 3 to 5 and its family: www.mpich.org/abi.
var mpichABI = abi{family: "MPICH", world: 0x44000000, bytes: 0x4c00010d, errorsReturn: 0x54000001, funneled: 1, truncate: 14}

// openABI is that of Open MPI 4 and 5, whose handles are addresses of its variables.
func openABI(symbol func(name string) uintptr) abi {
	return abi{
		family: "Open MPI", world: symbol("ompi_mpi_comm_world"), bytes: symbol("ompi_mpi_byte"),
		errorsReturn: symbol("ompi_mpi_errors_return"), funneled: 1, truncate: 15,
	}
}

// recognise returns the ABI of a library by its file name, its symbols, and the text of MPI_Get_library_version.
func recognise(file, version string, symbol func(name string) uintptr) (abi, bool) {
	switch {
	case strings.Contains(file, "mpi_abi") && symbol("MPI_Abi_get_version") != 0:
		return standardABI, true
	case symbol("ompi_mpi_comm_world") != 0 && symbol("ompi_mpi_byte") != 0 && symbol("ompi_mpi_errors_return") != 0:
		return openABI(symbol), true
	case strings.Contains(version, "MPICH"), strings.Contains(version, "Intel(R) MPI"), strings.Contains(version, "MVAPICH"):
		return mpichABI, true
	}
	return abi{}, false
}

// function is a function of the library.
type function int

const (
	initThread function = iota
	finalize
	commRank
	commSize
	setErrhandler
	isend
	irecv
	testRequest
	getCount
	abortAll
	libraryVersion
	errorClass
	errorString
)

var symbols = [...]string{
	initThread:     "MPI_Init_thread",
	finalize:       "MPI_Finalize",
	commRank:       "MPI_Comm_rank",
	commSize:       "MPI_Comm_size",
	setErrhandler:  "MPI_Comm_set_errhandler",
	isend:          "MPI_Isend",
	irecv:          "MPI_Irecv",
	testRequest:    "MPI_Test",
	getCount:       "MPI_Get_count",
	abortAll:       "MPI_Abort",
	libraryVersion: "MPI_Get_library_version",
	errorClass:     "MPI_Error_class",
	errorString:    "MPI_Error_string",
}
