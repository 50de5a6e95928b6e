package attention

import (
	"fmt"
	"math"

	"github.com/longspan/longspan/tensor"
)

// T5 adds a learned number for each head and bucket of distances: near distances have a bucket each, far ones share buckets that
// widen logarithmically up to MaxDistance. T5's own models do not scale their scores: set Config.Scale to 1 for them.
//
// Raffel et al. 2019, arXiv:1910.10683, section 2.1.
type T5 struct {
	Table         []float32 // [Buckets, H]
	Buckets       int       // 32 in the paper
	MaxDistance   int       // 128 in the paper
	Bidirectional bool      // keys before and after the query have buckets of their own (encoders); else those after share bucket 0
}

// Bucket is the bucket of a key at position key − query = relative.
func (b T5) Bucket(relative int) int {
	n, base, distance := b.Buckets, 0, -relative
	if b.Bidirectional {
		n /= 2
		if relative > 0 {
			base, distance = n, relative
		}
	}
	distance = max(distance, 0)
	exact := n / 2 // this many distances have a bucket each
	if distance < exact {
		return base + distance
	}
	far := math.Log(float64(distance)/float64(exact)) / math.Log(float64(b.MaxDistance)/float64(exact))
	return base + min(exact+int(far*float64(n-exact)), n-1)
}

// CheckBuckets refuses numbers of buckets and distances for which Bucket is not defined. It does not look at the table.
func (b T5) CheckBuckets() error {
	least := 2
	if b.Bidirectional {
		least = 4
	}
	if b.Buckets < least || b.Buckets%least != 0 || b.MaxDistance <= b.Buckets/least {
		return fmt.Errorf("attention: found %d T5 buckets up to distance %d, expected a multiple of %d and a distance above %d; the paper "+
			"has 32 and 128",
			b.Buckets, b.MaxDistance, least, b.Buckets/least)
	}
	return nil
}

func (b T5) check(c Config, _ []Seq) error {
	if err := b.CheckBuckets(); err != nil {
		return err
	}
	if len(b.Table)%c.Heads != 0 || len(b.Table)/c.Heads != b.Buckets {
		return fmt.Errorf("attention: found a T5 table of %d numbers, expected %d buckets × %d heads", len(b.Table), b.Buckets, c.Heads)
	}
	return nil
}

func (b T5) checkGrads(_ *Attention, g *BiasGrads) error {
	if len(g.Table) != len(b.Table) {
		return fmt.Errorf("attention: found room for %d gradients of a T5 table, expected %d", len(g.Table), len(b.Table))
	}
	return nil
}

func (b T5) naive(_ *NaiveInput, r naiveRow, j int) float64 {
	return float64(b.Table[b.Bucket(-r.distance(j))*r.n.c.Heads+r.head])
}

func (b T5) naiveBackward(*NaiveInput, naiveRow, int, float64) {}

func (b T5) scratch(Config) int { return 0 }

// checkTable refuses values that cannot be used.
func (b T5) checkTable(heads int) error {
	for i, x := range b.Table {
		if err := checkBiasValue("T5 table", x, i/heads, i%heads); err != nil {
			return err
		}
	}
	return nil
}

func (b T5) start(a *Attention, mem *tensor.Pool, _ In, dry bool) (tileBias, error) {
	if err := b.checkTable(a.c.Heads); err != nil {
		return nil, err
	}
	table := newDistanceTable(a, mem, dry, func(head, distance int) float64 { return float64(b.Table[b.Bucket(-distance)*a.c.Heads+head]) })
	return t5Table{table, b}, nil
}

// t5Table is the tabulated bias, with the way back to the buckets.
type t5Table struct {
	*distanceTable
	bias T5
}

func (t t5Table) gradient(b *backward) biasGradient {
	g := t.distanceTable.gradient(b).(*distanceGradient)
	g.into = func(g *distanceGradient) {
		clear(g.out.Table)
		for h := range g.sums.Rows {
			for i, ds := range g.sums.Row(h) {
				g.out.Table[t.bias.Bucket(-(t.first+i))*g.sums.Rows+h] += ds
			}
		}
	}
	return g
}

// checkBiasValue refuses what would turn rows into NaN. −Inf hides a key and is welcome.
func checkBiasValue(what string, x float32, i, j int) error {
	if !(x <= maxLogit) {
		return fmt.Errorf("attention: found %g in the %s at (%d, %d), expected a number of at most %.3g, or −Inf; check what made it", x, what,
			i, j, maxLogit)
	}
	return nil
}
