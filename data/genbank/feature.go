package genbank

import "strings"

// Columns of the feature table, from 0: keys begin at 5, locations and qualifiers at 21.
const (
	keyColumn   = 5
	valueColumn = 21
)

// features reads the feature table, up to the first line that does not begin with a blank.
func (r *Reader) features(record *Record, bases int) error {
	r.advance()
	for !r.ended && strings.HasPrefix(r.text, " ") {
		if !r.beginsFeature() {
			return r.errorf("found %q; expected a feature: its key from column 6, its location from column 22", shorten(r.text))
		}
		f := Feature{Key: strings.TrimSpace(r.text[keyColumn:valueColumn]), Line: r.line}
		location := withoutBlanks(r.text[valueColumn:])
		for r.advance() && r.continues() && !strings.HasPrefix(r.text[valueColumn:], "/") {
			location += withoutBlanks(r.text[valueColumn:])
		}
		if !wellFormed(location) {
			return r.errorf("%s (line %d) has the location %q; expected forms such as 190..255, complement(1..9) or join(1..9,20..30)",
				f.Key, f.Line, shorten(location))
		}
		f.Location = parseLocation(location, bases, record.Circular)
		if all := hull(f.Location.Spans); all != nil && all[0].End > bases {
			return r.errorf("%s (line %d) ends at base %d, but the record has %d", f.Key, f.Line, all[0].End, bases)
		}
		for !r.ended && r.continues() {
			f.Qualifiers = append(f.Qualifiers, r.qualifier())
		}
		record.Features = append(record.Features, f)
	}
	return nil
}

func withoutBlanks(s string) string { return strings.Join(strings.Fields(s), "") }

// beginsFeature reports whether the line has a key in its columns and a location behind it.
func (r *Reader) beginsFeature() bool {
	return len(r.text) > valueColumn && strings.TrimSpace(r.text[:keyColumn]) == "" && r.text[keyColumn] != ' ' && r.text[valueColumn-1] == ' '
}

// continues reports whether the line belongs to the feature above it.
func (r *Reader) continues() bool {
	return len(r.text) > valueColumn && strings.TrimSpace(r.text[:valueColumn]) == ""
}

// qualifier reads /name, /name=value or /name="value", over all lines that the quotes span.
func (r *Reader) qualifier() Qualifier {
	text := strings.TrimSpace(r.text[valueColumn:])
	name, value, _ := strings.Cut(strings.TrimPrefix(text, "/"), "=")
	r.advance()
	if !strings.HasPrefix(value, `"`) {
		return Qualifier{name, value}
	}
	parts := []string{value}
	// A quote within a value is written twice, so a value is open while its quotes are odd in number.
	for open := strings.Count(value, `"`)%2 == 1; open && !r.ended && r.continues(); r.advance() {
		part := strings.TrimSpace(r.text[valueColumn:])
		parts = append(parts, part)
		open = strings.Count(part, `"`)%2 == 0
	}
	value = strings.TrimSuffix(strings.TrimPrefix(strings.Join(parts, " "), `"`), `"`)
	return Qualifier{name, strings.ReplaceAll(value, `""`, `"`)}
}
