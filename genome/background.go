package genome

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// Background is one haplotype of a sample on a contig, around the alleles that were put last. It has the bases that WriteHaplotype writes
// of the whole contig. Rows come in the order of their positions. So it is known up to the last row, and memory does not grow with the
// contig.
type Background struct {
	ref    *fasta.Reference
	contig fasta.Contig
	keep   int // bases before an allele that are kept
	rules  rules

	changes []placed // in order
	first   int      // the number of changes[0]
	before  int      // by how many bases the changes before that have made the haplotype longer
	lost    int      // bases of the haplotype up to the end of those changes: bases before cannot be read
	bytes   int
	known   int // bases of the reference before this one are known

	block fasta.Window // of the reference that was read last
	bases []byte       // of block, upper case
}

// placed is a change in its place on the haplotype.
type placed struct {
	change
	shift int // by how many bases the haplotype is longer up to here, this change included
}

// from and to are the bases of the haplotype that the change has.
func (p *placed) from() int { return p.to() - len(p.alt) }
func (p *placed) to() int   { return p.end + p.shift }

// NewBackground returns the background of a contig. Changes will be asked for with up to flank bases on each side.
func NewBackground(ref *fasta.Reference, c fasta.Contig, flank int) *Background {
	// An allele moves by maxShift bases at most. What reads them doubles its part.
	return &Background{ref: ref, contig: c, keep: flank + 3*maxShift, rules: newRules(Region{c, 0, c.Length})}
}

// maxChanges bounds the memory of the changes, in bytes: those of 3 million bases of a human take less than one million.
const maxChanges = 256 << 20

// Put puts an alternate allele of a row on the haplotype, by the rules of WriteHaplotype. REF must be what the reference has
// (Placer.Place). It returns the number of the change, or −1 where the allele leaves the reference, or why the haplotype does not have it.
func (b *Background) Put(rec *vcf.Record, alt string) (number int, why Skip, err error) {
	b.Reach(rec.Pos - 1)
	c, why := b.rules.put(&site{pos: rec.Pos - 1, rlen: span(rec), ref: rec.Ref}, alt)
	if c == nil {
		return -1, why, nil
	}
	if b.bytes += len(c.alt) + 64; b.bytes > maxChanges {
		return -1, Used, fmt.Errorf("genome: line %d: the alleles of a haplotype within %d bases take more than %d MiB of memory; is this a "+
			"VCF of a genome?", rec.Line, b.keep, maxChanges>>20)
	}
	c.alt = strings.ToUpper(strings.Clone(c.alt)) // a part would keep the whole column in memory
	b.changes = append(b.changes, placed{*c, b.shift() + len(c.alt) - (c.end - c.start)})
	return b.first + len(b.changes) - 1, Used, nil
}

// shift is by how many bases the haplotype is longer than the reference, up to what is known.
func (b *Background) shift() int {
	if n := len(b.changes); n > 0 {
		return b.changes[n-1].shift
	}
	return b.before
}

// Reach says that no allele will be put before a base of the reference, from 0.
func (b *Background) Reach(pos int) { b.known = max(b.known, min(pos, b.contig.Length)) }

// End says that no more alleles will be put.
func (b *Background) End() { b.Reach(b.contig.Length) }

// Known is the number of bases behind a change that are known: all up to the contig's end once it was reached.
func (b *Background) Known(number int) (bases int, all bool) {
	known, last := b.known, &b.changes[len(b.changes)-1]
	return max(known, last.end) + last.shift - b.changes[number-b.first].to(), known >= b.contig.Length
}

// Forget drops what the changes from a number on do not need. Number may be that of the next change.
func (b *Background) Forget(number int) {
	at := b.known + b.shift()
	if i := number - b.first; i < len(b.changes) {
		at = b.changes[i].from()
	}
	n := 0
	for n < number-b.first && b.changes[n].to() < at-b.keep {
		b.bytes -= len(b.changes[n].alt) + 64
		b.before, b.lost = b.changes[n].shift, b.changes[n].to()
		n++
	}
	if b.first += n; n > len(b.changes)/2 {
		b.changes = slices.Clone(b.changes[n:])
	} else {
		b.changes = b.changes[n:]
	}
}

// Difference is what one change makes of a haplotype: the bases around it, upper case, with those that the haplotype has and those that it
// would have without the change, all other changes in place.
type Difference struct {
	Left, Right []byte // of the haplotype
	Ref, Alt    string
}

// Difference compares the haplotype with and without a change. It depends on the two sequences alone, however the row describes the change:
// it is as far to the left as it can be, and has the shortest alleles, each with a base at least (see Normalize). Flanks have as many bases
// as NewBackground was told, or end with the contig. As many bases must be known behind the change.
func (b *Background) Difference(number, flank int) (d Difference, err error) {
	c := b.changes[number-b.first]
	ref, err := b.reference(nil, c.start, c.end)
	if err != nil {
		return d, err
	}
	left := &leftward{contig: b.contig.Name, end: c.from(), read: b.letters}
	alleles := []string{string(ref), c.alt}
	if (len(ref) == 0 || c.alt == "") && left.end > 0 {
		base, err := b.letters(nil, left.end-1, left.end)
		if err != nil {
			return d, err
		}
		left.end--
		alleles = []string{string(base) + alleles[0], string(base) + alleles[1]}
	}
	from := left.end
	if alleles[0] != alleles[1] && min(len(alleles[0]), len(alleles[1])) > 0 {
		move, _, err := left.align(alleles)
		if err != nil {
			return d, err
		}
		from += move
	}
	d.Ref, d.Alt = alleles[0], alleles[1]
	if d.Left, err = b.letters(nil, max(0, from-flank), from); err != nil {
		return d, err
	}
	to := from + len(d.Alt)
	d.Right, err = b.letters(nil, to, min(to+flank, b.contig.Length+b.shift()))
	return d, err
}

// letters appends bases of the haplotype, upper case.
func (b *Background) letters(dst []byte, from, to int) ([]byte, error) {
	if from < b.lost {
		return nil, fmt.Errorf("genome: %s: found a repeat of more than %d bases; is the reference a genome?", b.contig.Name, maxShift)
	}
	i := sort.Search(len(b.changes), func(i int) bool { return b.changes[i].to() > from })
	for at := from; at < to; i++ {
		shift, end := b.before, to
		if i > 0 {
			shift = b.changes[i-1].shift
		}
		if i < len(b.changes) {
			end = min(to, b.changes[i].from())
		}
		if at < end {
			var err error
			if dst, err = b.reference(dst, at-shift, end-shift); err != nil {
				return nil, err
			}
			at = end
		}
		if at < to {
			c := &b.changes[i]
			part := c.alt[at-c.from() : min(to, c.to())-c.from()]
			dst, at = append(dst, part...), at+len(part)
		}
	}
	return dst, nil
}

// around is how many bases are read on each side of those that are asked for: parts between changes are short, and near to each other.
const around = 4096

// reference appends bases of the reference, upper case.
func (b *Background) reference(dst []byte, start, end int) ([]byte, error) {
	if start < b.block.Start || end > b.block.End {
		w := fasta.Window{Contig: b.contig.Name, Start: max(0, start-around), End: min(end+around, b.contig.Length)}
		letters, err := b.ref.Letters(b.bases[:0], w)
		if err != nil {
			b.block = fasta.Window{}
			return nil, err
		}
		fasta.Upper(letters)
		b.block, b.bases = w, letters
	}
	return append(dst, b.bases[start-b.block.Start:end-b.block.Start]...), nil
}
