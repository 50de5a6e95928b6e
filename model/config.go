package model

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// Config says what a model is. Vocab must be set; the zero value of everything else is its default.
type Config struct {
	Kind    string `yaml:"kind"`              // decoder (default), encoder, encoder-decoder, transformer-xl or hierarchical
	Head    string `yaml:"head"`              // lm, mlm, classify, tag or regress; default: mlm for encoders, else lm
	Vocab   int    `yaml:"vocab"`             // tokens are 0 … vocab−1
	Classes int    `yaml:"classes,omitempty"` // of classify and tag
	Pool    string `yaml:"pool,omitempty"`    // what classify and regress read: mean (default) or first

	Width      int    `yaml:"width"`                // features of a token; default 256
	Layers     int    `yaml:"layers"`               // default 4; of an encoder-decoder, of each half
	Heads      int    `yaml:"heads"`                // H; default 4
	KVHeads    int    `yaml:"kv_heads,omitempty"`   // Hkv, a divisor of heads; default heads
	HeadDim    int    `yaml:"head_dim,omitempty"`   // D, a multiple of 8; default width/heads
	Hidden     int    `yaml:"hidden,omitempty"`     // of the feed-forward layers; default 4·width
	Activation string `yaml:"activation,omitempty"` // gelu (default), gelu_tanh, relu, silu, geglu or swiglu
	Norm       string `yaml:"norm,omitempty"`       // layer (default) or rms
	Placement  string `yaml:"placement,omitempty"`  // pre (default): norms inside the residual branches; or post: after the sums
	Bias       bool   `yaml:"bias,omitempty"`       // in the linear layers
	Tied       bool   `yaml:"tied,omitempty"`       // the lm or mlm head is the embedding's table

	// Attention is a mechanism in its text form, such as "window(256) | global(0)", for all layers, or several that layers
	// take in turn; default full. What comes later is hidden where the kind asks for it, whatever the mechanism.
	Attention  []string `yaml:"attention,omitempty"`
	Sinks      bool     `yaml:"sinks,omitempty"`       // a learned logit a head that takes probability
	Position   string   `yaml:"position,omitempty"`    // rotary (default), none, learned, alibi, t5, or relative, which transformer-xl has
	RotaryBase float64  `yaml:"rotary_base,omitempty"` // default 10000
	NoPosition []int    `yaml:"no_position,omitempty"` // layers, from 0, whose attention has no position encoding: they match by content, equally well at any distance
	Ngrams     []int    `yaml:"ngrams,omitempty"`      // words of so many tokens each have a vector that is added to that of the token they end with, such as [4, 8]
	Words      []int    `yaml:"words,omitempty"`       // layers of no_position look for what came after words of so many tokens, such as [14, 20], which heads take in turn, and for nothing else: queries and keys are vectors that are drawn, not learned
	NgramRows  int      `yaml:"ngram_rows,omitempty"`  // of each table of such vectors, which words are hashed into; default 65536
	MaxTokens  int      `yaml:"max_tokens,omitempty"`  // of a sequence, with learned positions

	Memory  int `yaml:"memory,omitempty"`  // transformer-xl: tokens of earlier segments that each layer sees; default 512
	Segment int `yaml:"segment,omitempty"` // hierarchical: tokens of a segment; default 64. transformer-xl: a recipe's sequences are read so many tokens at a time; 0: whole

	Dropout   float64 `yaml:"dropout,omitempty"`   // 0 up to 1
	Smoothing float64 `yaml:"smoothing,omitempty"` // of the labels of lm, mlm, classify and tag, in training alone; 0 up to 1

	Precision  string `yaml:"precision,omitempty"`  // f32 (default), bf16 or fp16
	Checkpoint string `yaml:"checkpoint,omitempty"` // what is computed again instead of kept: none (default), every layer, sqrt: groups of √layers, the first N layers, or auto, which package plan settles
	Seed       uint64 `yaml:"seed,omitempty"`       // of the first weights
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

	Auto = "auto" // checkpoint: as few layers as the memory allows
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
	text(&c.Pool, "mean")
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
	text(&c.Placement, "pre")
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
	if len(c.Ngrams) > 0 {
		number(&c.NgramRows, 1<<16)
	}
	text(&c.Position, "rotary")
	text(&c.Precision, "f32")
	text(&c.Checkpoint, "none")
	return c
}

// Causal says whether tokens see only themselves and what came before: always in a decoder and a Transformer-XL, and in a
// hierarchical language model.
func (c Config) Causal() bool {
	c = c.WithDefaults()
	return c.Kind == Decoder || c.Kind == TransformerXL || c.Kind == Hierarchical && c.Head == LM
}

// Check says what is wrong with c: what was found, what was expected, and what to do.
func (c Config) Check() error {
	_, err := c.resolve()
	return err
}

// settings is a Config with its words understood.
type settings struct {
	Config
	activation autograd.Activation
	norm       nn.NormKind
	position   nn.Position
	mechanisms []mechanism.Mechanism
	policy     autograd.Policy
	wrapped    int // blocks from the first that are in checkpoints
	group      int // blocks in a checkpoint
}

func (c Config) resolve() (s settings, err error) {
	s.Config = c.WithDefaults()
	for _, check := range []func() error{s.checkWords, s.checkSizes, s.checkNgrams, s.checkWordLengths, s.parse, s.checkTogether} {
		if err := check(); err != nil {
			return s, fmt.Errorf("model: %w", err)
		}
	}
	return s, nil
}

// oneOf refuses a word that is not in a list.
func oneOf(key, found string, words ...string) error {
	for _, w := range words {
		if w == found {
			return nil
		}
	}
	return fmt.Errorf("%s: found %q, expected one of %v", key, found, words)
}

func (s *settings) checkWords() error {
	for _, w := range []struct {
		key, found string
		words      []string
	}{
		{"kind", s.Kind, []string{Decoder, Encoder, EncoderDecoder, TransformerXL, Hierarchical}},
		{"head", s.Head, []string{LM, MaskedLM, Classify, Tag, Regress}},
		{"pool", s.Pool, []string{"mean", "first"}},
		{"placement", s.Placement, []string{"pre", "post"}},
	} {
		if err := oneOf(w.key, w.found, w.words...); err != nil {
			return err
		}
	}
	return nil
}

// maxSize bounds every size, so that no product of two overflows an int64. maxLayers is deeper than any model that learns, and what can still be
// planned in seconds, for it to be refused.
const (
	maxSize   = 1 << 28
	maxLayers = 1 << 12
)

func (s *settings) checkSizes() error {
	for _, n := range []struct {
		key          string
		found, least int
	}{
		{"vocab", s.Vocab, 1}, {"classes", s.Classes, 0}, {"width", s.Width, 1}, {"layers", s.Layers, 1}, {"heads", s.Heads, 1},
		{"kv_heads", s.KVHeads, 1}, {"head_dim", s.HeadDim, 1}, {"hidden", s.Hidden, 1}, {"max_tokens", s.MaxTokens, 0},
		{"memory", s.Memory, 0}, {"segment", s.Segment, 0},
	} {
		if n.found < n.least || n.found > maxSize {
			return fmt.Errorf("%s: found %d, expected %d to %d", n.key, n.found, n.least, maxSize)
		}
	}
	if s.Layers > maxLayers {
		return fmt.Errorf("layers: found %d, expected 1 to %d", s.Layers, maxLayers)
	}
	for _, f := range []struct {
		key   string
		found float64
	}{{"dropout", s.Dropout}, {"smoothing", s.Smoothing}} {
		if !(f.found >= 0 && f.found < 1) {
			return fmt.Errorf("%s: found %g, expected 0 up to 1", f.key, f.found)
		}
	}
	if s.RotaryBase != 0 && !(s.RotaryBase > 1) || math.IsInf(s.RotaryBase, 0) {
		return fmt.Errorf("rotary_base: found %g, expected a number above 1, or nothing for 10000", s.RotaryBase)
	}
	return nil
}

func (s *settings) parse() (err error) {
	if s.wrapped, s.group, err = s.checkpoints(); err != nil {
		return err
	}
	if s.activation, err = autograd.ParseActivation(s.Activation); err != nil {
		return err
	}
	if s.norm, err = nn.ParseNorm(s.Norm); err != nil {
		return err
	}
	if s.position, err = nn.ParsePosition(s.Position); err != nil {
		return err
	}
	if s.policy, err = autograd.ParsePolicy(s.Precision); err != nil {
		return err
	}
	for _, layer := range s.NoPosition {
		if layer < 0 || layer >= s.Layers {
			return fmt.Errorf("no_position: found layer %d, expected 0 to %d: the layers by the numbers in their weights' names", layer, s.Layers-1)
		}
	}
	for _, text := range s.Attention {
		m, err := mechanism.Parse(text)
		if err != nil {
			return err
		}
		s.mechanisms = append(s.mechanisms, m)
	}
	return nil
}

// checkpoints reads how many blocks are wrapped in checkpoints, and how many in each.
func (s *settings) checkpoints() (wrapped, group int, err error) {
	switch s.Checkpoint {
	case "none", Auto:
		return 0, 1, nil
	case "every":
		return s.Layers, 1, nil
	case "sqrt":
		// √L checkpoints of √L layers: what is kept between them and what is computed again inside one grow alike.
		return s.Layers, int(math.Ceil(math.Sqrt(float64(s.Layers)))), nil
	}
	n, err := strconv.Atoi(s.Checkpoint)
	if err != nil || n < 0 || n > s.Layers {
		return 0, 0, fmt.Errorf("checkpoint: found %q, expected none, every, sqrt, auto or a number of layers, 0 to %d", s.Checkpoint, s.Layers)
	}
	return n, 1, nil
}

// checkTogether refuses settings that contradict each other.
func (s *settings) checkTogether() error {
	sequenceHead := s.Head == Classify || s.Head == Regress
	switch {
	case (s.Head == Classify || s.Head == Tag) && s.Classes < 2:
		return fmt.Errorf("classes: found %d for the head %s, expected at least 2", s.Classes, s.Head)
	case s.Kind == EncoderDecoder && s.Head != LM:
		return fmt.Errorf("head: found %s for an encoder-decoder, expected lm; use an encoder for the others", s.Head)
	case s.Kind == Decoder && s.Head == MaskedLM:
		return fmt.Errorf("head: found mlm for a decoder, expected lm; use an encoder for masked language modelling")
	case s.Kind == Encoder && s.Head == LM:
		return fmt.Errorf("head: found lm for an encoder, which sees what it is to predict; use a decoder, or the head mlm")
	case s.Kind == TransformerXL && s.Head != LM:
		return fmt.Errorf("head: found %s for a transformer-xl, expected lm; use an encoder for the others", s.Head)
	case s.Kind == TransformerXL && s.position != nn.Relative && s.position != nn.Rotary && s.position != nn.ALiBi && s.position != nn.T5:
		return fmt.Errorf("position: found %s for a transformer-xl, expected relative, rotary, alibi or t5: others cannot tell memory from segment", s.Position)
	case len(s.NoPosition) > 0 && (s.position == nn.NoPosition || s.position == nn.Learned):
		return fmt.Errorf("no_position: found layers with the position encoding %s, expected one that is in the attention: rotary, alibi or t5", s.Position)
	case s.Kind == TransformerXL && len(s.NoPosition) > 0:
		return errors.New("no_position: found layers of a transformer-xl, expected none: without positions they cannot tell memory from segment")
	case s.Kind != TransformerXL && s.Memory != 0:
		return fmt.Errorf("memory: found %d for a model of kind %s, expected none; use the kind transformer-xl", s.Memory, s.Kind)
	case s.Kind != Hierarchical && s.Kind != TransformerXL && s.Segment != 0:
		return fmt.Errorf("segment: found %d for a model of kind %s, expected none; use the kind hierarchical or transformer-xl", s.Segment, s.Kind)
	case s.position == nn.Learned && s.MaxTokens == 0:
		return fmt.Errorf("max_tokens: found none with learned positions, expected the longest sequence: the table has a row for each position")
	case s.position == nn.Relative && s.Width%2 != 0:
		return fmt.Errorf("width: found %d with relative positions, expected an even number: sines and cosines", s.Width)
	case s.Tied && s.Head != LM && s.Head != MaskedLM:
		return fmt.Errorf("tied: found with the head %s, expected lm or mlm: only they predict tokens", s.Head)
	case s.Smoothing > 0 && s.Head == Regress:
		return fmt.Errorf("smoothing: found %g for regression, expected none", s.Smoothing)
	case s.Pool == "first" && !sequenceHead:
		return fmt.Errorf("pool: found first with the head %s, expected classify or regress", s.Head)
	}
	return nil
}
