package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/model/spec"
	"github.com/longspan/longspan/nn"
)

// Config is a model of one block, repeated. [Config.Spec] writes it out layer by layer. Vocab must be set. The zero value of every other
// field is its default.
type Config struct {
	Kind    string `yaml:"kind"`                         // decoder (default), encoder, encoder-decoder, transformer-xl or hierarchical
	Head    string `yaml:"head"`                         // lm, mlm, classify, tag, regress or embed; default: mlm for encoders, else lm
	Vocab   int    `yaml:"vocab"`                        // tokens are 0 … vocab−1
	Classes int    `yaml:"classes,omitempty"`            // of classify and tag
	Pooling string `yaml:"pooling,omitempty" was:"pool"` // input of classify, regress and embed: mean (default), first or last

	Width      int    `yaml:"width"`                                // features of a token; default 256
	Layers     int    `yaml:"layers"`                               // default 4; of an encoder-decoder, of each half
	Heads      int    `yaml:"heads"`                                // H; default 4
	KVHeads    int    `yaml:"kv_heads,omitempty"`                   // Hkv, a divisor of heads; default heads
	HeadDim    int    `yaml:"head_dim,omitempty"`                   // D, a multiple of 8; default width/heads
	Hidden     int    `yaml:"hidden,omitempty"`                     // features inside the feed-forward layers; default 4·width
	Activation string `yaml:"activation,omitempty"`                 // gelu (default), gelu_tanh, relu, silu, tanh, geglu, geglu_tanh or swiglu
	Norm       string `yaml:"norm,omitempty"`                       // layer (default) or rms
	NormPlace  string `yaml:"norm_place,omitempty" was:"placement"` // pre (default): inside the residual branches; or post: after the sums
	Bias       bool   `yaml:"bias,omitempty"`                       // in the linear layers
	Tied       bool   `yaml:"tied,omitempty"`                       // the lm or mlm head is the embedding's table

	// Attention is the mechanism of all layers in its text form, such as "window(256) | global(0)"; default full. Of n mechanisms, layer i has
	// mechanism i mod n. A causal model hides later tokens under any mechanism.
	Attention  []string `yaml:"attention,omitempty"`
	Sinks      bool     `yaml:"sinks,omitempty"`       // a learned logit for each head, which takes probability
	Position   string   `yaml:"position,omitempty"`    // rotary (default), none, learned, alibi, t5, or relative (default of transformer-xl)
	RotaryBase float64  `yaml:"rotary_base,omitempty"` // default 10000
	NoPosition []int    `yaml:"no_position,omitempty"` // layers, from 0, without position encoding: they match content at any distance
	MaxTokens  int      `yaml:"max_tokens,omitempty"`  // of a sequence, with learned positions

	// Experimental. CopyNgrams are the n-gram sizes of the copy heads in the no_position layers, which the heads use in rotation; queries and
	// keys are hashed, not learned. HashedNgrams are the sizes of n-grams with vectors; each vector is added to the vector of the last
	// token. Each size has a table of HashedNgramRows rows (default 65536).
	CopyNgrams      []int `yaml:"copy_ngrams,omitempty" was:"words"`
	HashedNgrams    []int `yaml:"hashed_ngrams,omitempty" was:"ngrams"`
	HashedNgramRows int   `yaml:"hashed_ngram_rows,omitempty" was:"ngram_rows"`

	// Prior: the data has log-probabilities of the next tokens, such as those of counted n-grams. The model reads them, and corrects them. The
	// data sets it.
	Prior bool `yaml:"prior,omitempty"`

	// NeverMasked are tokens that mlm neither hides nor predicts, such as N of DNA; default: those of the data.
	NeverMasked []int `yaml:"never_masked,omitempty"`

	Memory  int `yaml:"memory,omitempty"`  // transformer-xl: tokens of earlier segments that each layer sees; default 512
	Segment int `yaml:"segment,omitempty"` // tokens of a segment. hierarchical: default 64; transformer-xl: 0 reads sequences whole

	Dropout        float64 `yaml:"dropout,omitempty"`                         // 0 up to 1
	LabelSmoothing float64 `yaml:"label_smoothing,omitempty" was:"smoothing"` // of lm, mlm, classify and tag, in training alone; 0 up to 1

	// Of embed: cosines are divided by Temperature, default 0.05. Symmetric: a passage is to find its query too.
	Temperature float64 `yaml:"temperature,omitempty"`
	Symmetric   bool    `yaml:"symmetric,omitempty"`

	Precision string `yaml:"precision,omitempty"` // f32 (default), bf16 or fp16
	// Recompute selects the layers whose activations are recomputed in the backward pass instead of kept: none (default), every, sqrt (in
	// groups of √layers), a number N (the first N layers) or auto, which package plan replaces by one of these for a memory budget.
	Recompute string `yaml:"recompute,omitempty" was:"checkpoint"`
	Seed      uint64 `yaml:"seed,omitempty"` // of the initial weights
}

// WithDefaults returns c with every default written out.
func (c Config) WithDefaults() Config {
	c.Kind = cmp.Or(c.Kind, Decoder)
	if c.Kind == Encoder {
		c.Head = cmp.Or(c.Head, MaskedLM)
	}
	c.Head = cmp.Or(c.Head, LM)
	c.Pooling = cmp.Or(c.Pooling, "mean")
	if c.Head == Embed {
		c.Temperature = cmp.Or(c.Temperature, DefaultTemperature)
	}
	c.Width = cmp.Or(c.Width, 256)
	c.Layers = cmp.Or(c.Layers, 4)
	c.Heads = cmp.Or(c.Heads, 4)
	c.KVHeads = cmp.Or(c.KVHeads, c.Heads)
	if c.Heads > 0 {
		c.HeadDim = cmp.Or(c.HeadDim, c.Width/c.Heads)
	}
	c.Hidden = cmp.Or(c.Hidden, 4*c.Width)
	c.Activation = cmp.Or(c.Activation, "gelu")
	c.Norm = cmp.Or(c.Norm, "layer")
	c.NormPlace = cmp.Or(c.NormPlace, "pre")
	if len(c.Attention) == 0 {
		c.Attention = []string{"full"}
	}
	if c.Kind == TransformerXL {
		c.Position = cmp.Or(c.Position, "relative")
		c.Memory = cmp.Or(c.Memory, 512)
	}
	if c.Kind == Hierarchical {
		c.Segment = cmp.Or(c.Segment, 64)
	}
	if len(c.HashedNgrams) > 0 {
		c.HashedNgramRows = cmp.Or(c.HashedNgramRows, 1<<16)
	}
	c.Position = cmp.Or(c.Position, "rotary")
	c.Precision = cmp.Or(c.Precision, "f32")
	c.Recompute = cmp.Or(c.Recompute, "none")
	return c
}

// DefaultTemperature is that of a contrast: SimCSE has it (Gao et al. 2021, arXiv:2104.08821).
const DefaultTemperature = 0.05

// Check returns an error about the first setting of c that is out of range or contradicts another.
func (c Config) Check() error {
	_, err := c.Spec()
	return err
}

// Causal reports whether a token sees only itself and earlier tokens: in a decoder, a Transformer-XL and a hierarchical language model.
func (c Config) Causal() bool {
	c = c.WithDefaults()
	return c.Kind == Decoder || c.Kind == TransformerXL || c.Kind == Hierarchical && c.Head == LM
}

// Spec writes c out, layer by layer. Errors are those of [Config.Check].
func (c Config) Spec() (Spec, error) {
	c = c.WithDefaults()
	if err := c.check(); err != nil {
		return Spec{}, fmt.Errorf("model: %w", err)
	}
	s := Spec{
		Kind: c.Kind, Vocab: c.Vocab, Width: c.Width, Memory: c.Memory, Segment: c.Segment,
		Embed:   Embedding{HashedNgrams: c.HashedNgrams, HashedNgramRows: c.HashedNgramRows},
		Stack:   c.stack(c.Causal() || c.Kind == EncoderDecoder, c.Kind == EncoderDecoder),
		Head:    Head{Kind: c.Head, NeverMasked: c.NeverMasked, Prior: c.Prior, Tied: c.Tied, Bias: c.Bias},
		Dropout: c.Dropout, LabelSmoothing: c.LabelSmoothing, Precision: c.Precision, Recompute: c.Recompute, Seed: c.Seed,
	}
	if c.Position == nn.Learned.String() {
		s.Embed.Positions = c.MaxTokens
	}
	if c.Head == Classify || c.Head == Tag {
		s.Head.Classes = c.Classes
	}
	if c.Head == Classify || c.Head == Regress || c.Head == Embed || c.Pooling != "mean" {
		s.Head.Pooling = c.Pooling
	}
	if c.Head == Embed {
		s.Head.Normalise, s.Head.Contrast = true, &Contrast{Temperature: c.Temperature, Symmetric: c.Symmetric}
	}
	switch c.Kind {
	case EncoderDecoder:
		source := c.stack(false, false)
		s.Source = &source
	case Hierarchical:
		s.Summaries = c.summaries()
	}
	return s, s.Check()
}

// stack is the layers of a stack of c.
func (c Config) stack(causal, cross bool) Stack {
	var s Stack
	for i := range c.Layers {
		l := c.layer(c.Attention[i%len(c.Attention)], causal)
		if slices.Contains(c.NoPosition, i) {
			l.Attention.Position, l.Attention.CopyNgrams = nn.NoPosition.String(), c.CopyNgrams
		}
		if cross {
			over := l.Attention
			over.Mechanism, over.Causal, over.Position, over.Sinks = "full", false, nn.NoPosition.String(), false
			l.Cross = &over
		}
		s.Layers = append(s.Layers, l)
	}
	if c.NormPlace == "pre" {
		s.Final = &Norm{Kind: c.Norm}
	}
	return s
}

// layer is one layer of c.
func (c Config) layer(mechanism string, causal bool) Layer {
	l := Layer{
		Attention: Attention{Mechanism: mechanism, Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Causal: causal, Position: c.Position,
			Bias: c.Bias, Sinks: c.Sinks},
		FeedForward: FeedForward{Hidden: c.Hidden, Activation: c.Activation, Bias: c.Bias},
	}
	switch c.Position {
	case nn.Rotary.String():
		l.Attention.RotaryBase = c.RotaryBase
	case nn.Learned.String():
		l.Attention.Position = nn.NoPosition.String()
	}
	if c.NormPlace == "pre" {
		l.Norms.Input = &Norm{Kind: c.Norm}
	} else {
		l.Norms.Sum = &Norm{Kind: c.Norm}
	}
	return l
}

// summaries are the layers over the summaries of segments in a hierarchical model.
func (c Config) summaries() (layers []Layer) {
	for range c.Layers {
		layers = append(layers, c.layer("full", c.Causal()))
	}
	return layers
}

// check refuses settings that would have no effect, or that Spec cannot write out.
func (c Config) check() error {
	if c.Layers < 1 || c.Layers > spec.MaxLayers {
		return fmt.Errorf("layers: found %d, expected 1 to %d", c.Layers, spec.MaxLayers)
	}
	if err := spec.OneOf("norm_place", c.NormPlace, "pre", "post"); err != nil {
		return err
	}
	if d := c.HeadDim; c.Heads > 0 && (d%8 != 0 || d < 8 || d > 256) {
		return fmt.Errorf("head_dim: found %d columns a head, of the width %d over %d heads, expected a multiple of 8 up to 256; "+
			"use a width of 8, 16 … times the heads, other heads, or another head_dim", d, c.Width, c.Heads)
	}
	if k := c.KVHeads; c.Heads > 0 && (k < 1 || c.Heads%k != 0) {
		return fmt.Errorf("kv_heads: found %d beside %d heads, expected a divisor of heads", k, c.Heads)
	}
	if c.Head != Embed && (c.Temperature != 0 || c.Symmetric) {
		return fmt.Errorf("temperature: found %g, and symmetric %t, with the head %s, expected none; they are of the head embed", c.Temperature,
			c.Symmetric, c.Head)
	}
	if c.Position == nn.Learned.String() && c.MaxTokens == 0 {
		return errors.New("max_tokens: found none with learned positions, expected the longest sequence: " +
			"the table has a row for each position")
	}
	if err := c.checkNoPosition(); err != nil {
		return err
	}
	return c.checkCopyNgrams()
}

// checkNoPosition looks at the layers without position encoding.
func (c Config) checkNoPosition() error {
	for _, layer := range c.NoPosition {
		if layer < 0 || layer >= c.Layers {
			return fmt.Errorf("no_position: found layer %d, expected 0 to %d: the layers by the numbers in their weights' names",
				layer, c.Layers-1)
		}
	}
	switch {
	case len(c.NoPosition) == 0:
		return nil
	case c.Position == nn.NoPosition.String() || c.Position == nn.Learned.String():
		return fmt.Errorf("no_position: found layers with the position encoding %s, expected one of the attention: rotary, alibi, t5 or relative",
			c.Position)
	case c.Kind == TransformerXL:
		return errors.New("no_position: found layers of a transformer-xl, expected none: " +
			"without positions they cannot tell memory from segment")
	}
	return nil
}
