package vocab

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Measure is what a vocabulary does to text.
type Measure struct {
	Bytes   int64   `json:"bytes"`
	Tokens  int64   `json:"tokens"`
	Unknown int64   `json:"unknown"`        // characters of Unigram that are not in the vocabulary, and have no tokens of bytes
	Nats    float64 `json:"nats,omitempty"` // Unigram: −log-probability of the text, as it is cut
	HeldOut bool    `json:"held_out"`       // the text was not learned from
}

// BytesPerToken is the mean length of a token. A tokenizer of bytes has 1.
func (m Measure) BytesPerToken() float64 { return float64(m.Bytes) / float64(max(m.Tokens, 1)) }

// Measure cuts the text that was held out, or all words where none was. The counts must be those that the vocabulary was learned from.
func (v *Vocabulary) Measure(counts *Counts) Measure {
	m := Measure{HeldOut: len(counts.held) > 0}
	words := &counts.table
	if m.HeldOut {
		words = &table{}
		split := newSplitter(v.config)
		for _, b := range counts.held {
			m.Bytes += int64(len(b.text))
			split.block(b, func(piece []byte) { words.add(piece, 1) })
		}
		words.sort()
	} else {
		m.Bytes = counts.Bytes
	}
	if v.config.Kind == BPE {
		v.measureBPE(words, &m)
	} else {
		v.measureUnigram(words, &m)
	}
	return m
}

// Longest returns the texts of the n longest tokens that were learned, the longest first. A byte of a broken character is U+FFFD.
func (v *Vocabulary) Longest(n int) []string {
	var texts []string
	raw := map[rune]byte{}
	for b, name := range byteNames() {
		r, _ := utf8.DecodeRuneInString(name)
		raw[r] = byte(b)
	}
	for _, t := range v.tokens[v.config.fixed():] {
		text := strings.ReplaceAll(t.Name, blank, " ")
		if v.config.Kind == BPE {
			var b []byte
			for _, r := range t.Name {
				b = append(b, raw[r])
			}
			text = strings.ToValidUTF8(string(b), "\ufffd")
		}
		texts = append(texts, text)
	}
	slices.SortStableFunc(texts, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return texts[:min(n, len(texts))]
}

func (v *Vocabulary) measureBPE(words *table, m *Measure) {
	s := newSegmenter(v)
	for i := range words.words {
		w := &words.words[i]
		m.Tokens += w.count * int64(s.tokens(words.of(w)))
	}
}

// measureUnigram finds the best way through each word. A character that is in no piece costs what it costs in the library: 10 more
// than the rarest token.
func (v *Vocabulary) measureUnigram(words *table, m *Measure) {
	learned := slices.Clone(v.tokens[v.config.fixed():])
	slices.SortFunc(learned, func(a, b Token) int { return strings.Compare(a.Name, b.Name) })
	pieces := make([]scored, len(learned))
	alphabet := map[rune]bool{}
	for i, t := range learned {
		pieces[i] = scored{text: t.Name, score: t.Score}
		if r, size := utf8.DecodeRuneInString(t.Name); size == len(t.Name) {
			alphabet[r] = true
		}
	}
	least := 0.0
	for _, t := range v.tokens {
		least = min(least, t.Score)
	}
	mod := newModel(pieces, newTrie(pieces))
	known, _ := parts(words, alphabet) // the words of held-out text are far fewer than its limit
	var l lattice
	for _, p := range known {
		text := words.text[p.from : p.from+p.size]
		l.find(mod, text, none)
		m.Nats -= l.viterbi(mod, len(text)) * float64(p.count)
		l.way(len(text), func(int32) { m.Tokens += p.count })
	}
	for i := range words.words {
		w := &words.words[i]
		for text := words.of(w); len(text) > 0; {
			r, size := utf8.DecodeRune(text)
			text = text[size:]
			if alphabet[r] {
				continue
			}
			m.Nats += (10 - least) * float64(w.count)
			if v.config.ByteFallback {
				m.Tokens += w.count * int64(size)
				continue
			}
			m.Tokens, m.Unknown = m.Tokens+w.count, m.Unknown+w.count
		}
	}
}
