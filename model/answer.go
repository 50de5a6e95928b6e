package model

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// Answer is the output of a head for a text, with the names and units of [data.Answers]. The field of the head is set.
type Answer struct {
	Classes []ClassProbability `json:"classes,omitempty"` // of classify: every class, in the model's order
	Tags    []Tagged           `json:"tags,omitempty"`    // of tag: one for each run of tokens of the same class
	Number  *float64           `json:"number,omitempty"`  // of regress, in the units of the data
}

// ClassProbability is the probability of a class, 0 … 1.
type ClassProbability struct {
	Class       string  `json:"class"`
	Probability float64 `json:"probability"`
}

// Tagged is the class of the bytes [From, To) of a text.
type Tagged struct {
	From        int     `json:"from"`
	To          int     `json:"to"`
	Class       string  `json:"class"`
	Probability float64 `json:"probability"` // mean over the tokens
}

// Best is the most probable class of an answer of classify.
func (a Answer) Best() ClassProbability {
	best := ClassProbability{Probability: -1}
	for _, c := range a.Classes {
		if c.Probability > best.Probability {
			best = c
		}
	}
	return best
}

// Answer is [Session.Answer] with a new session on all processors.
func (m *Model) Answer(text string) (Answer, error) {
	return m.NewSession(tensor.Exec{Pool: tensor.NewPool()}).Answer(text)
}

// Answer predicts the class of a text, the class of each token, or a number. The model must have a tokenizer and the head classify, tag or
// regress. It returns an error for a text that the tokenizer cannot read, for an empty text, and for one of more tokens than the model has
// learned positions.
func (s *Session) Answer(text string) (a Answer, err error) {
	head := s.m.spec.Head.Kind
	if head != Classify && head != Tag && head != Regress {
		return a, fmt.Errorf("model: found the head %s, expected classify, tag or regress: only they answer about a text", head)
	}
	if s.x.Pool.Dry() {
		return a, errors.New("model: found a session with a dry pool, which computes nothing; expected a pool with memory")
	}
	if text == "" {
		return a, errors.New("model: the text is empty, expected something to answer about")
	}
	e, err := s.m.encodeDocument(text)
	if err != nil {
		return a, err
	}
	out, err := s.Predict(&data.Batch{Tokens: e.IDs, Lengths: []int{len(e.IDs)}}, StepOptions{})
	if err != nil {
		return a, err
	}
	defer s.x.Pool.Put(out)
	if err := checkFinite(out.F32); err != nil {
		return a, err
	}
	switch head {
	case Regress:
		number := s.m.answers.Value(float64(out.F32[0]))
		return Answer{Number: &number}, nil
	case Classify:
		for class, p := range s.m.probabilities(out.Row(0)) {
			a.Classes = append(a.Classes, ClassProbability{s.m.className(class), p})
		}
		return a, nil
	}
	return Answer{Tags: s.m.tags(e, out)}, nil
}

// probabilities are those of the classes of a sequence.
func (m *Model) probabilities(logits []float32) []float64 {
	if !m.spec.Head.Independent {
		return softmax(logits)
	}
	p := make([]float64, len(logits))
	for i, v := range logits {
		p[i] = 1 / (1 + math.Exp(-float64(v)))
	}
	return p
}

// checkFinite refuses outputs from which no answer follows.
func checkFinite(outputs []float32) error {
	for _, v := range outputs {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("model: found the output %g, expected a finite number; the weights are damaged, or fp16 overflowed", v)
		}
	}
	return nil
}

// textError is the error of a text for a model without a tokenizer.
func (m *Model) textError() error { return cmp.Or(m.noTokenizer, errNoTokenizer) }

var errNoTokenizer = errors.New("model: found a model without a tokenizer, which reads no text; " +
	"use tokens, or add tokenizer.json to its folder")

// encodeDocument returns the tokens of a text, with the special tokens of a document.
func (m *Model) encodeDocument(text string) (e tokenizer.Encoding, err error) {
	if m.tokenizer == nil {
		return e, m.textError()
	}
	if e, err = m.tokenizer.EncodeDocument(text); err != nil {
		return e, fmt.Errorf("model: the text: %w", err)
	}
	if len(e.IDs) == 0 {
		return e, errors.New("model: the text is empty, expected at least one token")
	}
	return e, m.checkVocabulary(e)
}

// checkVocabulary refuses tokens of a tokenizer that has more of them than the model.
func (m *Model) checkVocabulary(e tokenizer.Encoding) error {
	if err := m.tokenizer.CheckBelow(m.spec.Vocab, e); err != nil {
		return fmt.Errorf("model: the text: %w", err)
	}
	return nil
}

// className is the name of a class, or its number if classes have no names.
func (m *Model) className(class int) string {
	if class < len(m.answers.Classes) {
		return m.answers.Classes[class]
	}
	return strconv.Itoa(class)
}

// tags joins runs of tokens of the same class. Special tokens are not part of the text and have no class.
func (m *Model) tags(e tokenizer.Encoding, logits tensor.Mat) (all []Tagged) {
	tokens, last := 0, -1 // number of tokens and class of the last run
	for i := range e.IDs {
		span := e.Offsets[i]
		if span.From == span.To || i > 0 && span == e.Offsets[i-1] { // later bytes of a character have the class of the first
			continue
		}
		class, best := 0, -1.0
		for c, p := range softmax(logits.Row(i)) {
			if p > best {
				class, best = c, p
			}
		}
		if class != last {
			all, tokens, last = append(all, Tagged{From: int(span.From), Class: m.className(class)}), 0, class
		}
		run := &all[len(all)-1]
		run.To = int(span.To)
		tokens++
		run.Probability += (best - run.Probability) / float64(tokens)
	}
	return all
}

// softmax returns the probabilities of logits.
func softmax(logits []float32) []float64 {
	top := math.Inf(-1)
	for _, v := range logits {
		top = max(top, float64(v))
	}
	p, sum := make([]float64, len(logits)), 0.0
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
