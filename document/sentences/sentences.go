// Package sentences splits text of any language into sentences, as places in its bytes.
//
// Ends are those of Unicode's rules (UAX #29, "Unicode Text Segmentation", section 5), tailored: abbreviations, initials, decimals,
// citations, formulas and short brackets stay together, and a sentence may go over a line end. Blank lines, list items, headings and lines
// that are no prose, such as those of logs and code, end a sentence. Time and memory are linear in the text, whatever it holds.
package sentences

import "unicode/utf8"

// Span is the bytes From … To−1 of a text.
type Span struct {
	From, To int
	Piece    bool // a part of a sentence that was too long
}

// Kind is the kind of a block.
type Kind uint8

// The kinds of blocks.
const (
	Paragraph Kind = iota
	Heading
	Item // of a list
	Line // a line by itself, as of a log, code or a table
)

// Block is neighbouring lines that belong together. No sentence goes over its ends.
type Block struct {
	Kind     Kind
	From, To int
}

// Options bound sentences. The zero value has no bound.
type Options struct {
	// MostWords is the largest number of words of a sentence. A longer one is cut in pieces, after a semicolon or colon, else after a comma,
	// else between words. No word is cut, unless it has more than 1,000 bytes.
	MostWords int
}

// Split returns the sentences of a text in order. They do not overlap, none is empty, and none begins or ends with white space; between
// them lie white space, the marks of list items, and lines without letters and digits. Bytes that are not UTF-8 are read as characters that
// are neither.
func Split(text string, o Options) []Span {
	var all []Span
	for _, b := range Blocks(text) {
		all = o.appendBlock(all, text, b)
	}
	return all
}

// SplitBlock returns the sentences of one block of a text.
func SplitBlock(text string, b Block, o Options) []Span { return o.appendBlock(nil, text, b) }

func (o Options) appendBlock(dst []Span, text string, b Block) []Span {
	emit := func(from, to int) {
		if from, to = trim(text, from, to); from < to {
			dst = o.appendPieces(dst, text, from, to)
		}
	}
	if b.Kind == Heading || b.Kind == Line {
		emit(b.From, b.To)
		return dst
	}
	s := newScanner(text, b.From, b.To)
	from := b.From
	for {
		to, ok := s.next(from)
		if !ok {
			break
		}
		emit(from, to)
		from = to
	}
	emit(from, b.To)
	return dst
}

// trim takes white space off both ends of a span.
func trim(text string, from, to int) (int, int) {
	for from < to {
		r, n := utf8.DecodeRuneInString(text[from:to])
		if !isSpace(r) {
			break
		}
		from += n
	}
	for from < to {
		r, n := utf8.DecodeLastRuneInString(text[from:to])
		if !isSpace(r) {
			break
		}
		to -= n
	}
	return from, to
}
