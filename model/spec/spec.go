// Package spec describes a Transformer layer by layer. A [Spec] says everything that its weights do not.
package spec

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"github.com/longspan/longspan/attention"
	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// Spec is a Transformer written out layer by layer. A model family is a function that returns a Spec. A model folder has the Spec of its
// weights.
type Spec struct {
	Kind  string `json:"kind"`  // decoder, encoder, encoder-decoder, transformer-xl or hierarchical
	Vocab int    `json:"vocab"` // tokens are 0 … Vocab−1
	Width int    `json:"width"` // features of a token

	Embed Embedding `json:"embed"`

	// Source is the encoder of an encoder-decoder. SourceEmbed is its embedding; nil: it is that of the decoder, with the same weights.
	Source      *Stack           `json:"source,omitempty"`
	SourceEmbed *SourceEmbedding `json:"source_embed,omitempty"`
	Stack
	Summaries []Layer `json:"summaries,omitempty"` // hierarchical: one after each layer, over the summaries of the segments
	Head      Head    `json:"head"`

	Memory int `json:"memory,omitempty"` // transformer-xl: tokens of earlier segments that each layer sees
	// ZeroMemory: the memory of a new sequence is Memory tokens whose features are 0, which its tokens see (transformers' Transformer-XL).
	// Else it is empty.
	ZeroMemory bool `json:"zero_memory,omitempty"`
	Segment    int  `json:"segment,omitempty"` // hierarchical and transformer-xl: tokens of a segment; 0: sequences are read whole

	Dropout        float64 `json:"dropout,omitempty"`         // share of elements, in training, 0 up to 1
	LabelSmoothing float64 `json:"label_smoothing,omitempty"` // in training, 0 up to 1
	Precision      string  `json:"precision"`                 // f32, bf16 or fp16
	Recompute      string  `json:"recompute,omitempty"`       // none, every, sqrt, auto or a number of layers; empty: none
	Seed           uint64  `json:"seed,omitempty"`            // of the initial weights
}

// Stack is a sequence of layers.
type Stack struct {
	Layers []Layer `json:"layers"`
	Final  *Norm   `json:"final,omitempty"` // norm after the last layer
}

// Embedding is the input of the first layer.
type Embedding struct {
	Scale      float64 `json:"scale,omitempty"`       // factor of the token vectors, such as √width; 0: 1
	Positions  int     `json:"positions,omitempty"`   // rows of learned positions; 0: none
	TokenTypes int     `json:"token_types,omitempty"` // rows of the table of token types; 0: none
	Norm       *Norm   `json:"norm,omitempty"`        // of the sum

	// FirstPosition is the row of the first token's position. Padding is a token that has no position: it takes the row before the first, and
	// the positions of later tokens do not count it. RoBERTa has both.
	FirstPosition int    `json:"first_position,omitempty"`
	Padding       *int32 `json:"padding,omitempty"`

	TokenDropout *TokenDropout `json:"token_dropout,omitempty"` // nil: none
	Adaptive     *Adaptive     `json:"adaptive,omitempty"`      // of a transformer-xl; nil: one table of vectors of Width features

	HashedNgrams    []int `json:"hashed_ngrams,omitempty"`     // n of each table of n-gram vectors; experimental
	HashedNgramRows int   `json:"hashed_ngram_rows,omitempty"` // of each such table
}

// SourceEmbedding is the input of the first layer of an encoder, with positions, types and a norm of its own.
type SourceEmbedding struct {
	Embedding

	OwnTable bool `json:"own_table,omitempty"` // the token vectors are other ones than the decoder's
}

// Adaptive cuts the vocabulary, whose tokens are in order of frequency, into clusters. Rare tokens have shorter vectors: those of cluster i
// have Width / Divisor^i features, which a projection maps to the width of the model (Baevski & Auli 2019, arXiv:1809.10853). With the head
// lm the softmax is adaptive too: the probability of a token after those of the first cluster is that of its cluster times that of the
// token in it (Grave et al. 2017, arXiv:1609.04309).
type Adaptive struct {
	Ends    []int `json:"ends"`    // of the clusters, ascending: cluster i is the tokens Ends[i−1] … Ends[i]−1. The last is Vocab
	Width   int   `json:"width"`   // features of a vector of the first cluster
	Divisor int   `json:"divisor"` // 1: all clusters share one projection in the embedding
}

// MaxClusters is the most clusters of an adaptive embedding. Models have 4.
const MaxClusters = 16

// Features is the number of features of a vector of cluster i.
func (a *Adaptive) Features(i int) int {
	n := a.Width
	for range i {
		n /= a.Divisor
	}
	return n
}

// Projected reports whether vectors are projected to the width of the model.
func (a *Adaptive) Projected(width int) bool { return a.Divisor > 1 || a.Width != width }

// Cluster is the tokens [from, to) of cluster i.
func (a *Adaptive) Cluster(i int) (from, to int) {
	if i > 0 {
		from = a.Ends[i-1]
	}
	return from, a.Ends[i]
}

// TokenDropout is how ESM reads its mask token: the token's vector is 0, and the other token vectors of a sequence are multiplied by
// (1 − Trained) / (1 − m), where m is the share of mask tokens among its tokens. Rives et al. 2021, doi:10.1073/pnas.2016239118.
type TokenDropout struct {
	Mask    int32   `json:"mask"`    // the token
	Trained float64 `json:"trained"` // share of tokens that it stood for in training, 0 up to 1
}

// Layer is attention, optional cross-attention and a feed-forward layer, each in a residual branch.
type Layer struct {
	Attention   Attention   `json:"attention"`
	Cross       *Attention  `json:"cross,omitempty"`
	FeedForward FeedForward `json:"feed_forward"`
	Norms       Norms       `json:"norms"`

	AttentionNorms *Norms `json:"attention_norms,omitempty"` // of the attention branch, where they differ; nil: Norms
}

// BranchNorms are the norms of the attention branch.
func (l Layer) BranchNorms() Norms {
	if l.AttentionNorms != nil {
		return *l.AttentionNorms
	}
	return l.Norms
}

// Norms are the norms of each residual branch x + f(x) of a layer: Sum(x + Output(f(Input(x)))). Nil: none.
type Norms struct {
	Input  *Norm `json:"input,omitempty"`  // "pre-norm"
	Output *Norm `json:"output,omitempty"` // with Input: "sandwich" norms
	Sum    *Norm `json:"sum,omitempty"`    // "post-norm"
}

// Norm is a norm over the features.
type Norm struct {
	Kind   string  `json:"kind"`              // layer or rms
	Eps    float64 `json:"eps,omitempty"`     // added to the variance; 0: 1e-5
	NoBias bool    `json:"no_bias,omitempty"` // of a layer norm: nothing is added to its output
}

// Attention is an attention layer.
type Attention struct {
	Mechanism  string  `json:"mechanism"` // its text form, such as "window(256) | global(0)"
	Heads      int     `json:"heads"`     // H
	KVHeads    int     `json:"kv_heads"`  // Hkv, a divisor of Heads
	HeadDim    int     `json:"head_dim"`  // D
	Causal     bool    `json:"causal,omitempty"`
	Position   string  `json:"position"`              // none, rotary, alibi, t5 or relative
	RotaryBase float64 `json:"rotary_base,omitempty"` // 0: 10000
	Bias       bool    `json:"bias,omitempty"`        // in the projections
	NoOutBias  bool    `json:"no_out_bias,omitempty"` // with Bias: the output projection has none
	Sinks      bool    `json:"sinks,omitempty"`       // a learned logit for each head, which takes probability
	QKNorm     float64 `json:"qk_norm,omitempty"`     // ε of an RMS norm of each query and key over its D columns; 0: no norm
	// Global lists the positions of global tokens (Longformer). They attend to all tokens, with a second set of projections. The mechanism
	// must show them to all tokens.
	Global     []int `json:"global,omitempty"`
	CopyNgrams []int `json:"copy_ngrams,omitempty"` // n-gram sizes of the copy heads; queries and keys are hashed, not learned; experimental

	MaxDistance int `json:"max_distance,omitempty"` // of relative positions: larger distances count as this one; 0: none does

	Scale         float64        `json:"scale,omitempty"`          // factor of the scores; 0: 1/√D
	SoftCap       float64        `json:"soft_cap,omitempty"`       // c: scores become c·tanh(score/c); 0: no cap
	RotaryScaling *RotaryScaling `json:"rotary_scaling,omitempty"` // changed angles, for longer sequences; nil: none

	// Of the position t5: the rows of the table of the bias, the distance from which on all share the last row (attention.T5), and
	// whether the layer has a table of its own. Else all layers of a stack share one.
	T5Buckets     int  `json:"t5_buckets,omitempty"`      // 0: 32
	T5MaxDistance int  `json:"t5_max_distance,omitempty"` // 0: 128
	T5Own         bool `json:"t5_own,omitempty"`

	SummaryNorm float64 `json:"summary_norm,omitempty"` // of the mechanism transient: ε of the RMS norm of summaries; 0: 1e-6
}

// HasSummaries reports whether the mechanism has keys that are summaries of blocks, and so a second table of T5's bias.
func (a Attention) HasSummaries() bool {
	m, err := mechanism.Parse(a.Mechanism)
	if err != nil {
		return false
	}
	_, ok := m.Summaries()
	return ok
}

// T5 is the bias of the position t5, without its table.
func (a Attention) T5() attention.T5 {
	return attention.T5{Buckets: cmp.Or(a.T5Buckets, nn.T5Buckets), MaxDistance: cmp.Or(a.T5MaxDistance, nn.T5MaxDistance),
		Bidirectional: !a.Causal}
}

// RotaryScaling changes the angles of the rotary encoding. The kinds are linear, llama3 and yarn; see attention.RotaryConfig,
// attention.Llama3 and attention.YaRN for the fields.
type RotaryScaling struct {
	Kind      string  `json:"kind"`
	Factor    float64 `json:"factor"`
	Original  int     `json:"original,omitempty"`
	Low       float64 `json:"low,omitempty"`
	High      float64 `json:"high,omitempty"`
	Fast      float64 `json:"fast,omitempty"`
	Slow      float64 `json:"slow,omitempty"`
	Amplitude float64 `json:"amplitude,omitempty"`
	Exact     bool    `json:"exact,omitempty"`
}

// Rotary is the rotary encoding of a layer.
func (a Attention) Rotary() (attention.RotaryConfig, error) {
	c := attention.RotaryConfig{HeadDim: a.HeadDim, Base: a.RotaryBase}
	s := a.RotaryScaling
	if s == nil {
		return c, nil
	}
	switch s.Kind {
	case "linear":
		if !(s.Factor > 0) || math.IsInf(s.Factor, 0) {
			return c, fmt.Errorf("rotary_scaling.factor: found %g, expected a number above 0", s.Factor)
		}
		c.Scale = s.Factor
	case "llama3":
		c.Scaling = attention.Llama3{Factor: s.Factor, Low: s.Low, High: s.High, Original: s.Original}
	case "yarn":
		c.Scaling = attention.YaRN{Factor: s.Factor, Fast: s.Fast, Slow: s.Slow, Original: s.Original, Amplitude: s.Amplitude, Exact: s.Exact}
	default:
		return c, OneOf("rotary_scaling.kind", s.Kind, "linear", "llama3", "yarn")
	}
	_, err := attention.NewRotary(c, 1)
	return c, err
}

// FeedForward is two linear layers with an activation between them.
type FeedForward struct {
	Hidden     int    `json:"hidden"`
	Activation string `json:"activation"`
	Bias       bool   `json:"bias,omitempty"`
	NoUpBias   bool   `json:"no_up_bias,omitempty"` // with Bias: the first linear layer has none
}

// Head maps the last hidden states to outputs.
type Head struct {
	Kind    string `json:"kind"`              // lm, mlm, classify, tag, regress or embed
	Classes int    `json:"classes,omitempty"` // of classify and tag
	Pooling string `json:"pooling,omitempty"` // of classify, regress and embed: mean, first or last
	Tied    bool   `json:"tied,omitempty"`    // lm and mlm: the weight is the embedding's table
	Bias    bool   `json:"bias,omitempty"`    // of a weight that is not tied

	Scale float64 `json:"scale,omitempty"` // lm and mlm: factor of the hidden states that the head reads; 0: 1

	// TiedProjections lists the clusters of an adaptive softmax whose projection is that of the embedding, read the other way.
	TiedProjections []int `json:"tied_projections,omitempty"`

	TiedBias  bool        `json:"tied_bias,omitempty"`  // a bias beside the tied weight
	FixedBias bool        `json:"fixed_bias,omitempty"` // training leaves the bias as it is
	Transform *Transform  `json:"transform,omitempty"`  // of the hidden states that the head reads, after pooling; nil: none
	Project   []Projector `json:"project,omitempty"`    // embed: linear layers after pooling
	Normalise bool        `json:"normalise,omitempty"`  // embed: vectors have length 1
	MaskToken *int32      `json:"mask_token,omitempty"` // mlm: stands for hidden tokens; −1: not known; nil: a row after the vocabulary

	Contrast *Contrast `json:"contrast,omitempty"` // embed: how pairs train it; nil: no loss

	Independent bool `json:"independent,omitempty"` // classify: each class has a probability of its own, which no loss trains

	Padding *int32 `json:"padding,omitempty"` // pooling last: the last token that is not this one counts; nil: the last

	NeverMasked []int `json:"never_masked,omitempty"` // mlm: tokens that are neither hidden nor predicted

	// Prior: lm of a decoder: each batch has log-probabilities of the next tokens, which the embedding reads and the logits begin with.
	Prior bool `json:"prior,omitempty"`
}

// Contrast is the loss of pairs of a query and a passage: each query is to find its passage among those of the batch by the cosine of their
// vectors (van den Oord et al. 2018, arXiv:1807.03748, "InfoNCE").
type Contrast struct {
	Temperature float64 `json:"temperature"`         // cosines are divided by it: above 0; SimCSE has 0.05, E5 0.01
	Symmetric   bool    `json:"symmetric,omitempty"` // each passage is to find its query too: the mean of both losses
}

// Transform is a linear layer of width × width features, an activation and a norm, between the hidden states and the head.
type Transform struct {
	Activation string `json:"activation"`
	Bias       bool   `json:"bias,omitempty"`
	Norm       *Norm  `json:"norm,omitempty"`
}

// Projector is a linear layer after pooling. An empty activation is none.
type Projector struct {
	Out        int    `json:"out"` // features
	Activation string `json:"activation,omitempty"`
	Bias       bool   `json:"bias,omitempty"`
}

// Rows is the number of rows of the embedding. A masked language model has one more, for hidden tokens, unless one of its tokens does that.
func (s *Spec) Rows() int {
	if s.Head.Kind == MaskedLM && s.Head.MaskToken == nil {
		return s.Vocab + 1
	}
	return s.Vocab
}

// Outputs is the number of outputs of the head.
func (s *Spec) Outputs() int {
	switch s.Head.Kind {
	case Classify, Tag:
		return s.Head.Classes
	case Regress:
		return 1
	case Embed:
		if n := len(s.Head.Project); n > 0 {
			return s.Head.Project[n-1].Out
		}
		return s.Width
	}
	return s.Vocab
}

// MaxTokens is the longest sequence, of as many tokens as learned positions; 0: there is no limit. Of an encoder-decoder it is the longest
// target.
func (s *Spec) MaxTokens() int { return s.Embed.maxTokens() }

// MaxSource is the longest source of an encoder-decoder, as MaxTokens; 0: there is no limit.
func (s *Spec) MaxSource() int { return s.EmbeddingOfSource().maxTokens() }

// EmbeddingOfSource is the embedding of a source.
func (s *Spec) EmbeddingOfSource() Embedding {
	if s.SourceEmbed != nil {
		return s.SourceEmbed.Embedding
	}
	return s.Embed
}

func (e Embedding) maxTokens() int {
	if e.Positions == 0 {
		return 0
	}
	return e.Positions - e.FirstPosition
}

// OfSequences reports whether the head has one output for each sequence.
func (h Head) OfSequences() bool { return h.Kind == Classify || h.Kind == Regress || h.Kind == Embed }

// Causal reports whether each token sees only itself and the tokens before it.
func (s *Spec) Causal() bool { return len(s.Layers) > 0 && s.Layers[0].Attention.Causal }

// Policy parses the precision.
func (s *Spec) Policy() (autograd.Policy, error) { return autograd.ParsePolicy(s.Precision) }

// Recomputed parses Recompute: the number of layers, from the first, that are recomputed in the backward pass, and of those in a group. Of
// an encoder-decoder they are of each side.
func (s *Spec) Recomputed() (layers, group int, ok bool) {
	n := s.Deepest()
	switch s.Recompute {
	case "", "none", Auto:
		return 0, 1, true
	case "every":
		return n, 1, true
	case "sqrt":
		// √L groups of √L layers: the activations kept between groups and recomputed inside a group grow alike.
		return n, int(math.Ceil(math.Sqrt(float64(n)))), true
	}
	k, err := strconv.Atoi(s.Recompute)
	return k, 1, err == nil && k >= 0 && k <= n
}

// Deepest is the number of layers, of an encoder-decoder of the side that has more.
func (s *Spec) Deepest() int {
	if s.Source != nil {
		return max(len(s.Layers), len(s.Source.Layers))
	}
	return len(s.Layers)
}
