package spec

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

const (
	maxProjectors = 16 // more than any model has

	leastTemperature = 1e-3 // of contrast: below it a float32 cosine has too few digits to divide

	maxSize   = 1 << 28 // of every size: no product of two overflows an int64
	MaxLayers = 1 << 12 // the most layers of a stack: more than any model has, and few enough to be planned in seconds
)

// Check returns an error about the first setting of s that is out of range or contradicts another. Mechanisms check their own settings when
// the model is made.
func (s *Spec) Check() error {
	for _, check := range []func() error{s.checkSizes, s.Head.check, s.checkHead, s.checkRun, s.checkEmbedding, s.checkAdaptive,
		s.checkStacks} {
		if err := check(); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	return nil
}

// OneOf returns an error for a value that is not among the allowed ones; key names the setting.
func OneOf(key, found string, allowed ...string) error {
	if slices.Contains(allowed, found) {
		return nil
	}
	return fmt.Errorf("%s: found %q, expected one of %v", key, found, allowed)
}

// Poolings are the values of Head.Pooling: a vector is the mean of the states of all tokens, or the state of the first or last one.
func Poolings() []string { return []string{"mean", "first", "last"} }

// size is a whole number of a specification and its smallest allowed value.
type size struct {
	key          string
	found, least int
}

func checkSizes(sizes ...size) error {
	for _, n := range sizes {
		if n.found < n.least || n.found > maxSize {
			return fmt.Errorf("%s: found %d, expected %d to %d", n.key, n.found, n.least, maxSize)
		}
	}
	return nil
}

func (s *Spec) checkSizes() error {
	if err := OneOf("kind", s.Kind, Decoder, Encoder, EncoderDecoder, TransformerXL, Hierarchical); err != nil {
		return err
	}
	memory := 0
	if s.Kind == TransformerXL {
		memory = 1
	}
	err := checkSizes(size{"vocab", s.Vocab, 1}, size{"width", s.Width, 1}, size{"memory", s.Memory, memory}, size{"segment", s.Segment, 0})
	if err != nil {
		return err
	}
	if n := len(s.Layers); n < 1 || n > MaxLayers {
		return fmt.Errorf("layers: found %d, expected 1 to %d", n, MaxLayers)
	}
	if s.Kind != EncoderDecoder || s.Source == nil {
		return nil
	}
	if n := len(s.Source.Layers); n < 1 || n > MaxLayers {
		return fmt.Errorf("source.layers: found %d, expected 1 to %d", n, MaxLayers)
	}
	return nil
}

// check looks at the head alone.
func (h Head) check() error {
	if err := OneOf("head", h.Kind, LM, MaskedLM, Classify, Tag, Regress, Embed); err != nil {
		return err
	}
	ofSequences, ofTokens := h.OfSequences(), h.Kind == LM || h.Kind == MaskedLM
	switch {
	case h.Padding != nil && h.Pooling != "last":
		return fmt.Errorf("padding: found with the pooling %q, expected last", h.Pooling)
	case (h.Kind == Classify || h.Kind == Tag) && (h.Classes < 2 && !h.Independent || h.Classes < 1 || h.Classes > maxSize):
		return fmt.Errorf("classes: found %d for the head %s, expected 2 to %d", h.Classes, h.Kind, maxSize)
	case h.Tied && !ofTokens:
		return fmt.Errorf("tied: found with the head %s, expected lm or mlm: only they predict tokens", h.Kind)
	case h.Scale < 0 || math.IsNaN(h.Scale) || math.IsInf(h.Scale, 0) || h.Scale != 0 && !ofTokens:
		return fmt.Errorf("scale: found %g with the head %s, expected a positive number with lm or mlm, or 0 for 1", h.Scale, h.Kind)
	case h.TiedBias && !h.Tied:
		return errors.New("tied_bias: found without tied, expected both or none")
	case h.FixedBias && !h.Bias && !h.TiedBias:
		return errors.New("fixed_bias: found without bias and tied_bias, expected one of them")
	case h.Pooling != "" && !ofSequences:
		return fmt.Errorf("pooling: found %s with the head %s, expected classify, regress or embed", h.Pooling, h.Kind)
	case h.Kind != Embed && (len(h.Project) > 0 || h.Normalise):
		return fmt.Errorf("project: found with the head %s, expected embed", h.Kind)
	case h.Kind != Classify && h.Independent:
		return fmt.Errorf("independent: found with the head %s, expected classify", h.Kind)
	case h.Kind != MaskedLM && h.MaskToken != nil:
		return fmt.Errorf("mask_token: found with the head %s, expected mlm", h.Kind)
	case h.Kind != Embed && h.Contrast != nil:
		return fmt.Errorf("contrast: found with the head %s, expected embed", h.Kind)
	case h.Contrast != nil && !(h.Contrast.Temperature >= leastTemperature && h.Contrast.Temperature <= 1):
		return fmt.Errorf("temperature: found %g, expected %g to 1, such as 0.05", h.Contrast.Temperature, leastTemperature)
	case h.Kind == Embed && h.Transform != nil:
		return errors.New("transform: found with the head embed, expected none; use project")
	}
	if err := errors.Join(h.Transform.check(), h.checkProject()); err != nil {
		return err
	}
	if ofSequences {
		return OneOf("pooling", h.Pooling, Poolings()...)
	}
	return nil
}

func (t *Transform) check() error {
	if t == nil {
		return nil
	}
	return errors.Join(checkPlain("transform.activation", t.Activation), t.Norm.check())
}

func (h Head) checkProject() error {
	if n := len(h.Project); n > maxProjectors {
		return fmt.Errorf("project: found %d layers, expected up to %d", n, maxProjectors)
	}
	for _, p := range h.Project {
		if err := checkSizes(size{"project.out", p.Out, 1}); err != nil {
			return err
		}
		if p.Activation == "" {
			continue
		}
		if err := checkPlain("project.activation", p.Activation); err != nil {
			return err
		}
	}
	return nil
}

// checkPlain refuses an activation that is not known, or that halves the features.
func checkPlain(key, name string) error {
	a, err := autograd.ParseActivation(name)
	if err == nil && a.Gated() {
		err = fmt.Errorf("%s: found %s, expected an activation without a gate", key, name)
	}
	return err
}

// checkHead refuses a head that the kind of model cannot train.
func (s *Spec) checkHead() error {
	head := s.Head.Kind
	switch {
	case s.Kind == EncoderDecoder && head != LM:
		return fmt.Errorf("head: found %s for an encoder-decoder, expected lm; use an encoder for the others", head)
	case s.Kind == Decoder && head == MaskedLM:
		return errors.New("head: found mlm for a decoder, expected lm; use an encoder for masked language modelling")
	case s.Kind == Encoder && head == LM:
		return errors.New("head: found lm for an encoder, which sees the tokens that it would predict; use a decoder, or the head mlm")
	case s.Kind == TransformerXL && head == MaskedLM:
		return errors.New("head: found mlm for a transformer-xl, expected lm; use an encoder for masked language modelling")
	case s.Kind == TransformerXL && s.Head.OfSequences() && s.Segment > 0:
		return fmt.Errorf("head: found %s for a transformer-xl with segments of %d tokens, expected 0 for sequences that are read whole", head,
			s.Segment)
	case s.LabelSmoothing > 0 && head == Regress:
		return fmt.Errorf("label_smoothing: found %g for regression, expected none", s.LabelSmoothing)
	}
	if m := s.Head.MaskToken; m != nil && (*m < -1 || int(*m) >= s.Vocab) {
		return fmt.Errorf("mask_token: found the token %d, expected −1 to %d", *m, s.Vocab-1)
	}
	for _, token := range s.Head.NeverMasked {
		if token < 0 || token >= s.Vocab {
			return fmt.Errorf("never_masked: found the token %d, expected 0 to %d", token, s.Vocab-1)
		}
	}
	if s.Head.Prior && (s.Kind != Decoder || s.Head.Kind != LM) {
		return fmt.Errorf("prior: found a model of kind %s with the head %s, expected a decoder with the head lm: a prior is of the next token",
			s.Kind, s.Head.Kind)
	}
	return nil
}

// checkRun looks at the settings of training and of whole sequences.
func (s *Spec) checkRun() error {
	for _, f := range []struct {
		key   string
		found float64
	}{{"dropout", s.Dropout}, {"label_smoothing", s.LabelSmoothing}} {
		if !(f.found >= 0 && f.found < 1) {
			return fmt.Errorf("%s: found %g, expected 0 up to 1", f.key, f.found)
		}
	}
	if _, err := s.Policy(); err != nil {
		return err
	}
	if _, _, ok := s.Recomputed(); !ok {
		return fmt.Errorf("recompute: found %q, expected none, every, sqrt, auto or a number of layers, 0 to %d", s.Recompute, s.Deepest())
	}
	switch {
	case s.Kind != TransformerXL && s.ZeroMemory:
		return fmt.Errorf("zero_memory: found in a model of kind %s, expected none; use the kind transformer-xl", s.Kind)
	case s.Kind != TransformerXL && s.Memory != 0:
		return fmt.Errorf("memory: found %d for a model of kind %s, expected none; use the kind transformer-xl", s.Memory, s.Kind)
	case s.Kind != Hierarchical && s.Kind != TransformerXL && s.Segment != 0:
		return fmt.Errorf("segment: found %d for a model of kind %s, expected none; use the kind hierarchical or transformer-xl",
			s.Segment, s.Kind)
	case s.Kind == Hierarchical && (s.Segment < 1 || len(s.Summaries) != len(s.Layers)):
		return fmt.Errorf("segment: found %d tokens and %d layers of summaries, expected at least 1, and one for each of the %d layers",
			s.Segment, len(s.Summaries), len(s.Layers))
	case s.Kind != Hierarchical && len(s.Summaries) > 0:
		return fmt.Errorf("summaries: found for a model of kind %s, expected none; use the kind hierarchical", s.Kind)
	case (s.Kind == EncoderDecoder) != (s.Source != nil):
		return fmt.Errorf("source: found a kind of %s, expected encoder-decoder with a source, or none of both", s.Kind)
	}
	return nil
}

// checkEmbedding looks at the embeddings of both sides.
func (s *Spec) checkEmbedding() error {
	if err := errors.Join(s.Embed.check(s.Kind, s.Vocab), s.checkNgrams()); err != nil {
		return err
	}
	switch e := s.SourceEmbed; {
	case e == nil:
		return nil
	case s.Source == nil:
		return fmt.Errorf("source_embed: found in a model of kind %s, expected none; use the kind encoder-decoder", s.Kind)
	case len(e.HashedNgrams) > 0 || e.HashedNgramRows > 0:
		return errors.New("source_embed: found hashed_ngrams, expected none: their tables are of both sides; leave source_embed out")
	default:
		if err := e.check(s.Kind, s.Vocab); err != nil {
			return fmt.Errorf("source_embed: %w", err)
		}
		return nil
	}
}

// check looks at an embedding in a model of the given kind and vocabulary.
func (e Embedding) check(kind string, vocab int) error {
	err := checkSizes(size{"max_tokens", e.Positions, 0}, size{"token_types", e.TokenTypes, 0}, size{"first_position", e.FirstPosition, 0})
	if err != nil {
		return err
	}
	switch {
	case e.FirstPosition > 0 && e.FirstPosition >= e.Positions:
		return fmt.Errorf("first_position: found row %d of %d learned positions, expected an earlier one", e.FirstPosition, e.Positions)
	case e.Padding != nil && (e.FirstPosition == 0 || *e.Padding < 0 || int(*e.Padding) >= vocab):
		return fmt.Errorf("padding: found the token %d with the first position %d, expected a token 0 to %d and a row before the first",
			*e.Padding, e.FirstPosition, vocab-1)
	case e.Padding != nil && kind != Encoder:
		return fmt.Errorf("padding: found in a model of kind %s, expected an encoder", kind)
	}
	if e.Scale < 0 || math.IsNaN(e.Scale) || math.IsInf(e.Scale, 0) {
		return fmt.Errorf("embed.scale: found %g, expected a positive number, or 0 for 1", e.Scale)
	}
	if err := e.TokenDropout.check(kind, vocab); err != nil {
		return err
	}
	return e.Norm.check()
}

func (d *TokenDropout) check(kind string, vocab int) error {
	switch {
	case d == nil:
		return nil
	case kind != Encoder:
		return fmt.Errorf("token_dropout: found in a model of kind %s, expected an encoder: a factor depends on the whole sequence", kind)
	case d.Mask < 0 || int(d.Mask) >= vocab:
		return fmt.Errorf("token_dropout.mask: found the token %d, expected 0 to %d", d.Mask, vocab-1)
	case !(d.Trained >= 0 && d.Trained < 1):
		return fmt.Errorf("token_dropout.trained: found %g, expected 0 up to 1", d.Trained)
	}
	return nil
}

func (n *Norm) check() error {
	if n == nil {
		return nil
	}
	if !(n.Eps >= 0 && n.Eps < 1) {
		return fmt.Errorf("norm.eps: found %g, expected a small positive number, or 0 for 1e-5", n.Eps)
	}
	if n.NoBias && n.Kind != "layer" {
		return fmt.Errorf("norm.no_bias: found with the norm %s, expected layer: others have no bias", n.Kind)
	}
	_, err := nn.ParseNorm(n.Kind)
	return err
}

// checkStacks looks at every layer.
func (s *Spec) checkStacks() error {
	type role struct {
		name          string
		stack         Stack
		causal, cross bool
	}
	causal := s.Kind != Encoder && (s.Kind != Hierarchical || s.Causal())
	roles := []role{
		{"layers", s.Stack, causal, s.Source != nil},
		{"summaries", Stack{Layers: s.Summaries}, s.Causal(), false},
	}
	if s.Source != nil {
		roles = append(roles, role{name: "source.layers", stack: *s.Source})
	}
	for _, r := range roles {
		if err := r.stack.Final.check(); err != nil {
			return err
		}
		if n := len(r.stack.Layers); n > MaxLayers {
			return fmt.Errorf("%s: found %d, expected up to %d", r.name, n, MaxLayers)
		}
		for i, layer := range r.stack.Layers {
			if err := errors.Join(s.checkLayer(layer, r.causal, r.cross), r.stack.checkTable(layer)); err != nil {
				return fmt.Errorf("%s: %d: %w", r.name, i, err)
			}
		}
	}
	return nil
}

// checkTable refuses a layer that cannot share the table of T5's bias, which has a row for each bucket and a column for each head.
func (t Stack) checkTable(l Layer) error {
	shared := func(l Layer) bool { return l.Attention.Position == nn.T5.String() && !l.Attention.T5Own }
	if !shared(l) {
		return nil
	}
	first, a := t.Layers[slices.IndexFunc(t.Layers, shared)].Attention, l.Attention
	if first.Heads != a.Heads || first.T5().Buckets != a.T5().Buckets {
		return fmt.Errorf("heads: found %d after %d, with %d buckets after %d, in layers with the position t5, expected the same: "+
			"they share a table", a.Heads, first.Heads, a.T5().Buckets, first.T5().Buckets)
	}
	return nil
}

// maxT5Distance bounds the distances that are tabulated for decoding. Models have 128.
const maxT5Distance = 1 << 16

// checkT5 looks at the buckets of the position t5, which others do not have.
func (a Attention) checkT5() error {
	if a.Position != nn.T5.String() {
		if a.T5Buckets != 0 || a.T5MaxDistance != 0 || a.T5Own {
			return fmt.Errorf("t5_buckets: found %d up to distance %d with the position %s, expected none; only t5 has buckets", a.T5Buckets,
				a.T5MaxDistance, a.Position)
		}
		return nil
	}
	if a.T5MaxDistance > maxT5Distance || a.T5Buckets > maxT5Distance {
		return fmt.Errorf("t5_buckets: found %d up to distance %d, expected at most %d of both", a.T5Buckets, a.T5MaxDistance, maxT5Distance)
	}
	return a.T5().CheckBuckets()
}

// checkLayer looks at a layer of a stack whose layers are causal or not, and have cross-attention or not.
func (s *Spec) checkLayer(l Layer, causal, cross bool) error {
	branch := l.BranchNorms()
	for _, n := range []*Norm{l.Norms.Input, l.Norms.Output, l.Norms.Sum, branch.Input, branch.Output, branch.Sum} {
		if err := n.check(); err != nil {
			return err
		}
	}
	if err := checkSizes(size{"hidden", l.FeedForward.Hidden, 1}); err != nil {
		return err
	}
	if _, err := autograd.ParseActivation(l.FeedForward.Activation); err != nil {
		return err
	}
	switch {
	case l.FeedForward.NoUpBias && !l.FeedForward.Bias:
		return errors.New("no_up_bias: found without bias, expected both or none")
	case l.Attention.Causal != causal:
		return fmt.Errorf("causal: found %t, expected %t in this place of a model of kind %s", l.Attention.Causal, causal, s.Kind)
	case l.Cross == nil && cross:
		return errors.New("cross: found none in a model of kind encoder-decoder, expected one in each layer of the decoder")
	case l.Cross != nil && !cross:
		return fmt.Errorf("cross: found in a model of kind %s, expected none; use the kind encoder-decoder", s.Kind)
	}
	if l.Cross != nil {
		if c := l.Cross; c.Mechanism != "full" || c.Causal || c.Position != nn.NoPosition.String() {
			return fmt.Errorf("cross: found the mechanism %q, causal %t and position %s, expected full, false and none: "+
				"a token reads all of the source",
				c.Mechanism, c.Causal, c.Position)
		}
		if err := l.Cross.check(s.Width); err != nil {
			return fmt.Errorf("cross: %w", err)
		}
	}
	if len(l.Attention.CopyNgrams) > 0 && s.Kind != Decoder && s.Kind != Encoder {
		return fmt.Errorf("copy_ngrams: found in a model of kind %s, expected none; use a decoder or an encoder", s.Kind)
	}
	if s.Kind == TransformerXL {
		if err := OneOf("position", l.Attention.Position, "relative", "rotary", "alibi", "t5"); err != nil {
			return fmt.Errorf("%w: others cannot tell memory from segment in a transformer-xl", err)
		}
		if s.ZeroMemory && l.Attention.Position != nn.Relative.String() {
			return fmt.Errorf("zero_memory: found with the position %s, expected relative: the others begin at the first token",
				l.Attention.Position)
		}
	}
	return l.Attention.check(s.Width)
}

// check looks at attention over tokens of width features.
func (a Attention) check(width int) error {
	if err := checkSizes(size{"heads", a.Heads, 1}, size{"kv_heads", a.KVHeads, 1}, size{"head_dim", a.HeadDim, 1}); err != nil {
		return err
	}
	if a.RotaryBase != 0 && !(a.RotaryBase > 1) || math.IsInf(a.RotaryBase, 0) {
		return fmt.Errorf("rotary_base: found %g, expected a number above 1, or 0 for 10000", a.RotaryBase)
	}
	if !(a.QKNorm >= 0 && a.QKNorm < 1) {
		return fmt.Errorf("qk_norm: found %g, expected a small positive number, or 0 for no norm", a.QKNorm)
	}
	switch {
	case a.NoOutBias && !a.Bias:
		return errors.New("no_out_bias: found without bias, expected both or none")
	case a.MaxDistance < 0 || a.MaxDistance > maxSize:
		return fmt.Errorf("max_distance: found %d, expected 0 to %d", a.MaxDistance, maxSize)
	case a.MaxDistance > 0 && a.Position != nn.Relative.String():
		return fmt.Errorf("max_distance: found with the position %s, expected relative", a.Position)
	case a.RotaryScaling != nil && a.Position != nn.Rotary.String():
		return fmt.Errorf("rotary_scaling: found with the position %s, expected rotary", a.Position)
	}
	if _, err := a.Rotary(); err != nil {
		return err
	}
	position, err := nn.ParsePosition(a.Position)
	switch {
	case err != nil:
		return err
	case position == nn.Learned:
		return errors.New("position: found learned in an attention layer, expected another; learned positions are of the embedding")
	case position == nn.Relative && width%2 != 0:
		return fmt.Errorf("width: found %d with relative positions, expected an even number: sines and cosines", width)
	}
	if err := a.checkT5(); err != nil {
		return err
	}
	if _, err = mechanism.Parse(a.Mechanism); err != nil {
		return err
	}
	switch {
	case !(a.SummaryNorm >= 0 && a.SummaryNorm < 1):
		return fmt.Errorf("summary_norm: found %g, expected a small positive number, or 0 for 1e-6", a.SummaryNorm)
	case a.SummaryNorm > 0 && !a.HasSummaries():
		return fmt.Errorf("summary_norm: found with the mechanism %s, expected transient: others have no summaries", a.Mechanism)
	}
	return nil
}

// checkNgrams looks at the sizes of the n-grams and their tables.
func (s *Spec) checkNgrams() error {
	sizes, rows := s.Embed.HashedNgrams, s.Embed.HashedNgramRows
	switch {
	case len(sizes) == 0 && rows == 0:
		return nil
	case len(sizes) == 0:
		return fmt.Errorf("hashed_ngram_rows: found %d without hashed_ngrams, expected none; "+
			"give the sizes of the n-grams, such as hashed_ngrams: [8]", rows)
	case s.Kind == TransformerXL:
		return fmt.Errorf("hashed_ngrams: found %v for a transformer-xl, expected none: n-grams would end at the borders of its segments",
			sizes)
	case rows < 1 || rows > maxSize:
		return fmt.Errorf("hashed_ngram_rows: found %d, expected 1 to %d", rows, maxSize)
	}
	seen := map[int]bool{1: true}
	for _, n := range sizes {
		if n < 2 || n > nn.MaxNgram || seen[n] {
			return fmt.Errorf("hashed_ngrams: found %v, expected different sizes, 2 to %d tokens each", sizes, nn.MaxNgram)
		}
		seen[n] = true
	}
	return nil
}
