// Package labelled reads documents that each have a class or a number, as sequences of bytes, or of the tokens of a checkpoint.
package labelled

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// Config is documents in JSON lines, one in each line. A sequence is text.End, and then one byte a token. With data.OpenOptions.Encoder it
// is the tokens of the document between special ones.
type Config struct {
	// Files and folders of JSON lines. No train means the 24 documents in the program, whose classes are their sources. No validation means
	// the documents that hold_out keeps from training, and no test the validation documents.
	Train      []string `yaml:"train,omitempty"`
	Validation []string `yaml:"validation,omitempty"`
	Test       []string `yaml:"test,omitempty"`
	HoldOut    int      `yaml:"hold_out"` // one of hold_out documents is kept from training; 0: none, or one of four in the program

	Fields  []string `yaml:"fields,omitempty"`                // of the text; none means text
	Label   string   `yaml:"label,omitempty"`                 // field of the class, a text or a whole number; default label
	Number  string   `yaml:"number,omitempty"`                // field of the number to predict, in place of a class and its label
	Tokens  int      `yaml:"tokens"`                          // length of the longest sequence; 0 means 2048
	TooLong string   `yaml:"too_long,omitempty" was:"longer"` // documents: error (default), truncate, or split into pieces, each an example

	// Open computes these from the training documents, unless they are given. The config of a run has them.
	Classes   []string `yaml:"classes,omitempty"` // in order: class 0, 1, …
	Mean      float64  `yaml:"mean,omitempty"`    // of the numbers; the model predicts (number − mean)/deviation
	Deviation float64  `yaml:"deviation,omitempty"`
}

func (c *Config) tokens() int { return cmp.Or(c.Tokens, 2048) }

func (c *Config) documents() documents.Config {
	return documents.Config{Train: c.Train, Validation: c.Validation, Test: c.Test, HoldOut: c.HoldOut}
}

// fields are the fields of the text.
func (c *Config) fields() []string {
	if len(c.Train) == 0 {
		return sample.Fields()
	}
	return c.Fields
}

// target is the field of the class or the number.
func (c *Config) target() string {
	if len(c.Train) == 0 {
		return "source"
	}
	return cmp.Or(c.Number, c.Label, "label")
}

// Check returns an error about a key that is out of range or contradicts another.
func (c *Config) Check() error {
	if err := documents.CheckTooLong(c.TooLong, documents.Error, documents.Truncate, documents.Split); err != nil {
		return err
	}
	switch {
	case c.tokens() < 2:
		return strict.Wrong("tokens", "is %d; a sequence needs at least 2, a start and a byte", c.Tokens)
	case c.Label != "" && c.Number != "":
		return strict.Wrong("number", "and label are given together; a model classifies, or predicts a number, not both")
	case c.Number != "" && len(c.Classes) > 0:
		return strict.Wrong("classes", "are given with number; numbers have none")
	case c.Number == "" && (c.Mean != 0 || c.Deviation != 0):
		return strict.Wrong("mean", "and deviation are given without number; classes have none")
	case !(c.Deviation >= 0) || math.IsInf(c.Deviation, 0) || math.IsNaN(c.Mean) || math.IsInf(c.Mean, 0):
		return strict.Wrong("deviation", "is %g, and mean %g; expected a positive number and a finite one", c.Deviation, c.Mean)
	case c.Deviation == 0 && c.Mean != 0:
		return strict.Wrong("mean", "is given without deviation; give both, or none to have them from the training documents")
	case len(c.Train) == 0 && (len(c.Fields) > 0 || c.Number != "" || c.Label != "" && c.Label != "source"):
		return errors.New("fields, label or number are given without train; " +
			"the documents in the program have fields of their own, and their classes are their sources")
	}
	if len(c.Classes) == 1 {
		return strict.Wrong("classes", "has %q alone; expected two classes or more", c.Classes[0])
	}
	for i, name := range c.Classes {
		if slices.Contains(c.Classes[:i], name) {
			return strict.Wrong("classes", "has %q twice", name)
		}
	}
	return c.documents().Check()
}

// Open reads all documents. It writes the classes, or the mean and the deviation, of the training documents into c.
func (c *Config) Open(o data.OpenOptions) (*data.Bundle, error) {
	b := &data.Bundle{Tokens: c.tokens(), Tokenizer: tokenizer.Bytes()}
	if o.Encoder != nil {
		b.Tokenizer = o.Encoder.Tokenizer
	}
	var sets [3]documents.Set
	for i := range sets {
		s, err := newSet(c, o.Encoder)
		if err != nil {
			return nil, err
		}
		sets[i] = s
	}
	if err := c.documents().Open(b, o, sets); err != nil {
		return nil, err
	}
	if c.Number != "" {
		b.Numbers, b.Answers = true, data.Answers{Mean: c.Mean, Deviation: c.Deviation}
	} else {
		b.Classes, b.Answers.Classes = len(c.Classes), c.Classes
	}
	return b, nil
}
