package bgzip

import (
	"bytes"
	stdgzip "compress/gzip"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// packed is what a Writer makes of data.
func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out)
	for len(data) > 0 {
		n := min(len(data), 1000)
		if _, err := w.Write(data[:n]); err != nil {
			t.Fatal(err)
		}
		data = data[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Fatal("a closed writer takes bytes")
	}
	return out.Bytes()
}

// letters has a part that shrinks and a part that does not.
func letters() []byte {
	source := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = "ACGT"[source.IntN(4)]
		if i > 150_000 {
			data[i] = byte(source.Uint32())
		}
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("x"), letters()[:blockBytes], letters()} {
		file := packed(t, data)
		if !Is(file) {
			t.Error("not recognised")
		}
		z, err := stdgzip.NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("the standard library read %d bytes of %d, %v", len(got), len(data), err)
		}
		f, err := Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if f.Size() != int64(len(data)) {
			t.Fatalf("size %d, want %d", f.Size(), len(data))
		}
		checkReads(t, f, data)
	}
}

func checkReads(t *testing.T, f *File, data []byte) {
	t.Helper()
	for _, start := range []int{0, 1, blockBytes - 1, blockBytes, 200_000, 299_999, 300_000} {
		for _, n := range []int{0, 1, 100, 70_000, 200_000} {
			p := make([]byte, n)
			got, err := f.ReadAt(p, int64(start))
			want := min(n, max(0, len(data)-start))
			if got != want || (err == io.EOF) != (want < n) {
				t.Errorf("%d bytes at %d: got %d, %v, want %d", n, start, got, err, want)
			}
			if want > 0 && !bytes.Equal(p[:got], data[start:start+want]) {
				t.Errorf("%d bytes at %d differ", n, start)
			}
		}
	}
}

// A file that is cut behind a Flush, and gone on with by another Writer, has the same bytes.
func TestFlush(t *testing.T) {
	data := letters()
	parts := [][]byte{data[:100_000], nil, data[100_000:100_001], data[100_001:]}
	var whole, cut bytes.Buffer
	w := NewWriter(&whole)
	for i, part := range parts {
		again := NewWriter(&cut)
		for _, to := range []*Writer{w, again} {
			if _, err := to.Write(part); err != nil {
				t.Fatal(err)
			}
			end := to.Flush
			if i == len(parts)-1 {
				end = to.Close
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !bytes.Equal(whole.Bytes(), cut.Bytes()) {
		t.Errorf("%d bytes and %d differ", whole.Len(), cut.Len())
	}
	z, err := stdgzip.NewReader(&cut)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the standard library read %d bytes of %d, %v", len(got), len(data), err)
	}
	if err := w.Flush(); err == nil {
		t.Error("a closed writer is flushed")
	}
}

// gziOf is the index that bgzip -i writes.
func gziOf(f *File) []byte {
	var out []byte
	list := f.blocks[1 : len(f.blocks)-2] // without the first and the end marker
	out = binary.LittleEndian.AppendUint64(out, uint64(len(list)))
	for _, b := range list {
		out = binary.LittleEndian.AppendUint64(out, uint64(b.at))
		out = binary.LittleEndian.AppendUint64(out, uint64(b.from))
	}
	return out
}

func TestIndex(t *testing.T) {
	data := letters()
	file := packed(t, data)
	plain, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := OpenIndexed(bytes.NewReader(file), int64(len(file)), bytes.NewReader(gziOf(plain)))
	if err != nil {
		t.Fatal(err)
	}
	checkReads(t, f, data)
}

func TestIndexOfAnotherFile(t *testing.T) {
	mine, other := packed(t, letters()), packed(t, bytes.Repeat([]byte("ACGTTG"), 50_000))
	f, err := Open(bytes.NewReader(other), int64(len(other)))
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := OpenIndexed(bytes.NewReader(mine), int64(len(mine)), bytes.NewReader(gziOf(f)))
	if err == nil {
		_, err = wrong.ReadAt(make([]byte, 100), 100_000)
	}
	if err == nil || !strings.Contains(err.Error(), "the index is of another file") {
		t.Errorf("the index of another file: %v", err)
	}
}

func TestCutOff(t *testing.T) {
	file := packed(t, letters())
	for _, n := range []int{0, 5, 17, 18, 25, 30_000, len(file) - 29, len(file) - 28, len(file) - 27, len(file) - 1} {
		if _, err := Open(bytes.NewReader(file[:n]), int64(n)); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("cut after %d of %d bytes: %v", n, len(file), err)
		}
	}
}

// A block that is damaged is no fault of an index that there is not.
func TestDamage(t *testing.T) {
	whole := packed(t, letters())
	first, err := packedSize(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at    int
		value byte
	}{
		"data":          {20_000, whole[20_000] ^ 0x10},
		"end of data":   {headerBytes, 3}, // a last part without data
		"checksum":      {first - 8, whole[first-8] ^ 1},
		"size too low":  {first - 3, whole[first-3] - 1},
		"size too high": {first - 4, whole[first-4] + 1},
	} {
		file := bytes.Clone(whole)
		file[c.at] = c.value
		f, err := Open(bytes.NewReader(file), int64(len(file)))
		if err == nil {
			_, err = f.ReadAt(make([]byte, 60_000), 0)
		}
		if err == nil || !strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "index") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFileBecomesShorter(t *testing.T) {
	file := packed(t, letters())
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f.r = bytes.NewReader(file[:1000])
	if _, err := f.ReadAt(make([]byte, 100), 0); err == nil || !strings.Contains(err.Error(), "became shorter while it was read") {
		t.Error(err)
	}
}

func FuzzOpen(f *testing.F) {
	small := packed(f, []byte("ACGTACGT"))
	f.Add(small, []byte{})
	two := append(small[:len(small)-28:len(small)-28], small...)
	f.Add(two, []byte{1, 0, 0, 0, 0, 0, 0, 0, byte(len(small) - 28), 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, file, gzi []byte) {
		open := []func() (*File, error){
			func() (*File, error) { return Open(bytes.NewReader(file), int64(len(file))) },
			func() (*File, error) {
				return OpenIndexed(bytes.NewReader(file), int64(len(file)), bytes.NewReader(gzi))
			},
		}
		for _, o := range open {
			r, err := o()
			if err != nil {
				continue
			}
			p := make([]byte, min(r.Size(), 1<<18))
			_, _ = r.ReadAt(p, 0)
			_, _ = r.ReadAt(p, r.Size()/2)
		}
	})
}
