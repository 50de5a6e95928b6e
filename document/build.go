package document

import (
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/document/sentences"
)

// builder makes a document of the pieces of text that a reader finds.
type builder struct {
	*Document
	source string
	base   int64 // of source in the user's file
	text   []byte
	places []place
	notes  []Block // blocks that follow the one under way
}

func newBuilder(name string, format Format, source string, base int64) *builder {
	return &builder{source: source, base: base,
		Document: &Document{Name: name, Format: format, Size: int64(len(source)), Sections: []Section{{}}}}
}

// add appends bytes of the source as they are.
func (b *builder) add(from, to int) {
	if from >= to {
		return
	}
	n := len(b.text)
	b.text = append(b.text, b.source[from:to]...)
	if k := len(b.places) - 1; k >= 0 && b.places[k].to == b.base+int64(from) && b.places[k].linear() {
		b.places[k].to += int64(to - from)
		b.places[k].length += to - from
		return
	}
	b.places = append(b.places, place{n, to - from, b.base + int64(from), b.base + int64(to)})
}

// put appends other text, which stands for bytes of the source.
func (b *builder) put(s string, from, to int) {
	if s == "" {
		return
	}
	if s == b.source[from:to] {
		b.add(from, to)
		return
	}
	b.places = append(b.places, place{len(b.text), len(s), b.base + int64(from), b.base + int64(to)})
	b.text = append(b.text, s...)
}

// space appends a space if text stands before it.
func (b *builder) space(at int) {
	if n := len(b.text); n > 0 && b.text[n-1] != ' ' {
		b.put(" ", at, at)
	}
}

// take ends the text under way and returns it as a block, without white space at its ends; ok is false if nothing is left.
func (b *builder) take(kind Kind) (block Block, ok bool) {
	text := string(b.text)
	places := append([]place(nil), b.places...)
	b.text, b.places = b.text[:0], b.places[:0]
	if strings.TrimSpace(text) == "" {
		return block, false
	}
	block = Block{Kind: kind, Section: len(b.Sections) - 1, Text: text, places: places}
	return block, true
}

// flush ends the text under way as a block of a kind.
func (b *builder) flush(kind Kind) {
	if block, ok := b.take(kind); ok {
		b.Blocks = append(b.Blocks, block)
	}
	b.Blocks = append(b.Blocks, b.notes...)
	b.notes = b.notes[:0]
}

// heading ends the text under way as the heading of a section. Level 0 is the document's title.
func (b *builder) heading(level int) {
	block, ok := b.take(Heading)
	if !ok {
		return
	}
	title := Clean(strings.TrimSpace(block.Text))
	if level == 0 && b.Title == "" {
		b.Title = title
	}
	if level > 0 {
		b.Sections = append(b.Sections, Section{title, level})
		block.Section = len(b.Sections) - 1
	}
	b.Blocks = append(b.Blocks, block)
}

// leave notes a part of the source that is left out.
func (b *builder) leave(what string, from, to int) {
	if strings.TrimSpace(b.source[from:to]) != "" {
		b.LeftOut = append(b.LeftOut, Part{what, b.base + int64(from), b.base + int64(to)})
	}
}

// done returns the document.
func (b *builder) done() *Document {
	b.flush(Paragraph)
	b.titleOfFirst()
	if left := b.leftOut(); left != "" {
		b.Notes = append(b.Notes, "left out: "+left)
	}
	return b.Document
}

// longestTitle is the number of characters up to which a heading may be the title.
const longestTitle = 300

// titleOfFirst takes the document's title from its first heading, if it has none and the heading is the only one of its level.
func (b *builder) titleOfFirst() {
	if b.Title != "" || len(b.Sections) < 2 || len(b.Blocks) == 0 || b.Blocks[0].Kind != Heading {
		return
	}
	first := b.Sections[1]
	if utf8.RuneCountInString(first.Title) > longestTitle {
		return
	}
	for _, s := range b.Sections[2:] {
		if s.Level <= first.Level {
			return
		}
	}
	b.Title = first.Title
}

// plain adds source[from:to] as plain text: its blocks with their headings.
func (b *builder) plain(from, to int) {
	blocks := sentences.Blocks(b.source[from:to])
	for i, s := range blocks {
		b.add(from+s.From, from+s.To)
		text := b.source[from+s.From : from+s.To]
		switch {
		case i == 0 && b.Title == "" && len(b.Blocks) == 0 && s.Kind == sentences.Paragraph && len(blocks) > 1 && looksLikeTitle(text):
			b.heading(0)
		case s.Kind == sentences.Heading:
			b.heading(headingLevel(text))
		case s.Kind == sentences.Paragraph && i+1 < len(blocks) && looksLikeHeading(text, blocks[i+1]):
			b.heading(1)
		default:
			b.flush([...]Kind{sentences.Paragraph: Paragraph, sentences.Item: Item, sentences.Line: Line}[s.Kind])
		}
	}
}

// looksLikeTitle reports a first paragraph of one line that does not end as a sentence does.
func looksLikeTitle(text string) bool {
	return !strings.ContainsAny(text, "\r\n") && strings.IndexByte(".,;:", text[len(text)-1]) < 0 && sentences.Words(text) <= 25 &&
		utf8.RuneCountInString(text) <= longestTitle
}

// headingLevel is the number of the parts of a heading's number: 2 for "2.1 Related work", 1 for a heading without a number.
func headingLevel(text string) int {
	number, _, _ := strings.Cut(text, " ")
	return 1 + strings.Count(strings.Trim(number, "."), ".")
}

// looksLikeHeading reports a paragraph of one short line before a longer one: without the end of a sentence, and with a capital first.
func looksLikeHeading(text string, next sentences.Block) bool {
	last := text[len(text)-1]
	if next.Kind != sentences.Paragraph || next.To-next.From < 2*len(text) || next.To-next.From < 80 {
		return false
	}
	if len(text) > 80 || strings.ContainsAny(text, "\r\n") || strings.IndexByte(".,;:!?", last) >= 0 || sentences.Words(text) > 10 {
		return false
	}
	first, _ := utf8.DecodeRuneInString(text)
	return strings.ToLower(string(first)) != string(first)
}
