// Package genbank reads the flat files of GenBank and RefSeq: the bases of each record and its features, such as genes.
// The first bytes of a file tell plain text and gzip apart.
//
// The format is that of the GenBank release notes (sections 3.4 and 3.5: www.ncbi.nlm.nih.gov/genbank/release)
// and the INSDC feature table definition (www.insdc.org/submitting-standards/feature-table). Blank lines are
// passed over. The shape of every line that is kept is checked, and the bases are counted against the LOCUS line.
package genbank

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/internal/gunzip"
)

// Record is one entry: a chromosome, a plasmid, a gene.
type Record struct {
	Locus      string
	Definition string
	Version    string // accession and version, such as NC_000913.2
	Circular   bool
	Features   []Feature
	Sequence   *dna.Sequence
}

// Feature is one entry of the feature table.
type Feature struct {
	Key        string // gene, CDS, tRNA …
	Location   Location
	Qualifiers []Qualifier
	Line       int
}

// Qualifier is one /name="value" of a feature. The lines of a value are joined by a space.
type Qualifier struct{ Name, Value string }

// Get is the first value of a qualifier, or "".
func (f Feature) Get(name string) string {
	for _, q := range f.Qualifiers {
		if q.Name == name {
			return q.Value
		}
	}
	return ""
}

// Has reports whether f has a qualifier, with or without a value.
func (f Feature) Has(name string) bool {
	for _, q := range f.Qualifiers {
		if q.Name == name {
			return true
		}
	}
	return false
}

// Reader reads one record after the other.
type Reader struct {
	file  string
	lines *bufio.Scanner
	line  int
	text  string // the current line
	ended bool

	records int
	lone    error // a carriage return without a line feed
}

// maxLine bounds a line; the format's own lines have 80 columns.
const maxLine = 1 << 20

// NewReader reads r; file is the name that errors give it.
func NewReader(r io.Reader, file string) (*Reader, error) {
	in, err := gunzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("genbank: %s: %w", file, err)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	return &Reader{file: file, lines: lines}, nil
}

// Next returns the next record, or io.EOF after the last.
func (r *Reader) Next() (*Record, error) {
	for r.text == "" || r.text == "//" {
		if r.advance() {
			continue
		}
		if r.records == 0 || r.failure() != nil {
			return nil, r.errorf("the file is empty; expected a LOCUS line")
		}
		return nil, io.EOF
	}
	if r.records == 0 && strings.Contains(r.text, "Genetic Sequence Data Bank") {
		for r.advance() && !strings.HasPrefix(r.text, "LOCUS ") { // the header of a file of a GenBank release
		}
	}
	r.records++
	record := &Record{}
	bases, err := r.locus(record)
	if err != nil {
		return nil, err
	}
	r.advance()
	if err := r.sections(record, bases); err != nil {
		return nil, err
	}
	if record.Sequence == nil {
		return nil, r.errorf("record %s has no bases: it has no ORIGIN section, as CON and WGS master records have none; "+
			"download it with its sequence (GenBank (full))", record.Locus)
	}
	if got := record.Sequence.Len(); got != bases {
		return nil, r.errorf("record %s has %d bases, but its LOCUS line says %d; the file is damaged", record.Locus, got, bases)
	}
	record.Sequence.Name, record.Sequence.Description = cmp.Or(record.Version, record.Locus), record.Definition
	return record, nil
}

// advance goes to the next line that is not blank. It returns false at the end of the file, or where reading fails.
func (r *Reader) advance() bool {
	for !r.ended && r.lines.Scan() {
		r.line++
		r.text = strings.TrimRight(r.lines.Text(), " \t\r")
		if strings.IndexByte(r.text, '\r') >= 0 {
			r.lone = errors.New("found a carriage return within the line; lines must end in LF or CRLF: convert the file (tr '\\r' '\\n')")
			break
		}
		if r.text != "" {
			return true
		}
	}
	r.ended, r.text = true, ""
	return false
}

// failure is what ended the reading before the end of the file, or nil.
func (r *Reader) failure() error {
	err := r.lines.Err()
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("the next line is longer than %d bytes; lines of GenBank files have 80 columns and end in LF or CRLF", maxLine)
	}
	if err == nil {
		err = r.lone
	}
	return err
}

// locus reads the line LOCUS name length bp …
func (r *Reader) locus(record *Record) (bases int, err error) {
	words := strings.Fields(r.text)
	if len(words) > 3 && words[0] == "LOCUS" && words[3] == "aa" {
		return 0, r.errorf("record %s is a protein (%s aa); expected the record of its gene, in bp", words[1], words[2])
	}
	if len(words) > 3 && words[0] == "LOCUS" && words[3] == "rc" {
		return 0, r.errorf("record %s has no bases: it is the master of %s records; expected these records", words[1], words[2])
	}
	if len(words) < 4 || words[0] != "LOCUS" || words[3] != "bp" {
		return 0, r.errorf("found %q; expected a line such as \"LOCUS NC_000913 4639675 bp DNA\"; is this a GenBank file?", shorten(r.text))
	}
	if bases, err = strconv.Atoi(words[2]); err != nil || bases <= 0 {
		return 0, r.errorf("the LOCUS line gives the length %q; expected a number of bases", words[2])
	}
	record.Locus = words[1]
	for _, w := range words[4:] {
		record.Circular = record.Circular || w == "circular"
	}
	return bases, nil
}

// sections reads from the line after LOCUS through the line "//".
func (r *Reader) sections(record *Record, bases int) error {
	for !r.ended {
		key, rest, _ := strings.Cut(r.text, " ")
		rest = strings.TrimSpace(rest)
		switch key {
		case "//":
			return nil
		case "DEFINITION":
			record.Definition = rest
			for r.advance() && strings.HasPrefix(r.text, "            ") {
				record.Definition += " " + strings.TrimSpace(r.text)
			}
			continue
		case "VERSION":
			record.Version, _, _ = strings.Cut(rest, " ")
		case "FEATURES":
			if err := r.features(record, bases); err != nil {
				return err
			}
			continue
		case "ORIGIN":
			if err := r.origin(record); err != nil {
				return err
			}
			continue
		case "":
			if r.beginsFeature() && wellFormed(withoutBlanks(r.text[valueColumn:])) {
				return r.errorf("found the feature %q outside the feature table; expected it below the line FEATURES", shorten(r.text))
			}
		}
		r.advance()
	}
	return r.errorf("the file ends within record %s; expected \"//\"; copy or download it again", record.Locus)
}

// origin reads lines of a position and up to six groups of ten bases. The position fills its nine columns from
// base 100,000,000 on, so the line does not always begin with a blank.
func (r *Reader) origin(record *Record) error {
	record.Sequence = &dna.Sequence{}
	var bases []dna.Base
	for r.advance() && strings.IndexByte(" 0123456789", r.text[0]) >= 0 {
		words := strings.Fields(r.text)
		if at, err := strconv.Atoi(words[0]); err != nil || at != record.Sequence.Len()+1 {
			return r.errorf("found the position %q before the bases, expected %d; lines are missing or damaged",
				shorten(words[0]), record.Sequence.Len()+1)
		}
		bases = bases[:0]
		for _, group := range words[1:] {
			for i := range len(group) {
				base, kind := dna.Parse(group[i])
				if kind == dna.NoBase {
					return r.errorf("found %q among the bases; expected A C G T N or another IUPAC code", group[i])
				}
				bases = append(bases, base.Code()) // GenBank writes lower case throughout: it marks nothing
			}
		}
		record.Sequence.Append(bases)
	}
	return nil
}

// errorf reports what is wrong with the current line; a line that reading broke off in is not to blame.
func (r *Reader) errorf(format string, args ...any) error {
	if err := r.failure(); err != nil {
		return fmt.Errorf("genbank: %s: line %d: %w", r.file, r.line, err)
	}
	return fmt.Errorf("genbank: %s: line %d: %w", r.file, r.line, fmt.Errorf(format, args...))
}

func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
