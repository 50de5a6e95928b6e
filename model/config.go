package model

import (
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/nn"
)

// Config is the models of this package in few words: one block, repeated. [Config.Spec] writes it out. Vocab must be set; the zero value
// of everything else is its default.
type Config struct {
	Kind    string `yaml:"kind"`                         // decoder (default), encoder, encoder-decoder, transformer-xl or hierarchical
	Head    string `yaml:"head"`                         // lm, mlm, classify, tag or regress; default: mlm for encoders, else lm
	Vocab   int    `yaml:"vocab"`                        // tokens are 0 … vocab−1
	Classes int    `yaml:"classes,omitempty"`            // of classify and tag
	Pooling string `yaml:"pooling,omitempty" was:"pool"` // what classify and regress read: mean (default) or first

	Width      int    `yaml:"width"`                                // features of a token; default 256
	Layers     int    `yaml:"layers"`                               // default 4; of an encoder-decoder, of each half
	Heads      int    `yaml:"heads"`                                // H; default 4
	KVHeads    int    `yaml:"kv_heads,omitempty"`                   // Hkv, a divisor of heads; default heads
	HeadDim    int    `yaml:"head_dim,omitempty"`                   // D, a multiple of 8; default width/heads
	Hidden     int    `yaml:"hidden,omitempty"`                     // features inside the feed-forward layers; default 4·width
	Activation string `yaml:"activation,omitempty"`                 // gelu (default), gelu_tanh, relu, silu, geglu or swiglu
	Norm       string `yaml:"norm,omitempty"`                       // layer (default) or rms
	NormPlace  string `yaml:"norm_place,omitempty" was:"placement"` // pre (default): norms inside the residual branches; or post: after the sums
	Bias       bool   `yaml:"bias,omitempty"`                       // in the linear layers
	Tied       bool   `yaml:"tied,omitempty"`                       // the lm or mlm head is the embedding's table

	// Attention is a mechanism in its text form, such as "window(256) | global(0)", for all layers, or several that layers
	// take in turn; default full. A causal model hides later tokens, whatever the mechanism.
	Attention  []string `yaml:"attention,omitempty"`
	Sinks      bool     `yaml:"sinks,omitempty"`       // a learned logit a head that takes probability
	Position   string   `yaml:"position,omitempty"`    // rotary (default), none, learned, alibi, t5, or relative, which transformer-xl has
	RotaryBase float64  `yaml:"rotary_base,omitempty"` // default 10000
	NoPosition []int    `yaml:"no_position,omitempty"` // layers, from 0, without position encoding: they match by content, at any distance
	MaxTokens  int      `yaml:"max_tokens,omitempty"`  // of a sequence, with learned positions

	// Experimental. CopyNgrams are the n-gram sizes of the copy heads in the no_position layers, which the heads take in turn; queries and
	// keys are hashed, not learned. HashedNgrams are the sizes n of n-grams that have vectors, which are added to that of their last
	// token; each size has a table of HashedNgramRows rows (default 65536).
	CopyNgrams      []int `yaml:"copy_ngrams,omitempty" was:"words"`
	HashedNgrams    []int `yaml:"hashed_ngrams,omitempty" was:"ngrams"`
	HashedNgramRows int   `yaml:"hashed_ngram_rows,omitempty" was:"ngram_rows"`

	// NeverMasked are tokens that mlm neither hides nor predicts, such as N of DNA. The data names them.
	NeverMasked []int `yaml:"never_masked,omitempty"`

	Memory  int `yaml:"memory,omitempty"`  // transformer-xl: tokens of earlier segments that each layer sees; default 512
	Segment int `yaml:"segment,omitempty"` // tokens of a segment. hierarchical: default 64; transformer-xl: 0 reads sequences whole

	Dropout        float64 `yaml:"dropout,omitempty"`                         // 0 up to 1
	LabelSmoothing float64 `yaml:"label_smoothing,omitempty" was:"smoothing"` // of lm, mlm, classify and tag, in training alone; 0 up to 1

	Precision string `yaml:"precision,omitempty"` // f32 (default), bf16 or fp16
	// Recompute is which activations are computed again in the backward pass instead of kept: none (default), those of every layer, sqrt:
	// of groups of √layers, of the first N layers, or auto, which package plan settles.
	Recompute string `yaml:"recompute,omitempty" was:"checkpoint"`
	Seed      uint64 `yaml:"seed,omitempty"` // of the first weights
}

// The kinds and heads.
const (
	Encoder        = "encoder"
	Decoder        = "decoder"
	EncoderDecoder = "encoder-decoder"
	TransformerXL  = "transformer-xl"
	Hierarchical   = "hierarchical"

	LM       = "lm"
	MaskedLM = "mlm"
	Classify = "classify"
	Tag      = "tag"
	Regress  = "regress"

	Auto = "auto" // recompute: as few layers as the memory allows
)

// WithDefaults returns c with every default written out.
func (c Config) WithDefaults() Config {
	text := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	number := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	text(&c.Kind, Decoder)
	if c.Kind == Encoder {
		text(&c.Head, MaskedLM)
	}
	text(&c.Head, LM)
	text(&c.Pooling, "mean")
	number(&c.Width, 256)
	number(&c.Layers, 4)
	number(&c.Heads, 4)
	number(&c.KVHeads, c.Heads)
	if c.Heads > 0 {
		number(&c.HeadDim, c.Width/c.Heads)
	}
	number(&c.Hidden, 4*c.Width)
	text(&c.Activation, "gelu")
	text(&c.Norm, "layer")
	text(&c.NormPlace, "pre")
	if len(c.Attention) == 0 {
		c.Attention = []string{"full"}
	}
	if c.Kind == TransformerXL {
		text(&c.Position, "relative")
		number(&c.Memory, 512)
	}
	if c.Kind == Hierarchical {
		number(&c.Segment, 64)
	}
	if len(c.HashedNgrams) > 0 {
		number(&c.HashedNgramRows, 1<<16)
	}
	text(&c.Position, "rotary")
	text(&c.Precision, "f32")
	text(&c.Recompute, "none")
	return c
}

// Check returns an error that says what is wrong with c: what was found, what was expected, and what to do.
func (c Config) Check() error {
	_, err := c.Spec()
	return err
}

// Causal reports whether tokens see only themselves and earlier tokens: always in a decoder and a Transformer-XL, and in a
// hierarchical language model.
func (c Config) Causal() bool {
	c = c.WithDefaults()
	return c.Kind == Decoder || c.Kind == TransformerXL || c.Kind == Hierarchical && c.Head == LM
}

// Spec writes c out, layer by layer.
func (c Config) Spec() (Spec, error) {
	c = c.WithDefaults()
	if err := c.check(); err != nil {
		return Spec{}, fmt.Errorf("model: %w", err)
	}
	s := Spec{
		Kind: c.Kind, Vocab: c.Vocab, Width: c.Width, Memory: c.Memory, Segment: c.Segment,
		Embed:   Embedding{HashedNgrams: c.HashedNgrams, HashedNgramRows: c.HashedNgramRows},
		Stack:   c.stack(c.Causal() || c.Kind == EncoderDecoder, c.Kind == EncoderDecoder),
		Head:    Head{Kind: c.Head, NeverMasked: c.NeverMasked, Tied: c.Tied, Bias: c.Bias},
		Dropout: c.Dropout, LabelSmoothing: c.LabelSmoothing, Precision: c.Precision, Recompute: c.Recompute, Seed: c.Seed,
	}
	if c.Position == nn.Learned.String() {
		s.Embed.Positions = c.MaxTokens
	}
	if c.Head == Classify || c.Head == Tag {
		s.Head.Classes = c.Classes
	}
	if c.Head == Classify || c.Head == Regress || c.Pooling != "mean" {
		s.Head.Pooling = c.Pooling
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

// stack is the layers of c.
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

// summaries is what the summaries of the segments of a hierarchical model go through.
func (c Config) summaries() (layers []Layer) {
	for range c.Layers {
		layers = append(layers, c.layer("full", c.Causal()))
	}
	return layers
}

// check refuses settings that would have no effect, or that Spec cannot write out.
func (c Config) check() error {
	if c.Layers < 1 || c.Layers > maxLayers {
		return fmt.Errorf("layers: found %d, expected 1 to %d", c.Layers, maxLayers)
	}
	if err := oneOf("norm_place", c.NormPlace, "pre", "post"); err != nil {
		return err
	}
	if c.Position == nn.Learned.String() && c.MaxTokens == 0 {
		return errors.New("max_tokens: found none with learned positions, expected the longest sequence: the table has a row for each position")
	}
	if err := c.checkNoPosition(); err != nil {
		return err
	}
	return c.checkCopyNgrams()
}

// checkNoPosition looks at the layers without positions.
func (c Config) checkNoPosition() error {
	for _, layer := range c.NoPosition {
		if layer < 0 || layer >= c.Layers {
			return fmt.Errorf("no_position: found layer %d, expected 0 to %d: the layers by the numbers in their weights' names", layer, c.Layers-1)
		}
	}
	switch {
	case len(c.NoPosition) == 0:
		return nil
	case c.Position == nn.NoPosition.String() || c.Position == nn.Learned.String():
		return fmt.Errorf("no_position: found layers with the position encoding %s, expected one that is in the attention: rotary, alibi or t5", c.Position)
	case c.Kind == TransformerXL:
		return errors.New("no_position: found layers of a transformer-xl, expected none: without positions they cannot tell memory from segment")
	}
	return nil
}
