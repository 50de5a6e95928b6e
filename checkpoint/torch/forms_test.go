package torch_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/longspan/longspan/checkpoint/torch"
)

// member is a member of an archive.
type member struct {
	name, text string
	method     uint16
}

// archive is the zip form with these members.
func archive(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: m.method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// text is the opcode that pushes a text.
func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// number is the opcode that pushes an integer.
func number(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// tuple is the opcodes that push a tuple of numbers.
func tuple(numbers ...int64) string {
	s := "("
	for _, n := range numbers {
		s += number(n)
	}
	return s + "t"
}

// parts is a pickle of one tensor in its parts, each in opcodes.
type parts struct{ id, offset, shape, strides, rest string }

// storage is the id of a storage of F32 in the zip form.
func storage(key string, elements int64) string {
	return "(" + text("storage") + "ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(elements) + "t"
}

// vector is the parts of a tensor of two elements in storage 0.
func vector() parts {
	return parts{id: storage("0", 2), offset: number(0), shape: tuple(2), strides: tuple(1), rest: "\x89}"}
}

func (p parts) tensor() string {
	return "ctorch._utils\n_rebuild_tensor_v2\n(" + p.id + "Q" + p.offset + p.shape + p.strides + p.rest + "tR"
}

// dict is a pickle of names and values in opcodes.
func dict(items ...string) string { return "\x80\x02}(" + strings.Join(items, "") + "u." }

const data = "abcdefgh" // two elements of F32

// Each field of a tensor is checked, whatever the others are.
func TestTensorsThatAreRefused(t *testing.T) {
	good := vector()
	with := func(change func(p *parts)) string {
		p := good
		change(&p)
		return dict(text("x"), p.tensor())
	}
	for _, c := range []struct{ name, pickle, want string }{
		{"as it should be", dict(text("x"), good.tensor()), ""},
		{"twice", dict(text("x"), good.tensor(), text("x"), good.tensor()), `found tensor "x" twice`},
		{"too long", with(func(p *parts) { p.shape = tuple(3) }), "it would lie outside"},
		{"past the end", with(func(p *parts) { p.offset = number(1) }), "it would lie outside"},
		{"far past the end", with(func(p *parts) { p.offset = number(1<<63 - 1) }), "it would lie outside"},
		{"strides too wide", with(func(p *parts) { p.strides = tuple(2) }), "it would lie outside"},
		{"strides that overflow", with(func(p *parts) { p.shape, p.strides = tuple(3, 3), tuple(1<<62, 1<<62) }), "it would lie outside"},
		{"a shape that overflows", with(func(p *parts) { p.shape, p.strides = tuple(1<<40, 1<<40), tuple(0, 0) }), "more than the file's"},
		{"a negative offset", with(func(p *parts) { p.offset = number(-1) }), "offset -1"},
		{"a negative shape", with(func(p *parts) { p.shape = tuple(-2) }), "negative numbers"},
		{"a negative stride", with(func(p *parts) { p.strides = tuple(-1) }), "negative numbers"},
		{"a negative shape beside a zero", with(func(p *parts) { p.shape, p.strides = tuple(0, -1), tuple(1, 1) }), "negative numbers"},
		{"more strides than dimensions", with(func(p *parts) { p.strides = tuple(1, 1) }), "the file is damaged"},
		{"a shape of texts", with(func(p *parts) { p.shape = text("a") + "\x85" }),
			"found torch._utils._rebuild_tensor_v2 of a storage, an int, a tuple of 1"},
		{"an offset that is text", with(func(p *parts) { p.offset = text("a") }), "of a storage, a str"},
		{"few arguments", with(func(p *parts) { p.rest = "\x89" }), "with 5 arguments, expected 6 or 7"},
		{"many arguments", with(func(p *parts) { p.rest = "\x89}}}" }), "with 8 arguments"},
		{"hooks", with(func(p *parts) { p.rest = "\x89}NNs" }), "found a tensor with hooks"},
		{"metadata", with(func(p *parts) { p.rest = "\x89}}NNs" }), "found a tensor with metadata"},
		{"metadata that is empty", with(func(p *parts) { p.rest = "\x89}}" }), ""},
		{"a storage that is text", with(func(p *parts) { p.id = text("a") }), "found a str in place of a storage"},
		{"a module", with(func(p *parts) { p.id = text("module") + "\x85" }), "found a whole module"},
		{"an id of another kind", with(func(p *parts) { p.id = "(" + text("x") + "NNNNt" }), `expected a tuple of "storage" and 4 more`},
		{"a short id", with(func(p *parts) { p.id = text("storage") + "N\x86" }), "found a tuple of 2 in place of a storage"},
		{"a storage of another class", with(func(p *parts) { p.id = strings.Replace(p.id, "ctorch\nFloatStorage\n", "N", 1) }),
			"found a storage of None"},
		{"a storage of a negative size", with(func(p *parts) { p.id = storage("0", -1) }), "would have -1 elements"},
		{"a storage whose size overflows", with(func(p *parts) { p.id = storage("0", 1<<62) }), "elements; the file is damaged"},
		{"a storage of another size", with(func(p *parts) { p.id = storage("0", 3) }), "found 8 bytes in storage \"0\", expected 12"},
		{"a storage that is not there", with(func(p *parts) { p.id = storage("1", 2) }), `found no member "data/1"`},
		{"a storage of two sizes",
			dict(text("x"), good.tensor(), text("y"), parts{storage("0", 1), number(0), tuple(), tuple(), "\x89}"}.tensor()),
			`found storage "0" as 2 elements of F32 and as 1 of F32`},
		{"a storage of no tensor", "\x80\x02}.", `the storage "data/0", which belongs to no tensor`},
		{"a call of a class", dict(text("x"), "ctorch\nFloatStorage\n)R"), "found a call of a class of storages"},
		{"an OrderedDict of items", dict(text("x"), "ccollections\nOrderedDict\n](e\x85R"), "OrderedDict of 1 arguments"},
		{"a value of many", dict(text("x"), good.tensor(), strings.Repeat(text("k")+"N", 11)),
			`found None under "k", expected a tensor; the keys are "x", "k", "k", "k", "k", "k", "k", "k" and 4 more`},
		{"a long name", dict(text("x"), good.tensor(), text(strings.Repeat("k", 1000)), "N"),
			`the keys are "x", "` + strings.Repeat("k", 80) + `"…. Save`},
		{"a name that is a tuple", dict(text("x"), good.tensor(), text("k"), "N", ")", "N"), `the keys are "x", "k", a tuple of 0`},
		{"a parameter of a dict", dict(text("x"), "ctorch._utils\n_rebuild_parameter\n}\x89}\x87R"), "_rebuild_parameter of a tuple of 3"},
		{"bytes after it", dict(text("x"), good.tensor()) + "N", "1 bytes after the pickle"},
	} {
		b := archive(t, member{name: "a/data.pkl", text: c.pickle}, member{name: "a/data/0", text: data})
		check(t, c.name, b, c.want)
	}
}

// check holds the error of a file against the words that it should have; none if want is empty.
func check(t *testing.T, name string, b []byte, want string) {
	t.Helper()
	_, err := torch.NewFile(bytes.NewReader(b), int64(len(b)))
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: found the error %v, expected one with %q", name, err, want)
	}
}

func TestArchivesThatAreRefused(t *testing.T) {
	pickle, element := member{name: "a/data.pkl", text: dict(text("x"), vector().tensor())}, member{name: "a/data/0", text: data}
	for _, c := range []struct {
		name    string
		members []member
		want    string
	}{
		{"as it should be", []member{pickle, element, {name: "a/byteorder", text: "little"}, {name: "a/version", text: "3\n"}}, ""},
		{"without a pickle", []member{element}, "without NAME/data.pkl"},
		{"two pickles", []member{pickle, {name: "b/data.pkl"}}, "expected one pickle"},
		{"a member elsewhere", []member{pickle, element, {name: "data/0", text: data}}, `the member "data/0" outside of the folder "a/"`},
		{"a member twice", []member{pickle, element, element}, `"a/data/0" twice`},
		{"big-endian", []member{pickle, element, {name: "a/byteorder", text: "big"}}, `the byte order "big"`},
		{"a long byte order", []member{pickle, element, {name: "a/byteorder", text: data + data + data}}, "expected at most 16"},
		{"a version of the future", []member{pickle, element, {name: "a/version", text: "11"}}, `found version "11"`},
		{"a version that is no number", []member{pickle, element, {name: "a/version", text: "x"}}, `found version "x"`},
		{"a compressed storage", []member{pickle, {name: "a/data/0", text: data, method: zip.Deflate}}, "compressed or encrypted"},
		{"a compressed pickle", []member{{name: pickle.name, text: pickle.text, method: zip.Deflate}, element}, "compressed or encrypted"},
		{"a large pickle", []member{{name: pickle.name, text: strings.Repeat("\x80\x02", 5<<20)}}, "expected at most 8388608"},
	} {
		check(t, c.name, archive(t, c.members...), c.want)
	}
}

// legacy is the form before torch 1.6.
func legacy(machine, state, keys, rest string) []byte {
	return []byte("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + "\x80\x02M\xe9\x03." + machine + state + keys + rest)
}

func TestLegacyFilesThatAreRefused(t *testing.T) {
	machine := func(little string) string { return "\x80\x02}" + text("little_endian") + little + "s." }
	p := vector()
	p.id = strings.TrimSuffix(p.id, "t") + "Nt"
	state := dict(text("x"), p.tensor())
	p.id = strings.TrimSuffix(p.id, "Nt") + tuple(0, 1) + "t"
	part := dict(text("x"), p.tensor())
	keys := func(names ...string) string {
		s := "\x80\x02]("
		for _, name := range names {
			s += text(name)
		}
		return s + "e."
	}
	elements := "\x02\x00\x00\x00\x00\x00\x00\x00" + data
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"as it should be", legacy(machine("\x88"), state, keys("0"), elements), ""},
		{"big-endian", legacy(machine("\x89"), state, keys("0"), elements), "a big-endian machine"},
		{"no facts", legacy("N.", state, keys("0"), elements), "found None, expected a dict of the machine's facts"},
		{"no list", legacy(machine("\x88"), state, "N.", elements), "found None, expected the list of the storages"},
		{"a key that is no text", legacy(machine("\x88"), state, "]Na.", elements), "found the storage None in the list"},
		{"a storage of no tensor", legacy(machine("\x88"), state, keys("0", "1"), elements+elements), `found the storage "1" in the list`},
		{"a storage twice", legacy(machine("\x88"), state, keys("0", "0"), elements+elements), "stands there twice"},
		{"a storage that is not listed", legacy(machine("\x88"), state, keys(), ""), "found 0 storages in the list, expected 1"},
		{"another size", legacy(machine("\x88"), state, keys("0"), "\x03"+elements[1:]), "found 3 elements in storage \"0\", expected 2"},
		{"cut", legacy(machine("\x88"), state, keys("0"), elements[:12]), "of 8 bytes, and 4 before the end"},
		{"cut before it", legacy(machine("\x88"), state, keys("0"), elements[:4]), `the end of the file before storage "0"`},
		{"bytes after it", legacy(machine("\x88"), state, keys("0"), elements+"x"), "1 bytes after the last storage"},
		{"a part of a storage", legacy(machine("\x88"), part, keys("0"), elements), "found a part of a storage"},
		{"another version", bytes.Replace(legacy(machine("\x88"), state, keys("0"), elements), []byte("M\xe9\x03"), []byte("M\xe8\x03"), 1),
			"found an int other than 1001"},
	} {
		check(t, c.name, c.b, c.want)
	}
}

// A pickle can make many tensors of the same arguments, which no dictionary holds.
func TestPickleOfManyTensors(t *testing.T) {
	args := "(" + storage("0", 2) + "Q" + number(0) + tuple(1, 1, 1, 1, 1, 1, 1, 2) + tuple(1, 1, 1, 1, 1, 1, 1, 1) + "\x89}tq\x00"
	list := strings.Repeat("h\x01h\x00Ra", 100_000)
	b := archive(t, member{name: "a/data.pkl", text: args + "ctorch._utils\n_rebuild_tensor_v2\nq\x01\x86]" + list + "\x86."},
		member{name: "a/data/0", text: data})
	check(t, "many tensors", b, "found a tuple of 2, expected a dictionary of tensors")
}
