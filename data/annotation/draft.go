package annotation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/longspan/longspan/data/dna"
)

// draft is the rows of a transcript as they come, in any order.
type draft struct {
	gene, geneID, id string
	homes            []part // rows of the transcript itself: one, or one for each place at which it stands
	parts            []part
	transSpliced     bool // as the file says
}

// part is a row. Its size counts: a genome has millions.
type part struct {
	start, end int32
	place      int32 // 3 · the contig's number + strand
	line       int32
	group      int32 // of coding parts of a gene: the same number for those of one product
	kind       partKind
}

// What a part and a draft take in memory, growth of slices and places in maps included.
const (
	partBytes  = 48
	draftBytes = 400
)

func (p part) span() dna.Span { return dna.Span{Start: int(p.start), End: int(p.end)} }
func (p part) strand() strand { return strand(p.place % int32(strands)) }
func (p part) contig() int32  { return p.place / int32(strands) }

// builder makes transcripts of drafts.
type builder struct {
	*lines
	contigs []string
	numbers map[string]int32
	types   map[string]int // rows that were not used, by type
	all     []Transcript
	left    [reasons]left
}

func newBuilder(l *lines) builder {
	return builder{lines: l, numbers: map[string]int32{}, types: map[string]int{}}
}

// part is a feature as a part.
func (b *builder) part(f feature, kind partKind) (part, error) {
	n, ok := b.numbers[f.contig]
	if !ok {
		n = int32(len(b.contigs))
		b.contigs, b.numbers[f.contig] = append(b.contigs, f.contig), n
	}
	line := int32(min(b.line, maxPosition))
	return part{int32(f.span.Start), int32(f.span.End), n*int32(strands) + int32(f.strand), line, 0, kind}, b.keep(partBytes)
}

// at reports an error of another line than the last.
func (b *builder) at(line int32, err error) error {
	return fmt.Errorf("annotation: %s: line %d: %w", b.file, line, err)
}

// settle makes the transcripts of a draft: one for each of its homes.
func (b *builder) settle(x *draft) error {
	rows := slices.Concat(x.homes, x.parts)
	if len(rows) == 0 {
		return nil
	}
	switch name := cmp.Or(x.id, x.gene); {
	case x.transSpliced:
		b.leave(isTransSpliced, name, rows[0].line)
		return nil
	case slices.ContainsFunc(rows, func(p part) bool { return p.strand() == unknown }):
		b.leave(isUnstranded, name, rows[0].line)
		return nil
	}
	homes, err := b.homes(x)
	if err != nil {
		return err
	}
	found := make([][]part, len(homes))
	for _, p := range x.parts {
		i := homeOf(homes, p)
		switch {
		case i >= 0:
			found[i] = append(found[i], p)
		case len(homes) == 0 || otherStrand(homes, p):
			b.leave(isTransSpliced, cmp.Or(x.id, x.gene), rows[0].line)
			return nil
		default:
			return b.at(p.line, fmt.Errorf("%s of contig %s lies outside of its transcript or gene %q (line %d)",
				show(p.span()), b.contigs[p.contig()], cmp.Or(x.id, x.gene), homes[0].line))
		}
	}
	for i, home := range homes {
		if err := b.build(x, home, found[i]); err != nil {
			return err
		}
	}
	return nil
}

// homes are the places of a draft, in order. A draft without rows of its own has one on each contig of its parts, or none at all where
// they are on both strands of one.
func (b *builder) homes(x *draft) ([]part, error) {
	if len(x.homes) == 0 {
		homes := hulls(sorted(x.parts))
		for i := 1; i < len(homes); i++ {
			if homes[i].contig() == homes[i-1].contig() {
				return nil, nil
			}
		}
		return homes, nil
	}
	homes := sorted(x.homes)
	for i := 1; i < len(homes); i++ {
		if one, two := homes[i-1], homes[i]; one.place == two.place && two.start < one.end {
			return nil, b.at(max(one.line, two.line), fmt.Errorf("%q stands in the same place as at line %d; take one out, or rename it",
				cmp.Or(x.id, x.gene), min(one.line, two.line)))
		}
	}
	return homes, nil
}

// sorted is a copy by place and start.
func sorted(parts []part) []part {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.start, b.start)) })
	return parts
}

// hulls joins sorted parts of the same place.
func hulls(sorted []part) (all []part) {
	for _, p := range sorted {
		if last := len(all) - 1; last >= 0 && all[last].place == p.place {
			all[last].end, all[last].line = max(all[last].end, p.end), min(all[last].line, p.line)
			continue
		}
		all = append(all, p)
	}
	return all
}

// homeOf is the home that holds p, or −1.
func homeOf(homes []part, p part) int {
	i := sort.Search(len(homes), func(i int) bool {
		return homes[i].place > p.place || homes[i].place == p.place && homes[i].start > p.start
	}) - 1
	if i >= 0 && homes[i].place == p.place && p.end <= homes[i].end {
		return i
	}
	return -1
}

// otherStrand reports whether p is on the contig of a home, but no home is on its strand.
func otherStrand(homes []part, p part) bool {
	contig := false
	for _, h := range homes {
		if h.place == p.place {
			return false
		}
		contig = contig || h.contig() == p.contig()
	}
	return contig
}

// build makes a transcript of the parts of one home. A gene whose coding parts have no exons has one for each product.
func (b *builder) build(x *draft, home part, parts []part) error {
	if len(parts) == 0 {
		b.leave(hasNoParts, cmp.Or(x.id, x.gene), home.line)
		return nil
	}
	if x.id != "" || slices.ContainsFunc(parts, func(p part) bool { return p.kind == exon }) {
		return b.transcript(x, home, parts)
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.group, b.group) }) // by the first row of each product
	for len(parts) > 0 {
		end := 1
		for end < len(parts) && (parts[end].group == parts[0].group || parts[end].kind != coding) {
			end++
		}
		if err := b.transcript(x, home, parts[:end]); err != nil {
			return err
		}
		parts = parts[end:]
	}
	return nil
}

func (b *builder) transcript(x *draft, home part, parts []part) error {
	var spans [untranslated + 1][]dna.Span
	for _, p := range parts {
		spans[p.kind] = append(spans[p.kind], p.span())
	}
	t := Transcript{Gene: x.gene, GeneID: x.geneID, ID: x.id, Contig: b.contigs[home.contig()], Reverse: home.strand() == reverse,
		Span: home.span(), Exons: spans[exon], CDS: spans[coding]}
	if len(t.Exons) == 0 {
		t.Exons = union(byPosition(slices.Concat(spans[coding], spans[untranslated])))
		b.leave(hasNoExons, cmp.Or(x.id, x.gene), home.line)
	}
	if err := t.tidy(); err != nil {
		return b.at(lineOf(err, home, parts), fmt.Errorf("%s: %w", t.name(), err))
	}
	b.all = append(b.all, t)
	return b.keep(transcriptBytes + spanBytes*(len(t.Exons)+len(t.CDS)))
}

// lineOf is the line of the part that is wrong.
func lineOf(err error, home part, parts []part) int32 {
	var m *misfit
	if !errors.As(err, &m) {
		return home.line
	}
	line := home.line
	for _, p := range parts {
		if p.kind == m.kind && int(p.start) <= m.span.Start && m.span.Start < int(p.end) {
			line = max(line, p.line)
		}
	}
	return line
}
