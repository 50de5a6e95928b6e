package model

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Passages says how a text is divided into passages. The zero value does not divide.
type Passages struct {
	by              func(text string) []int // the bytes at which passages end, in order; the last is the end of the text
	tokens, overlap int                     // or windows of tokens, where by cuts nothing
	own             bool                    // by is the caller's, and is checked
}

// Sentences and Paragraphs are passages. A sentence ends with . ! ? … or their forms in other scripts, and white space after it, quotes and
// brackets between them; it ends with its paragraph at the latest. No list of abbreviations is kept. A paragraph ends at an empty line.
var (
	Sentences  = Passages{by: sentences}
	Paragraphs = Passages{by: paragraphs}
)

// TokenPassages are windows of a number of tokens, each of which shares some with the one before it.
func TokenPassages(tokens, overlap int) Passages {
	if tokens < 1 {
		tokens = -1 // which is refused at its use
	}
	return Passages{by: func(text string) []int { return []int{len(text)} }, tokens: tokens, overlap: overlap}
}

// PassagesAt are passages whose ends the caller knows: ends returns the bytes of a text at which they end, in order, the last of which is
// the end of the text. A passage without tokens is part of the one before it: the bytes of a vector then are those of both.
func PassagesAt(ends func(text string) []int) Passages { return Passages{by: ends, own: true} }

// checkEnds refuses a caller's ends that are out of order or not those of the text.
func (p Passages) checkEnds(text string) error {
	if !p.own {
		return nil
	}
	ends, size := p.by(text), len(text)
	before := 0
	for _, end := range ends {
		if end < before || end > size {
			return fmt.Errorf("model: found the end %d of a passage after %d, expected ends in order up to %d", end, before, size)
		}
		before = end
	}
	if before != size {
		return fmt.Errorf("model: found the end %d of the last passage, expected that of the text, %d", before, size)
	}
	return nil
}

func (p Passages) check() error {
	switch {
	case p.tokens < 0:
		return errors.New("model: found passages of less than one token, expected at least 1")
	case p.overlap < 0 || p.overlap > 0 && p.overlap >= p.tokens:
		return fmt.Errorf("model: found passages of %d tokens that share %d, expected fewer shared", p.tokens, p.overlap)
	}
	return nil
}

// passage is the bytes [from, to) of a text and its tokens [tokenFrom, tokenTo).
type passage struct{ from, to, tokenFrom, tokenTo int }

// of divides a text. Each token belongs to the passage in which it begins. A passage without tokens is part of the one before it. The
// bytes of a passage have no white space around them.
func (p Passages) of(text string, d *document) (all []passage) {
	offsets := d.e.Offsets
	if p.tokens > 0 {
		for from := d.from; from < d.to; from += p.tokens - p.overlap {
			to := min(d.to, from+p.tokens)
			all = append(all, passage{int(offsets[from].From), int(offsets[to-1].To), from, to})
			if to == d.to {
				break
			}
		}
		return all
	}
	from, token := 0, d.from
	for _, end := range p.by(text) {
		next := token + sort.Search(d.to-token, func(i int) bool { return int(offsets[token+i].From) >= end })
		switch {
		case next > token:
			all = append(all, passage{from, end, token, next})
		case len(all) > 0:
			all[len(all)-1].to = end
		default: // the first passage begins at the first byte
			continue
		}
		from, token = end, next
	}
	for i := range all {
		a := &all[i]
		a.to = a.from + len(strings.TrimRightFunc(text[a.from:a.to], unicode.IsSpace))
		a.from = a.to - len(strings.TrimLeftFunc(text[a.from:a.to], unicode.IsSpace))
	}
	return all
}

// sentences are the ends of sentences.
func sentences(text string) (ends []int) {
	start := 0
	for _, end := range paragraphs(text) {
		inside := text[start:end]
		for at := 0; at < len(inside); {
			n := sentenceEnd(inside[at:])
			at += n
			ends = append(ends, start+at)
		}
		start = end
	}
	return ends
}

const (
	sentenceEnds = ".!?…。！？｡؟۔।॥"
	wideEnds     = "。！？｡" // no white space follows them
	closers      = "\"'”’»)]}」』）"
)

// sentenceEnd is the number of bytes of the first sentence of a text, with the white space behind it.
func sentenceEnd(text string) int {
	for at := 0; at < len(text); {
		r, n := utf8.DecodeRuneInString(text[at:])
		at += n
		if !strings.ContainsRune(sentenceEnds, r) {
			continue
		}
		rest := strings.TrimLeft(text[at:], sentenceEnds+closers)
		bare := strings.TrimLeftFunc(rest, unicode.IsSpace)
		if len(bare) < len(rest) || rest == "" || strings.ContainsRune(wideEnds, r) {
			return len(text) - len(bare)
		}
		at = len(text) - len(rest)
	}
	return len(text)
}

// paragraphs are the ends of paragraphs, behind their empty lines.
func paragraphs(text string) (ends []int) {
	for at := 0; at < len(text); {
		at += paragraphEnd(text[at:])
		ends = append(ends, at)
	}
	return ends
}

// paragraphEnd is the number of bytes of the first paragraph of a text, with the empty lines behind it.
func paragraphEnd(text string) int {
	seen := false // a line that is not empty
	for at := 0; at < len(text); {
		line := len(text)
		if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
			line = at + n + 1
		}
		empty := strings.TrimSpace(text[at:line]) == ""
		if empty && seen {
			rest := strings.TrimLeftFunc(text[line:], unicode.IsSpace)
			begin := strings.LastIndexByte(text[:len(text)-len(rest)], '\n') + 1 // keep the indent of the next line
			return max(line, begin)
		}
		seen, at = seen || !empty, line
	}
	return len(text)
}
