// Package chars knows the properties of characters as the library tokenizers 0.22.2 knows them. The library reads its tables from five
// places of different Unicode versions, so that none of Go's tables agrees with all of them. tables.txt has what the library does; gen.py
// reads it off the library's behaviour.
package chars

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Class is a set of properties.
type Class uint32

// Properties. The order is that of gen.py.
const (
	Upper       Class = 1 << iota // \p{Lu} of the regular expressions
	Lower                         // \p{Ll}
	Title                         // \p{Lt}
	Modifier                      // \p{Lm}
	OtherLetter                   // \p{Lo}
	Mark                          // \p{M}
	Number                        // \p{N}
	Decimal                       // \p{Nd}
	Punct                         // \p{P}
	Symbol                        // \p{S}
	Space                         // \s
	Word                          // \w
	RustWord                      // \w of added tokens and of the pre-tokenizer Whitespace
	RustSpace                     // white space of the other components
	Numeric                       // what the pre-tokenizer Digits looks for
	Punctuation                   // what Punctuation and BertPreTokenizer look for
	Control                       // what the cleaning of BertNormalizer removes
	Nonspacing                    // what BertNormalizer strips of accents
	Combining                     // what StripAccents removes
	Decomposes                    // has a decomposition in Unicode 9
	Nonstarter                    // has a combining class that is not zero in Unicode 9
	Digit                         // \d

	Letter = Upper | Lower | Title | Modifier | OtherLetter // \p{L}
)

//go:embed tables.txt
var source string

// Tables are the properties of all characters. They are immutable.
type Tables struct {
	ascii   [utf8.RuneSelf]Class
	pages   [][256]Class
	index   [maxRune>>8 + 1]uint16
	scripts []scriptRun
	runs    []classRun
	lower   []lowerRun
}

const maxRune = 0x10FFFF

type scriptRun struct {
	from   rune
	script uint8
}

type classRun struct {
	from  rune
	class Class
}

type lowerRun struct{ from, to, step, delta rune }

// All returns the tables. The first call reads them in about a millisecond.
var All = sync.OnceValue(func() *Tables {
	t, err := parse(source)
	if err != nil {
		panic("chars: tables.txt is damaged")
	}
	return t
})

// parse reads tables.txt.
func parse(text string) (*Tables, error) {
	t := new(Tables)
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		var err error
		switch {
		case len(fields) == 4 && fields[0] == "c":
			err = t.addClass(fields[1:])
		case len(fields) == 5 && fields[0] == "l":
			err = t.addLower(fields[1:])
		case len(fields) == 0 || fields[0] != "#":
			err = fmt.Errorf("the line %q", line)
		}
		if err != nil {
			return nil, err
		}
	}
	t.fill()
	return t, nil
}

func (t *Tables) addClass(fields []string) error {
	var v [3]uint64
	for i, f := range fields {
		n, err := strconv.ParseUint(f, 16, 32)
		if err != nil {
			return err
		}
		v[i] = n
	}
	t.runs = append(t.runs, classRun{rune(v[0]), Class(v[1])})
	if n := len(t.scripts); n == 0 || t.scripts[n-1].script != uint8(v[2]) {
		t.scripts = append(t.scripts, scriptRun{rune(v[0]), uint8(v[2])})
	}
	return nil
}

func (t *Tables) addLower(fields []string) error {
	var v [4]int64
	for i, f := range fields {
		base := 16
		if i >= 2 {
			base = 10
		}
		n, err := strconv.ParseInt(f, base, 32)
		if err != nil {
			return err
		}
		v[i] = n
	}
	t.lower = append(t.lower, lowerRun{rune(v[0]), rune(v[1]), rune(v[2]), rune(v[3])})
	return nil
}

// fill lays the runs out in pages, equal pages once.
func (t *Tables) fill() {
	known := map[[256]Class]uint16{}
	run := 0
	for p := range t.index {
		var page [256]Class
		for i := range page {
			for run+1 < len(t.runs) && t.runs[run+1].from <= rune(p<<8|i) {
				run++
			}
			page[i] = t.runs[run].class
		}
		n, ok := known[page]
		if !ok {
			n = uint16(len(t.pages))
			known[page] = n
			t.pages = append(t.pages, page)
		}
		t.index[p] = n
	}
	copy(t.ascii[:], t.pages[t.index[0]][:])
}

// Of returns the properties of r.
func (t *Tables) Of(r rune) Class {
	if uint32(r) > maxRune {
		return 0
	}
	return t.pages[t.index[r>>8]][r&0xff]
}

// ASCII returns the properties of a byte below utf8.RuneSelf.
func (t *Tables) ASCII(b byte) Class { return t.ascii[b&(utf8.RuneSelf-1)] }

// Decode returns the properties of the first character of s, which is not empty, and its size in bytes.
func (t *Tables) Decode(s string) (Class, int) {
	if s[0] < utf8.RuneSelf {
		return t.ascii[s[0]], 1
	}
	r, size := utf8.DecodeRuneInString(s)
	return t.pages[t.index[r>>8]][r&0xff], size
}

// Script returns the script of r as a number; 0 goes with every script.
func (t *Tables) Script(r rune) uint8 {
	low, high := 0, len(t.scripts)
	for low+1 < high {
		middle := (low + high) / 2
		if t.scripts[middle].from <= r {
			low = middle
		} else {
			high = middle
		}
	}
	return t.scripts[low].script
}

// ToLower returns the lowercase of r. That of U+0130 has a second character, U+0307, which is left to the caller.
func (t *Tables) ToLower(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if r == 0x130 {
		return 'i'
	}
	low, high := 0, len(t.lower)
	for low < high {
		middle := (low + high) / 2
		switch run := t.lower[middle]; {
		case r < run.from:
			high = middle
		case r > run.to:
			low = middle + 1
		case (r-run.from)%run.step == 0:
			return r + run.delta
		default:
			return r
		}
	}
	return r
}

// Ranges calls f with each longest range of characters that have a property of c, or have none of them. Surrogates have none.
func (t *Tables) Ranges(c Class, f func(from, to rune)) {
	from := rune(-1)
	for _, run := range t.runs {
		switch has := run.class&c != 0; {
		case has && from < 0:
			from = run.from
		case !has && from >= 0:
			f(from, run.from-1)
			from = -1
		}
	}
	if from >= 0 {
		f(from, maxRune)
	}
}
