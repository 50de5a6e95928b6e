package summarize

import (
	"math"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/rouge/porter"
)

// vocabulary numbers the terms of a document: stems of English words, words of other letters in small letters, and in scripts without
// spaces pairs of neighbouring letters.
type vocabulary struct {
	ids   map[string]int32 // of words before stemming
	stems map[string]int32
	names []string // by term
	last  map[int32]int
	word  []byte
}

func newVocabulary() *vocabulary {
	return &vocabulary{ids: map[string]int32{}, stems: map[string]int32{}}
}

// counted is a term and how often it stands in a sentence.
type counted struct {
	term int32
	n    int
}

// count appends terms with how often they come, in the order of their first places.
func (v *vocabulary) count(dst []counted, terms []int32) []counted {
	if v.last == nil {
		v.last = map[int32]int{}
	}
	clear(v.last)
	for _, term := range terms {
		if at, ok := v.last[term]; ok {
			dst[at].n++
			continue
		}
		v.last[term] = len(dst)
		dst = append(dst, counted{term, 1})
	}
	return dst
}

// unique are the terms of a text, each once, in order.
func (v *vocabulary) unique(text string) (terms []int32) {
	v.each(text, func(term int32) { terms = append(terms, term) })
	slices.Sort(terms)
	return slices.Compact(terms)
}

// each yields the terms of a text.
func (v *vocabulary) each(text string, use func(term int32)) {
	eachTerm(text, &v.word, func(word []byte) {
		id, ok := v.ids[string(word)]
		if !ok {
			name := stemOf(word)
			if id, ok = v.stems[name]; !ok {
				id = int32(len(v.names))
				v.stems[name] = id
				v.names = append(v.names, name)
			}
			v.ids[string(word)] = id
		}
		use(id)
	})
}

// stemOf is the stem of a word of ASCII, or the word.
func stemOf(word []byte) string {
	for _, c := range word {
		if c >= utf8.RuneSelf {
			return string(word)
		}
	}
	if len(word) > 3 {
		return porter.Stem(string(word))
	}
	return string(word)
}

// eachTerm yields the words of a text in small letters; a word is valid until the next.
func eachTerm(text string, buffer *[]byte, use func(word []byte)) {
	word := (*buffer)[:0]
	end := func() {
		if len(word) > 0 {
			use(word)
			word = word[:0]
		}
	}
	before := rune(0) // the letter before, of a script without spaces
	for _, r := range text {
		if r < utf8.RuneSelf {
			before = 0
			switch {
			case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
				word = append(word, byte(r))
			case 'A' <= r && r <= 'Z':
				word = append(word, byte(r)+'a'-'A')
			default:
				end()
			}
			continue
		}
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end()
			if before != 0 {
				word = utf8.AppendRune(utf8.AppendRune(word, before), r)
				end()
			}
			before = r
			continue
		case unicode.IsLetter(r), unicode.IsDigit(r), len(word) > 0 && unicode.IsMark(r):
			word = utf8.AppendRune(word, unicode.ToLower(r))
		default:
			end()
		}
		before = 0
	}
	end()
	*buffer = word
}

// buckets is the number of buckets of Frequencies.
const buckets = 8192

// Frequencies are inverse sentence frequencies of terms, learned from a collection: log(N/(1+df)), N sentences, df of them with the term.
// Terms share 8,192 buckets by a hash, and values have 8 bits, so that the table takes 8 KB.
type Frequencies struct {
	table [buckets]uint8
	step  float64 // nats of one unit
}

// Of is the value of a term, in nats, at least 0.
func (f *Frequencies) Of(term string) float64 { return float64(f.table[bucket(term)]) * f.step }

func bucket(term string) int {
	h := uint64(14695981039346656037) // FNV-1a of 64 bits
	for i := range len(term) {
		h = (h ^ uint64(term[i])) * 1099511628211
	}
	return int(random.Finalise(h) % buckets)
}

// newFrequencies makes a table of the number of sentences with each bucket's terms, of n sentences.
func newFrequencies(with *[buckets]int, n int) *Frequencies {
	f := &Frequencies{step: math.Log(float64(n)) / 255}
	for i, df := range with {
		f.table[i] = uint8(math.Round(max(0, math.Log(float64(n)/float64(1+df))) / f.step))
	}
	return f
}
