package summarize

import (
	"context"
	"errors"
)

// Scorer gives each sentence of a text a score: the larger it is, the sooner the sentence is chosen. Only differences within a text count.
// Scores have one element a sentence, and are finite. A model with attention is one more Scorer.
type Scorer interface {
	Score(ctx context.Context, t *Text) ([]float32, error)
}

// Features scores sentences by their features alone: their place, section, length, words, and likeness to the rest of the text. It weighs
// terms and pairs of terms by where they stand, by the scores of the sentences that have them, and by how often summaries have them. It has
// no attention. It is a Scorer and a Weigher. Any number of goroutines may share it.
type Features struct {
	network      *network
	mean, scale  []float32 // of each feature over the training sentences; scale is 1/standard deviation
	frequencies  *Frequencies
	terms, pairs *weigher
	Card         Card
}

// Card says what a model was made of.
type Card struct {
	Documents map[string]int     `json:"documents"` // of each source
	Epochs    int                `json:"epochs"`
	Seed      uint64             `json:"seed"`
	Words     int                `json:"words"` // of the summaries that it learned from
	Dev       map[string]float64 `json:"dev"`   // F1 of each measure on the validation documents
}

// clip bounds a standardised feature.
const clip = 5

// scoredAtOnce is the number of sentences that are scored together, which bounds the memory.
const scoredAtOnce = 4096

// Score implements Scorer. Cost: linear in the text.
func (m *Features) Score(ctx context.Context, t *Text) ([]float32, error) {
	measured, n := t.measure(), len(t.Sentences)
	scores := make([]float32, 0, n)
	for from := 0; from < n; from += scoredAtOnce {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x := measured.rows(from, min(n, from+scoredAtOnce))
		standardise(x, m.mean, m.scale)
		some, err := m.network.scores(x, t.threads)
		if err != nil {
			return nil, err
		}
		scores = append(scores, some...)
	}
	return scores, nil
}

// standardise gives rows of features the mean 0 and the standard deviation 1 over the training rows.
func standardise(x, mean, scale []float32) {
	for i := range x {
		k := i % len(mean)
		x[i] = max(-clip, min(clip, (x[i]-mean[k])*scale[k]))
	}
}

var errFeatures = errors.New("the model has other features; train it again with this version")
