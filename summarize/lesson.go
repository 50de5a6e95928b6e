package summarize

import (
	"context"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/rouge"
)

// lesson is an example that a Hierarchical scorer can learn from.
type lesson struct {
	batch      data.Batch // the tokens, one sequence
	lengths    []int      // of the units
	units      []int32    // of the sentences
	features   []float32  // of the sentences
	candidates []int32    // sentences with a target
	targets    []float32  // of these; 1: the oracle chose the sentence
	positive   int
	words      []int32   // tokens with a target
	wanted     []float32 // of these; 1: the summary has the word
}

// lessons makes lessons of at most some tokens of each example, in whole units; 0: all. Examples of which no sentence is chosen in these
// are left out.
func (m *Hierarchical) lessons(ctx context.Context, rows []prepared, most int) (all []*lesson, err error) {
	for i := range rows {
		l, err := m.lesson(ctx, &rows[i], most)
		if err != nil {
			return nil, err
		}
		if l.positive > 0 {
			all = append(all, l)
		}
	}
	return all, nil
}

func (m *Hierarchical) lesson(ctx context.Context, p *prepared, most int) (*lesson, error) {
	r, err := p.text.read(ctx, m.encoder.Tokenizer(), m.marks)
	if err != nil {
		return nil, err
	}
	units, tokens, sentences := r.prefix(most)
	l := &lesson{batch: data.Batch{Tokens: r.tokens[:tokens], Lengths: []int{tokens}}, lengths: r.lengths[:units], units: r.units[:sentences]}
	l.features = p.text.measure().rows(0, sentences)
	m.features.standardise(l.features)
	k := 0
	for i, s := range p.text.Sentences[:sentences] {
		if !s.Candidate {
			continue
		}
		l.candidates, l.targets = append(l.candidates, int32(i)), append(l.targets, p.targets[k])
		if p.targets[k] > 0 {
			l.positive++
		}
		k++
	}
	l.wordTargets(p, r)
	return l, nil
}

// wordTargets finds the tokens of content words in candidates, and whether the summary has the stem of their word. Attention so learns from
// thousands of targets a document, where the oracle has a handful (content selection: Gehrmann, Deng and Rush 2018, arXiv:1808.10792).
func (l *lesson) wordTargets(p *prepared, r *reading) {
	has := map[string]bool{}
	for _, s := range rouge.Tokens(p.example.reference(), true) {
		has[s] = true
	}
	stems := map[string]string{}
	for t := range l.batch.Tokens {
		i := r.sentences[t]
		if i < 0 || !p.text.Sentences[i].Candidate {
			continue
		}
		word := wordAt(p.text.Sentences[i].Text, int(r.places[t].From), int(r.places[t].To))
		stem, ok := stems[word]
		if !ok {
			stem = contentStem(word)
			stems[word] = stem
		}
		if stem == "" {
			continue
		}
		l.words = append(l.words, int32(t))
		target := float32(0)
		if has[stem] {
			target = 1
		}
		l.wanted = append(l.wanted, target)
	}
}

// wordAt is the word of a text, as ROUGE reads it, that the bytes from … to−1 are of; empty if they are of none.
func wordAt(text string, from, to int) string {
	for from < to && !wordByte(text[from]) {
		from++
	}
	if from >= to {
		return ""
	}
	for from > 0 && wordByte(text[from-1]) {
		from--
	}
	for to = from + 1; to < len(text) && wordByte(text[to]); {
		to++
	}
	return text[from:to]
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// contentStem is the stem of a word; empty for words of one or two letters and function words, which any summary has.
func contentStem(word string) string {
	stem := rouge.Tokens(word, true)
	if len(stem) != 1 || len(stem[0]) < 3 || functionWords[stem[0]] {
		return ""
	}
	return stem[0]
}

// functionWords are stems of common English words without content.
var functionWords = func() map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(`the and for are was were with that thi from which have has not can will may also been be their there these
		those it our you your but such than then when where who all ani each more most other into onli same some use via`) {
		all[w] = true
	}
	return all
}()
