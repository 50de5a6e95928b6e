package recipe

import (
	"errors"
	"fmt"
	"sort"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/strict"
)

// Data says what to train on: exactly one of the kinds is given.
type Data struct {
	Batch      int         `yaml:"batch"` // sequences a batch
	Genome     *Genome     `yaml:"genome,omitempty"`
	Genes      *Genes      `yaml:"genes,omitempty"`
	Text       *Text       `yaml:"text,omitempty"`
	Labelled   *Labelled   `yaml:"labelled,omitempty"`
	Pairs      *Pairs      `yaml:"pairs,omitempty"`
	ListOps    *ListOps    `yaml:"listops,omitempty"`
	Recall     *Recall     `yaml:"recall,omitempty"`
	Needle     *Needle     `yaml:"needle,omitempty"`
	Pathfinder *Pathfinder `yaml:"pathfinder,omitempty"`
}

func defaultData() Data { return Data{Batch: 1} }

// kind is one way to get data.
type kind interface {
	check() error
	open(batch int, seed uint64) (*Sets, error)
}

// kinds lists those that are given, by name.
func (d *Data) kinds() map[string]kind {
	given := map[string]kind{}
	if d.Genome != nil {
		given["genome"] = d.Genome
	}
	if d.Genes != nil {
		given["genes"] = d.Genes
	}
	if d.Text != nil {
		given["text"] = d.Text
	}
	if d.Labelled != nil {
		given["labelled"] = d.Labelled
	}
	if d.Pairs != nil {
		given["pairs"] = d.Pairs
	}
	if d.ListOps != nil {
		given["listops"] = d.ListOps
	}
	if d.Recall != nil {
		given["recall"] = d.Recall
	}
	if d.Needle != nil {
		given["needle"] = d.Needle
	}
	if d.Pathfinder != nil {
		given["pathfinder"] = d.Pathfinder
	}
	return given
}

// allKinds names the kinds for errors.
const allKinds = "genome, genes, text, labelled, pairs, listops, recall, needle and pathfinder"

// maxBatch is more sequences than any memory holds.
const maxBatch = 1 << 20

func (d *Data) check() error {
	given := d.kinds()
	var names []string
	for name := range given {
		names = append(names, name)
	}
	sort.Strings(names)
	switch {
	case d.Batch <= 0 || d.Batch > maxBatch:
		return strict.Wrong("batch", "is %d; it must lie between 1 and %d", d.Batch, maxBatch)
	case len(names) == 0:
		return fmt.Errorf("no kind of data is given; add one of %s, such as `genome: {tokens: 8192}`", allKinds)
	case len(names) > 1:
		return strict.Wrong(names[1], "is given together with %s; one run trains on one kind of data", names[0])
	}
	return strict.Under(names[0], given[names[0]].check())
}

// Sets is the data of a recipe.
type Sets struct {
	Vocab   int  // tokens are 0 … Vocab−1
	Classes int  // of the label of a sequence; 0 where sequences have none
	Next    bool // tokens have targets: those that follow, or answers apart
	Apart   bool // answers are asked for that stand nowhere in the sequence: what sees all of it can learn to give them
	Tokens  int  // longest sequence, and longest source
	Batch   int  // sequences a batch
	Pairs   bool // sequences have a source to be made from, which Read reads; they begin and end with text.End

	ClassNames []string // of the classes of a sequence or of its tokens, where they have names
	Tags       int      // classes of the tokens, which the targets are; 0 where they have none
	Numbers    bool     // sequences have a number to predict: (what the data has − Mean) / Deviation
	Mean       float64
	Deviation  float64
	Notes      []string // what was done to the data that one should know
	digest     string   // of the training data, where it can change
	alike      bool     // all parts are drawn by one rule, so that none has longer sequences
	Bytes      int64    // memory that the readers hold

	// Show writes tokens as people know them, Read the other way round.
	Show func(tokens []int32) string
	Read func(text string) ([]int32, error)

	Train data.Source // in a random order, without end
	// Validation and Test open the data that the model must not learn from, at its beginning, in order, once.
	Validation func() (data.Source, error)
	Test       func() (data.Source, error)
}

// Open opens the data, whose order seed chooses. It writes into d what it finds out about the training data and the model depends on.
func (d *Data) Open(seed uint64) (*Sets, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	for name, k := range d.kinds() {
		s, err := k.open(d.Batch, seed)
		if err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
		s.Batch = d.Batch
		return s, nil
	}
	return nil, errors.New("data: no kind of data is given")
}

// load fills s's sources from examples that can be asked for by number.
func (s *Sets) load(batch int, seed uint64, train, validation, test data.Dataset) (err error) {
	once := func(set data.Dataset) func() (data.Source, error) {
		return func() (data.Source, error) {
			return data.NewLoader(set, data.LoaderConfig{Batch: batch, Epochs: 1})
		}
	}
	s.Validation, s.Test = once(validation), once(test)
	s.Train, err = data.NewLoader(train, data.LoaderConfig{Batch: batch, Shuffle: true, Seed: seed, Of: s.digest})
	return err
}
