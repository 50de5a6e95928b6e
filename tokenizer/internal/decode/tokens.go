package decode

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/component"
	"github.com/longspan/longspan/tokenizer/internal/normalize"
	"github.com/longspan/longspan/tokenizer/internal/pattern"
	"github.com/longspan/longspan/tokenizer/internal/pretokenize"
)

// separated puts a blank between tokens.
type separated struct{ started bool }

func (s *separated) push(token string, out func(string)) {
	if s.started {
		out(" ")
	}
	s.started = true
	out(token)
}

func (s *separated) end(func(string)) { s.started = false }

// each changes every token by itself.
type each func(string) string

func (f each) push(token string, out func(string)) { out(f(token)) }
func (f each) end(func(string))                    {}

func (d *Decoder) readReplace(f *component.Fields) {
	p, err := pattern.Read(f, "pattern")
	if err != nil {
		return
	}
	if pattern.Backtracks(p) {
		f.Fail("pattern", "looks ahead or repeats in a way that a decoder does not support; expected a simpler one")
		return
	}
	content := f.String("content")
	replace := each(func(token string) string {
		var b strings.Builder
		last := 0
		// Only an engine that backtracks has errors.
		_ = p.Each(token, func(from, to int) {
			b.WriteString(token[last:from])
			b.WriteString(content)
			last = to
		})
		if last == 0 && b.Len() == 0 {
			return token
		}
		b.WriteString(token[last:])
		return b.String()
	})
	d.add(func() stage { return replace })
}

// metaspace writes the character for a blank as a blank, but leaves it out of the first token.
type metaspace struct {
	replacement string
	keep        bool // in the first token too
	started     bool
}

func (d *Decoder) readMetaspace(f *component.Fields) {
	m := metaspace{replacement: string(f.Char("replacement")), keep: pretokenize.Scheme(f) == "never"}
	f.BoolOr("split", true) // it matters to the pre-tokenizer alone
	f.StringOr("str_rep", "")
	d.add(func() stage { fresh := m; return &fresh })
}

func (m *metaspace) push(token string, out func(string)) {
	blank := " "
	if !m.started && !m.keep {
		blank = ""
	}
	m.started = true
	out(strings.ReplaceAll(token, m.replacement, blank))
}

func (m *metaspace) end(func(string)) { m.started = false }

// suffixed writes the suffix of words as a blank, and leaves it out of the last token.
type suffixed struct {
	suffix, last string
	started      bool
}

func (s *suffixed) push(token string, out func(string)) {
	if s.started {
		out(strings.ReplaceAll(s.last, s.suffix, " "))
	}
	s.started, s.last = true, token
}

func (s *suffixed) end(out func(string)) {
	if s.started {
		out(strings.ReplaceAll(s.last, s.suffix, ""))
	}
	s.started, s.last = false, ""
}

// wordPiece joins tokens with the prefix to the token before them.
type wordPiece struct {
	prefix           string
	cleanup, started bool
}

func (w *wordPiece) push(token string, out func(string)) {
	if w.started {
		if rest, ok := strings.CutPrefix(token, w.prefix); ok {
			token = rest
		} else {
			token = " " + token
		}
	}
	w.started = true
	if w.cleanup {
		token = cleanupPiece(token)
	}
	out(token)
}

func (w *wordPiece) end(func(string)) { w.started = false }

// cleanupPiece joins punctuation and English contractions to the word before. The list is the library's.
func cleanupPiece(s string) string {
	if !strings.Contains(s, " ") {
		return s
	}
	for _, r := range [][2]string{{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
		{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}} {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}

// ctc is the decoder of speech models: of equal tokens side by side one is left. Graves et al. 2006.
type ctc struct {
	pad, delimiter, last string
	cleanup, started     bool
}

func (d *Decoder) readCTC(f *component.Fields) {
	c := ctc{pad: f.StringOr("pad_token", "<pad>"), delimiter: f.StringOr("word_delimiter_token", "|"), cleanup: f.BoolOr("cleanup", true)}
	d.add(func() stage { fresh := c; return &fresh })
}

func (c *ctc) push(token string, out func(string)) {
	if c.started && token == c.last {
		return
	}
	c.started, c.last = true, token
	token = strings.ReplaceAll(token, c.pad, "")
	if c.cleanup {
		token = strings.ReplaceAll(cleanupPiece(token), c.delimiter, " ")
	}
	if token != "" {
		out(token)
	}
}

func (c *ctc) end(func(string)) { c.started, c.last = false, "" }

// byteFallback joins tokens such as <0xE3> to characters. Bytes side by side that are not UTF-8 together are one U+FFFD each.
type byteFallback struct{ pending []byte }

func (b *byteFallback) push(token string, out func(string)) {
	if len(token) == 6 && strings.HasPrefix(token, "<0x") && token[5] == '>' {
		if n, err := strconv.ParseUint(strings.TrimPrefix(token[3:5], "+"), 16, 8); err == nil {
			b.pending = append(b.pending, byte(n))
			return
		}
	}
	b.end(out)
	out(token)
}

func (b *byteFallback) end(out func(string)) {
	switch {
	case len(b.pending) == 0:
	case utf8.Valid(b.pending):
		out(string(b.pending))
	default:
		for range b.pending {
			out(string(utf8.RuneError))
		}
	}
	b.pending = b.pending[:0]
}

// byteOf is the byte that a character of the byte-level alphabet stands for.
var byteOf = func() map[rune]byte {
	m := map[rune]byte{}
	for b, r := range normalize.Alphabet {
		m[r] = byte(b)
	}
	return m
}()

// byteLevel turns the byte-level alphabet back into bytes. What is not UTF-8 becomes U+FFFD, one for each longest beginning of a
// character (Unicode Standard, section 3.9, table 3-8).
type byteLevel struct{ pending []byte }

func (b *byteLevel) push(token string, out func(string)) {
	start := len(b.pending)
	for _, r := range token {
		c, ok := byteOf[r]
		if !ok {
			b.pending = append(b.pending[:start], token...)
			break
		}
		b.pending = append(b.pending, c)
	}
	b.pending = append(b.pending[:0], b.lossy(out)...)
}

// lossy gives the characters that are complete, and returns the beginning of another.
func (b *byteLevel) lossy(out func(string)) (rest []byte) {
	var text strings.Builder
	rest = b.pending
	for len(rest) > 0 {
		r, size := utf8.DecodeRune(rest)
		if r != utf8.RuneError || size > 1 {
			text.Write(rest[:size])
			rest = rest[size:]
			continue
		}
		if !utf8.FullRune(rest) {
			break
		}
		text.WriteRune(utf8.RuneError)
		rest = rest[beginning(rest):]
	}
	if text.Len() > 0 {
		out(text.String())
	}
	return rest
}

// beginning is the size of the longest beginning of a character that b, which is no UTF-8, begins with; at least 1.
func beginning(b []byte) int {
	n := 1
	for n < len(b) && n < utf8.UTFMax && !utf8.FullRune(b[:n]) {
		n++
	}
	return max(1, n-1)
}

func (b *byteLevel) end(out func(string)) {
	b.pending = append(b.pending[:0], b.lossy(out)...)
	if len(b.pending) > 0 {
		out(string(utf8.RuneError))
	}
	b.pending = b.pending[:0]
}
