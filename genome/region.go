package genome

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/fasta"
)

// Region is a part of a contig: the bases Start … End−1, counted from 0.
type Region struct {
	Contig     fasta.Contig
	Start, End int
}

// String is the text that ParseRegion reads, with positions from 1.
func (r Region) String() string { return fmt.Sprintf("%s:%d-%d", r.Contig.Name, r.Start+1, r.End) }

// Contigs finds a contig by its name, as fasta.Reference and fasta.Names do.
type Contigs interface {
	Find(name string) (fasta.Contig, error)
}

// ParseRegion reads 20, 20:1000001 and 20:1000001-2000000: a contig, or positions of it, from 1, the last one included. Without a last
// position a region goes to the contig's end. 1e6 and 1,000,000 are numbers too.
func ParseRegion(ref Contigs, text string) (Region, error) {
	if c, err := ref.Find(text); err == nil { // names of contigs may have colons
		return Region{c, 0, c.Length}, nil
	}
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		_, err := ref.Find(text)
		return Region{}, err
	}
	c, err := ref.Find(text[:i])
	if err != nil {
		return Region{}, err
	}
	first, last, ranged := strings.Cut(text[i+1:], "-")
	r := Region{Contig: c, End: c.Length}
	start, ok := number(first)
	if ranged && ok {
		r.End, ok = number(last)
	}
	if r.Start = start - 1; !ok {
		return r, fmt.Errorf("genome: found region %q, expected such as 20, 20:1000001 or 20:1000001-2000000", text)
	}
	if r.Start < 0 || r.End > c.Length || r.Start >= r.End {
		return r, fmt.Errorf("genome: found region %q, expected positions from 1 to %d, the first not above the last", text, c.Length)
	}
	return r, nil
}

// number reads a position.
func number(text string) (int, bool) {
	text = strings.ReplaceAll(text, ",", "")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return int(n), true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 || f > 1<<31-1 || f != float64(int64(f)) {
		return 0, false
	}
	return int(f), true
}
