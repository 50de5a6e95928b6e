package annotation

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/longspan/longspan/data/dna"
)

// layout is the columns of a table, from 0; −1 where it has none.
type layout struct {
	form        string
	columns     int
	gene, id    int
	contig      int // and behind it the strand, where transcription starts and where it ends
	coding      int // where it starts, and behind it where it ends
	count       int
	starts      int // of exons, and behind them their ends
	alternative int // a name of the gene, which is better than that of gene
}

// The numbers of columns of genePred: as it is, with the two more of knownGene, and extended.
const (
	plainColumns    = 10
	knownColumns    = 12
	extendedColumns = 15
)

// layoutOf tells tables apart by where the strand is and how many columns there are.
func layoutOf(columns [][]byte) (layout, bool) {
	n := len(columns)
	at := func(i int) bool {
		return i+2 < n && isStrand(columns[i]) && number(columns[i+1]) && number(columns[i+2])
	}
	switch {
	case n == 7 && at(2):
		return layout{"SpliceAI's table", n, 0, -1, 1, -1, -1, 5, -1}, true
	case at(2):
		return genePred(n, 0)
	case at(3) && binned(columns[0], columns[4], columns[5]):
		return genePred(n, 1)
	case n == 1+plainColumns && at(3):
		return refFlat(n, 0), true
	case n == 2+plainColumns && at(4) && binned(columns[0], columns[5], columns[6]):
		return refFlat(n, 1), true
	}
	return layout{}, false
}

// genePred is the layout whose first column is at a place.
func genePred(n, first int) (layout, bool) {
	t := layout{"genePred", n, first, first, first + 1, first + 5, first + 7, first + 8, -1}
	switch n - first {
	case extendedColumns:
		t.alternative = first + 11
	case plainColumns, knownColumns:
	default:
		return layout{}, false
	}
	return t, true
}

func refFlat(n, first int) layout {
	return layout{"refFlat", n, first, first + 1, first + 2, first + 6, first + 8, first + 9, -1}
}

// binned reports whether a column is UCSC's bin of a span: the smallest of nested windows of 2¹⁷, 2²⁰ … bases that holds the span
// (Kent et al. 2002, doi:10.1101/gr.229102). So no name of a gene is taken for one. Beyond 2²⁹ bases there is one more level.
func binned(column, start, end []byte) bool {
	bin, err := position(column, "")
	from, errFrom := position(start, "")
	to, errTo := position(end, "")
	if err != nil || errFrom != nil || errTo != nil || from >= to {
		return false
	}
	offsets, more := []int{585, 73, 9, 1, 0}, 0
	if to > 1<<29 {
		offsets, more = []int{4681, 585, 73, 9, 1, 0}, 4681
	}
	from, to = from>>17, (to-1)>>17
	for _, offset := range offsets {
		if from == to {
			return bin == more+offset+from
		}
		from, to = from>>3, to>>3
	}
	return false
}

// table reads a table of one transcript a row.
type table struct {
	*lines
	layout
	all []Transcript
}

func (t *table) finish() ([]Transcript, []string, error) { return t.all, nil, nil }

func (t *table) row(columns [][]byte) error {
	if len(columns) != t.columns {
		return fmt.Errorf("found %d columns, expected %d as in the rows before (%s)", len(columns), t.columns, t.form)
	}
	var got Transcript
	if err := t.named(&got, columns); err != nil {
		return err
	}
	err := t.placed(&got, columns)
	if err == nil {
		err = got.tidy()
	}
	if err == nil && t.coding >= 0 {
		err = got.code(columns[t.coding:])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", got.name(), err)
	}
	t.all = append(t.all, got)
	return t.keep(transcriptBytes + spanBytes*(len(got.Exons)+len(got.CDS)))
}

// What a transcript and a span take in memory, places and growth of slices included.
const (
	transcriptBytes = 400
	spanBytes       = 32
)

func (t *table) named(got *Transcript, columns [][]byte) (err error) {
	name := func(column int, what string) string {
		if column < 0 || err != nil {
			return ""
		}
		var text string
		text, err = t.name(bytes.TrimSpace(columns[column]), what)
		return text
	}
	gene, id := name(t.gene, "the column of the gene"), name(t.id, "the column of the transcript")
	got.Gene, got.ID = cmp.Or(name(t.alternative, "the column of the gene"), gene, id), id
	got.Contig = name(t.contig, "the column of the contig")
	return err
}

func (t *table) placed(got *Transcript, columns [][]byte) (err error) {
	if got.Reverse, err = strandOf(columns[t.contig+1]); err != nil {
		return err
	}
	if got.Span, err = spanOf(columns[t.contig+2:], "the columns of transcription"); err != nil {
		return err
	}
	if got.Exons, err = spansOf(columns[t.starts], columns[t.starts+1]); err != nil {
		return err
	}
	if t.count >= 0 {
		if n, err := position(columns[t.count], "the column of the number of exons"); err != nil {
			return err
		} else if n != len(got.Exons) {
			return fmt.Errorf("found %d exons, but their number is given as %d", len(got.Exons), n)
		}
	}
	return nil
}

// code sets the coding parts: those of the exons that lie in the span of two columns. An empty span codes nothing.
func (t *Transcript) code(columns [][]byte) error {
	coding, err := spanOf(columns, "the columns of the coding part")
	if err != nil || coding.Len() == 0 {
		return err
	}
	if coding.Len() < 0 || coding.Start < t.Span.Start || coding.End > t.Span.End {
		return fmt.Errorf("the coding part starts at %d and ends at %d; expected a part of the transcript, %d to %d",
			coding.Start, coding.End, t.Span.Start, t.Span.End)
	}
	for _, e := range t.Exons {
		if c := (dna.Span{Start: max(e.Start, coding.Start), End: min(e.End, coding.End)}); c.Len() > 0 {
			t.CDS = append(t.CDS, c)
		}
	}
	return nil
}

// spanOf reads a start and an end.
func spanOf(columns [][]byte, what string) (s dna.Span, err error) {
	if s.Start, err = position(columns[0], what); err != nil {
		return s, err
	}
	s.End, err = position(columns[1], what)
	return s, err
}

// spansOf reads two lists with a comma behind, or between, numbers.
func spansOf(starts, ends []byte) ([]dna.Span, error) {
	starts, ends = bytes.TrimSuffix(starts, []byte(",")), bytes.TrimSuffix(ends, []byte(","))
	n, m := bytes.Count(starts, []byte(",")), bytes.Count(ends, []byte(","))
	if n != m {
		return nil, fmt.Errorf("found %d starts and %d ends of exons; expected as many", n+1, m+1)
	}
	all := make([]dna.Span, n+1)
	for i := range all {
		var start, end []byte
		var err error
		start, starts, _ = bytes.Cut(starts, []byte(","))
		end, ends, _ = bytes.Cut(ends, []byte(","))
		if all[i], err = spanOf([][]byte{start, end}, "the lists of exons"); err != nil {
			return nil, err
		}
	}
	return all, nil
}
