package recipe

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tokenizer"
)

// Fit completes the model's configuration from the data, with every default written out: the vocabulary, the classes, the head of its
// labels, and positions for its longest sequence. It returns an error if the recipe contradicts the data.
func (r *Recipe) Fit(s *data.Bundle) error {
	if r.beginning != nil {
		return r.fitBeginning(s)
	}
	c := r.Model
	fitKind(s, &c)
	if err := atLeast("vocab", &c.Vocab, s.Tokenizer.Vocab(), "the data has %d tokens"); err != nil {
		return err
	}
	c.Seed = cmp.Or(c.Seed, r.Train.Seed)
	if c.Position == nn.Learned.String() {
		c.MaxTokens = cmp.Or(c.MaxTokens, s.Tokens)
	}
	if err := r.checkKind(&c); err != nil {
		return err
	}
	if err := fitHead(s, &c); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return err
	}
	r.Model = c.WithDefaults()
	return nil
}

// atLeast sets a key of the model to the number of the data, if it is 0, and refuses a smaller number.
func atLeast(key string, found *int, least int, data string) error {
	*found = cmp.Or(*found, least)
	if *found < least {
		return fmt.Errorf("model: %s is %d and "+data+"; leave it out to have that number", key, *found, least)
	}
	return nil
}

// Build makes the model of a fitted recipe, with the tokenizer and the answers of the data.
func (r *Recipe) Build(s *data.Bundle, o model.Options) (*model.Model, error) {
	o.Tokenizer, o.Answers = s.Tokenizer, s.Answers
	o.Answers.Tokens = s.Tokens
	if r.beginning == nil {
		return model.New(r.Model, o)
	}
	spec, err := r.Spec()
	if err != nil {
		return nil, err
	}
	own := r.beginning.start.Answers()
	own.Classes, own.Mean, own.Deviation = s.Answers.Classes, s.Answers.Mean, s.Answers.Deviation
	own.Tokens = cmp.Or(own.Tokens, s.Tokens)
	o.Answers = own
	return r.beginning.start.New(spec, o)
}

// fitKind chooses the kind and the head for the data, if the recipe has no head.
func fitKind(s *data.Bundle, c *model.Config) {
	if s.Sources && c.Kind == "" {
		c.Kind = model.EncoderDecoder
	}
	if c.Head != "" || s.TokenTargets || c.Kind != "" && c.Kind != model.Encoder {
		return
	}
	switch {
	case s.Pairs:
		c.Head = model.Embed
	case s.Classes > 0:
		c.Head = model.Classify
	case s.Numbers:
		c.Head = model.Regress
	case s.Tags > 0:
		c.Head = model.Tag
	default:
		return
	}
	c.Kind = cmp.Or(c.Kind, model.Encoder)
}

// checkKind refuses a kind of model that does not suit the kind of data.
func (r *Recipe) checkKind(c *model.Config) error {
	switch {
	case c.Kind == model.EncoderDecoder && r.Data.Pairs == nil:
		return errors.New("model: an encoder-decoder learns from pairs of a source and a target, which are data.pairs; use them, or a decoder")
	case c.Kind != model.EncoderDecoder && r.Data.Pairs != nil:
		return fmt.Errorf("model: the kind is %s, and only an encoder-decoder reads the sources of data.pairs; leave the kind out", c.Kind)
	}
	return r.checkStateful(c)
}

// checkStateful refuses stateful data for a model without memory, and other data for a model with one.
func (r *Recipe) checkStateful(c *model.Config) error {
	genome, text := r.Data.Genome, r.Data.Text
	stateful := genome != nil && genome.Stateful
	switch {
	case c.Kind != model.TransformerXL && stateful:
		return fmt.Errorf("model: the kind is %s, which has no memory for a stateful genome; "+
			"set data.genome.stateful to false, or use a transformer-xl", c.WithDefaults().Kind)
	case c.Kind != model.TransformerXL:
		return nil
	case genome != nil && !stateful && c.Segment == 0:
		return errors.New("model: windows of a genome do not follow each other, and a transformer-xl would have no memory; " +
			"set data.genome.stateful to true, or set model.segment to read each window in segments")
	case text != nil && !text.Stateful:
		return errors.New("model: the memory of a transformer-xl continues from window to window of a document; set data.text.stateful to true")
	case c.Segment > 0 && (text != nil || stateful):
		return fmt.Errorf("model: segment is %d, and stateful sequences are read in segments of the data's tokens; leave segment out", c.Segment)
	}
	return nil
}

// heads describes the targets of the data, and the heads for them.
func heads(s *data.Bundle) string {
	switch {
	case s.Pairs:
		return "the data has pairs of texts that belong together; use the head embed"
	case s.Tags > 0:
		return "the data has a class for each token; use the head tag, in an encoder"
	case s.Numbers:
		return "the data has a number for each sequence; use the head regress"
	case s.Classes > 0 && !s.TokenTargets:
		return "the data has labels of sequences; use the head classify"
	}
	return "the data has tokens to predict; use the head lm, or mlm in an encoder"
}

// fitHead sets the classes of the head, and refuses a head without targets in the data.
func fitHead(s *data.Bundle, c *model.Config) error {
	switch head := c.WithDefaults().Head; head {
	case model.LM:
		if !s.TokenTargets && !s.HiddenAnswers {
			return fmt.Errorf("model: the head lm predicts tokens, and %s", heads(s))
		}
		c.Prior = s.Prior
	case model.MaskedLM:
		if !s.TokenTargets {
			return fmt.Errorf("model: the head %s predicts tokens, and %s", head, heads(s))
		}
		if unknown := s.Tokenizer.Specials().Unknown; unknown != tokenizer.None && len(c.NeverMasked) == 0 {
			c.NeverMasked = []int{int(unknown)}
		}
	case model.Embed:
		if !s.Pairs {
			return errors.New("model: the head embed learns from pairs of texts (data.contrastive), and " + heads(s))
		}
	case model.Classify:
		if s.Classes == 0 {
			return fmt.Errorf("model: the head classify needs labels, and %s", heads(s))
		}
		return atLeast("classes", &c.Classes, s.Classes, "the data has %d")
	case model.Regress:
		if !s.Numbers {
			return fmt.Errorf("model: the head regress needs a number for each sequence, and %s", heads(s))
		}
	case model.Tag:
		if s.Tags > 0 {
			return atLeast("classes", &c.Classes, s.Tags, "the data has %d")
		}
		if !s.HiddenAnswers {
			return errors.New("model: the head tag learns classes of tokens, and " + heads(s))
		}
		return atLeast("classes", &c.Classes, s.Tokenizer.Vocab(), "the answers are among %d tokens")
	}
	return nil
}
