package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling/beam"
)

// course is how a text comes to be: by a search, or token after token.
type course struct {
	settings beam.Settings
	search   bool
	notes    []string // what the model's files say that is not followed
}

// course decides between a search and draws. A model whose files ask for beams is searched. So is one whose files have rules, such as
// no_repeat_ngram_size, where nothing is drawn: transformers follows them there too. A repetition penalty alone needs no search: the draws
// have it. What is not followed is a note.
func (g *generateOptions) course(m *model.Model) (c course, err error) {
	flag, sourced := g.beamFlags.given(), m.Spec().Kind == model.EncoderDecoder
	s, _, err := m.SearchSettings("")
	if err == nil {
		err = g.settle(m, &s)
	}
	switch {
	case err != nil && flag == "" && !sourced:
		c.notes = []string{fmt.Sprintf("the model's settings of generation are not followed: %v", err)} // a text can be drawn without them
		return c, nil
	case err != nil:
		return c, err
	case !g.draw.Greedy && flag != "":
		return c, fmt.Errorf("found --%s and --temperature, expected one of them: a search draws nothing", flag)
	}
	c.settings = s
	rules := s.Rules()
	if g.changed("repetition-penalty") {
		rules = without(rules, "repetition_penalty")
	}
	if !g.draw.Greedy {
		c.notes = notDrawn(s.Config, rules)
		return c, nil
	}
	if flag == "" && s.Beams == 1 && !sourced {
		if others := without(rules, "repetition_penalty"); len(others) == 0 || len(g.stop) > 0 {
			g.draw.RepetitionPenalty = s.RepetitionPenalty // the text is then printed as it is made
			c.notes = notDrawn(s.Config, others)
			return c, nil
		}
	}
	c.search = flag != "" || s.Beams > 1 || len(rules) > 0
	if c.search && len(g.stop) > 0 {
		return c, errors.New("found --stop with a search, whose texts are made side by side; expected none, or --temperature")
	}
	return c, nil
}

// settle puts the flags that were given over the settings of the files, and checks them.
func (g *generateOptions) settle(m *model.Model, s *beam.Settings) error {
	g.beamFlags.set(&s.Config)
	if g.changed("repetition-penalty") {
		s.RepetitionPenalty = g.draw.RepetitionPenalty
	}
	setLength(s, m.Spec().Kind, g.tokens, g.changed("tokens"))
	return s.Check(m.Spec().Vocab)
}

// without is a list of names without one of them.
func without(names []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })
}

// notDrawn is the note about settings that draws do not follow. Tokens that are forced are no draws.
func notDrawn(c beam.Config, rules []string) []string {
	if c.Beams > 1 {
		rules = slices.Insert(slices.Clone(rules), 0, "num_beams")
	}
	if rules = without(without(rules, "forced_bos_token_id"), "forced_eos_token_id"); len(rules) == 0 {
		return nil
	}
	return []string{"the model's files say, and a text that is drawn does not follow: " + strings.Join(rules, ", ")}
}

// begin sets what the files say about a text that is drawn: the tokens that are forced, and the length of an encoder-decoder's text.
func (g *generateOptions) begin(m *model.Model, s beam.Config, p *model.Prompt, o *model.GenerateOptions) {
	o.Sampling = g.draw
	if s.Beams == 0 { // the files are not followed
		return
	}
	if n := s.Longest(len(p.Tokens)); m.Spec().Kind == model.EncoderDecoder && n > 0 {
		o.Tokens = n
	}
	if len(p.Tokens) == 1 {
		p.ForcedFirst = s.ForcedFirst
	}
	if !g.pastEnd {
		p.ForcedLast = s.ForcedLast
	}
}
