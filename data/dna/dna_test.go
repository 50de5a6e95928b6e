package dna

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
)

func TestParseKnowsTheWholeAlphabet(t *testing.T) {
	for c := range 256 {
		letter := byte(c)
		_, kind := Parse(letter)
		want := NoBase
		switch upper := strings.ToUpper(string(rune(letter))); {
		case letter >= 0x80:
		case strings.Contains("ACGTU", upper):
			want = Exact
		case strings.Contains("NRYSWKMBDHV", upper):
			want = Ambiguous
		}
		if kind != want {
			t.Errorf("Parse(%q) is of kind %d, want %d", letter, kind, want)
		}
	}
}

func TestComplement(t *testing.T) {
	bases, ok := ParseString("ACGTNacgtn")
	if !ok {
		t.Fatal("ParseString refused bases")
	}
	ReverseComplement(bases)
	var got strings.Builder
	for _, b := range bases {
		got.WriteByte(b.Letter())
	}
	if want := "nacgtNACGT"; got.String() != want {
		t.Errorf("reverse complement is %s, want %s", got.String(), want)
	}
}

// randomBases has runs of N and of lower case, as genomes have.
func randomBases(seed uint64, n int) []Base {
	r := data.NewRandom(seed, 0)
	bases := make([]Base, n)
	unknown, mask := false, Base(0)
	for i := range bases {
		if r.IntN(20) == 0 {
			unknown = r.IntN(4) == 0
			mask = Base(r.IntN(2)) * SoftMask
		}
		bases[i] = Base(r.IntN(4)) | mask
		if unknown {
			bases[i] = N | mask
		}
	}
	return bases
}

func TestSequenceGivesBackWhatItWasGiven(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 63, 64, 1000} {
		want := randomBases(uint64(n), n)
		s := &Sequence{}
		s.Append(want[:n/3])
		s.Append(want[n/3:])
		for start := 0; start < n; start += 1 + n/50 {
			for _, end := range []int{start, start + 1, (start + n) / 2, n} {
				checkSpan(t, s, want, start, max(start, end))
			}
		}
	}
}

func checkSpan(t *testing.T, s *Sequence, all []Base, start, end int) {
	t.Helper()
	want := append([]Base(nil), all[start:end]...)
	got := make([]Base, len(want))
	s.Bases(got, start)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("bases %d…%d are %v, want %v", start, end, got, want)
	}
	unknown, masked := 0, 0
	for _, b := range want {
		if b.Code() == N {
			unknown++
		}
		if b.Masked() {
			masked++
		}
	}
	if s.Unknown(start, end) != unknown || s.Masked(start, end) != masked {
		t.Fatalf("%d…%d has %d N and %d masked, want %d and %d",
			start, end, s.Unknown(start, end), s.Masked(start, end), unknown, masked)
	}
	tokens := make([]int32, len(want))
	for _, reverse := range []bool{false, true} {
		s.Tokens(tokens, start, Strand(reverse))
		if reverse {
			ReverseComplement(want)
		}
		for i := range tokens {
			if tokens[i] != int32(want[i].Code()) {
				t.Fatalf("token %d of %d…%d (reverse %v) is %d, want %d", i, start, end, reverse, tokens[i], want[i].Code())
			}
		}
	}
}

func TestUnpackChecksLength(t *testing.T) {
	if _, err := Unpack("x", "", make([]byte, 2), 9); err == nil {
		t.Error("Unpack took 2 bytes for 9 bases")
	}
	memory := []byte{0b11_10_01_00, 0b01}
	s, err := Unpack("x", "", memory, 5)
	if err != nil {
		t.Fatal(err)
	}
	longer := *s
	if longer.Append([]Base{G}); longer.String(0, 6) != "ACGTCG" || memory[1] != 0b01 {
		t.Errorf("appended to %s, and left the memory at %b", longer.String(0, 6), memory)
	}
	if got := s.String(0, 5); got != "ACGTC" {
		t.Errorf("unpacked %s, want ACGTC", got)
	}
}

func ExampleSequence_Tokens() {
	bases, _ := ParseString("GATTACA")
	s := &Sequence{Name: "example"}
	s.Append(bases)
	tokens := make([]int32, 4)
	s.Tokens(tokens, 0, Forward)
	fmt.Println(tokens)
	s.Tokens(tokens, 0, Reverse) // AATC, the other strand of GATT
	fmt.Println(tokens)
	// Output:
	// [2 0 3 3]
	// [0 0 3 1]
}
