package genome

import (
	"strings"

	"github.com/longspan/longspan/data/vcf"
)

// rules decide which alleles a haplotype gets, from left to right: see WriteHaplotype.
type rules struct {
	end      int  // of the region
	next     int  // the base behind the last allele that was applied
	taken    int  // the last base that an allele has
	inserted bool // the last allele was longer than its REF
}

func newRules(r Region) rules { return rules{end: r.End, next: r.Start, taken: -1} }

// change is bases in place of those of the reference, from start to end. Changes of a haplotype do not overlap.
type change struct {
	start, end int
	alt        string // as the row has it
	trimmed    bool   // a part beyond the end of the region is left out
}

// put gives an allele its place. It returns nil for an allele that takes a place and leaves the reference there.
func (r *rules) put(t *site, alt string) (*change, Skip) {
	kind := vcf.KindOf(t.ref, alt)
	rlen, deleted := len(t.ref), strings.EqualFold(alt, "<DEL>") && t.rlen > len(t.ref)
	if deleted || kind == vcf.NonRef {
		rlen = t.rlen
	}
	if deleted {
		alt = t.ref[:1]
	}
	same := fold(t.ref[0]) == fold(alt[0]) // the first base stays
	// Such an allele begins behind its first base, which may have been written already.
	behind := deleted || (kind == vcf.Insertion || kind == vcf.Deletion) && same
	switch {
	case !kind.Letters() && kind != vcf.NonRef && !deleted:
		return nil, Skip(kind.String())
	case t.pos < r.taken, t.pos == r.taken && (!behind || r.inserted):
		return nil, Overlap
	case kind == vcf.NonRef:
		r.taken = max(r.taken, t.pos+rlen-1)
		return nil, Used
	}
	c := &change{start: t.pos, trimmed: rlen > r.end-t.pos}
	if c.trimmed {
		rlen = r.end - t.pos
		alt = alt[:min(len(alt), rlen)]
	}
	c.end, c.alt = t.pos+rlen, alt
	if same || t.pos < r.next {
		c.start, c.alt = t.pos+1, alt[1:]
	}
	r.next, r.taken, r.inserted = c.end, c.end-1, len(alt) > rlen
	return c, Used
}
