package vocab

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Token is a token of a vocabulary.
type Token struct {
	Name  string  // as tokenizer.json has it: Ġ is a blank of BPE, and ▁ one of Unigram
	Score float64 // Unigram: the natural logarithm of its probability; 0 for special tokens
}

// Vocabulary is what was learned: the tokens of a tokenizer, and how text is cut into them. It is immutable.
type Vocabulary struct {
	config Config
	tokens []Token // by id
	merges []merge // of BPE, in their order
	notes  []string
}

// Train learns a vocabulary. The kind, the normalizer and the case must be those of the counts. The cost of
// BPE is linear in the bytes of the different words, but for a logarithm. Unigram reads the words about 2·ln(pieces/size)/ln(4/3) times.
func Train(ctx context.Context, counts *Counts, c Config) (*Vocabulary, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if counts == nil || counts.cut != c.cutting() {
		return nil, errors.New("vocab: the counts belong to another kind, normalizer or case; count the words again with this configuration")
	}
	c.Specials = slices.Clone(c.Specials)
	train := trainBPE
	if c.Kind == Unigram {
		train = trainUnigram
	}
	v, err := train(ctx, counts, c)
	if err != nil {
		return nil, fmt.Errorf("vocab: %w", err)
	}
	return v, nil
}

// Tokens are the tokens by id.
func (v *Vocabulary) Tokens() []Token { return slices.Clone(v.tokens) }

// Notes are about what differs from the configuration, such as a vocabulary that is smaller than asked for.
func (v *Vocabulary) Notes() []string { return slices.Clone(v.notes) }
