package recipe

import (
	"errors"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/internal/strict"
)

// Text is documents, one byte a token: the next byte is predicted.
type Text struct {
	Train      []string `yaml:"train,omitempty"`      // files and folders: plain text is a document a file, JSON lines a document a line; none means the 24 documents in the program
	Validation []string `yaml:"validation,omitempty"` // where there are none, hold_out says which documents are kept from training
	Test       []string `yaml:"test,omitempty"`       // none means the validation documents
	Fields     []string `yaml:"fields,omitempty"`     // of JSON lines; none means text
	HoldOut    int      `yaml:"hold_out"`             // every so many documents one is kept from training; 0 keeps none, or every sixth of those in the program
	Tokens     int      `yaml:"tokens"`               // bytes a window; 0 means 2048
	Cross      bool     `yaml:"cross"`                // let windows run on into the next document
	Lanes      bool     `yaml:"lanes"`                // read documents on from batch to batch, for models with a memory
	Shuffle    int      `yaml:"shuffle"`              // windows held back to draw the next from; 0 means 256, or none with lanes
}

func (t *Text) tokens() int {
	if t.Tokens == 0 {
		return 2048
	}
	return t.Tokens
}

func (t *Text) shuffle() int {
	if t.Shuffle == 0 && !t.Lanes {
		return min(256, maxShuffle(t.tokens()))
	}
	return t.Shuffle
}

func maxShuffle(tokens int) int { return max(1, text.MaxHeld/tokens) }

// holdOut is every sixth of the sample's documents: four of them.
func (t *Text) holdOut() int {
	if t.HoldOut == 0 && len(t.Train) == 0 && len(t.Validation) == 0 {
		return 6
	}
	return t.HoldOut
}

func (t *Text) check() error {
	switch {
	case t.tokens() < 2:
		return strict.Wrong("tokens", "is %d; a window needs at least 2 bytes, one to see and one to predict", t.Tokens)
	case t.HoldOut < 0 || t.HoldOut == 1:
		return strict.Wrong("hold_out", "is %d; use 0, or 2 and more", t.HoldOut)
	case len(t.Train) == 0 && len(t.Fields) > 0:
		return strict.Wrong("fields", "are given without train; the documents in the program have fields of their own")
	case len(t.Validation) > 0 && t.HoldOut > 0:
		return strict.Wrong("hold_out", "and validation are given together; validation documents come from files of their own or from training's, not both")
	case len(t.Validation) == 0 && t.holdOut() == 0:
		return errors.New("nothing to validate on; name validation files, or keep documents from training with hold_out: 20")
	case t.Lanes && t.Shuffle > 0:
		return strict.Wrong("shuffle", "and lanes are given together; lanes read each document in order")
	case t.Lanes && t.Cross:
		return strict.Wrong("cross", "and lanes are given together; a lane's memory ends with its document")
	case t.Shuffle < 0 || t.Shuffle > maxShuffle(t.tokens()):
		return strict.Wrong("shuffle", "is %d windows of %d bytes; it must lie between 0 and %d, which are held in memory and in every checkpoint",
			t.Shuffle, t.tokens(), maxShuffle(t.tokens()))
	}
	return nil
}

func (t *Text) open(batch int, seed uint64) (*Sets, error) {
	c := text.Config{Fields: t.Fields, Tokens: t.tokens(), Batch: batch, Cross: t.Cross, Lanes: t.Lanes, HoldOut: t.holdOut()}
	train, validation, test := c, c, c
	train.Shuffle, train.Seed = t.shuffle(), seed
	validation.Epochs, test.Epochs = 1, 1
	var err error
	if len(t.Train) == 0 {
		train.Files, train.Fields = sample.Files(), sample.Fields()
	} else if train.Files, _, err = text.List(t.Train...); err != nil {
		return nil, err
	}
	if train.HoldOut > 0 {
		validation.Files, validation.Fields, validation.Held = train.Files, train.Fields, true
	} else if validation.Files, _, err = text.List(t.Validation...); err != nil {
		return nil, err
	}
	if test = validation; len(t.Test) > 0 {
		test.Fields, test.HoldOut, test.Held = t.Fields, 0, false
		if test.Files, _, err = text.List(t.Test...); err != nil {
			return nil, err
		}
	}
	stream := func(c text.Config) func() (data.Source, error) {
		return func() (data.Source, error) { return text.NewStream(c) }
	}
	held := int64(t.shuffle()+batch) * int64(t.tokens()) // bytes of windows
	s := &Sets{Bytes: held, Vocab: text.Vocab, Tokens: t.tokens(), Next: true, Show: showBytes, Read: readBytes, Validation: stream(validation), Test: stream(test)}
	s.Train, err = text.NewStream(train)
	return s, err
}

// showBytes leaves the ends of documents out.
func showBytes(tokens []int32) string {
	var b []byte
	for _, t := range tokens {
		if t != text.End {
			b = append(b, byte(t))
		}
	}
	return string(b)
}

// readBytes begins a document: its first byte is predicted from its beginning.
func readBytes(s string) ([]int32, error) {
	tokens := []int32{text.End}
	for i := range len(s) {
		tokens = append(tokens, int32(s[i]))
	}
	return tokens, nil
}
