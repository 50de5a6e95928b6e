package gunzip

import (
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"testing"
)

func readAll(packed []byte) ([]byte, error) {
	r, err := NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func pack(t testing.TB, extra []byte, texts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, text := range texts {
		z := stdgzip.NewWriter(&out)
		z.Extra = extra
		if _, err := io.WriteString(z, text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestEndOfBlocksIsGzip(t *testing.T) {
	r, err := stdgzip.NewReader(bytes.NewReader([]byte(endOfBlocks)))
	if err != nil || !isBlocked(r.Extra) {
		t.Fatalf("the end marker is no member with the field BC: %v", err)
	}
	if text, err := io.ReadAll(r); err != nil || len(text) > 0 {
		t.Errorf("the end marker holds %q, %v; want nothing", text, err)
	}
}

func TestEveryCutIsFound(t *testing.T) {
	for name, whole := range map[string][]byte{
		"gzip":  pack(t, nil, "some text"),
		"bgzip": append(pack(t, []byte{'B', 'C', 2, 0, 0, 0}, "some text, ", "and more"), endOfBlocks...),
	} {
		if _, err := readAll(whole); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := 2; n < len(whole); n++ { // a single byte is plain text
			if text, err := readAll(whole[:n]); err == nil {
				t.Errorf("%s cut after %d of %d bytes was read as %q", name, n, len(whole), text)
			}
		}
	}
}

func TestOtherExtraFields(t *testing.T) {
	for _, extra := range [][]byte{{}, {'B'}, {'X', 'Y', 1, 0, 7}, {'B', 'C', 3, 0, 0, 0, 0}, {'A', 'B', 255, 255}} {
		if isBlocked(extra) {
			t.Errorf("%v was taken for bgzip's", extra)
		}
	}
	if !isBlocked([]byte{'X', 'Y', 1, 0, 7, 'B', 'C', 2, 0, 9, 9}) {
		t.Error("bgzip's field was not found behind another")
	}
}

// FuzzNewReader checks against the standard library: accepted bytes are the same, and what it refuses is refused.
func FuzzNewReader(f *testing.F) {
	f.Add(pack(f, nil, "a", "", "b"))
	f.Add(pack(f, []byte{'B', 'C', 2, 0, 0, 0}, "a"))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, input []byte) {
		got, err := readAll(input)
		if !bytes.HasPrefix(input, []byte{0x1f, 0x8b}) {
			if err == nil && !bytes.Equal(got, input) {
				t.Fatalf("plain bytes came out as %q", got)
			}
			return
		}
		z, stdErr := stdgzip.NewReader(bytes.NewReader(input))
		var want []byte
		if stdErr == nil {
			want, stdErr = io.ReadAll(z)
		}
		if err == nil && (stdErr != nil || !bytes.Equal(got, want)) {
			t.Fatalf("got %q; the standard library %q, %v", got, want, stdErr)
		}
	})
}
