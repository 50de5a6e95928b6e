package markov

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genome"
)

// sequenceOf is n bases of an order-2 source, with some N.
func sequenceOf(seed uint64, n int) *dna.Sequence {
	r := data.NewRandom(seed, 0)
	bases := make([]dna.Base, n)
	for i := range bases {
		bases[i] = dna.Base(r.IntN(4))
		if i >= 2 && r.IntN(4) > 0 {
			bases[i] = (bases[i-1].Code() + 2*bases[i-2].Code() + 1) & 3
		}
		if r.IntN(97) == 0 {
			bases[i] = dna.N
		}
	}
	s := &dna.Sequence{Name: "test"}
	s.Append(bases)
	return s
}

// countNaively finds what follows each context of j bases, by its letters, where max bases come before it.
func countNaively(strands []string, j, most int) map[string][4]uint32 {
	counts := map[string][4]uint32{}
	for _, s := range strands {
		for i := most; i < len(s); i++ {
			if base := strings.IndexByte("ACGT", s[i]); base >= 0 && !strings.Contains(s[i-most:i], "N") {
				c := counts[s[i-j:i]]
				c[base]++
				counts[s[i-j:i]] = c
			}
		}
	}
	return counts
}

func otherStrand(letters string) string {
	bases, _ := dna.ParseString(letters)
	dna.ReverseComplement(bases)
	out := make([]byte, len(bases))
	for i, b := range bases {
		out[i] = b.Letter()
	}
	return string(out)
}

func TestCountsEqualNaiveOnes(t *testing.T) {
	s := sequenceOf(1, 3000)
	spans := []dna.Span{{Start: 10, End: 1000}, {Start: 1500, End: 3000}}
	for _, order := range []int{0, 1, 5, denseOrder, denseOrder + 1, 16, MaxOrder} {
		for _, both := range []bool{false, true} {
			c, err := Count(piecesOf(s, spans), CountConfig{Order: order, BothStrands: both})
			if err != nil {
				t.Fatal(err)
			}
			var strands []string
			for _, span := range spans {
				strands = append(strands, s.String(span.Start, span.End))
				if both {
					strands = append(strands, otherStrand(s.String(span.Start, span.End)))
				}
			}
			naive := make([]map[string][4]uint32, order+1)
			for j := range naive {
				naive[j] = countNaively(strands, j, order)
			}
			m := &Model{config: Config{Order: order}, sequence: s, counts: c}
			err = m.visit(s, dna.Span{Start: 0, End: s.Len()}, 1, func(at, _ int, r *row, known int) {
				for j := 0; j <= known; j++ {
					if want := naive[j][s.String(at-j, at)]; r[j] != want {
						t.Fatalf("order %d of %d, both %v, base %d: %v, want %v", j, order, both, at, r[j], want)
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestProbabilitiesAddUpToOne(t *testing.T) {
	s := sequenceOf(2, 20000)
	for _, smoothing := range []Smoothing{Add, WittenBell, Blend} {
		m, err := Fit(s, Config{Order: 14, Smoothing: smoothing, Train: []dna.Span{{Start: 0, End: 15000}}})
		if err != nil {
			t.Fatal(err)
		}
		err = m.visit(s, dna.Span{Start: 15000, End: 20000}, 1, func(at, _ int, r *row, known int) {
			var p byOrder
			m.smooth.predict(&p, r, known)
			for j, q := range p[:known+1] {
				if sum := q[0] + q[1] + q[2] + q[3]; math.Abs(sum-1) > 1e-12 || min(q[0], q[1], q[2], q[3]) <= 0 {
					t.Fatalf("%v, order %d, base %d: the probabilities are %v", smoothing, j, at, q)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestKnownSource: the source keeps to its rule with 3/4 and draws evenly with 1/4, so the best any model can do
// is 13/16 for one base and 1/16 for the others: 0.9935 bits.
func TestKnownSource(t *testing.T) {
	r := data.NewRandom(5, 0)
	bases := make([]dna.Base, 200000)
	for i := range bases {
		bases[i] = dna.Base(r.IntN(4))
		if i >= 2 && r.IntN(4) > 0 {
			bases[i] = (bases[i-1] + 2*bases[i-2] + 1) & 3
		}
	}
	s := &dna.Sequence{Name: "known"}
	s.Append(bases)
	entropy := -(13.0/16*math.Log2(13.0/16) + 3.0/16*math.Log2(1.0/16))
	for _, smoothing := range []Smoothing{Add, WittenBell, Blend} {
		m, err := Fit(s, Config{Order: 2, Smoothing: smoothing, OneStrand: true, Train: []dna.Span{{Start: 0, End: 150000}}})
		if err != nil {
			t.Fatal(err)
		}
		bits, n, err := m.BitsPerBase(dna.Span{Start: 150000, End: 200000})
		if err != nil || n != 50000 {
			t.Fatalf("scored %d bases, %v", n, err)
		}
		// The standard deviation of a base's bits is √(13/16·3/16)·log₂13 = 1.44, of the mean of 50,000 0.0065.
		if math.Abs(bits[2]-entropy) > 0.02 || bits[0] < 1.9 {
			t.Errorf("%v: %.4f bits at order 2 and %.4f at order 0, want %.4f and about 2", smoothing, bits[2], bits[0], entropy)
		}
	}
}

// TestBlendSurvivesHighOrders: orders above the source's own tell nothing, and 50,000 bases fill none of them.
// Blend has to find that out; a smoothing that trusts counts as they are pays for it.
func TestBlendSurvivesHighOrders(t *testing.T) {
	s := sequenceOf(3, 60000)
	lost := map[Smoothing]float64{}
	for _, smoothing := range []Smoothing{WittenBell, Blend} {
		m, err := Fit(s, Config{Order: MaxOrder, Smoothing: smoothing, Train: []dna.Span{{Start: 0, End: 50000}}, OneStrand: true})
		if err != nil {
			t.Fatal(err)
		}
		bits, _, err := m.BitsPerBase(dna.Span{Start: 50000, End: 60000})
		if err != nil {
			t.Fatal(err)
		}
		lost[smoothing] = bits[MaxOrder] - bits[2]
	}
	if lost[Blend] > lost[WittenBell]/20 {
		t.Errorf("orders above the source's own cost blend %.4f bits and witten-bell %.4f", lost[Blend], lost[WittenBell])
	}
}

// TestEColi checks the table of README.md.
func TestEColi(t *testing.T) {
	s := genome.EColi()
	split := genome.SplitOf(s.Len())
	train := dna.Span{Start: 0, End: split.Validation.End}
	rows, scored, err := Compare(s, train, split.Test, 16)
	if err != nil {
		t.Fatal(err)
	}
	if scored != split.Test.Len() {
		t.Errorf("scored %d bases of %d", scored, split.Test.Len())
	}
	for _, r := range rows {
		t.Logf("%2d  α %-9g add %.4f  witten-bell %.4f  blend %.4f  best %v", r.Order, r.Alpha, r.Add, r.WittenBell, r.Blend, r.Best)
		// Up to order 6 there are 500 bases or more to a context, and the smoothing hardly matters.
		if r.Order > 6 && (r.Best != Blend || r.Bits() > r.Add) {
			t.Errorf("order %d: blend should be best, and is %.4f against %.4f", r.Order, r.Blend, r.Add)
		}
	}
	for order, want := range map[int]float64{1: 1.9828, 8: 1.9270, 12: 1.9070, 15: 1.8925, 16: 1.8907} {
		if got := rows[order-1].Bits(); math.Abs(got-want) > 0.00006 {
			t.Errorf("order %d takes %.5f bits a base, README.md says %.4f", order, got, want)
		}
	}
}

func TestBitsAgreeWithTheirMean(t *testing.T) {
	s := sequenceOf(4, 5000)
	m, err := Fit(s, Config{Order: 13, Smoothing: Blend, Train: []dna.Span{{Start: 0, End: 4000}}})
	if err != nil {
		t.Fatal(err)
	}
	span := dna.Span{Start: 3900, End: 5000}
	mean, scored, err := m.BitsPerBase(span)
	if err != nil {
		t.Fatal(err)
	}
	for order := range mean {
		bits := make([]float64, span.Len())
		if err := m.Bits(bits, span, order); err != nil {
			t.Fatal(err)
		}
		sum, n := 0.0, 0
		for i, b := range bits {
			if unknown := s.Unknown(span.Start+i, span.Start+i+1) == 1; unknown != math.IsNaN(b) {
				t.Fatalf("base %d has %g bits", i, b)
			}
			if !math.IsNaN(b) {
				sum, n = sum+b, n+1
			}
		}
		if n != scored || math.Abs(sum/float64(n)-mean[order]) > 1e-12 {
			t.Errorf("order %d: %d bases of %g bits in the mean, want %d of %g", order, n, sum/float64(n), scored, mean[order])
		}
	}
}

func TestInputIsChecked(t *testing.T) {
	s := sequenceOf(6, 100)
	whole := []dna.Span{{Start: 0, End: 100}}
	m, err := Fit(s, Config{Order: 2, Train: whole})
	if err != nil {
		t.Fatal(err)
	}
	_, orderErr := Fit(s, Config{Order: MaxOrder + 1, Train: whole})
	_, spanErr := Fit(s, Config{Order: 2, Train: []dna.Span{{Start: 0, End: 101}}})
	_, emptyErr := Fit(s, Config{Order: 2, Train: []dna.Span{{Start: 0, End: 2}}})
	_, _, scoreErr := m.BitsPerBase(dna.Span{Start: -1, End: 5})
	_, _, compareErr := Compare(s, whole[0], whole[0], 0)
	for want, err := range map[string]error{
		"order 19": orderErr, "0 … 101": spanErr, "no base after 2": emptyErr, "-1 … 5": scoreErr, "order 0": compareErr,
		"room for 3": m.Bits(make([]float64, 3), whole[0], 1), "order 3 of": m.Bits(make([]float64, 100), whole[0], 3),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

func ExampleFit() {
	s := genome.EColi()
	m, err := Fit(s, Config{Order: 3, Smoothing: Blend, Train: []dna.Span{{Start: 0, End: 1000000}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	bits, _, err := m.BitsPerBase(dna.Span{Start: 1000000, End: 1100000})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f bits per base\n", bits[3])
	// Output: 1.95 bits per base
}
