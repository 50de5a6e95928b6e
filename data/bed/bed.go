// Package bed reads the places of BED files (samtools.github.io/hts-specs/BEDv1.pdf): contig, start from 0, end exclusive; what follows is
// left out. The first bytes of a file tell plain text, gzip and bgzip apart.
package bed

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/internal/gunzip"
)

// Places are spans of contigs, sorted and without overlaps.
type Places struct {
	spans map[string][]dna.Span // by the contigs' canonical names
}

// The bounds of a file. All repeats of the human genome are five million lines.
const (
	maxLine  = 1 << 20
	maxName  = 1 << 10
	maxSpans = 50_000_000
)

// Load reads a file.
func Load(path string) (*Places, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("bed: %w", err)
	}
	defer f.Close()
	return Read(f, path)
}

// Read reads r to its end. file is the name that errors give it. Lines may be in any order; those of comments, `track` and `browser`, and
// empty ones, are passed over. Columns are separated by tabs or blanks. Cost: 16 bytes a line.
func Read(r io.Reader, file string) (*Places, error) {
	in, err := gunzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("bed: %s: %w", file, err)
	}
	p := &Places{spans: map[string][]dna.Span{}}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 1<<16), maxLine)
	n, line, contig, short := 0, 0, "", ""
	for scanner.Scan() {
		line++
		text := scanner.Bytes()
		if line == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff"))
		}
		name, span, ok, err := parse(text)
		if err == nil && n == maxSpans {
			err = fmt.Errorf("the file has more than %d places; give the file of fewer contigs", maxSpans)
		}
		if err != nil {
			return nil, fmt.Errorf("bed: %s: line %d: %w", file, line, err)
		}
		if !ok {
			continue
		}
		if string(name) != contig || n == 0 {
			contig = string(name)
			short = fasta.Canonical(contig)
		}
		n++
		p.spans[short] = append(p.spans[short], span)
	}
	if err := scanner.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("bed: %s: line %d is longer than %d bytes; is this a BED file?", file, line+1, maxLine)
	} else if err != nil {
		return nil, fmt.Errorf("bed: %s: after line %d: %w", file, line, err)
	}
	for name, spans := range p.spans {
		p.spans[name] = Union(spans)
	}
	return p, nil
}

// parse reads a line. ok is false for one without a place.
func parse(line []byte) (name []byte, span dna.Span, ok bool, err error) {
	fields := bytes.Fields(line)
	if len(fields) == 0 || fields[0][0] == '#' || string(fields[0]) == "track" || string(fields[0]) == "browser" {
		return nil, span, false, nil
	}
	if len(fields) < 3 {
		return nil, span, false, fmt.Errorf("found %d columns, expected a contig, a start from 0, and an end", len(fields))
	}
	if len(fields[0]) > maxName {
		return nil, span, false, fmt.Errorf("found a contig's name of %d bytes, expected %d at most", len(fields[0]), maxName)
	}
	start, bad := strconv.ParseUint(string(fields[1]), 10, 31)
	end, also := strconv.ParseUint(string(fields[2]), 10, 31)
	if bad != nil || also != nil || start > end {
		return nil, span, false, fmt.Errorf("found start %s and end %s, expected positions from 0, the start not above the end", quote(fields[1]),
			quote(fields[2]))
	}
	return fields[0], dna.Span{Start: int(start), End: int(end)}, true, nil
}

// quote shows the beginning of a text.
func quote(text []byte) string {
	if len(text) > 40 {
		return fmt.Sprintf("%q…", text[:40])
	}
	return fmt.Sprintf("%q", text)
}

// Of are the spans of a contig, which may have any of its names (fasta.Canonical): sorted, without overlaps, none of them empty.
func (p *Places) Of(contig string) []dna.Span { return p.spans[fasta.Canonical(contig)] }

// Union sorts spans in place, joins those that overlap or touch, and leaves out empty ones.
func Union(spans []dna.Span) []dna.Span {
	slices.SortFunc(spans, func(a, b dna.Span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	all := spans[:0]
	for _, s := range spans {
		switch last := len(all) - 1; {
		case s.Len() <= 0:
		case last >= 0 && s.Start <= all[last].End:
			all[last].End = max(all[last].End, s.End)
		default:
			all = append(all, s)
		}
	}
	return all
}

// Has reports whether a position lies in one of the spans of a Union. Cost: the logarithm of their number.
func Has(spans []dna.Span, pos int) bool {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].End > pos })
	return i < len(spans) && spans[i].Start <= pos
}

// Minus are the parts of the spans of a Union that lie outside of those of another.
func Minus(spans, other []dna.Span) []dna.Span {
	var all []dna.Span
	k := 0
	for _, s := range spans {
		for k < len(other) && other[k].End <= s.Start {
			k++
		}
		at := s.Start
		for i := k; i < len(other) && other[i].Start < s.End; i++ {
			if other[i].Start > at {
				all = append(all, dna.Span{Start: at, End: other[i].Start})
			}
			at = other[i].End
		}
		if at < s.End {
			all = append(all, dna.Span{Start: at, End: s.End})
		}
	}
	return all
}

// Overlap is the number of bases that the spans of a Union have in start … end−1.
func Overlap(spans []dna.Span, start, end int) (n int) {
	for i := sort.Search(len(spans), func(i int) bool { return spans[i].End > start }); i < len(spans) && spans[i].Start < end; i++ {
		n += min(spans[i].End, end) - max(spans[i].Start, start)
	}
	return n
}
