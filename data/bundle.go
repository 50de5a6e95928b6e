package data

import "github.com/longspan/longspan/tokenizer"

// Bundle is a data set in three parts, with the properties that a model depends on.
type Bundle struct {
	Train Source // in a random order, without end

	// Validation and Test open the other parts, which are read once, in order.
	Validation, Test func() (Source, error)

	Batch   int      // sequences per batch
	Tokens  int      // of the longest sequence, and of the longest source
	Targets int      // of the longest sequence, where there are sources; 0: Tokens
	Uniform bool     // the lengths of all parts have one distribution
	Bytes   int64    // memory of the readers
	Notes   []string // on documents and files that are left out, cut or skipped

	Tokenizer *tokenizer.Tokenizer // of sequences; of sources, where there are sources
	Answers   Answers              // names and units of the outputs
	Supervision
}

// Supervision is the kind of targets in the batches.
type Supervision struct {
	TokenTargets  bool // Batch.Targets are tokens: the next ones, or answers
	HiddenAnswers bool // the answers are not in the input, so a model that sees all of it can learn them
	Classes       int  // of Batch.Labels; 0: there are none
	Tags          int  // classes of Batch.Targets; 0: tokens, or none
	Numbers       bool // Batch.Values are the targets
	Prior         bool // batches have log-probabilities of the next tokens
	Sources       bool // each sequence has a source, and ends with the end of a document
	Pairs         bool // sequences 2i and 2i+1 of a batch belong together
}

// OpenOptions are the settings of a data set that do not belong to one kind of data.
type OpenOptions struct {
	Batch  int    // sequences per batch
	Seed   uint64 // of the training order
	Memory int64  // the largest memory of the readers, in bytes; 0: any

	Encoder *Encoder // of texts of the kinds text, labelled, contrastive and pairs; nil: one byte a token
}

// Parts are the examples of a Bundle.
type Parts struct {
	Train, Validation, Test Dataset
	Digest                  string // of the training examples, if they can change; a saved position with another digest is refused
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
