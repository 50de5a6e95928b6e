package events_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/train/internal/events"
)

// records undoes the framing and checks both checksums.
func records(t *testing.T, b []byte) (list [][]byte) {
	t.Helper()
	check := func(b []byte, masked uint32) {
		t.Helper()
		rotated := masked - 0xa282ead8
		if crc := rotated<<15 | rotated>>17; crc != crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) {
			t.Fatalf("the checksum of %d bytes is wrong", len(b))
		}
	}
	for len(b) > 0 {
		n := binary.LittleEndian.Uint64(b)
		check(b[:8], binary.LittleEndian.Uint32(b[8:]))
		check(b[12:12+n], binary.LittleEndian.Uint32(b[12+n:]))
		list = append(list, b[12:12+n])
		b = b[16+n:]
	}
	return list
}

// decode prints a protocol buffer field by field; nested says which paths of fields are messages.
func decode(b []byte, path string, nested map[string]bool) (lines []string) {
	for len(b) > 0 {
		key, n := binary.Uvarint(b)
		b = b[n:]
		at := fmt.Sprintf("%s%d", path, key>>3)
		switch key & 7 {
		case 0:
			v, n := binary.Uvarint(b)
			lines, b = append(lines, fmt.Sprintf("%s: %d", at, v)), b[n:]
		case 1:
			lines, b = append(lines, fmt.Sprintf("%s: %g", at, math.Float64frombits(binary.LittleEndian.Uint64(b)))), b[8:]
		case 5:
			lines, b = append(lines, fmt.Sprintf("%s: %g", at, math.Float32frombits(binary.LittleEndian.Uint32(b)))), b[4:]
		case 2:
			size, n := binary.Uvarint(b)
			value := b[n : n+int(size)]
			b = b[n+int(size):]
			if nested[at] {
				lines = append(lines, decode(value, at+".", nested)...)
			} else {
				lines = append(lines, fmt.Sprintf("%s: %q", at, value))
			}
		}
	}
	return lines
}

func TestEvents(t *testing.T) {
	var b bytes.Buffer
	now := time.UnixMicro(1_700_000_000_500_000)
	w, err := events.NewWriter(&b, now, 300)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Scalars(now, 300, events.Scalar{Tag: "loss/train", Value: 1.25}, events.Scalar{Tag: "rate", Value: 0x1p-10}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range records(t, b.Bytes()) {
		got = append(got, decode(r, "", map[string]bool{"5": true, "5.1": true, "7": true})...)
	}
	want := []string{
		"1: 1.7000000005e+09", `3: "brain.Event:2"`,
		"1: 1.7000000005e+09", "2: 300", "7.1: 1",
		"1: 1.7000000005e+09", "2: 300", `5.1.1: "loss/train"`, "5.1.2: 1.25", `5.1.1: "rate"`, "5.1.2: 0.0009765625",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every event file that TensorFlow writes begins with these bytes: the length 24, the masked checksum of that, and
// the tag of the time.
func TestFirstBytes(t *testing.T) {
	var b bytes.Buffer
	if _, err := events.NewWriter(&b, time.Unix(0, 0), 0); err != nil {
		t.Fatal(err)
	}
	want := "1800000000000000" + "a37f4b22" + "09"
	if got := hex.EncodeToString(b.Bytes()[:13]); got != want {
		t.Errorf("the file begins with %s; want %s", got, want)
	}
}

func TestName(t *testing.T) {
	if got, want := events.Name(time.Unix(1_700_000_000, 0), "host", 7), "events.out.tfevents.1700000000.host.7"; got != want {
		t.Errorf("name %q; want %q", got, want)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left")

func TestWriteErrors(t *testing.T) {
	if _, err := events.NewWriter(full{}, time.Now(), 0); !errors.Is(err, errFull) {
		t.Errorf("error %v; want %v", err, errFull)
	}
}
