package summarize

import (
	"context"

	"github.com/longspan/longspan/data"
)

// lesson is an example that a Hierarchical scorer can learn from.
type lesson struct {
	batch      data.Batch // the tokens, one sequence
	lengths    []int      // of the parts
	parts      []int32    // of the sentences
	features   []float32  // of the sentences
	candidates []int32    // sentences with a target
	targets    []float32  // of these; 1: the oracle chose the sentence
	positive   int
	sentences  []int32     // of each token; −1: none
	groups     tokenGroups // the tokens of the terms, then of the pairs
	terms      wordRows
	pairs      wordRows
}

// wordRows are terms with a count, or pairs, that a summary may have.
type wordRows struct {
	group  []int32   // of the tokens
	odds   []float32 // log-odds by the features
	wanted []float32 // 1: the summary has it as often
}

// lessons makes lessons of at most some tokens of each example, in whole parts; 0: all. Examples of which no sentence is chosen in these
// are left out.
func (m *Hierarchical) lessons(ctx context.Context, rows []known, most int) (all []*lesson, err error) {
	for i := range rows {
		if m.alone != nil {
			rows[i].importance = m.alone.instead(rows[i].importance)
		}
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

func (m *Hierarchical) lesson(ctx context.Context, p *known, most int) (*lesson, error) {
	r, err := p.text.read(ctx, m.encoder.Tokenizer(), m.marks)
	if err != nil {
		return nil, err
	}
	parts, tokens, sentences := r.prefix(most)
	l := &lesson{batch: data.Batch{Tokens: r.tokens[:tokens], Lengths: []int{tokens}}, lengths: r.lengths[:parts], parts: r.parts[:sentences]}
	l.features = p.text.measure().rows(0, sentences)
	m.seen(l.features)
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
	l.sentences = r.sentences[:tokens]
	l.words(p, p.text.groups(p.text.locate(r), p.importance.wanted(), sentences))
	return l, nil
}

// words makes rows of the terms and pairs that have tokens.
func (l *lesson) words(p *known, groups tokenGroups) {
	has, i, at := countGrams(p.example.reference()), p.importance, 0
	w := i.wanted()
	for g, n := range groups.lengths {
		if n > 0 {
			group := int32(len(l.groups.lengths))
			if g < len(w.terms) {
				term := w.terms[g]
				for k, probability := range i.Terms[term] {
					if probability > 0 {
						l.terms.add(group, probability, has[p.text.names[term]] > k)
					}
				}
			} else {
				pair := w.pairs[g-len(w.terms)]
				l.pairs.add(group, i.Pairs[pair], has[p.text.name(pair)] > 0)
			}
			l.groups.tokens, l.groups.lengths = append(l.groups.tokens, groups.tokens[at:at+n]...), append(l.groups.lengths, n)
		}
		at += n
	}
}

func (r *wordRows) add(group int32, p float32, has bool) {
	r.group, r.odds, r.wanted = append(r.group, group), append(r.odds, logOdds(p)), append(r.wanted, indicator(has))
}
