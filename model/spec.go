package model

import "github.com/longspan/longspan/model/spec"

// Types of package spec, which describes a Transformer layer by layer.
type (
	Spec        = spec.Spec
	Stack       = spec.Stack
	Embedding   = spec.Embedding
	Layer       = spec.Layer
	Norms       = spec.Norms
	Norm        = spec.Norm
	Attention   = spec.Attention
	FeedForward = spec.FeedForward
	Head        = spec.Head
	Transform   = spec.Transform
	Projector   = spec.Projector
	Contrast    = spec.Contrast
	Adaptive    = spec.Adaptive

	RotaryScaling   = spec.RotaryScaling
	SourceEmbedding = spec.SourceEmbedding
	TokenDropout    = spec.TokenDropout
)

// The kinds and heads, and a value of Spec.Recompute.
const (
	Encoder        = spec.Encoder
	Decoder        = spec.Decoder
	EncoderDecoder = spec.EncoderDecoder
	TransformerXL  = spec.TransformerXL
	Hierarchical   = spec.Hierarchical

	LM       = spec.LM
	MaskedLM = spec.MaskedLM
	Classify = spec.Classify
	Tag      = spec.Tag
	Regress  = spec.Regress
	Embed    = spec.Embed

	Auto = spec.Auto
)

// Poolings are the values of Head.Pooling.
func Poolings() []string { return spec.Poolings() }
