package tour

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/png"
	"math"
	"testing"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/tensor"
)

func TestGenomeIsWhole(t *testing.T) {
	bases, err := Genome(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	letters := make([]byte, len(bases))
	counts := map[byte]int{}
	for i, b := range bases {
		letters[i] = b.Letter()
		counts[letters[i]]++
	}
	if len(bases) != Length || counts['A'] != 12334 || counts['C'] != 11362 || counts['G'] != 12820 || counts['T'] != 11986 {
		t.Errorf("%d bases, %v", len(bases), counts)
	}
	// The sum of the 48,502 upper-case letters of NC_001416.1.
	const want = "36432a40f602258d19ae7c8152ddbc30390b559f2859c01d7047c77b048c71b3"
	if sum := sha256.Sum256(letters); hex.EncodeToString(sum[:]) != want {
		t.Errorf("SHA-256 %x", sum)
	}
}

// The score of Inputs must be what the comment says: the sum of the weights of the places that agree.
func TestInputsScoreIsWeightedAgreement(t *testing.T) {
	bases, err := Genome(64)
	if err != nil {
		t.Fatal(err)
	}
	q, k, _ := Inputs(bases)
	for h, head := range heads {
		for _, at := range [][2]int{{63, 20}, {40, 40}, {30, 5}, {3, 1}, {10, 0}} {
			i, j := at[0], at[1]
			want := 0.0
			for p := range Context {
				if i-p >= 0 && j-1-p >= 0 && bases[i-p] == bases[j-1-p] {
					want += head.strength * math.Pow(head.decay, float64(p))
				}
			}
			got := 0.0
			for c := range HeadDim {
				got += float64(q.Row(i)[h*HeadDim+c]) * float64(k.Row(j)[h*HeadDim+c])
			}
			if got /= math.Sqrt(HeadDim); math.Abs(got-want) > 1e-5 {
				t.Errorf("head %d, query %d, key %d: score %g, want %g", h, i, j, got, want)
			}
		}
	}
}

func TestBits(t *testing.T) {
	bases := []dna.Base{dna.A, dna.C, dna.G, dna.T}
	out := tensor.New(tensor.F32, len(bases), Heads*HeadDim)
	if got := Bits(out, bases); got != 2 {
		t.Errorf("no guess at all: %g bits, want 2", got)
	}
	for token := range len(bases) - 1 {
		for h := range Heads {
			out.Row(token)[h*HeadDim+int(bases[token+1])] = 7 // not a probability: Bits scales it
			out.Row(token)[h*HeadDim+int(bases[token])] = -1  // nor can this be one: Bits cuts it
		}
	}
	if got, want := Bits(out, bases), -math.Log2(1-doubt+doubt/4); math.Abs(got-want) > 1e-12 {
		t.Errorf("every guess right: %g bits, want %g", got, want)
	}
}

func TestDifference(t *testing.T) {
	a, b := tensor.FromF32([]float32{3, 0, 0, 5}, 2, 2), tensor.FromF32([]float32{3, 0, 0, 4}, 2, 2)
	if got := Difference(a, b); got != 0.2 { // ‖(0,0,0,1)‖ / ‖(3,0,0,4)‖
		t.Errorf("got %g, want 0.2", got)
	}
}

func TestRun(t *testing.T) {
	r, err := Run(Options{Tokens: 700}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Rows) != 8 || r.Rows[0].Difference != 0 {
		t.Fatalf("%d rows, full differs from itself by %g", len(r.Rows), r.Rows[0].Difference)
	}
	for _, row := range r.Rows {
		if !(row.Bits > 1.5 && row.Bits < 2.6) || row.Seconds <= 0 || row.Planned <= 0 || row.Bytes <= 0 {
			t.Errorf("%+v", row)
		}
	}
	if pairs := r.Rows[0].Pairs; pairs != 700*701/2 {
		t.Errorf("%d pairs under a causal mask", pairs)
	}
	var file bytes.Buffer
	if err := PNG(&file, r); err != nil {
		t.Fatal(err)
	}
	if image, err := png.Decode(&file); err != nil || image.Bounds().Dx() < 1000 {
		t.Errorf("the picture does not decode: %v", err)
	}
	for _, tokens := range []int{-1, 1, Length + 1} {
		if _, err := Run(Options{Tokens: tokens}, nil); err == nil {
			t.Errorf("%d tokens were accepted", tokens)
		}
	}
}
