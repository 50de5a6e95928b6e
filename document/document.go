// Package document reads documents into text with its structure: plain text, Markdown, LaTeX, HTML and JSON lines. Each character of the
// text knows the bytes of the source that it comes from, so that what is made of the text can point into the user's own file.
//
// Readers never fail on content, only on bytes that are no text. What they do not give as text is in Document.LeftOut or in the notes.
package document

import (
	"fmt"
	"strings"

	"github.com/longspan/longspan/document/sentences"
)

// Kind is the kind of a block.
type Kind uint8

// The kinds of blocks.
const (
	Paragraph Kind = iota
	Heading        // of a section; its text is the title of the section that it begins
	Item           // of a list
	Line           // a line by itself, as of a log
	Presplit       // a sentence of a source that has split its text
	Caption        // of a figure or table
	Note           // a footnote
	Code           // a program or preformatted text: it has no sentences
	Table          // a row of a table: it has no sentences
)

// Document is a text with its structure.
type Document struct {
	Name     string // of the file, and the line of JSON lines
	ID       string // of a JSON line: its field "id", as JSON; empty if there is none
	Format   Format
	Title    string    // empty if the source has none
	Sections []Section // at least one: the text before the first heading has a section without a title
	Blocks   []Block   // in order
	Size     int64     // bytes of the source
	LeftOut  []Part    // of the source, in order
	Notes    []string  // what a reader of the text should know
}

// Section is a part of a document under a heading.
type Section struct {
	Title string
	Level int // 1 is the highest; 0 for the text before the first heading
}

// Part is a part of the source that is not in the text.
type Part struct {
	What     string // such as "code" or "bibliography"
	From, To int64
}

// Block is a paragraph, a heading or another unit that no sentence crosses.
type Block struct {
	Kind    Kind
	Section int // index in Sections
	Text    string
	places  []place
}

// Sentence is a sentence of a document.
type Sentence struct {
	Text     string // with single spaces, and without hyphens of line ends
	From, To int64  // the bytes of the source from the sentence's first character to its last, markup between them included
	Block    int
	Section  int
	Piece    bool // a part of a sentence that was too long
}

// Sentences returns the sentences of the document in order. Headings, code and tables have none.
func (d *Document) Sentences(o sentences.Options) []Sentence {
	var all []Sentence
	for i := range d.Blocks {
		b := &d.Blocks[i]
		for _, s := range b.split(o) {
			from, to := b.Source(s.From, s.To)
			all = append(all, Sentence{Text: Clean(b.Text[s.From:s.To]), From: from, To: to, Block: i, Section: b.Section, Piece: s.Piece})
		}
	}
	return all
}

// split returns the sentences of a block.
func (b *Block) split(o sentences.Options) []sentences.Span {
	kind := sentences.Paragraph
	switch b.Kind {
	case Heading, Code, Table:
		return nil
	case Line, Presplit:
		kind = sentences.Line
	}
	return sentences.SplitBlock(b.Text, sentences.Block{Kind: kind, To: len(b.Text)}, o)
}

// Clean makes single spaces of white space, and takes off hyphens at line ends before small letters.
func Clean(text string) string {
	if !strings.ContainsAny(text, "\n\r\t\v\f\u0085\u2028\u2029") && !strings.Contains(text, "  ") {
		return text
	}
	words := strings.Fields(text)
	if !strings.ContainsAny(text, "-\u00ad") {
		return strings.Join(words, " ")
	}
	var b strings.Builder
	rest := text
	for i, w := range words {
		at := strings.Index(rest, w)
		if between := rest[:at]; i > 0 && !hyphenated(words[i-1], between, w) {
			b.WriteByte(' ')
		}
		rest = rest[at+len(w):]
		if i+1 < len(words) && hyphenated(w, rest[:strings.Index(rest, words[i+1])], words[i+1]) {
			w = strings.TrimSuffix(strings.TrimSuffix(w, "-"), "\u00ad")
		}
		b.WriteString(w)
	}
	return b.String()
}

// hyphenated reports a word that goes on in the next line.
func hyphenated(word, between, next string) bool {
	stem := strings.TrimSuffix(strings.TrimSuffix(word, "-"), "\u00ad")
	return len(stem) < len(word) && stem != "" && small(stem[len(stem)-1]) && strings.ContainsAny(between, "\r\n") && small(next[0])
}

func small(c byte) bool { return 'a' <= c && c <= 'z' }

// leftOut summarises the parts that are left out, for a note.
func (d *Document) leftOut() string {
	counts, names := map[string]int{}, []string{}
	for _, p := range d.LeftOut {
		if counts[p.What] == 0 {
			names = append(names, p.What)
		}
		counts[p.What]++
	}
	for i, n := range names {
		if counts[n] > 1 {
			names[i] = fmt.Sprintf("%s (%d times)", n, counts[n])
		}
	}
	return strings.Join(names, ", ")
}
