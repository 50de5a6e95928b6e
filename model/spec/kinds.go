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
	Embed    = "embed" // a vector for each sequence, which no loss trains

	Auto = "auto" // value of Recompute: as few layers as the memory allows
)
