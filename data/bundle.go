package data

import "github.com/longspan/longspan/tokenizer"

// Bundle is a data set in three parts, with what a model has to know of it.
type Bundle struct {
	Train Source // in a random order, without end

	// Validation and Test open the parts that a model must not learn from, at their beginning, in order, once.
	Validation, Test func() (Source, error)

	Batch   int      // sequences per batch
	Tokens  int      // of the longest sequence, and of the longest source
	Uniform bool     // the lengths of all parts have one distribution
	Bytes   int64    // memory that the readers take
	Notes   []string // what was left out, cut or passed over

	Tokenizer *tokenizer.Tokenizer // of sequences; of sources, where there are sources
	Answers   Answers              // the words of the answers
	Supervision
}

// Supervision is what the batches give a model to predict.
type Supervision struct {
	TokenTargets  bool // Batch.Targets are tokens: the next ones, or answers
	HiddenAnswers bool // the answers are not in the input, so a model that sees all of it can learn them
	Classes       int  // of Batch.Labels; 0: there are none
	Tags          int  // classes that Batch.Targets are; 0: they are tokens, or none
	Numbers       bool // Batch.Values are the targets
	Sources       bool // each sequence has a source, and ends with the end of a document
}

// OpenOptions are what opening a data set depends on, beside its own settings.
type OpenOptions struct {
	Batch  int    // sequences per batch
	Seed   uint64 // of the training order
	Memory int64  // the largest number of bytes that readers may take; 0: any
}

// Parts are the examples of a Bundle.
type Parts struct {
	Train, Validation, Test Dataset
	Digest                  string // of the training examples, where they can change; a saved position of others is refused
}

// Load makes the sources of b from examples.
func (b *Bundle) Load(p Parts, o OpenOptions) (err error) {
	once := func(set Dataset) func() (Source, error) {
		return func() (Source, error) { return NewLoader(set, LoaderConfig{Batch: o.Batch, Epochs: 1}) }
	}
	b.Validation, b.Test = once(p.Validation), once(p.Test)
	b.Train, err = NewLoader(p.Train, LoaderConfig{Batch: o.Batch, Shuffle: true, Seed: o.Seed, Of: p.Digest})
	return err
}
