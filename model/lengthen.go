package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// LengthenOptions say how a model is made long.
type LengthenOptions struct {
	Tokens    int      // of the longest sequence: more than the model was made for
	Attention []string // the mechanism of layer i is element i mod n; nil: the model's
	Rotary    string   // yarn (default), linear or none: what is done to rotary angles

	// Global are positions that attend to all tokens, and are seen by all, with projections of their own. They are added to the mechanisms.
	// A layer that has such projections keeps them. Another takes a copy of its first ones.
	Global []int
}

// Lengthened is what [Lengthen] did.
type Lengthened struct {
	From      int               `json:"from"` // tokens that the model was made for; 0: not known
	Tokens    int               `json:"tokens"`
	Positions *LengthenedTable  `json:"positions,omitempty"` // nil: the model has no table of positions
	Layers    []LengthenedLayer `json:"layers"`
}

// LengthenedTable is a table of learned positions.
type LengthenedTable struct {
	From     int `json:"from"`     // rows that were copied
	To       int `json:"to"`       // rows that they became
	Reserved int `json:"reserved"` // rows before them, which stay
}

// LengthenedLayer is what changed in a layer.
type LengthenedLayer struct {
	From     string         `json:"from"` // mechanisms
	To       string         `json:"to"`
	Position string         `json:"position"`         // as in Attention.Position
	Reach    int            `json:"reach,omitempty"`  // the largest distance that the mechanism shows; 0: that of the sequence's ends
	Scaled   *RotaryScaling `json:"scaled,omitempty"` // the new scaling of rotary angles; nil: angles are as they were
	Global   string         `json:"global,omitempty"` // projections of global tokens: kept, or copied from the first ones
}

// Lengthen returns a model of longer sequences with the weights of m, by the recipe of Longformer (Beltagy et al. 2020, arXiv:2004.05150,
// section 5): the rows of learned positions are copied again and again, so that each token finds its neighbours at the distances that the
// model has learned. The rows before the first position, such as RoBERTa's for padding, stay. Rotary angles are scaled by YaRN (Peng et al.
// 2023, arXiv:2309.00071), or linearly (Chen et al. 2023, arXiv:2306.15595), in the layers whose mechanism shows distances that the model
// has not seen. In the other layers they stay.
//
// The new model uses the weights of m in place: m must stay open, and must not be trained, as long as the new one is used. Their bits are
// equal; results of sequences that m can read are equal where mechanisms and angles are. The copies of positions take memory of their own.
//
// It returns an error for a model that is neither an encoder nor a decoder, for a mechanism that a decoder cannot have, for tokens that are
// not more than the model was made for, and where nothing would change.
func (m *Model) Lengthen(o LengthenOptions) (*Model, Lengthened, error) {
	if err := m.acquire(); err != nil {
		return nil, Lengthened{}, err
	}
	defer m.release()
	l := lengthening{m: m, o: o, spec: m.spec}
	if err := l.plan(); err != nil {
		return nil, Lengthened{}, fmt.Errorf("model: %w", err)
	}
	made, err := build(l.spec, nn.ParamsOptions{Load: l.load})
	if err != nil {
		return nil, Lengthened{}, err
	}
	made.tokenizer, made.roles, made.answers, made.generation, made.origin = m.tokenizer, m.roles, m.answers, m.generation, m.origin
	made.settings = m.settings
	made.answers.Tokens = o.Tokens
	return made, l.did, nil
}

// lengthening is a model on its way to longer sequences.
type lengthening struct {
	m    *Model
	o    LengthenOptions
	spec Spec // of the new model
	did  Lengthened
}

// plan makes the new specification.
func (l *lengthening) plan() error {
	if err := l.check(); err != nil {
		return err
	}
	s := &l.spec
	s.Recompute = ""
	l.did.Tokens, l.did.From = l.o.Tokens, cmp.Or(s.MaxTokens(), l.m.answers.Tokens)
	if s.Embed.Positions > 0 {
		if err := l.tile(); err != nil {
			return err
		}
	}
	s.Layers = slices.Clone(s.Layers)
	for i := range s.Layers {
		if err := l.layer(i); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	if l.unchanged() {
		return fmt.Errorf("found nothing to change: positions of the kind %s have no last one, and nothing needs copying. This model reads "+
			"sequences of any length; name a pattern, such as window(256) | global(0), for a cost that grows with the length alone",
			s.Layers[0].Attention.Position)
	}
	return nil
}

// check looks at what is asked for.
func (l *lengthening) check() error {
	if k := l.m.spec.Kind; k != Encoder && k != Decoder {
		return fmt.Errorf("found a model of kind %s, expected an encoder or a decoder", k)
	}
	if n := l.o.Tokens; n < 2 || n > pattern.MaxTokens {
		return fmt.Errorf("found %d tokens, expected 2 to %d", n, pattern.MaxTokens)
	}
	switch l.o.Rotary {
	case "", "yarn", "linear", "none":
	default:
		return fmt.Errorf("found the rotary scaling %q, expected yarn, linear or none", l.o.Rotary)
	}
	for i, at := range l.o.Global {
		if at < 0 || i > 0 && at <= l.o.Global[i-1] {
			return fmt.Errorf("found the global positions %v, expected rising numbers from 0", l.o.Global)
		}
	}
	return nil
}

// tile plans the table of positions.
func (l *lengthening) tile() error {
	e := &l.spec.Embed
	from := l.did.From
	if l.o.Tokens <= from {
		return fmt.Errorf("found %d tokens for a model of %d learned positions, expected more; to change the mechanism alone, open the model "+
			"with --attention", l.o.Tokens, from)
	}
	l.did.Positions = &LengthenedTable{From: from, To: l.o.Tokens, Reserved: e.FirstPosition}
	e.Positions = e.FirstPosition + l.o.Tokens
	return memory.Check("the table of positions", memory.Product(e.Positions, l.spec.Width, l.m.target.positions.Weight.Value.Type.Size()))
}

// layer plans layer i.
func (l *lengthening) layer(i int) error {
	a := &l.spec.Layers[i].Attention
	did := LengthenedLayer{From: a.Mechanism, Position: a.Position}
	if n := len(l.o.Attention); n > 0 {
		a.Mechanism = l.o.Attention[i%n]
	}
	parsed, err := mechanism.Parse(a.Mechanism)
	if err != nil {
		return err
	}
	if a.Causal && !parsed.Causal() {
		return fmt.Errorf("found the mechanism %s for a decoder, which has no causal form; expected a pattern, or linear attention", parsed)
	}
	l.globals(a, &did)
	did.To = a.Mechanism
	did.Reach = reach(a.Mechanism, a.Causal)
	if did.Position == nn.Rotary.String() {
		if err := l.scale(a, &did); err != nil {
			return err
		}
	}
	l.did.Layers = append(l.did.Layers, did)
	return nil
}

// globals plans the global tokens of a layer that have projections of their own.
func (l *lengthening) globals(a *Attention, did *LengthenedLayer) {
	if len(a.Global) > 0 {
		did.Global = "kept"
	} else if len(l.o.Global) > 0 {
		did.Global = "copied"
	}
	if len(l.o.Global) > 0 {
		a.Global = l.o.Global
	}
	if len(a.Global) == 0 {
		return
	}
	if seen := pattern.Global(a.Global...).String(); !strings.Contains(a.Mechanism, seen) {
		a.Mechanism += " | " + seen
	}
}

// reach is the largest distance of a key that a mechanism shows; 0: there is no bound but the sequence.
func reach(text string, causal bool) int {
	p, err := pattern.Parse(text)
	if err != nil {
		return 0 // linear attention and Nyström see everything
	}
	if causal {
		p = pattern.And(pattern.Causal(), p)
	}
	f, err := pattern.ReceptiveFieldOf(p)
	if err != nil || max(f.Before, f.After) >= pattern.Unbounded {
		return 0
	}
	return max(f.Before, f.After)
}

// scale plans the rotary angles of a layer.
func (l *lengthening) scale(a *Attention, did *LengthenedLayer) error {
	from := l.did.From
	switch {
	case l.o.Rotary == "none":
		return nil
	case from == 0:
		return errors.New("found a model that does not say how many tokens it was made for, expected that number to scale rotary angles by; " +
			"use --rotary none to change the mechanism alone")
	case l.o.Tokens <= from:
		return fmt.Errorf("found %d tokens for a model that was made for %d, expected more; to change the mechanism alone, open the model with "+
			"--attention, or use --rotary none", l.o.Tokens, from)
	case did.Reach > 0 && did.Reach < from:
		return nil // the model has seen all these distances
	}
	s, err := rescaled(a.RotaryScaling, cmp.Or(l.o.Rotary, "yarn"), l.o.Tokens, from)
	if err != nil {
		return err
	}
	a.RotaryScaling, did.Scaled = s, s
	return nil
}

// rescaled is a scaling for so many tokens in place of the scaling of a model that was made for from tokens.
func rescaled(now *RotaryScaling, kind string, tokens, from int) (*RotaryScaling, error) {
	factor := float64(tokens) / float64(from)
	switch {
	case now == nil && kind == "linear":
		return &RotaryScaling{Kind: kind, Factor: factor}, nil
	case now == nil: // the borders of section 3.2 of YaRN
		return &RotaryScaling{Kind: kind, Factor: factor, Original: from, Fast: 32, Slow: 1}, nil
	case now.Kind != kind:
		return nil, fmt.Errorf("found rotary angles that are scaled already, by %s, expected none or %s; use --rotary none to leave them",
			now.Kind, kind)
	}
	s := *now
	if s.Factor *= factor; kind == "yarn" {
		s.Factor = float64(tokens) / float64(s.Original)
	}
	return &s, nil
}

// unchanged reports whether the new model is the old one.
func (l *lengthening) unchanged() bool {
	return l.did.Positions == nil && !slices.ContainsFunc(l.did.Layers, func(d LengthenedLayer) bool {
		return d.From != d.To || d.Scaled != nil || d.Global == "copied"
	})
}

// load is an [nn.Loader]: the weights of the old model, with more positions.
func (l *lengthening) load(name string, rows, cols int, kind nn.Kind) (tensor.Mat, error) {
	if p := l.m.target.positions; p != nil && name == p.Weight.Name {
		return l.tiled(p.Weight.Value), nil
	}
	if w := l.m.params.Named(name); w != nil {
		return w.Value, nil
	}
	if w, ok := l.second(name); ok {
		return w, nil
	}
	return tensor.Mat{}, fmt.Errorf("model: found no weight %q in the model, which the new mechanism has; expected a mechanism without "+
		"weights of its own, such as a pattern", name)
}

// second is the second projection of a layer that has none: the rows of the first.
func (l *lengthening) second(name string) (w tensor.Mat, ok bool) {
	for i, layer := range l.spec.Layers {
		a := layer.Attention
		q, kv := a.Heads*a.HeadDim, a.KVHeads*a.HeadDim
		stem := fmt.Sprintf("blocks.%d.attention.", i)
		for _, part := range []struct {
			name     string
			from, to int
		}{{"global_q", 0, q}, {"global_kv", q, q + 2*kv}} {
			kind, ok := strings.CutPrefix(name, stem+part.name+".")
			if !ok {
				continue
			}
			first := l.m.params.Named(stem + "qkv." + kind)
			switch {
			case first == nil:
				return w, false
			case kind == "bias":
				return first.Value.SliceCols(part.from, part.to), true
			}
			return first.Value.SliceRows(part.from, part.to), true
		}
	}
	return w, false
}

// tiled is the table of positions with its rows copied again and again.
func (l *lengthening) tiled(old tensor.Mat) tensor.Mat {
	t := l.did.Positions
	if old.Dry() {
		return tensor.Mat{Type: old.Type, Rows: t.Reserved + t.To, Cols: old.Cols, Stride: old.Cols}
	}
	all := tensor.New(old.Type, t.Reserved+t.To, old.Cols)
	copyRows(all, 0, old, 0, t.Reserved)
	for at := 0; at < t.To; at += t.From {
		copyRows(all, t.Reserved+at, old, t.Reserved, min(t.From, t.To-at))
	}
	return all
}

// copyRows copies n rows of a matrix without gaps.
func copyRows(to tensor.Mat, at int, from tensor.Mat, first, n int) {
	copyElements(to.SliceRows(at, at+n), from.SliceRows(first, first+n))
}
