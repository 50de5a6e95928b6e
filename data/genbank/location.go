package genbank

import (
	"slices"
	"strconv"
	"strings"
)

// Location is where a feature lies (INSDC feature table definition, section 3.4).
//
// Partial ends (<1..>99) count as the ends that are given. A place between two bases (5^6) has no bases, so it
// has no spans.
type Location struct {
	Text  string
	Spans []Span // in the order in which the feature reads them; a span across the origin of a circle is two

	// Vague marks a location without exact ends, such as one-of(3,5)..9, (3.5)..9 or a form that is not known.
	// Its spans cover every base that the feature may have.
	Vague  bool
	Remote []string // accessions of the other records in which parts of the feature lie; these parts have no spans
}

// Span is the bases Start … End−1 of one strand, counted from 0.
type Span struct {
	Start, End int
	Reverse    bool // on the strand that is the reverse complement of the sequence
}

// parseLocation reads the location of a feature of a record with the given number of bases. A form that is
// not known gives one vague span from the smallest to the largest base that it names.
func parseLocation(text string, bases int, circular bool) Location {
	p := locationParser{rest: text, bases: bases, circular: circular}
	spans, ok := p.location()
	if ok && p.rest == "" {
		return Location{Text: text, Spans: spans, Vague: p.vague, Remote: p.remote}
	}
	return Location{Text: text, Spans: hull(numbers(text, bases)), Vague: true}
}

// locationParser is a recursive descent over the grammar of locations.
type locationParser struct {
	rest     string
	bases    int
	circular bool
	vague    bool
	remote   []string
	depth    int
}

// maxDepth bounds nested brackets. Real locations nest three deep.
const maxDepth = 64

func (p *locationParser) take(prefix string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, prefix)
	return ok
}

// location reads complement(…), join(…), order(…), one-of(…) or a span.
func (p *locationParser) location() (spans []Span, ok bool) {
	switch {
	case p.take("complement("):
		spans, ok = p.list()
		slices.Reverse(spans)
		for i := range spans {
			spans[i].Reverse = !spans[i].Reverse
		}
		return spans, ok
	case p.take("join("), p.take("order("):
		return p.list()
	}
	return p.span()
}

// list reads locations up to the closing bracket.
func (p *locationParser) list() (all []Span, ok bool) {
	if p.depth++; p.depth > maxDepth {
		return nil, false
	}
	defer func() { p.depth-- }()
	for {
		spans, ok := p.location()
		if !ok {
			return nil, false
		}
		all = append(all, spans...)
		if p.take(")") {
			return all, true
		}
		if !p.take(",") {
			return nil, false
		}
	}
}

// span reads a, a..b, a^b or a.b, in this record or in another.
func (p *locationParser) span() ([]Span, bool) {
	vague, accession := p.vague, ""
	if i := strings.IndexAny(p.rest, ":(),"); i > 0 && p.rest[i] == ':' {
		accession, p.rest = p.rest[:i], p.rest[i+1:]
	}
	first, ok := p.position()
	if !ok {
		return nil, false
	}
	last, between := first, false
	switch {
	case p.take(".."):
		last, ok = p.position()
	case p.take("^"):
		between = true
		last, ok = p.position()
	case p.take("."):
		p.vague = true
		last, ok = p.position()
	case first.mark != 0:
		p.vague = true
	}
	if !ok {
		return nil, false
	}
	if first != last && (first.mark == '>' || last.mark == '<') {
		p.vague = true
	}
	switch {
	case accession != "":
		p.vague = vague
		if !slices.Contains(p.remote, accession) {
			p.remote = append(p.remote, accession)
		}
		return nil, true
	case between:
		return nil, true
	case first.low <= last.high:
		return []Span{{Start: first.low - 1, End: last.high}}, true
	case p.circular && first.low <= p.bases:
		return []Span{{Start: first.low - 1, End: p.bases}, {Start: 0, End: last.high}}, true
	}
	return nil, false
}

// position is where a span begins or ends: low and high differ where that is not exact.
type position struct {
	low, high int  // from 1
	mark      byte // '<' or '>' before the number, or 0
}

// position reads n, <n, >n, (a.b) or one-of(a,b).
func (p *locationParser) position() (at position, ok bool) {
	if p.take("one-of(") || p.take("(") {
		p.vague = true
		spans, ok := p.list()
		if !ok || len(spans) == 0 {
			return at, false
		}
		all := hull(spans)[0]
		return position{low: all.Start + 1, high: all.End}, true
	}
	if p.rest != "" && (p.rest[0] == '<' || p.rest[0] == '>') {
		at.mark, p.rest = p.rest[0], p.rest[1:]
	}
	digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
	n, err := strconv.Atoi(p.rest[:digits])
	if err != nil || n < 1 {
		return at, false
	}
	p.rest = p.rest[digits:]
	at.low, at.high = n, n
	return at, true
}

// hull is one span from the first base of spans to the last, or nil.
func hull(spans []Span) []Span {
	if len(spans) == 0 {
		return nil
	}
	all := spans[0]
	for _, s := range spans[1:] {
		all.Start, all.End = min(all.Start, s.Start), max(all.End, s.End)
	}
	return []Span{all}
}

// numbers lists the positions 1 … bases in text, without the digits of accessions.
func numbers(text string, bases int) (spans []Span) {
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	for i := 0; i < len(text); {
		word := i
		for i < len(text) && (isDigit(text[i]) || text[i] == '_' || text[i] >= 'A' && text[i] <= 'Z' || text[i] >= 'a' && text[i] <= 'z') {
			i++
		}
		n, err := strconv.Atoi(text[word:i])
		if err == nil && n >= 1 && n <= bases && !strings.HasPrefix(text[i:], ":") {
			spans = append(spans, Span{Start: n - 1, End: n})
		}
		if i == word {
			i++
		}
	}
	return spans
}

// wellFormed reports whether text has the letters and the brackets of a location.
func wellFormed(text string) bool {
	depth := 0
	for _, c := range strings.ReplaceAll(text, "one-of(", "(") {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.ContainsRune(".,<>^:_", c):
		default:
			return false
		}
		if depth < 0 {
			return false
		}
	}
	return depth == 0 && strings.ContainsAny(text, "0123456789")
}
