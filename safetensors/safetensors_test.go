package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// file is a file with this header and a number of bytes of elements: 0, 1, 2, …
func file(header string, elements int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range elements {
		b = append(b, byte(i))
	}
	return b
}

func open(t *testing.T, b []byte) *safetensors.File {
	t.Helper()
	f, err := safetensors.NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The example is written by hand from the format's description.
func TestReadAFileOfTheFormat(t *testing.T) {
	f := open(t, file(`{"__metadata__":{"made":"by hand"},`+
		`"b":{"dtype":"F16","shape":[2,1,2],"data_offsets":[8,16]},`+
		`"a":{"shape":[2],"data_offsets":[0,8],"dtype":"F32"}, "none":{"dtype":"I64","shape":[0,3],"data_offsets":[16,16]},`+
		`"one":{"dtype":"U8","shape":[],"data_offsets":[16,17]}}   `, 17))
	var got []string
	for _, e := range f.Entries() {
		got = append(got, e.String())
	}
	want := []string{"a F32 [2]", "b F16 [2 1 2]", "none I64 [0 3]", "one U8 []"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if f.Metadata()["made"] != "by hand" || f.Signed() {
		t.Errorf("metadata %v, signed %v", f.Metadata(), f.Signed())
	}
	if one, err := f.Bytes("one"); err != nil || !bytes.Equal(one, []byte{16}) {
		t.Errorf("one is %v, %v; want [16]", one, err)
	}
	a := tensor.New(tensor.F32, 2, 1)
	if err := f.ReadMat(a, "a"); err != nil {
		t.Fatal(err)
	}
	if got, want := math.Float32bits(a.F32[1]), uint32(0x07060504); got != want {
		t.Errorf("a[1] has the bits %#x; want %#x", got, want)
	}
	b := tensor.New(tensor.F16, 2, 2)
	if err := f.ReadMat(b, "b"); err != nil {
		t.Fatal(err)
	}
	if b.U16[3] != 0x0f0e {
		t.Errorf("b[1,0,1] has the bits %#x; want 0x0f0e", b.U16[3])
	}
}

func TestWhatIsRefused(t *testing.T) {
	ok := `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for _, c := range []struct {
		name, header string
		elements     int
		want         string
	}{
		{"no JSON", `hello`, 0, "does not begin with '{'"},
		{"a list", `[]`, 0, "does not begin with '{'"},
		{"cut JSON", `{"a":{"dtype":`, 0, "EOF"},
		{"text after", ok + `}x`, 8, "after its closing"},
		{"not UTF-8", "{\"\xff\":{}}", 0, "UTF-8"},
		{"same name", ok + `,"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}`, 16, `"a" twice`},
		{"same member", `{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8, `"dtype" twice`},
		{"same metadata", `{"__metadata__":{"k":"1","k":"2"}}`, 0, `"k" twice`},
		{"metadata that is a number", `{"__metadata__":{"k":1}}`, 0, "not text"},
		{"a member too many", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}}`, 8, `"strides"`},
		{"a dtype of the future", `{"a":{"dtype":"F3","shape":[2],"data_offsets":[0,8]}}`, 8, `"F3"`},
		{"no shape", `{"a":{"dtype":"F32","data_offsets":[0,8]}}`, 8, "needs a shape"},
		{"a null in the shape", `{"a":{"dtype":"F32","shape":[2,null],"data_offsets":[0,0]}}`, 0, "number was expected"},
		{"a fraction", `{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,10]}}`, 10, "whole number"},
		{"a negative dimension", `{"a":{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}}`, 8, "impossible shape"},
		{"a negative dimension beside a zero", `{"a":{"dtype":"F32","shape":[0,-1],"data_offsets":[0,0]}}`, 0, "impossible shape"},
		{"an overflow", `{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0, "impossible shape"},
		{"an overflow in bytes", `{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`, 0, "impossible shape"},
		{"three offsets", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}`, 8, "two data_offsets"},
		{"too few bytes for the shape", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4, "8 bytes of F32"},
		{"offsets that fall", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, 8, "data_offsets"},
		{"an overlap", ok + `,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12, "inside another"},
		{"a gap", ok + `,"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}`, 20, "belong to no tensor"},
		{"a gap at the start", `{"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12, "belong to no tensor"},
		{"bytes missing", ok + `}`, 7, "truncated"},
		{"bytes too many", ok + `}`, 9, "belong to none"},
	} {
		b := file(c.header, c.elements)
		_, err := safetensors.NewFile(bytes.NewReader(b), int64(len(b)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want one with %q", c.name, err, c.want)
		}
	}
}

func TestImpossibleHeaderLengths(t *testing.T) {
	for _, b := range [][]byte{{}, {1, 2, 3}, {255, 255, 255, 255, 255, 255, 255, 255, '{'}, {9, 0, 0, 0, 0, 0, 0, 0, '{', '}'}} {
		if _, err := safetensors.NewFile(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%v was accepted", b)
		}
	}
}

// sample is tensors of every kind that Write takes.
func sample() []safetensors.Tensor {
	wide := tensor.New(tensor.F32, 3, 7)
	for i := range wide.F32 {
		wide.F32[i] = float32(i) * 0.37
	}
	wide.F32[4] = float32(math.NaN())
	half := tensor.New(tensor.F16, 1, 3)
	copy(half.U16, []uint16{0x3c00, 0x7bff, 0x0001})
	brain := tensor.New(tensor.BF16, 2, 2)
	copy(brain.U16, []uint16{0x3f80, 0xc000, 0x7f80, 1})
	return []safetensors.Tensor{
		safetensors.Matrix("wide", wide),
		safetensors.Matrix("view", wide.Slice(0, 3, 2, 5)),
		safetensors.Shaped("half", half, 3),
		safetensors.Matrix("brain", brain),
		safetensors.Int64s("counts", []int64{-1, math.MaxInt64, 7}),
		safetensors.Raw("state", safetensors.U8, []int{5}, []byte("state")),
		safetensors.Raw("nothing", safetensors.U8, []int{0}, nil),
	}
}

func write(t *testing.T, tensors []safetensors.Tensor, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriteAndReadBack(t *testing.T) {
	metadata := map[string]string{"step": "12", "quote": `"longspan.sha256":"` + strings.Repeat("0", 64) + `"`}
	f := open(t, write(t, sample(), metadata))
	if err := f.Verify(); err != nil {
		t.Error(err)
	}
	for key, want := range metadata {
		if got := f.Metadata()[key]; got != want {
			t.Errorf("metadata %q is %q; want %q", key, got, want)
		}
	}
	wide := tensor.New(tensor.F32, 3, 7)
	if err := f.ReadMat(wide, "wide"); err != nil {
		t.Fatal(err)
	}
	view := tensor.New(tensor.F32, 3, 3)
	if err := f.ReadMat(view, "view"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		for j := range 3 {
			if got, want := math.Float32bits(view.Row(i)[j]), math.Float32bits(wide.Row(i)[2+j]); got != want {
				t.Errorf("view[%d,%d] has the bits %#x; want %#x", i, j, got, want)
			}
		}
	}
	if got := wide.F32[20]; got != 20*float32(0.37) {
		t.Errorf("wide[2,6] is %g; want %g", got, 20*float32(0.37))
	}
	half := tensor.New(tensor.F32, 1, 3)
	if err := f.ReadMat(half, "half"); err != nil || !slices.Equal(half.F32, []float32{1, 65504, 0x1p-24}) {
		t.Errorf("half is %v, %v", half.F32, err)
	}
	brain := tensor.New(tensor.F32, 2, 2)
	if err := f.ReadMat(brain, "brain"); err != nil || brain.F32[0] != 1 || brain.F32[1] != -2 || !math.IsInf(float64(brain.F32[2]), 1) {
		t.Errorf("brain is %v, %v", brain.F32, err)
	}
	if counts, err := f.Ints("counts"); err != nil || !slices.Equal(counts, []int64{-1, math.MaxInt64, 7}) {
		t.Errorf("counts are %v, %v", counts, err)
	}
	if state, err := f.Bytes("state"); err != nil || string(state) != "state" {
		t.Errorf("state is %q, %v", state, err)
	}
}

func TestEveryBinary16(t *testing.T) {
	bits := make([]byte, 2<<16)
	for i := range 1 << 16 {
		binary.LittleEndian.PutUint16(bits[2*i:], uint16(i))
	}
	f := open(t, write(t, []safetensors.Tensor{safetensors.Raw("h", safetensors.F16, []int{1 << 16}, bits)}, nil))
	got := tensor.New(tensor.F32, 1, 1<<16)
	if err := f.ReadMat(got, "h"); err != nil {
		t.Fatal(err)
	}
	for i, v := range got.F32 {
		// IEEE 754-2019, 3.4: (−1)^s · 2^(e−15) · (1 + f/1024), or 2^−14 · f/1024 where e is 0.
		e, fraction := i>>10&31, float64(i&1023)/1024
		want := math.Ldexp(1+fraction, e-15)
		if e == 0 {
			want = math.Ldexp(fraction, -14)
		} else if e == 31 {
			want = math.Inf(1)
			if fraction != 0 {
				want = math.NaN()
			}
		}
		want = math.Copysign(want, float64(-(i >> 15 & 1)))
		if i>>15 == 1 && want == 0 {
			want = math.Copysign(0, -1)
		}
		if math.Float64bits(float64(v)) != math.Float64bits(want) && !(math.IsNaN(want) && math.IsNaN(float64(v))) {
			t.Fatalf("binary16 %#04x is read as %g; want %g", i, v, want)
		}
	}
}

func TestTheOrderGivenDoesNotMatter(t *testing.T) {
	tensors := sample()
	a := write(t, tensors, map[string]string{"x": "1", "y": "2"})
	slices.Reverse(tensors)
	if b := write(t, tensors, map[string]string{"y": "2", "x": "1"}); !bytes.Equal(a, b) {
		t.Error("the same tensors in another order gave other bytes")
	}
}

func TestElementsAreAligned(t *testing.T) {
	b := write(t, sample(), nil)
	at := 8 + int(binary.LittleEndian.Uint64(b))
	if at%64 != 0 {
		t.Errorf("the elements begin at byte %d; want a multiple of 64", at)
	}
	for _, e := range open(t, b).Entries() {
		if at%e.DType.Size() != 0 {
			t.Errorf("%v begins at byte %d", e, at)
		}
		at += int(e.Bytes())
	}
}

func TestEveryChangedBitIsSeen(t *testing.T) {
	good := write(t, sample(), map[string]string{"step": "12"})
	for i := range 8 * len(good) {
		bad := bytes.Clone(good)
		bad[i/8] ^= 1 << (i % 8)
		if f, err := safetensors.NewFile(bytes.NewReader(bad), int64(len(bad))); err == nil && f.Verify() == nil {
			t.Fatalf("bit %d of byte %d was changed and nothing was said", i%8, i/8)
		}
	}
	for n := range good {
		if f, err := safetensors.NewFile(bytes.NewReader(good[:n]), int64(n)); err == nil && f.Verify() == nil {
			t.Fatalf("the file was cut to %d bytes of %d and nothing was said", n, len(good))
		}
	}
}

func TestVerifyNamesTheReason(t *testing.T) {
	good := write(t, sample(), nil)
	good[len(good)-1] ^= 1
	if err := open(t, good).Verify(); !errors.Is(err, safetensors.ErrChecksum) {
		t.Errorf("error %v; want %v", err, safetensors.ErrChecksum)
	}
	if err := open(t, file(`{}`, 0)).Verify(); err == nil || errors.Is(err, safetensors.ErrChecksum) {
		t.Errorf("a file without a checksum: error %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	m := tensor.New(tensor.F32, 2, 2)
	for _, c := range []struct {
		tensors  []safetensors.Tensor
		metadata map[string]string
		want     string
	}{
		{tensors: []safetensors.Tensor{safetensors.Matrix("a", m), safetensors.Matrix("a", m)}, want: "two tensors"},
		{tensors: []safetensors.Tensor{safetensors.Matrix("", m)}, want: "name"},
		{tensors: []safetensors.Tensor{safetensors.Matrix("__metadata__", m)}, want: "name"},
		{tensors: []safetensors.Tensor{safetensors.Matrix("\xff", m)}, want: "name"},
		{tensors: []safetensors.Tensor{safetensors.Shaped("a", m, 5)}, want: "20 were expected"},
		{tensors: []safetensors.Tensor{safetensors.Shaped("a", m, -2, -2)}, want: "impossible"},
		{tensors: []safetensors.Tensor{safetensors.Raw("a", "F3", []int{1}, nil)}, want: "F3"},
		{metadata: map[string]string{"k": "\xff"}, want: "UTF-8"},
	} {
		var b bytes.Buffer
		if err := safetensors.Write(&b, c.tensors, c.metadata); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v; want one with %q", err, c.want)
		}
		if b.Len() > 0 {
			t.Errorf("%q: %d bytes were written before the error", c.want, b.Len())
		}
	}
}

func TestReadingWhatIsNotThere(t *testing.T) {
	f := open(t, write(t, sample(), nil))
	m := tensor.New(tensor.F32, 2, 2)
	for _, c := range []struct {
		err  error
		want string
	}{
		{f.ReadMat(m, "absent"), "absent"},
		{f.ReadMat(m, "wide"), "2×2 was expected"},
		{f.ReadMat(tensor.New(tensor.F32, 1, 3), "counts"), "is I64"},
		{f.ReadMat(tensor.New(tensor.F16, 2, 2), "brain"), "is BF16"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v; want one with %q", c.err, c.want)
		}
	}
	if _, err := f.Ints("wide"); err == nil {
		t.Error("F32 was read as whole numbers")
	}
}

func TestSaveAndOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := safetensors.Save(path, sample(), nil); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Verify(), f.Close()); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := safetensors.Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v; want one that names the file", err)
	}
}

// FuzzNewFile: what is accepted can be read whole, and means the same when written and read again.
func FuzzNewFile(f *testing.F) {
	f.Add(file(`{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},`+
		`"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}`, 12))
	f.Add(file(`{"a":{"dtype":"I64","shape":[0],"data_offsets":[0,0]}}`, 0))
	f.Add(file(`{}`, 0))
	f.Add([]byte("version https://git-lfs.github.com/spec/v1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := safetensors.NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		var tensors []safetensors.Tensor
		for _, e := range in.Entries() {
			data, err := in.Bytes(e.Name)
			if err != nil {
				t.Fatal(err)
			}
			if e.Name == "" {
				return // the format lets a name be empty; Write does not
			}
			tensors = append(tensors, safetensors.Raw(e.Name, e.DType, e.Shape, data))
		}
		var again bytes.Buffer
		if err := safetensors.Write(&again, tensors, in.Metadata()); err != nil {
			t.Fatal(err)
		}
		out := open(t, again.Bytes())
		if err := out.Verify(); err != nil {
			t.Fatal(err)
		}
		for _, e := range in.Entries() {
			got, err := out.Bytes(e.Name)
			want, _ := in.Bytes(e.Name)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%v changed when written again: %v", e, err)
			}
		}
	})
}
