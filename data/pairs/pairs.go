// Package pairs reads pairs of a source and a target text, such as a document and its summary, for encoder-decoders.
package pairs

import (
	"cmp"
	"errors"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// Config is pairs in JSON lines, with a source and a target each. The tokenizer of the model that the run starts from makes their tokens.
// Without such a tokenizer a token is a byte: a source lies between two text.End, and a target is predicted byte by byte from text.End on,
// and text.End after its last byte.
type Config struct {
	// Files and folders of JSON lines. No train means the abstracts and titles of the 24 documents in the program. No validation means the
	// documents that hold_out keeps from training, and no test the validation documents.
	Train      []string `yaml:"train,omitempty"`
	Validation []string `yaml:"validation,omitempty"`
	Test       []string `yaml:"test,omitempty"`
	HoldOut    int      `yaml:"hold_out"` // one of hold_out documents is kept from training; 0: none, or one of four in the program

	Source       string `yaml:"source,omitempty"`                // field of the source, a path as in text.NewReader; default source
	Target       string `yaml:"target,omitempty"`                // field of the target; default target
	SourcePrompt string `yaml:"source_prompt,omitempty"`         // stands before each source, such as "summarize: "
	Tokens       int    `yaml:"tokens"`                          // length of the longest source; 0 means 2048
	TargetTokens int    `yaml:"target_tokens"`                   // length of the longest target; 0 means tokens
	TooLong      string `yaml:"too_long,omitempty" was:"longer"` // sources and targets: error (default) or truncate
}

func (c *Config) tokens() int { return cmp.Or(c.Tokens, 2048) }

func (c *Config) targetTokens() int { return cmp.Or(c.TargetTokens, c.tokens()) }

// fields are the fields of the source and the target.
func (c *Config) fields() (source, target string) {
	if len(c.Train) == 0 {
		return "abstract", "title"
	}
	return cmp.Or(c.Source, "source"), cmp.Or(c.Target, "target")
}

func (c *Config) documents() documents.Config {
	return documents.Config{Train: c.Train, Validation: c.Validation, Test: c.Test, HoldOut: c.HoldOut}
}

// Check returns an error about a key that is out of range or contradicts another.
func (c *Config) Check() error {
	if err := documents.CheckTooLong(c.TooLong, documents.Error, documents.Truncate); err != nil {
		return err
	}
	source, target := c.fields()
	switch {
	case c.tokens() < 3:
		return strict.Wrong("tokens", "is %d; a source needs at least 3, a byte between two ends", c.Tokens)
	case c.targetTokens() < 2:
		return strict.Wrong("target_tokens", "is %d; a target needs at least 2, a byte and an end", c.TargetTokens)
	case len(c.Train) == 0 && (c.Source != "" || c.Target != ""):
		return errors.New("source or target is given without train; the documents in the program have fields of their own")
	case len(c.Train) == 0 && len(c.Validation)+len(c.Test) > 0:
		return errors.New("validation or test is given without train; the parts of the documents in the program are made with hold_out")
	case source == target:
		return strict.Wrong("target", "and source are both the field %s; a target is made from another text", target)
	}
	return c.documents().Check()
}

// Open reads all documents.
func (c *Config) Open(o data.OpenOptions) (*data.Bundle, error) {
	encoder, unit := o.Encoder, "tokens"
	if encoder == nil {
		var err error
		if encoder, err = bytes(); err != nil {
			return nil, err
		}
		unit = "bytes"
	}
	if encoder.Target == nil {
		return nil, errors.New("found the tokenizer of a model that reads no source, expected that of an encoder-decoder; use data.text")
	}
	b := &data.Bundle{Tokens: c.tokens(), Targets: c.TargetTokens, Tokenizer: encoder.Tokenizer,
		Supervision: data.Supervision{TokenTargets: true, Sources: true}}
	var sets [3]documents.Set
	for i := range sets {
		s := newSet(c, encoder, unit)
		err := errors.Join(s.sources.Check(), s.targets.Check(), s.sources.CheckPrompt(encoder, "source_prompt", c.SourcePrompt))
		if err != nil {
			return nil, err
		}
		sets[i] = s
	}
	if err := c.documents().Open(b, o, sets); err != nil {
		return nil, err
	}
	return b, nil
}

// bytes encodes texts with a token for each byte.
func bytes() (*data.Encoder, error) {
	end := []int32{text.End}
	t, err := tokenizer.Bytes().WithTemplate(tokenizer.Template{Before: end, After: end})
	return &data.Encoder{Tokenizer: t, End: text.End, Target: &data.Around{Start: text.End, After: end}}, err
}
