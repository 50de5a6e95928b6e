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
	eachTermAt(text, buffer, func(word []byte, _, _ int) { use(word) })
}

// eachTermAt is eachTerm with the bytes of the text from … to−1 that a word comes from.
func eachTermAt(text string, buffer *[]byte, use func(word []byte, from, to int)) {
	word, from := (*buffer)[:0], 0
	end := func(to int) {
		if len(word) > 0 {
			use(word, from, to)
			word = word[:0]
		}
	}
	begin := func(at int) {
		if len(word) == 0 {
			from = at
		}
	}
	before, beforeAt := rune(0), 0 // the letter before, of a script without spaces
	for at, r := range text {
		if r < utf8.RuneSelf {
			before = 0
			switch {
			case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
				begin(at)
				word = append(word, byte(r))
			case 'A' <= r && r <= 'Z':
				begin(at)
				word = append(word, byte(r)+'a'-'A')
			default:
				end(at)
			}
			continue
		}
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end(at)
			if before != 0 {
				begin(beforeAt)
				word = utf8.AppendRune(utf8.AppendRune(word, before), r)
				end(at + utf8.RuneLen(r))
			}
			before, beforeAt = r, at
			continue
		case unicode.IsLetter(r), unicode.IsDigit(r), len(word) > 0 && unicode.IsMark(r):
			begin(at)
			word = utf8.AppendRune(word, unicode.ToLower(r))
		default:
			end(at)
		}
		before = 0
	}
	end(len(text))
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

func bucket(term string) int { return bucketOf(term, 0, buckets) }

// bucketOf is the bucket, of some, of a name with a number.
func bucketOf(name string, number uint64, of int) int {
	h := uint64(14695981039346656037) // FNV-1a of 64 bits
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return int(random.Finalise(h+number*random.Gamma) % uint64(of))
}

// newFrequencies makes a table of the number of sentences with each bucket's terms, of n sentences.
func newFrequencies(with *[buckets]int, n int) *Frequencies {
	f := &Frequencies{step: math.Log(float64(n)) / 255}
	for i, df := range with {
		f.table[i] = uint8(math.Round(max(0, math.Log(float64(n)/float64(1+df))) / f.step))
	}
	return f
}
