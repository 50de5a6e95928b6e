package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/machine"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// inspectReport is the output of `inspect`.
type inspectReport struct {
	Model     string           `json:"model"`
	Origin    model.Origin     `json:"origin"`
	Kind      string           `json:"kind"`
	Weights   int64            `json:"weights"`
	Stored    int64            `json:"stored_bytes"` // of the tensors in the files
	Memory    int64            `json:"memory_bytes"` // of the weights in memory; those that lie in a file as they are used are mapped
	Parts     []inspectPart    `json:"parts"`
	Width     int              `json:"width"`
	Precision string           `json:"precision"`
	Layers    []inspectLayers  `json:"layers"`
	Source    []inspectLayers  `json:"source,omitempty"` // of an encoder-decoder
	Context   int              `json:"context,omitempty"`
	Positions int              `json:"learned_positions,omitempty"`
	Sources   int              `json:"learned_source_positions,omitempty"` // of an encoder-decoder
	Target    *data.Target     `json:"target,omitempty"`                   // tokens around what an encoder-decoder writes
	Head      model.Head       `json:"head"`
	Classes   []string         `json:"classes,omitempty"`
	Prompts   any              `json:"prompts,omitempty"`
	Prompt    string           `json:"prompt,omitempty"`
	Tokenizer *inspectTokens   `json:"tokenizer,omitempty"`
	Notes     []string         `json:"notes,omitempty"`
	Document  *inspectDocument `json:"document"`
}

// inspectPart is a part of the weights.
type inspectPart struct {
	Name    string `json:"name"`
	Weights int64  `json:"weights"`
	Bytes   int64  `json:"bytes"`
}

// inspectLayers are layers that are equal.
type inspectLayers struct {
	Layers []int `json:"layers"` // from 1
	model.Layer
}

// inspectTokens is a tokenizer.
type inspectTokens struct {
	Vocab         int      `json:"vocab"`
	Before        []string `json:"before"` // special tokens around a document
	After         []string `json:"after"`
	Ends          []string `json:"ends"` // tokens that end a text
	ChatTemplates []string `json:"chat_templates,omitempty"`
	Ignored       []string `json:"ignored,omitempty"` // what the file says and this program does not follow
}

// inspectOptions are the flags of `inspect`.
type inspectOptions struct {
	modelFlags
	mechanismFlags
	tokens int
}

func newInspect(o *output) *cobra.Command {
	var i inspectOptions
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show what a model is, and what a document of N tokens will take",
		Long: `Show a model without loading its weights: the family, the sizes, the attention of each layer, the context, the tokenizer,
what of its files has no effect, and what a document will take in bytes and seconds. Seconds come from the speed of this machine, which is
measured once; without --tokens they are shown only where it is known.

  longspan inspect SmolLM2-135M-Instruct.Q4_1.gguf
  longspan inspect BAAI/bge-m3 --tokens 30000 --json`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := i.report(o, args[0])
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	c.Flags().IntVar(&i.tokens, "tokens", 0, "tokens of the document (default: the context of the model, or 4096)")
	i.mechanismFlags.add(c)
	i.addPrecision(c)
	c.Flags().StringVar(&i.weights, "weights", "", "final, latest, best or a file (default: final, or latest while there is none)")
	c.Flags().IntVar(&i.threads, "threads", 0, "threads that the seconds are for (default: all processors)")
	return c
}

// report opens the model with a pool that holds nothing.
func (i *inspectOptions) report(o *output, argument string) (r inspectReport, err error) {
	if i.tokens < 0 {
		return r, usage(fmt.Errorf("found --tokens %d, expected at least 1", i.tokens))
	}
	m, path, err := i.openDry(o, argument)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	s := m.Spec()
	r = inspectReport{Model: path, Origin: m.Origin(), Kind: s.Kind, Weights: m.Count(), Memory: m.Bytes(), Parts: parts(m), Width: s.Width,
		Precision: s.Precision, Layers: equalLayers(s.Layers), Context: m.Answers().Tokens, Positions: s.MaxTokens(), Head: s.Head,
		Classes: m.Answers().Classes, Prompt: m.Answers().Prompt, Notes: m.Notes()}
	if p := m.Answers().Prompts; len(p) > 0 {
		r.Prompts = p
	}
	if s.Source != nil {
		r.Source, r.Sources, r.Target = equalLayers(s.Source.Layers), s.MaxSource(), m.Target()
	}
	for _, t := range r.Origin.Stored {
		r.Stored += t.Bytes
	}
	if r.Tokenizer, err = tokens(m); err != nil {
		r.Notes = append(r.Notes, err.Error()) // the model is of use without
	}
	if r.Tokenizer != nil {
		for _, s := range r.Tokenizer.Ignored { // of a folder in Hugging Face's form they are among the notes
			if !slices.ContainsFunc(r.Notes, func(note string) bool { return strings.HasSuffix(note, s) }) {
				r.Notes = append(r.Notes, "the tokenizer's file says, and this program does not follow: "+s)
			}
		}
	}
	rates, ok := machine.Kept(i.threads)
	if i.tokens > 0 && !ok {
		if rates, err = machine.Known(i.threads); err != nil {
			return r, err
		}
		ok = true
	}
	r.Document, err = planDocument(m, i.tokens, i.threads)
	if err == nil && ok {
		r.Document.seconds(m, rates)
	}
	return r, usage(err)
}

// openDry opens a model without its weights.
func (i *inspectOptions) openDry(o *output, argument string) (*model.Model, string, error) {
	path, err := hub.Resolve(argument)
	if err != nil {
		return nil, "", usage(err)
	}
	options := model.OpenOptions{Precision: i.precision, Attention: i.attention, Global: i.global, Pool: tensor.NewDryPool()}
	own, err := isOwn(path)
	if err == nil && own {
		options.Weights, err = findWeights(o, path, i.weights)
	}
	if err != nil {
		return nil, "", err
	}
	if !own && i.weights != "" {
		return nil, "", usage(fmt.Errorf("found --weights for %s, expected it for a run of this program alone: other models have one file", path))
	}
	m, err := model.OpenWith(path, options)
	return m, path, usage(err)
}

// parts are the weights by their place.
func parts(m *model.Model) []inspectPart {
	all := []inspectPart{{Name: "embedding"}, {Name: "attention"}, {Name: "feed-forward"}, {Name: "head"}, {Name: "norms and others"}}
	for _, p := range m.Params() {
		at := 4
		switch name := p.Name; {
		case strings.HasSuffix(name, "norm.weight") || strings.HasSuffix(name, "norm.bias"):
		case strings.HasPrefix(name, model.HeadPrefix):
			at = 3
		case strings.Contains(name, ".attention.") || strings.Contains(name, ".cross."):
			at = 1
		case strings.Contains(name, ".feed_forward."):
			at = 2
		case isTable(name):
			at = 0
		}
		all[at].Weights += int64(p.Value.Rows) * int64(p.Value.Cols)
		all[at].Bytes += p.Value.Bytes()
	}
	return all
}

// isTable reports whether a weight is one of those that the first layer reads.
func isTable(name string) bool {
	name = strings.TrimPrefix(name, "source.")
	return strings.HasPrefix(name, "embedding") || strings.HasPrefix(name, "positions") || strings.HasPrefix(name, "token_types")
}

// equalLayers groups equal layers, in the order of their first.
func equalLayers(layers []model.Layer) (groups []inspectLayers) {
next:
	for i, l := range layers {
		for k := range groups {
			if reflect.DeepEqual(groups[k].Layer, l) {
				groups[k].Layers = append(groups[k].Layers, i+1)
				continue next
			}
		}
		groups = append(groups, inspectLayers{[]int{i + 1}, l})
	}
	return groups
}

// tokens describes the tokenizer; nil: there is none.
func tokens(m *model.Model) (*inspectTokens, error) {
	t := m.Tokenizer()
	if t == nil {
		return nil, nil
	}
	names := func(ids []int32) []string {
		texts := []string{}
		for _, id := range ids {
			texts = append(texts, t.Token(id))
		}
		return texts
	}
	around := t.Template()
	r := &inspectTokens{Vocab: t.Vocab(), Before: names(around.Before), After: names(around.After), Ends: []string{},
		ChatTemplates: m.ChatTemplates(), Ignored: t.Ignored()}
	ends, err := m.Ends()
	if end := m.Tokenizer().Specials().End; err != nil && end != tokenizer.None {
		ends = []int32{end}
	}
	r.Ends = names(ends)
	return r, err
}
