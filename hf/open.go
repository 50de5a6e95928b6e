package hf

import (
	"errors"
	"strconv"
	"strings"

	"github.com/longspan/longspan/checkpoint"
	"github.com/longspan/longspan/model/spec"
	"github.com/longspan/longspan/tensor"
)

// Open describes the checkpoint of a folder and opens its weights, in any form that package checkpoint reads. A folder of
// sentence-transformers has the head that its modules.json says.
func Open(dir string, o Options) (k *Checkpoint, err error) {
	p, err := openPipeline(dir)
	if err != nil {
		return nil, err
	}
	t := &files{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	body := dir
	if p != nil {
		t.dense, body = p.dense, p.transformer.Dir
		o.BodyOnly, o.Pooled = true, true
		if o.Head != nil && o.Head.Kind == spec.Embed {
			o.Head = nil // which the modules describe
		}
	}
	c, err := readConfig(body) // before the weights: a folder without it is no model, whatever weights it has
	if err != nil {
		return nil, err
	}
	if t.body, err = checkpoint.Open(body); err != nil {
		return nil, err
	}
	if k, err = c.describe(body, t, o); err != nil {
		return nil, err
	}
	k.Body, k.top, k.Notes = body, dir, append(k.Notes, t.body.Notes()...)
	if p == nil {
		return k, nil
	}
	if k.reheaded {
		k.top = body // the modules are of the vectors that the model no longer gives
		return k, nil
	}
	k.pipeline = p
	k.Spec.Head, k.Prompts, k.Prompt, k.LowerCase = p.head, p.Prompts, p.DefaultPrompt, p.transformer.LowerCase
	if n := p.transformer.MaxTokens; n > 0 {
		k.Notes = append(k.Notes, "sentence-transformers cuts texts after "+strconv.Itoa(n)+" tokens; this program does not")
	}
	p.names(k.Weights.names)
	return k, nil
}

// files are the [Tensors] of a model's body, and of the projections after it.
type files struct {
	body  *checkpoint.Weights
	dense []checkpoint.Source
}

// of is the source of a tensor, and its name there.
func (f *files) of(name string) (checkpoint.Source, string) {
	for i, d := range f.dense {
		if inner, ok := strings.CutPrefix(name, densePrefix(i)); ok {
			return d, inner
		}
	}
	return f.body, name
}

// Names lists the tensors.
func (f *files) Names() []string {
	var all []string
	for _, e := range f.body.Entries() {
		all = append(all, e.Name)
	}
	for i, d := range f.dense {
		for _, e := range d.Entries() {
			all = append(all, densePrefix(i)+e.Name)
		}
	}
	return all
}

// Shape is the shape of a tensor.
func (f *files) Shape(name string) ([]int, bool) {
	s, inner := f.of(name)
	e, ok := s.Lookup(inner)
	return e.Shape, ok
}

// View is a tensor in place.
func (f *files) View(name string) (tensor.Mat, bool) {
	s, inner := f.of(name)
	return s.View(inner)
}

// ReadMat reads a tensor.
func (f *files) ReadMat(dst tensor.Mat, name string) error {
	s, inner := f.of(name)
	return s.ReadMat(dst, inner)
}

// Close closes the files.
func (f *files) Close() error {
	var err error
	if f.body != nil {
		err = f.body.Close()
	}
	for _, d := range f.dense {
		err = errors.Join(err, d.Close())
	}
	return err
}
