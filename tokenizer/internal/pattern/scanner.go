package pattern

import (
	"strings"

	"github.com/longspan/longspan/tokenizer/internal/chars"
)

// scanner is a pattern whose matches cover every text. It returns the end of the match that begins at byte i.
type scanner func(t *chars.Tables, s string, i int) int

// Each implements [Pattern].
func (next scanner) Each(s string, f func(from, to int)) error {
	t := chars.All()
	for i := 0; i < len(s); {
		end := next(t, s, i)
		f(i, end)
		i = end
	}
	return nil
}

// GPT2 is the pattern of GPT-2, and of the pre-tokenizer ByteLevel. Radford et al. 2019.
var GPT2 Pattern = scanner(gpt2)

// The alternatives that patterns share.
const (
	contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	blanks       = `\s*[\r\n]+|\s+(?!\S)|\s+`
	upper        = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lower        = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
)

// scanners are the patterns with a scanner.
var scanners = map[string]scanner{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`: gpt2,
	// Llama 3, and cl100k in the spelling of tiktoken.
	contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|` + blanks:                       words{digits: 3}.next,
	`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`: words{digits: 3}.next,
	// Qwen 2 and 3, and Qwen 3.5.
	contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|` + blanks: words{digits: 1}.next,
	contractions + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|` + blanks: words{digits: 1,
		marks: chars.Mark}.next,
	// o200k of GPT-4o and gpt-oss.
	`[^\r\n\p{L}\p{N}]?` + upper + `*` + lower + `+` + contractions + `?|[^\r\n\p{L}\p{N}]?` + upper + `+` + lower + `*` + contractions +
		`?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|` + blanks: o200k,
}

// run returns the end of the characters from i on that have a property of class.
func run(t *chars.Tables, s string, i int, class chars.Class) int {
	for i < len(s) {
		c, size := t.Decode(s[i:])
		if c&class == 0 {
			break
		}
		i += size
	}
	return i
}

// runNot returns the end of the characters from i on that have no property of class.
func runNot(t *chars.Tables, s string, i int, class chars.Class) int {
	for i < len(s) {
		c, size := t.Decode(s[i:])
		if c&class != 0 {
			break
		}
		i += size
	}
	return i
}

// contraction returns the end of 's 't 'm 'd 're 've 'll at i, or i.
func contraction(s string, i int) int {
	if i+1 >= len(s) || s[i] != '\'' {
		return i
	}
	switch s[i+1] {
	case 's', 't', 'm', 'd':
		return i + 2
	}
	if i+2 < len(s) {
		switch s[i+1 : i+3] {
		case "re", "ve", "ll":
			return i + 3
		}
	}
	return i
}

// foldedContraction is contraction where case does not matter. The long s, U+017F, is an s then.
func foldedContraction(s string, i int) int {
	if i+1 >= len(s) || s[i] != '\'' {
		return i
	}
	switch s[i+1] | 0x20 {
	case 's', 't', 'm', 'd':
		return i + 2
	}
	if strings.HasPrefix(s[i+1:], "\u017f") {
		return i + 3
	}
	if i+2 < len(s) {
		switch string([]byte{s[i+1] | 0x20, s[i+2] | 0x20}) {
		case "re", "ve", "ll":
			return i + 3
		}
	}
	return i
}

// blankRun returns the end of \s+(?!\S)|\s+ at white space: all of it, without the last character where more follows and it is not alone.
func blankRun(t *chars.Tables, s string, i int) int {
	end, last := i, i
	for end < len(s) {
		c, size := t.Decode(s[end:])
		if c&chars.Space == 0 {
			break
		}
		last = end
		end += size
	}
	if end < len(s) && last > i {
		return last
	}
	return end
}

// lineRun returns the end of \s*[\r\n]+|\s+(?!\S)|\s+ at white space: up to the last line end in it where there is one.
func lineRun(t *chars.Tables, s string, i int) int {
	end, last, line := i, i, -1
	for end < len(s) {
		c, size := t.Decode(s[end:])
		if c&chars.Space == 0 {
			break
		}
		if s[end] == '\n' || s[end] == '\r' {
			line = end + 1
		}
		last = end
		end += size
	}
	switch {
	case line >= 0:
		return line
	case end < len(s) && last > i:
		return last
	}
	return end
}

func gpt2(t *chars.Tables, s string, i int) int {
	if end := contraction(s, i); end > i {
		return end
	}
	from := i
	if s[i] == ' ' && i+1 < len(s) {
		from++
	}
	switch c, size := t.Decode(s[from:]); {
	case c&chars.Letter != 0:
		return run(t, s, from+size, chars.Letter)
	case c&chars.Number != 0:
		return run(t, s, from+size, chars.Number)
	case c&chars.Space == 0:
		return runNot(t, s, from+size, chars.Space|chars.Letter|chars.Number)
	}
	return blankRun(t, s, i)
}

// words is the family of cl100k: contractions, words with one other character before them, numbers in groups, other characters with
// the line ends behind them, and white space.
type words struct {
	digits int         // of a group
	marks  chars.Class // chars.Mark where marks belong to words
}

func (w words) next(t *chars.Tables, s string, i int) int {
	if end := foldedContraction(s, i); end > i {
		return end
	}
	letters := chars.Letter | w.marks
	c, size := t.Decode(s[i:])
	switch {
	case c&letters != 0:
		return run(t, s, i+size, letters)
	case c&chars.Number != 0:
		return digits(t, s, i+size, w.digits-1)
	}
	if b := s[i]; b != '\r' && b != '\n' && i+size < len(s) {
		if next, more := t.Decode(s[i+size:]); next&letters != 0 {
			return run(t, s, i+size+more, letters)
		}
	}
	if end := others(t, s, i, letters); end > i {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n') {
			end++
		}
		return end
	}
	return lineRun(t, s, i)
}

// digits returns the end of at most n more characters of a number.
func digits(t *chars.Tables, s string, i, n int) int {
	for ; n > 0 && i < len(s); n-- {
		c, size := t.Decode(s[i:])
		if c&chars.Number == 0 {
			break
		}
		i += size
	}
	return i
}

// others returns the end of ` ?[^\s\p{N}…]+` at i, or i. The letters are a part of the class.
func others(t *chars.Tables, s string, i int, letters chars.Class) int {
	from := i
	if s[i] == ' ' {
		from++
	}
	if end := runNot(t, s, from, chars.Space|chars.Number|letters); end > from {
		return end
	}
	return i
}

const (
	o200kUpper = chars.Upper | chars.Title | chars.Modifier | chars.OtherLetter | chars.Mark
	o200kLower = chars.Lower | chars.Modifier | chars.OtherLetter | chars.Mark
)

func o200k(t *chars.Tables, s string, i int) int {
	c, size := t.Decode(s[i:])
	after := i // behind the one character before a word, where there may be one
	if b := s[i]; c&(chars.Letter|chars.Number) == 0 && b != '\r' && b != '\n' {
		after += size
	}
	for _, word := range []func(*chars.Tables, string, int) int{lowerWord, upperWord} {
		if end := word(t, s, after); end > after {
			return foldedContraction(s, end)
		}
		if after > i {
			if end := word(t, s, i); end > i {
				return foldedContraction(s, end)
			}
		}
	}
	if c&chars.Number != 0 {
		return digits(t, s, i+size, 2)
	}
	if end := others(t, s, i, chars.Letter); end > i {
		for end < len(s) && (s[end] == '\r' || s[end] == '\n' || s[end] == '/') {
			end++
		}
		return end
	}
	return lineRun(t, s, i)
}

// lowerWord returns the end of upper*lower+ at i, or i. Where no lowercase letter follows the longest upper*, the last character in it
// that belongs to both classes is the whole of lower+.
func lowerWord(t *chars.Tables, s string, i int) int {
	end, both := i, i
	for end < len(s) {
		c, size := t.Decode(s[end:])
		if c&o200kUpper == 0 {
			break
		}
		end += size
		if c&o200kLower != 0 {
			both = end
		}
	}
	if last := run(t, s, end, o200kLower); last > end {
		return last
	}
	return both
}

// upperWord returns the end of upper+lower* at i, or i.
func upperWord(t *chars.Tables, s string, i int) int {
	end := run(t, s, i, o200kUpper)
	if end == i {
		return i
	}
	return run(t, s, end, o200kLower)
}
