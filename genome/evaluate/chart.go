package evaluate

import (
	"fmt"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
)

// reach is the bases on each side of a region that its features look at.
const reach = 5000

// maxRegion bounds a region, in bases: 25 bytes each are in memory.
const maxRegion = 250_000_000

// chart is the bases of a region with its flanks. Beyond the contig's ends they are N.
type chart struct {
	region genome.Region
	start  int // of bases, may be below 0
	bases  []dna.Base
}

func newChart(ref *fasta.Reference, r genome.Region) (*chart, error) {
	if r.End-r.Start > maxRegion {
		return nil, fmt.Errorf("evaluate: found the region %v of %d bases, expected at most %d", r, r.End-r.Start, maxRegion)
	}
	c := &chart{region: r, start: r.Start - reach}
	var err error
	c.bases, err = ref.Bases(nil, fasta.Window{Contig: r.Contig.Name, Start: c.start, End: r.End + reach})
	for i, b := range c.bases {
		c.bases[i] = b.Code()
	}
	return c, err
}

// at is the base of a position.
func (c *chart) at(pos int) dna.Base { return c.bases[pos-c.start] }

// around is the number of the k bases around a position, the first one leading: 0 … 4ᵏ−1. ok is false if one of them is not known.
func (c *chart) around(pos, k int) (code int, ok bool) {
	for _, b := range c.bases[pos-k/2-c.start : pos+k/2+1-c.start] {
		if b >= dna.N {
			return 0, false
		}
		code = code<<2 | int(b)
	}
	return code, true
}

// flank is the bases on each side that must be known for a substitution to take part.
const flank = 10

// known reports whether all bases near a position are known.
func (c *chart) known(pos int) bool {
	for _, b := range c.bases[pos-flank-c.start : pos+flank+1-c.start] {
		if b >= dna.N {
			return false
		}
	}
	return true
}

// class is the number of the bases beside a substitution, the base itself and the other: 0 … 255. It is what matching goes by.
func (c *chart) class(s Substitution) int32 {
	code, _ := c.around(s.Pos, 3)
	return int32(code<<2 | int(s.Alt))
}
