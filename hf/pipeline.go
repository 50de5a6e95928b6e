package hf

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/checkpoint"
	"github.com/longspan/longspan/model/spec"
	"github.com/longspan/longspan/sentence"
)

// pooling are the ways of sentence-transformers that a head has.
var pooling = map[sentence.Mode]string{sentence.Mean: "mean", sentence.First: "first", sentence.Last: "last"}

// denseActivations are sentence-transformers' activations, by those of package autograd.
var denseActivations = map[sentence.Activation]string{sentence.Identity: "", sentence.Tanh: "tanh", sentence.ReLU: "relu",
	sentence.GELU: "gelu"}

// pipeline is what sentence-transformers does after the Transformer, as a head.
type pipeline struct {
	*sentence.Pipeline
	transformer sentence.Transformer
	head        spec.Head
	dense       []checkpoint.Source
	denseDirs   []string // relative
}

// openPipeline reads the files of sentence-transformers; nil: the folder has none.
func openPipeline(dir string) (*pipeline, error) {
	s, err := sentence.Open(dir)
	if errors.Is(err, sentence.ErrNoModules) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &pipeline{Pipeline: s, head: spec.Head{Kind: spec.Embed}}
	if err := p.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("hf: %s: modules.json: %w", dir, err), s.Close())
	}
	return p, nil
}

// read makes a head of the modules.
func (p *pipeline) read() error {
	for i, m := range p.Modules {
		if p.head.Normalise {
			return errors.New("found a module after Normalize, expected Normalize last")
		}
		switch m := m.(type) {
		case sentence.Transformer:
			p.transformer = m
		case sentence.Pooling:
			if err := p.pool(m); err != nil {
				return err
			}
		case sentence.Dense:
			p.head.Project = append(p.head.Project, spec.Projector{Out: m.Out, Activation: denseActivations[m.Activation], Bias: m.Bias})
			p.dense, p.denseDirs = append(p.dense, m.Weights), append(p.denseDirs, p.Folders[i])
		case sentence.Normalize:
			p.head.Normalise = true
		default:
			return fmt.Errorf("found a module %T, expected Transformer, Pooling, Dense or Normalize", m)
		}
	}
	if p.Truncate > 0 {
		return fmt.Errorf("found truncate_dim %d, expected none: this program gives whole vectors", p.Truncate)
	}
	return nil
}

func (p *pipeline) pool(m sentence.Pooling) error {
	if len(m.Modes) != 1 || pooling[m.Modes[0]] == "" {
		return fmt.Errorf("found the pooling %v, expected one of mean, cls and lasttoken", m.Modes)
	}
	if !m.IncludePrompt {
		return errors.New("found include_prompt false, expected true: this program pools all tokens")
	}
	p.head.Pooling = pooling[m.Modes[0]]
	return nil
}

// names maps the weights of the projections.
func (p *pipeline) names(n *names) {
	for i := range p.dense {
		n.linear(fmt.Sprintf("head.project.%d", i), densePrefix(i)+"linear")
	}
}

// densePrefix stands before the names of the tensors of a projection.
func densePrefix(i int) string { return fmt.Sprintf("dense %d: ", i) }
