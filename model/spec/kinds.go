package spec

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

	Auto = "auto" // value of Recompute: as few layers as the memory allows
)
