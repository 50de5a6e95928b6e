package recipe

import (
	"cmp"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// Text is documents, one byte a token: the next byte is the target. With data.OpenOptions.Encoder they are the tokens of a checkpoint.
type Text struct {
	// Files and folders: plain text is a document per file, JSON lines a document per line. No train means the 24 documents in the program.
	// No validation means the documents that hold_out keeps from training, and no test the validation documents.
	Train      []string `yaml:"train,omitempty"`
	Validation []string `yaml:"validation,omitempty"`
	Test       []string `yaml:"test,omitempty"`
	HoldOut    int      `yaml:"hold_out"` // one of hold_out documents is kept from training; 0: none, or one of six in the program

	Fields   []string `yaml:"fields,omitempty"`     // of JSON lines; none means text
	Tokens   int      `yaml:"tokens"`               // bytes per window; 0 means 2048
	Cross    bool     `yaml:"cross"`                // let windows run on into the next document
	Stateful bool     `yaml:"stateful" was:"lanes"` // continue documents from batch to batch, for models with a memory
	Shuffle  int      `yaml:"shuffle"`              // windows in the buffer that shuffles; 0 means 256, or none where stateful
}

func (t *Text) tokens() int { return cmp.Or(t.Tokens, 2048) }

func (t *Text) shuffle() int {
	if t.Shuffle == 0 && !t.Stateful {
		return min(256, maxShuffle(t.tokens()))
	}
	return t.Shuffle
}

func maxShuffle(tokens int) int { return max(1, text.MaxBuffer/tokens) }

// holdOut is every sixth of the sample's documents: four of them.
func (t *Text) holdOut() int {
	if t.HoldOut == 0 && len(t.Train) == 0 && len(t.Validation) == 0 {
		return 6
	}
	return t.HoldOut
}

// Check returns an error about a key.
func (t *Text) Check() error {
	if err := checkTokens(t.tokens()); err != nil {
		return err
	}
	switch {
	case len(t.Train) == 0 && len(t.Fields) > 0:
		return strict.Wrong("fields", "are given without train; the documents in the program have fields of their own")
	case t.Stateful && t.Shuffle > 0:
		return strict.Wrong("shuffle", "and stateful are given together; stateful sequences read each document in order")
	case t.Stateful && t.Cross:
		return strict.Wrong("cross", "and stateful are given together; the memory ends with the document")
	case t.Shuffle < 0 || t.Shuffle > maxShuffle(t.tokens()):
		return strict.Wrong("shuffle", "is %d windows of %d bytes; it must lie between 0 and %d: "+
			"the buffer is in memory and in every checkpoint", t.Shuffle, t.tokens(), maxShuffle(t.tokens()))
	}
	return documents.Config{Train: t.Train, Validation: t.Validation, HoldOut: t.holdOut()}.Check()
}

// Open reads all documents once, and makes the streams of the three parts.
func (t *Text) Open(o data.OpenOptions) (*data.Bundle, error) {
	if o.Encoder != nil {
		return t.openWindows(o)
	}
	b := &data.Bundle{
		Bytes:  int64(t.shuffle()+o.Batch) * int64(t.tokens()), // of windows
		Tokens: t.tokens(), Tokenizer: tokenizer.Bytes(), Supervision: data.Supervision{TokenTargets: true},
	}
	c := text.Config{Tokens: t.tokens(), Batch: o.Batch, Cross: t.Cross, Stateful: t.Stateful, HoldOut: t.holdOut()}
	train, validation, test := c, c, c
	train.Shuffle, train.Seed = t.shuffle(), o.Seed
	var err error
	if train.Corpus, err = t.corpus(b, t.Train); err != nil {
		return nil, err
	}
	if validation.Corpus, validation.HeldOut, validation.Epochs = train.Corpus, true, 1; c.HoldOut == 0 {
		validation.HeldOut = false
		if validation.Corpus, err = t.corpus(b, t.Validation); err != nil {
			return nil, err
		}
	}
	if test = validation; len(t.Test) > 0 {
		test.HoldOut, test.HeldOut = 0, false
		if test.Corpus, err = t.corpus(b, t.Test); err != nil {
			return nil, err
		}
	}
	stream := func(c text.Config) func() (data.Source, error) {
		return func() (data.Source, error) { return text.NewStream(c) }
	}
	b.Validation, b.Test = stream(validation), stream(test)
	b.Train, err = text.NewStream(train)
	return b, err
}

// corpus reads the documents of a part. It adds notes on left out files to b.
func (t *Text) corpus(b *data.Bundle, paths []string) (*text.Corpus, error) {
	files, fields, err := t.files(b, paths)
	if err != nil {
		return nil, err
	}
	c, err := text.NewCorpus(files, fields...)
	if err == nil {
		b.Notes = slices.Concat(b.Notes, c.Notes())
	}
	return c, err
}

// files are the files of a part and the fields of their text. No paths mean the documents in the program. It adds notes on left out files
// to b.
func (t *Text) files(b *data.Bundle, paths []string) (files text.Files, fields []string, err error) {
	if len(paths) == 0 {
		return sample.Files(), sample.Fields(), nil
	}
	files, notes, err := text.List(paths...)
	b.Notes = slices.Concat(b.Notes, notes)
	return files, t.Fields, err
}
