// Package contrastive reads pairs of a query and a passage, such as a title and the paper that it is of, for models whose vectors are to be
// near where texts belong together.
package contrastive

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/documents"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// Config is pairs in JSON lines, one in each line. A batch has the query and the passage of a pair one after the other, each as the
// tokenizer of the model that the run starts from makes it; without such a tokenizer a text is text.End and then one byte a token. The
// passages of the other pairs of a batch are the negatives of a query.
type Config struct {
	// Files and folders of JSON lines. No train means the 24 documents in the program: titles, and the texts below them. No validation means
	// the pairs that hold_out keeps from training, and no test the validation pairs.
	Train      []string `yaml:"train,omitempty"`
	Validation []string `yaml:"validation,omitempty"`
	Test       []string `yaml:"test,omitempty"`
	HoldOut    int      `yaml:"hold_out"` // one of hold_out pairs is kept from training; 0: none, or one of four in the program

	Query         []string `yaml:"query,omitempty"`          // fields of the query, paths as in text.NewReader; default query
	Passage       []string `yaml:"passage,omitempty"`        // fields of the passage; default passage
	QueryPrompt   string   `yaml:"query_prompt,omitempty"`   // stands before each query, such as "query: "
	PassagePrompt string   `yaml:"passage_prompt,omitempty"` // stands before each passage
	Tokens        int      `yaml:"tokens"`                   // length of the longest query and of the longest passage; 0 means 2048
	TooLong       string   `yaml:"too_long,omitempty"`       // texts: error (default) or truncate
	Candidates    int      `yaml:"candidates"`               // pairs of an evaluation that are compared with each other; 0 means 1024
}

func (c *Config) tokens() int { return cmp.Or(c.Tokens, 2048) }

func (c *Config) candidates() int { return cmp.Or(c.Candidates, 1024) }

// maxCandidates bounds the cosines of an evaluation: 256 MiB.
const maxCandidates = 8192

// fields are the fields of the query and of the passage.
func (c *Config) fields() (query, passage []string) {
	if len(c.Train) == 0 {
		return []string{"title"}, slices.DeleteFunc(sample.Fields(), func(name string) bool { return name == "title" })
	}
	or := func(fields []string, name string) []string {
		if len(fields) == 0 {
			return []string{name}
		}
		return fields
	}
	return or(c.Query, "query"), or(c.Passage, "passage")
}

func (c *Config) documents() documents.Config {
	return documents.Config{Train: c.Train, Validation: c.Validation, Test: c.Test, HoldOut: c.HoldOut}
}

// Check returns an error about a key that is out of range or contradicts another.
func (c *Config) Check() error {
	if err := documents.CheckTooLong(c.TooLong, documents.Error, documents.Truncate); err != nil {
		return err
	}
	query, passage := c.fields()
	switch {
	case c.tokens() < 3:
		return strict.Wrong("tokens", "is %d; a text needs at least 3, one between two special tokens", c.Tokens)
	case c.candidates() < 2 || c.candidates() > maxCandidates:
		return strict.Wrong("candidates", "is %d; an evaluation compares 2 to %d pairs", c.Candidates, maxCandidates)
	case len(c.Train) == 0 && len(c.Query)+len(c.Passage) > 0:
		return errors.New("query or passage is given without train; the documents in the program have fields of their own")
	case len(c.Train) == 0 && len(c.Validation)+len(c.Test) > 0:
		return errors.New("validation or test is given without train; the parts of the documents in the program are made with hold_out")
	case slices.Equal(query, passage):
		return strict.Wrong("passage", "and query are both the field %s; a passage is another text than its query", passage[0])
	}
	return c.documents().Check()
}

// Open reads all pairs. An evaluation compares up to candidates pairs at once, whatever the batch of the training.
func (c *Config) Open(o data.OpenOptions) (*data.Bundle, error) {
	if o.Batch < 2 {
		return nil, errors.New("found a batch of 1 pair, expected at least 2: the other passages of a batch are the negatives; set data.batch")
	}
	encoder := o.Encoder
	if encoder == nil {
		bytes, err := tokenizer.Bytes().WithTemplate(tokenizer.Template{Before: []int32{text.End}})
		if err != nil {
			return nil, err
		}
		encoder = &data.Encoder{Tokenizer: bytes}
	}
	b := &data.Bundle{Tokens: c.tokens(), Tokenizer: encoder.Tokenizer, Supervision: data.Supervision{Pairs: true}}
	var sets [3]documents.Set
	for i := range sets {
		s := newSet(c, encoder)
		if room := s.room(); room < 1 {
			return nil, fmt.Errorf("found sequences of %d tokens, of which %d are special, expected more; raise tokens", c.tokens(), c.tokens()-room)
		}
		if err := s.checkPrompts(); err != nil {
			return nil, err
		}
		sets[i] = s
	}
	if err := c.documents().Open(b, o, sets); err != nil {
		return nil, err
	}
	test := sets[data.Test]
	if len(c.Test) == 0 {
		test = sets[data.Validation]
	}
	b.Validation, b.Test = c.evaluation(sets[data.Validation]), c.evaluation(test)
	return b, nil
}

// evaluation reads a part once, in batches of candidates.
func (c *Config) evaluation(set data.Dataset) func() (data.Source, error) {
	return func() (data.Source, error) {
		return data.NewLoader(set, data.LoaderConfig{Batch: c.candidates(), Epochs: 1})
	}
}
