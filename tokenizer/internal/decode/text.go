package decode

import (
	"strings"
	"unicode/utf8"

	"github.com/longspan/longspan/tokenizer/internal/component"
)

// joined makes one token of all.
type joined struct{ all strings.Builder }

func (j *joined) push(token string, _ func(string)) { j.all.WriteString(token) }

func (j *joined) end(out func(string)) {
	out(j.all.String())
	j.all.Reset()
}

// strip removes a character at the ends: at most start of them at the beginning and stop at the end.
type strip struct {
	content     string
	start, stop int
}

func (d *Decoder) readStrip(f *component.Fields) {
	s := strip{content: string(f.Char("content")), start: f.IntOr("start", 0), stop: f.IntOr("stop", 0)}
	if d.text {
		d.add(func() stage { return &stripText{strip: s, left: s.start} })
		return
	}
	each := each(func(token string) string {
		token, _ = s.before(token, s.start)
		n := s.after(token)
		return token[:len(token)-n*len(s.content)]
	})
	d.add(func() stage { return each })
}

// before removes at most n characters at the beginning, and returns how many may still follow.
func (s strip) before(token string, n int) (string, int) {
	for n > 0 && strings.HasPrefix(token, s.content) {
		token = token[len(s.content):]
		n--
	}
	return token, n
}

// after is the number of characters to remove at the end.
func (s strip) after(token string) (n int) {
	for n < s.stop && strings.HasSuffix(token, s.content) {
		token = token[:len(token)-len(s.content)]
		n++
	}
	return n
}

// stripText is strip for a text that comes in parts.
type stripText struct {
	strip
	left int // characters that may still be removed at the beginning
	held int // characters at the end that are removed if nothing follows
}

func (s *stripText) push(part string, out func(string)) {
	if part == "" {
		return
	}
	if part, s.left = s.before(part, s.left); part == "" {
		return
	}
	s.left = 0
	part = strings.Repeat(s.content, s.held) + part
	s.held = s.after(part)
	out(part[:len(part)-s.held*len(s.content)])
}

func (s *stripText) end(func(string)) { s.left, s.held = s.start, 0 }

// cleaner is the function clean_up_tokenization of transformers: it joins punctuation and English contractions to the word before.
type cleaner struct{ pending string }

// cleanups is its list, which lacks one entry of the decoder WordPiece.
var cleanups = [][2]string{{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"},
	{" 've", "'ve"}, {" 're", "'re"}}

func cleanUp(s string) string {
	for _, r := range cleanups {
		s = strings.ReplaceAll(s, r[0], r[1])
	}
	return s
}

func (c *cleaner) push(part string, out func(string)) {
	c.pending += part
	if cut := safe(c.pending); cut > 0 {
		out(cleanUp(c.pending[:cut]))
		c.pending = c.pending[cut:]
	}
}

func (c *cleaner) end(out func(string)) {
	if c.pending != "" {
		out(cleanUp(c.pending))
	}
	c.pending = ""
}

// safe is the end of the text that no later text can change. All entries begin with a blank, have . ? ! , ' or n behind it, and at most
// four bytes. So nothing crosses a place behind four bytes without a blank, nor one behind a blank and another character.
func safe(s string) int {
	for end := len(s); end > 0; {
		r, size := utf8.DecodeLastRuneInString(s[:end])
		if r != ' ' {
			before := s[max(0, end-5):end]
			if len(before) == 5 && !strings.Contains(before, " ") {
				return end
			}
			if start := end - size; start > 0 && s[start-1] == ' ' && !strings.ContainsRune(".?!,'n", r) {
				return end
			}
		}
		end -= size
	}
	return 0
}
