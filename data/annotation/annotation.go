// Package annotation reads gene models: transcripts with their exons and the parts that code.
//
// The content of a file tells its form. The forms are GTF (2.2, as GENCODE, Ensembl and NCBI write it), GFF3 (gff3.md 1.26 of the
// Sequence Ontology), UCSC's tables refFlat, genePred and extended genePred (genome.ucsc.edu/FAQ/FAQformat, with or without the column
// bin), the table of exons of SpliceAI, and GenBank. The first bytes of a file tell plain text, gzip and bgzip apart. Whatever a form
// counts from, positions here count from 0, and ends are exclusive.
//
// A file is checked as it is read: an error names the line. What is whole but is no transcript of one strand, such as a trans-spliced
// one, is left out, and a note says how many and which is the first.
package annotation

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/longspan/longspan/data/dna"
)

// Transcript is one way to splice a gene.
type Transcript struct {
	Gene    string     // symbol, or the gene's ID where it has none, or ID
	GeneID  string     // by which a file tells genes of one symbol apart, such as ENSG00000139618; "" in tables
	ID      string     // of the transcript; "" in tables of genes
	Contig  string     // as the file names it
	Reverse bool       // on the strand that is the reverse complement of the contig
	Span    dna.Span   // from the start of transcription to its end
	Exons   []dna.Span // by position, one or more; they do not overlap, and lie in Span
	CDS     []dna.Span // the parts of exons that code, the stop codon included, by position; empty: none, or not known
}

// Introns are the spans between exons, by position. Gaps of a few bases, by which annotation writes a shift of the reading frame, are
// among them. Exons that touch have none between them.
func (t *Transcript) Introns() []dna.Span {
	var all []dna.Span
	for i := 1; i < len(t.Exons); i++ {
		if gap := (dna.Span{Start: t.Exons[i-1].End, End: t.Exons[i].Start}); gap.Len() > 0 {
			all = append(all, gap)
		}
	}
	return all
}

// Donors are, for each of Introns, the base of the exon before it in the sense of the gene: the last that is kept.
func (t *Transcript) Donors() []int { return t.sites(!t.Reverse) }

// Acceptors are, for each of Introns, the base of the exon after it in the sense of the gene: the first that is kept.
func (t *Transcript) Acceptors() []int { return t.sites(t.Reverse) }

func (t *Transcript) sites(left bool) []int {
	var all []int
	for _, gap := range t.Introns() {
		if left {
			all = append(all, gap.Start-1)
		} else {
			all = append(all, gap.End)
		}
	}
	return all
}

// Set is the transcripts of a file. It is safe for concurrent use while nobody changes it.
type Set struct {
	Transcripts []Transcript // in the order of the file; In knows them by their places
	Format      string       // such as GTF
	Notes       []string     // what was left out, and why

	contigs map[string]*index // by the contigs' canonical names
}

// NewSet is a set of transcripts that were made elsewhere. It checks them as those of a file.
func NewSet(transcripts []Transcript) (*Set, error) {
	all := slices.Clone(transcripts)
	for i := range all {
		if err := all[i].tidy(); err != nil {
			return nil, fmt.Errorf("annotation: transcript %d, %s: %w", i+1, all[i].name(), err)
		}
	}
	return newSet("", all, nil), nil
}

func newSet(format string, transcripts []Transcript, notes []string) *Set {
	s := &Set{Transcripts: transcripts, Format: format, Notes: notes}
	s.contigs = places(transcripts)
	return s
}

// Load reads a file. Memory grows with its transcripts, not with its other lines.
func Load(path string) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("annotation: %w", err)
	}
	defer f.Close()
	return Read(f, path)
}

// Read reads r to its end. file is the name that errors give it.
func Read(r io.Reader, file string) (*Set, error) {
	l, err := newLines(r, file)
	if err != nil {
		return nil, err
	}
	return l.set()
}

// name is what messages call t.
func (t *Transcript) name() string {
	if t.ID == "" || t.ID == t.Gene {
		return fmt.Sprintf("gene %q", t.Gene)
	}
	return fmt.Sprintf("%q of gene %q", t.ID, t.Gene)
}

// tidy orders the spans of t and checks them.
func (t *Transcript) tidy() error {
	switch {
	case t.Gene == "" || t.Contig == "":
		return fmt.Errorf("found gene %q on contig %q; both need a name", t.Gene, t.Contig)
	case t.Span.Start < 0 || t.Span.Len() <= 0:
		return fmt.Errorf("transcription starts at %d and ends at %d; expected a start from 0, below the end", t.Span.Start, t.Span.End)
	case len(t.Exons) == 0:
		return fmt.Errorf("it has no exons; expected one or more")
	}
	t.Exons = byPosition(t.Exons)
	for i, e := range t.Exons {
		switch {
		case e.Len() <= 0:
			return &misfit{exon, e, fmt.Sprintf("an exon starts at %d and ends at %d; the start must be below the end", e.Start, e.End)}
		case i > 0 && e.Start < t.Exons[i-1].End:
			return &misfit{exon, e, fmt.Sprintf("the exons %s and %s overlap", show(t.Exons[i-1]), show(e))}
		case e.Start < t.Span.Start || e.End > t.Span.End:
			return &misfit{exon, e, fmt.Sprintf("the exon %s lies outside of the transcript, %s", show(e), show(t.Span))}
		}
	}
	return t.tidyCoding()
}

// tidyCoding makes the parts that code those of single exons. Parts that overlap or touch become one, as a stop codon does with the
// part before it, and the two parts of a frame that shifts back.
func (t *Transcript) tidyCoding() error {
	t.CDS = byPosition(t.CDS)
	for _, c := range t.CDS {
		if c.Len() <= 0 {
			return fmt.Errorf("a coding part starts at %d and ends at %d; the start must be below the end", c.Start, c.End)
		}
	}
	parts := union(t.CDS)
	t.CDS = nil
	e := 0
	for _, c := range parts {
		for c.Len() > 0 {
			for e < len(t.Exons) && t.Exons[e].End <= c.Start {
				e++
			}
			if e == len(t.Exons) || c.Start < t.Exons[e].Start {
				return &misfit{coding, c, fmt.Sprintf("the coding part %s lies outside of the exons", show(c))}
			}
			end := min(c.End, t.Exons[e].End)
			t.CDS = append(t.CDS, dna.Span{Start: c.Start, End: end})
			c.Start = end
		}
	}
	return nil
}

// misfit is a span that is wrong, by which a reader finds its line.
type misfit struct {
	kind partKind
	span dna.Span
	text string
}

func (m *misfit) Error() string { return m.text }

// partKind is what a span of a transcript is.
type partKind uint8

const (
	exon         partKind = iota
	coding                // CDS, or a stop codon
	untranslated          // a UTR, which counts where a transcript has no rows of exons
)

// byPosition is a sorted copy.
func byPosition(spans []dna.Span) []dna.Span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b dna.Span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	return spans
}

// union joins sorted spans that overlap or touch.
func union(spans []dna.Span) []dna.Span {
	var all []dna.Span
	for _, s := range spans {
		if last := len(all) - 1; last >= 0 && s.Start <= all[last].End {
			all[last].End = max(all[last].End, s.End)
			continue
		}
		all = append(all, s)
	}
	return all
}

// count is the number of bases of spans that do not overlap.
func count(spans []dna.Span) (n int) {
	for _, s := range spans {
		n += s.Len()
	}
	return n
}

// show writes a span as genome browsers do: from 1, the end included.
func show(s dna.Span) string { return fmt.Sprintf("%d-%d", s.Start+1, s.End) }
