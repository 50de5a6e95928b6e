package recipe

import (
	"cmp"
	"crypto/sha256"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/listops"
	"github.com/longspan/longspan/data/pathfinder"
	"github.com/longspan/longspan/data/recall"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// ListOps is nested operations on digits, with their value as the label. Zeros are the Long Range Arena's settings.
type ListOps struct {
	Examples           int    `yaml:"examples"`                       // to train on; 0 means 96000
	ValidationExamples int    `yaml:"validation_examples" was:"held"` // and as many for the test; 0 means 2000
	MinTokens          int    `yaml:"min_tokens"`                     // 0 means 501
	MaxTokens          int    `yaml:"max_tokens"`                     // 0 means 1999
	Depth              int    `yaml:"depth"`                          // 0 means 10
	Args               int    `yaml:"args"`                           // 0 means 10
	Seed               uint64 `yaml:"seed"`                           // of the expressions
}

// Recall is associative recall: pairs of keys and values among noise, and at the end keys whose values are the targets. Zeros are the
// defaults of package recall.
type Recall struct {
	Tokens             int    `yaml:"tokens"` // per sequence; 0 means 1024
	Pairs              int    `yaml:"pairs"`
	Queries            int    `yaml:"queries"`
	Keys               int    `yaml:"keys"`
	Values             int    `yaml:"values"`
	Noise              int    `yaml:"noise"`
	Examples           int    `yaml:"examples"`                       // to train on; 0 means 100000
	ValidationExamples int    `yaml:"validation_examples" was:"held"` // and as many for the test; 0 means 2000
	Seed               uint64 `yaml:"seed"`                           // of the sequences
}

// Needle is a needle in a haystack: a key and its answer somewhere in a long stretch of hay, and the key again at the end. Zeros are the
// defaults of package recall.
type Needle struct {
	Tokens             int    `yaml:"tokens"` // per sequence; 0 means 1024
	Hay                int    `yaml:"hay"`
	Keys               int    `yaml:"keys"`
	Values             int    `yaml:"values"`
	Answer             int    `yaml:"answer"` // tokens
	Decoys             int    `yaml:"decoys"`
	Examples           int    `yaml:"examples"`                       // to train on; 0 means 100000
	ValidationExamples int    `yaml:"validation_examples" was:"held"` // and as many for the test; 0 means 2000
	Seed               uint64 `yaml:"seed"`                           // of the sequences
}

// Pathfinder is images as sequences of pixels; the label is 1 where a curve joins two dots. Zeros are the defaults of package
// pathfinder.
type Pathfinder struct {
	Size               int    `yaml:"size"`                           // pixels per side; 0 means 32
	Dashes             int    `yaml:"dashes"`                         // per long curve
	Distractors        int    `yaml:"distractors"`                    // shorter curves; −1 is none
	Examples           int    `yaml:"examples"`                       // to train on; 0 means 160000
	ValidationExamples int    `yaml:"validation_examples" was:"held"` // and as many for the test; 0 means 20000
	Seed               uint64 `yaml:"seed"`                           // of the images
}

// task is a generated data set.
type task interface {
	data.Dataset
	Vocab() int
	Classes() int
}

// maker makes one part of a task, with a number of examples.
type maker func(split data.Split, examples int) (task, error)

func (l *ListOps) part(split data.Split, examples int) (task, error) {
	return listops.New(listops.Config{Split: split, Examples: examples, Seed: l.Seed,
		MinTokens: l.MinTokens, MaxTokens: l.MaxTokens, Depth: l.Depth, Args: l.Args})
}

func (r *Recall) part(split data.Split, examples int) (task, error) {
	return recall.NewAssociative(recall.AssociativeConfig{Tokens: cmp.Or(r.Tokens, 1024), Pairs: r.Pairs, Queries: r.Queries,
		Keys: r.Keys, Values: r.Values, Noise: r.Noise, Examples: examples, Split: split, Seed: r.Seed})
}

func (n *Needle) part(split data.Split, examples int) (task, error) {
	return recall.NewNeedle(recall.NeedleConfig{Tokens: cmp.Or(n.Tokens, 1024), Hay: n.Hay, Keys: n.Keys, Values: n.Values,
		Answer: n.Answer, Decoys: n.Decoys, Examples: examples, Split: split, Seed: n.Seed})
}

func (p *Pathfinder) part(split data.Split, examples int) (task, error) {
	return pathfinder.New(pathfinder.Config{Size: p.Size, Dashes: p.Dashes, Distractors: p.Distractors,
		Examples: examples, Split: split, Seed: p.Seed})
}

// Check returns an error about a setting.
func (l *ListOps) Check() error { return checkTask(l.part, l.Examples, l.ValidationExamples) }

// Check returns an error about a setting.
func (r *Recall) Check() error { return checkTask(r.part, r.Examples, r.ValidationExamples) }

// Check returns an error about a setting.
func (n *Needle) Check() error { return checkTask(n.part, n.Examples, n.ValidationExamples) }

// Check returns an error about a setting.
func (p *Pathfinder) Check() error { return checkTask(p.part, p.Examples, p.ValidationExamples) }

func checkTask(part maker, examples, validation int) error {
	if validation < 0 {
		return strict.Wrong("validation_examples", "is %d; it cannot be negative", validation)
	}
	_, err := part(data.Train, examples)
	return err
}

// Open makes the three parts.
func (l *ListOps) Open(o data.OpenOptions) (*data.Bundle, error) {
	b := &data.Bundle{Tokens: cmp.Or(l.MaxTokens, 1999), Tokenizer: tokenizer.ListOps()}
	b.HiddenAnswers = true
	return b, openTask(b, o, l.part, l.Examples, l.ValidationExamples)
}

// Open makes the three parts. With several queries the answers are targets of tokens, and a sequence has no label.
func (r *Recall) Open(o data.OpenOptions) (*data.Bundle, error) {
	b := &data.Bundle{Tokens: cmp.Or(r.Tokens, 1024), Supervision: data.Supervision{TokenTargets: true, HiddenAnswers: true}}
	err := openTask(b, o, r.part, r.Examples, r.ValidationExamples)
	if r.Queries > 1 {
		b.Classes = 0
	}
	return b, err
}

// Open makes the three parts. An answer of several tokens stands in the input up to its last token, and is no label.
func (n *Needle) Open(o data.OpenOptions) (*data.Bundle, error) {
	b := &data.Bundle{Tokens: cmp.Or(n.Tokens, 1024), Supervision: data.Supervision{TokenTargets: true, HiddenAnswers: n.Answer <= 1}}
	err := openTask(b, o, n.part, n.Examples, n.ValidationExamples)
	if n.Answer > 1 {
		b.Classes = 0
	}
	return b, err
}

// Open makes the three parts.
func (p *Pathfinder) Open(o data.OpenOptions) (*data.Bundle, error) {
	size := cmp.Or(p.Size, 32)
	b := &data.Bundle{Tokens: size * size}
	return b, openTask(b, o, p.part, p.Examples, p.ValidationExamples)
}

// openTask fills b from the three parts of a task. Tokens without names are read and written as numbers.
func openTask(b *data.Bundle, o data.OpenOptions, part maker, examples, validation int) error {
	var parts [3]task
	for split, n := range []int{examples, validation, validation} {
		var err error
		if parts[split], err = part(data.Split(split), n); err != nil {
			return err
		}
	}
	b.Classes, b.Uniform = parts[0].Classes(), true
	if b.Tokenizer == nil {
		var err error
		if b.Tokenizer, err = tokenizer.Numbers(parts[0].Vocab()); err != nil {
			return err
		}
	}
	digest, err := digestOf(parts[0])
	if err != nil {
		return err
	}
	return b.Load(data.Parts{Train: parts[0], Validation: parts[1], Test: parts[2], Digest: digest}, o)
}

// digestOf identifies a task by its first two examples, which depend on its settings.
func digestOf(t task) (string, error) {
	var b data.Batch
	for i := range min(2, t.Len()) {
		if err := t.Append(&b, 0, i); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, b.Tokens, b.Lengths, b.Targets, b.Labels))), nil
}
