package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tokenizer"
)

// fitBeginning chooses the head for the data, and writes the settings of the recipe into the specification of the checkpoint.
func (r *Recipe) fitBeginning(s *data.Bundle) error {
	b := r.beginning
	head, err := r.headFor(s)
	if err != nil {
		return err
	}
	o := model.StartOptions{Head: head, Classes: s.Answers.Classes}
	if !b.isRun {
		o.Attention, o.Global = r.Model.Attention, b.globals(r.Model.Attention)
	}
	if err := b.rehead(o); err != nil {
		return err
	}
	spec := b.start.Spec()
	if err := checkPositions(&spec, s); err != nil {
		return err
	}
	if m := spec.Head.MaskToken; m != nil && *m < 0 {
		return errors.New("model: found no mask token in the tokenizer of train.init, which the head mlm needs; choose another head")
	}
	if p := r.Data.Pairs; p != nil {
		b.notePrompt(p.SourcePrompt)
	}
	c := &r.Model
	c.Head = head
	if c.Seed == 0 {
		c.Seed = r.Train.Seed
	}
	spec.Dropout, spec.LabelSmoothing, spec.Recompute, spec.Seed = c.Dropout, c.LabelSmoothing, c.Recompute, c.Seed
	if c.Precision != "" {
		spec.Precision = c.Precision
	}
	if head == model.Embed {
		spec.Head.Pooling = cmp.Or(c.Pooling, spec.Head.Pooling)
		c.Temperature = cmp.Or(c.Temperature, model.DefaultTemperature)
		spec.Head.Normalise, spec.Head.Contrast = true, &model.Contrast{Temperature: c.Temperature, Symmetric: c.Symmetric}
	} else if c.Pooling != "" || c.Temperature != 0 || c.Symmetric {
		return fmt.Errorf("model: found pooling, temperature or symmetric with the head %s, expected them with the head embed", head)
	}
	if head == model.MaskedLM {
		if spec.Head.NeverMasked = c.NeverMasked; len(c.NeverMasked) == 0 {
			spec.Head.NeverMasked = specialTokens(b.start, spec.Vocab)
		}
	}
	r.Train.Precision = spec.Precision
	b.spec = spec
	return spec.Check()
}

// checkPositions refuses sequences that are longer than the learned positions of a checkpoint.
func checkPositions(spec *model.Spec, s *data.Bundle) error {
	if spec.Kind == model.EncoderDecoder {
		if n := spec.MaxSource(); n > 0 && s.Tokens > n {
			return fmt.Errorf("data: found sources of %d tokens for a model that has learned %d positions of a source, expected at most that many; "+
				"set tokens to %d", s.Tokens, n, n)
		}
		if n, found := spec.MaxTokens(), cmp.Or(s.Targets, s.Tokens); n > 0 && found > n {
			return fmt.Errorf("data: found targets of %d tokens for a model that has learned %d positions of a target, expected at most that many; "+
				"set target_tokens to %d or less", found, n, n)
		}
		return nil
	}
	if n := spec.MaxTokens(); n > 0 && s.Tokens > n {
		return fmt.Errorf("data: found sequences of %d tokens for a model of %d learned positions, expected at most that many; "+
			"set tokens to %d, or make the model longer with longspan lengthen", s.Tokens, n, n)
	}
	return nil
}

// specialTokens are the tokens with a role, which are neither hidden nor predicted, as in transformers.
func specialTokens(s *model.Start, vocab int) (ids []int) {
	roles, specials, around := s.Roles(), s.Tokenizer().Specials(), s.Tokenizer().Template()
	all := append(slices.Concat(around.Before, around.After), roles.Begin, roles.End, roles.Unknown, roles.Separator, roles.Pad, roles.Class,
		roles.Mask, specials.Begin, specials.End, specials.Unknown)
	for _, id := range all {
		if id != tokenizer.None && int(id) < vocab {
			ids = append(ids, int(id))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// headFor is the head of the recipe, or that of the data: the checkpoint's where that learns from them.
func (r *Recipe) headFor(s *data.Bundle) (string, error) {
	spec := r.beginning.start.Spec()
	head := r.Model.Head
	if head == "" {
		switch {
		case s.Pairs:
			head = model.Embed
		case s.Numbers:
			head = model.Regress
		case s.Classes > 0:
			head = model.Classify
		case s.Tags > 0:
			head = model.Tag
		case spec.Kind == model.Encoder:
			head = model.MaskedLM
		default:
			head = model.LM
		}
	}
	wrong := spec.Kind == model.EncoderDecoder && head != model.LM || (head == model.Embed) != s.Pairs ||
		(head == model.LM || head == model.MaskedLM) && !s.TokenTargets ||
		head == model.Classify && s.Classes == 0 || head == model.Regress && !s.Numbers || head == model.Tag && s.Tags == 0
	if wrong {
		return "", fmt.Errorf("model: found the head %s, and %s", head, heads(s))
	}
	return head, nil
}

// globals are the global tokens: of LED the first of the source, as the cards of LED ask, unless a mechanism is given.
func (b *beginning) globals(attention []string) []int {
	if b.start.Origin().Family != "led" || len(attention) > 0 {
		return nil
	}
	b.note("the first token of a source is global, as the cards of LED ask; model.attention names another mechanism")
	return []int{0}
}

// notePrompt says where summarize would put another text before a source than training does.
func (b *beginning) notePrompt(prompt string) {
	const task = "summarization"
	if prefix := b.start.Prefix(task); prefix != prompt {
		b.note(fmt.Sprintf("longspan summarize puts %q before a text, as the model's files say of %s, and data.pairs.source_prompt is %[3]q; "+
			"use it with --prefix %[3]q", prefix, task, prompt))
	}
}

// rehead opens the checkpoint again, with another head where it has not the one.
func (b *beginning) rehead(o model.StartOptions) (err error) {
	if o.Head != model.Classify && o.Head != model.Tag {
		o.Classes = nil
	}
	var s *model.Start
	if b.path == "" {
		s, err = b.start.WithHead(o)
	} else if s, err = model.OpenStart(b.path, o); err == nil {
		err = b.start.Close()
	}
	if err != nil {
		return fmt.Errorf("train: init: %w", err)
	}
	b.start = s
	return nil
}
