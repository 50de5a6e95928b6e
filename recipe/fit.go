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

// Fit makes the model's configuration that of the data, with every default written out: its vocabulary and
// classes, the head that its labels need, and positions for its longest sequence. It returns an error where the
// recipe asks for what the data does not have.
func (r *Recipe) Fit(s *data.Bundle) error {
	c := r.Model
	fitKind(s, &c)
	c.Vocab = cmp.Or(c.Vocab, s.Tokenizer.Vocab())
	if c.Vocab < s.Tokenizer.Vocab() {
		return fmt.Errorf("model: vocab is %d and the data has %d tokens; leave it out, and it is the data's", c.Vocab, s.Tokenizer.Vocab())
	}
	if c.Seed == 0 {
		c.Seed = r.Train.Seed
	}
	if c.Position == nn.Learned.String() {
		c.MaxTokens = cmp.Or(c.MaxTokens, s.Tokens)
	}
	if err := r.refuseKind(&c); err != nil {
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

// Build makes the model that Fit has fitted to the data, with the tokenizer and the answers of the data.
func (r *Recipe) Build(s *data.Bundle, o model.Options) (*model.Model, error) {
	o.Tokenizer, o.Answers = s.Tokenizer, s.Answers
	return model.New(r.Model, o)
}

// fitKind chooses the kind and the head that the data is for, where the recipe names neither.
func fitKind(s *data.Bundle, c *model.Config) {
	if s.Sources && c.Kind == "" {
		c.Kind = model.EncoderDecoder
	}
	if c.Kind != "" || c.Head != "" || s.TokenTargets {
		return
	}
	switch {
	case s.Classes > 0:
		c.Kind, c.Head = model.Encoder, model.Classify
	case s.Numbers:
		c.Kind, c.Head = model.Encoder, model.Regress
	case s.Tags > 0:
		c.Kind, c.Head = model.Encoder, model.Tag
	}
}

// refuseKind says what is wrong with the kind of the model for the kind of data.
func (r *Recipe) refuseKind(c *model.Config) error {
	switch {
	case c.Kind == model.EncoderDecoder && r.Data.Pairs == nil:
		return errors.New("model: an encoder-decoder learns from pairs of a source and a target, which are data.pairs; use them, or a decoder")
	case c.Kind != model.EncoderDecoder && r.Data.Pairs != nil:
		return fmt.Errorf("model: the kind is %s, and only an encoder-decoder reads the sources of data.pairs; leave the kind out", c.Kind)
	}
	return r.refuseLanes(c)
}

// refuseLanes says what is wrong with how the data follows on from batch to batch, for the kind of the model.
func (r *Recipe) refuseLanes(c *model.Config) error {
	genome, text := r.Data.Genome, r.Data.Text
	stateful := genome != nil && genome.Stateful
	switch {
	case c.Kind != model.TransformerXL && stateful:
		return fmt.Errorf("model: the kind is %s, which has no memory for a stateful genome; set data.genome.stateful to false, or use a transformer-xl",
			c.WithDefaults().Kind)
	case c.Kind != model.TransformerXL:
		return nil
	case genome != nil && !stateful && c.Segment == 0:
		return errors.New("model: windows of a genome do not follow each other, and a transformer-xl would have no memory; " +
			"set data.genome.stateful to true, or set model.segment, and each window is read so many bases at a time")
	case text != nil && !text.Stateful:
		return errors.New("model: a transformer-xl carries its memory from window to window of a document; set data.text.stateful to true")
	case c.Segment > 0 && (text != nil || stateful):
		return fmt.Errorf("model: segment is %d, and stateful sequences are read in segments of the data's tokens; leave segment out", c.Segment)
	}
	return nil
}

// heads says which heads the data has something to learn for.
func heads(s *data.Bundle) string {
	switch {
	case s.Tags > 0:
		return "the data has a class for each token; use the head tag, in an encoder"
	case s.Numbers:
		return "the data has a number for each sequence; use the head regress"
	case s.Classes > 0 && !s.TokenTargets:
		return "the data has labels of sequences; use the head classify"
	}
	return "the data has tokens to predict; use the head lm, or mlm in an encoder"
}

// fitHead gives the head the classes of the data. It returns an error where the data has nothing for it.
func fitHead(s *data.Bundle, c *model.Config) error {
	switch head := c.WithDefaults().Head; head {
	case model.LM:
		if !s.TokenTargets && !s.HiddenAnswers {
			return fmt.Errorf("model: the head lm predicts tokens, and %s", heads(s))
		}
	case model.MaskedLM:
		if !s.TokenTargets {
			return fmt.Errorf("model: the head %s predicts tokens, and %s", head, heads(s))
		}
		if unknown := s.Tokenizer.Specials().Unknown; unknown != tokenizer.None && len(c.NeverMasked) == 0 {
			c.NeverMasked = []int{int(unknown)}
		}
	case model.Classify:
		if s.Classes == 0 {
			return fmt.Errorf("model: the head classify needs labels, and %s", heads(s))
		}
		c.Classes = cmp.Or(c.Classes, s.Classes)
		if c.Classes < s.Classes {
			return fmt.Errorf("model: classes is %d and the data has %d; leave it out, and it is the data's", c.Classes, s.Classes)
		}
	case model.Regress:
		if !s.Numbers {
			return fmt.Errorf("model: the head regress needs a number for each sequence, and %s", heads(s))
		}
	case model.Tag:
		if s.Tags > 0 {
			c.Classes = cmp.Or(c.Classes, s.Tags)
			if c.Classes < s.Tags {
				return fmt.Errorf("model: classes is %d and the data has %d; leave it out, and it is the data's", c.Classes, s.Tags)
			}
			return nil
		}
		if !s.HiddenAnswers {
			return errors.New("model: the head tag learns classes of tokens, and " + heads(s))
		}
		c.Classes = cmp.Or(c.Classes, s.Tokenizer.Vocab())
		if c.Classes < s.Tokenizer.Vocab() {
			return fmt.Errorf("model: classes is %d and the answers are among %d tokens; leave it out, and it is as many", c.Classes, s.Tokenizer.Vocab())
		}
	}
	return nil
}
