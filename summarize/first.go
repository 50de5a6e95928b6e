package summarize

import (
	"context"

	"github.com/longspan/longspan/document"
)

// First is the system of a scorer that reads only the first tokens of a document: the sentences that end within them, and the titles of
// their sections. It shows what reading on is worth. Tokens are those of the scorer: of its tokenizer, or terms where it has none.
func (s *Summarizer) First(name string, tokens int) System {
	return System{name, func(ctx context.Context, t *Text, _ *Example, b Budget) ([]int, error) {
		counts, err := s.tokens(ctx, t)
		if err != nil {
			return nil, err
		}
		n, left := 0, tokens
		for n < len(counts) && counts[n] <= left {
			left -= counts[n]
			n++
		}
		if n == 0 {
			return nil, nil
		}
		start, err := t.first(ctx, n, s.frequencies)
		if err != nil {
			return nil, err
		}
		return Scored(name, s.scorer).choose(ctx, start, nil, b) // sentences of the start have the same indices
	}}
}

// first is the text of the first n > 0 sentences, as if the document ended there.
func (t *Text) first(ctx context.Context, n int, idf *Frequencies) (*Text, error) {
	var all []document.Sentence
	d, section, block := *t.Document, 0, 0
	for _, s := range t.Sentences[:n] {
		all, section, block = append(all, s.Sentence), max(section, s.Section), max(block, s.Block)
	}
	d.Sections, d.Blocks = d.Sections[:section+1], d.Blocks[:block+1]
	return textOf(ctx, &d, all, t.Query, idf)
}

// tokenCounter is a scorer with a tokenizer.
type tokenCounter interface {
	tokens(ctx context.Context, t *Text) ([]int, error)
}

// tokens are the numbers of tokens of the sentences.
func (s *Summarizer) tokens(ctx context.Context, t *Text) ([]int, error) {
	if c, ok := s.scorer.(tokenCounter); ok {
		return c.tokens(ctx, t)
	}
	counts := make([]int, len(t.Sentences))
	for i := range counts {
		counts[i] = len(t.sequence(i))
	}
	return counts, nil
}

// Longer returns the examples of more than some tokens of the scorer.
func (s *Summarizer) Longer(ctx context.Context, examples []Example, tokens int) (long []Example, err error) {
	for i := range examples {
		t, err := newText(ctx, examples[i].Document, "", s.frequencies)
		if err != nil {
			return nil, err
		}
		counts, err := s.tokens(ctx, t)
		if err != nil {
			return nil, err
		}
		sum := 0
		for _, n := range counts {
			sum += n
		}
		if sum > tokens {
			long = append(long, examples[i])
		}
	}
	return long, nil
}
