package summarize

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// Encoder scores sentences by the vectors that an encoder gives them, with the scores of their features beside.
//
// The encoder reads the whole text in windows that overlap. A sentence's vector is the mean of the hidden states of its tokens, each from
// the window in which it stands farthest from a border. What counts is its cosine with that of the title, and, where something is asked,
// with that of the query. So a sentence that shares no word with a query can answer it. Text that is not English prose is scored without
// features, which learned from English: then the cosine with the centroid of the sentences that may be quoted counts too.
//
// Any number of goroutines may share an Encoder.
type Encoder struct {
	model    *model.Model
	features *Features
	o        EncoderOptions
	document string // prompts
	query    string
}

// EncoderOptions set how an encoder reads. The zero value reads in windows of what the model was made for, at most 8,192 tokens, on the
// threads of [Options].
type EncoderOptions struct {
	Chunk   int // most tokens of a window, with special tokens; 0: what the model was made for, at most 8,192
	Overlap int // least number of tokens that neighbouring windows share, as in [model.ReadOptions]
	Threads int // 0: those of [Options]
}

// mostChunk is the largest window by default: the cost of full attention grows with its square.
const mostChunk = 8192

// NewEncoder makes a scorer of an encoder. features score beside it; nil: those that are in the program. The scorer does not close the
// model.
//
// It returns an error for a model without a tokenizer, and for one that is no encoder: the tokens of a decoder have not seen what follows
// them, and an encoder-decoder reads a source for something that it writes.
func NewEncoder(m *model.Model, features *Features, o EncoderOptions) (*Encoder, error) {
	s := m.Spec()
	switch {
	case s.Kind != model.Encoder || s.Causal():
		return nil, fmt.Errorf("found a model of kind %s, expected an encoder, such as BERT, whose tokens see what follows them; "+
			"summaries of a decoder are written by longspan generate", s.Kind)
	case m.Tokenizer() == nil:
		return nil, errors.New("found an encoder without a tokenizer, which reads no text; add its tokenizer.json to the folder")
	case o.Chunk < 0:
		return nil, fmt.Errorf("found windows of %d tokens, expected at least 1, or 0 for what the model was made for", o.Chunk)
	}
	if features == nil {
		var err error
		if features, err = Default(); err != nil {
			return nil, err
		}
	}
	if o.Chunk == 0 {
		if o.Chunk = m.Context(); o.Chunk == 0 || o.Chunk > mostChunk {
			o.Chunk = mostChunk
		}
	}
	e := &Encoder{model: m, features: features, o: o}
	var err error
	if e.document, err = promptOf(m, "document", "passage"); err != nil {
		return nil, err
	}
	if e.query, err = promptOf(m, "query"); err != nil {
		return nil, err
	}
	if _, err := m.Together(nil, e.reading()); err != nil { // which checks the options
		return nil, err
	}
	return e, nil
}

// promptOf is the text of the first prompt of the given names that the model has, or of the model's own choice.
func promptOf(m *model.Model, names ...string) (string, error) {
	for _, name := range names {
		if text, ok := m.Answers().Prompts[name]; ok {
			return text, nil
		}
	}
	return m.PromptText("")
}

// reading says how texts are read.
func (e *Encoder) reading() model.ReadOptions {
	return model.ReadOptions{Chunk: e.o.Chunk, Overlap: e.o.Overlap}
}

// Chunk is the most tokens of a window.
func (e *Encoder) Chunk() int { return e.o.Chunk }

// blend is the weights of the parts of a score, in standard deviations of each over the sentences that may be quoted.
type blend struct{ centroid, title, features, query float64 }

// The blends were chosen on the validation documents of docs/summaries.md with MiniLM. There the centroid lowers what the features reach,
// whatever its weight. So it counts only where the features do not. The weight of the query lets what is asked outweigh all else.
var (
	withFeatures    = blend{title: 0.3, features: 1, query: 4}
	withoutFeatures = blend{centroid: 0.5, title: 1, query: 4}
)

// Score implements Scorer. Cost: that of the encoder over the text, linear in it.
func (e *Encoder) Score(ctx context.Context, t *Text) ([]float32, error) {
	if t.foreign {
		return e.weigh(ctx, t, withoutFeatures)
	}
	return e.weigh(ctx, t, withFeatures)
}

// Weigh implements Weigher: the importance by the features, of which the scores of the encoder list the sentences.
func (e *Encoder) Weigh(ctx context.Context, t *Text, scores []float32, listed []int) (*Importance, error) {
	return e.features.Weigh(ctx, t, scores, listed)
}

// weigh scores sentences by a blend.
func (e *Encoder) weigh(ctx context.Context, t *Text, w blend) ([]float32, error) {
	if t.encoded == nil || t.encoded.by != e {
		read, err := e.read(ctx, t)
		if err != nil {
			return nil, err
		}
		t.encoded = read
	}
	scores := make([]float32, len(t.Sentences))
	add := func(weight float64, values []float32) {
		if values == nil || weight == 0 {
			return
		}
		for i, v := range t.standardise(values) {
			scores[i] += float32(weight * v)
		}
	}
	add(w.centroid, t.encoded.centroid)
	add(w.title, t.encoded.title)
	add(w.query, t.encoded.query)
	if w.features == 0 {
		return scores, nil
	}
	features, err := e.features.Score(ctx, t)
	if err != nil {
		return nil, err
	}
	add(w.features, features)
	return scores, nil
}

// systems are the parts of the blend by themselves, for evaluations. What the encoder gives alone chooses by its scores, without what the
// features expect of a summary.
func (e *Encoder) systems() []System {
	part := func(name string, w blend) System { return Ranked(name, weighed{e, w}) }
	return []System{part("encoder: centroid alone", blend{centroid: 1}), part("encoder: centroid and title", withoutFeatures),
		Scored("features alone", e.features)}
}

// weighed is an encoder with other weights.
type weighed struct {
	*Encoder
	blend blend
}

// Score implements Scorer.
func (w weighed) Score(ctx context.Context, t *Text) ([]float32, error) {
	return w.weigh(ctx, t, w.blend)
}

// session is one that computes alone, on the threads of the encoder or else of the text.
func (e *Encoder) session(t *Text) *model.Session {
	return e.model.NewSession(tensor.Exec{Threads: cmp.Or(e.o.Threads, t.threads), Pool: tensor.NewPool()})
}

// Close closes the model that [Open] has opened.
func (e *openedEncoder) Close() error { return e.model.Close() }

// openedEncoder is an encoder with a model of its own.
type openedEncoder struct{ *Encoder }
