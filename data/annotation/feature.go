package annotation

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/longspan/longspan/data/dna"
)

// feature is a row of GTF or GFF3.
type feature struct {
	kind       string // in lower case
	contig     string
	span       dna.Span
	strand     strand
	attributes []byte
}

type strand int8

const (
	forward strand = iota
	reverse
	unknown // "." or "?"
	strands
)

// parts are the types of rows that make a transcript. Their names are those of the Sequence Ontology, and of GTF.
var parts = map[string]partKind{
	"exon": exon, "pseudogenic_exon": exon, "coding_exon": exon, "noncoding_exon": exon,
	"cds": coding, "stop_codon": coding,
	"five_prime_utr": untranslated, "three_prime_utr": untranslated, "utr": untranslated, "5utr": untranslated, "3utr": untranslated,
}

// feature reads a row of nine columns: contig, source, type, start, end, score, strand, phase, attributes.
func (l *lines) feature(columns [][]byte, format string) (f feature, err error) {
	for len(columns) > 9 && len(bytes.TrimSpace(columns[len(columns)-1])) == 0 {
		columns = columns[:len(columns)-1]
	}
	if len(columns) != 9 {
		return f, fmt.Errorf("found %d columns, expected the 9 of %s", len(columns), format)
	}
	if f.contig, err = l.name(columns[0], "the column of the contig"); err != nil {
		return f, err
	}
	if f.contig == "" {
		return f, fmt.Errorf("found no name in the column of the contig")
	}
	if f.kind, err = l.name(bytes.ToLower(columns[2]), "the column of the type"); err != nil {
		return f, err
	}
	if f.span, err = spanOf(columns[3:], "the columns of start and end"); err != nil {
		return f, err
	}
	switch {
	case f.span.Start == 0:
		return f, fmt.Errorf("found the start 0; positions of %s count from 1", format)
	case f.span.Start > f.span.End:
		return f, fmt.Errorf("found the start %d beyond the end %d", f.span.Start, f.span.End)
	}
	f.span.Start--
	switch s := string(columns[6]); s {
	case "+":
	case "-":
		f.strand = reverse
	case ".", "?":
		f.strand = unknown
	default:
		return f, fmt.Errorf("found the strand %s, expected + - . or ?", quote(columns[6]))
	}
	if phase := string(columns[7]); f.kind == "cds" && (len(phase) != 1 || !strings.Contains(".012", phase)) {
		return f, fmt.Errorf("found the phase %s of a CDS, expected 0, 1, 2 or a dot", quote(columns[7]))
	}
	f.attributes = columns[8]
	return f, nil
}

// hasKey reports whether attributes begin as those of GFF3 do, with key=, or are empty.
func hasKey(attributes []byte) bool {
	attributes = bytes.TrimSpace(attributes)
	i := bytes.IndexAny(attributes, "= \t\"")
	return i >= 0 && attributes[i] == '=' || string(attributes) == "."
}

// eachOfGTF calls use for each attribute: key "value"; and, as older programs write, key value;. A quote ends a value before a
// semicolon or the end only, because values have quotes of their own.
func eachOfGTF(text []byte, use func(key, value []byte) error) error {
	for {
		text = bytes.TrimLeft(text, " ;\t")
		if len(text) == 0 || text[0] == '#' {
			return nil
		}
		i := bytes.IndexAny(text, " \t")
		if i < 0 {
			return fmt.Errorf("found the attribute %s, expected such as gene_id \"G\"; transcript_id \"T\";", quote(text))
		}
		key, rest := text[:i], bytes.TrimLeft(text[i:], " \t")
		var value []byte
		if len(rest) > 0 && rest[0] == '"' {
			end := closing(rest)
			if end < 0 {
				return fmt.Errorf("found no closing quote in %s", quote(rest))
			}
			value, text = rest[1:end], rest[end+1:]
		} else {
			value, text, _ = bytes.Cut(rest, []byte(";"))
			value = bytes.TrimSpace(value)
		}
		if err := use(key, value); err != nil {
			return err
		}
	}
}

// closing is the place of the quote that ends the value at the start of text, or −1.
func closing(text []byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] == '"' {
			if after := bytes.TrimLeft(text[i+1:], " \t"); len(after) == 0 || after[0] == ';' {
				return i
			}
		}
	}
	return -1
}

// eachOfGFF3 calls use for each attribute key=value, the value still escaped. What has no '=' comes from values with a semicolon of
// their own, and is passed over; a row of nothing else is an error.
func eachOfGFF3(text []byte, use func(key, value []byte) error) error {
	text = bytes.TrimSpace(text)
	if len(text) > 0 && string(text) != "." && bytes.IndexByte(text, '=') < 0 {
		return fmt.Errorf("found the attributes %s, expected such as ID=x;Parent=y", quote(text))
	}
	for len(text) > 0 {
		var one []byte
		one, text, _ = bytes.Cut(text, []byte(";"))
		if key, value, ok := bytes.Cut(one, []byte("=")); ok {
			if err := use(bytes.TrimSpace(key), bytes.TrimSpace(value)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unescape replaces %XX by the byte. A '%' before anything else stays.
func unescape(text []byte) []byte {
	if bytes.IndexByte(text, '%') < 0 {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if high, low := hex(text[i+1]), hex(text[i+2]); high >= 0 && low >= 0 {
				out = append(out, byte(high<<4|low))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return out
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
