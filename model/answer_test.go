package model

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

func answering(t *testing.T, c Config, k *tokenizer.Tokenizer, a data.Answers) *Model {
	t.Helper()
	c.Kind, c.Vocab, c.Width, c.Layers, c.Heads, c.Seed = Encoder, k.Vocab(), 16, 1, 2, 3
	m, err := New(c, Options{Tokenizer: k, Answers: a})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// predicted is what the head gives for the tokens of a text.
func predicted(t *testing.T, m *Model, text string) tensor.Mat {
	t.Helper()
	e, err := m.Tokenizer().EncodeDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.NewSession(tensor.Exec{}).Predict(&data.Batch{Tokens: e.IDs, Lengths: []int{len(e.IDs)}}, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswersHaveTheUsersWords(t *testing.T) {
	classify := answering(t, Config{Head: Classify, Classes: 3}, tokenizer.Bytes(), data.Answers{Classes: []string{"low", "mid", "high"}})
	a, err := classify.Answer("some text")
	if err != nil || len(a.Classes) != 3 || a.Classes[2].Class != "high" {
		t.Fatalf("%+v, %v", a, err)
	}
	logits, sum := predicted(t, classify, "some text").Row(0), 0.0
	for i, c := range a.Classes {
		sum += c.Probability
		if want := math.Exp(float64(logits[i]-logits[0])) * a.Classes[0].Probability; math.Abs(c.Probability-want) > 1e-9 {
			t.Errorf("class %d has the probability %g, want %g", i, c.Probability, want)
		}
	}
	if best := slices.Index(logits, slices.Max(logits)); math.Abs(sum-1) > 1e-12 || a.Best().Class != classify.Answers().Classes[best] {
		t.Errorf("probabilities add up to %g, the best is %v", sum, a.Best())
	}

	regress := answering(t, Config{Head: Regress}, tokenizer.Bytes(), data.Answers{Mean: 100, Deviation: 10})
	if a, err := regress.Answer("x"); err != nil || *a.Number != 100+10*float64(predicted(t, regress, "x").F32[0]) {
		t.Errorf("%+v, %v; want the number in the data's scale", a, err)
	}
}

// Tags cover the text without gaps, each with the class that its tokens hold most probable; the end of the document has no tag.
func TestTagsCoverTheText(t *testing.T) {
	m := answering(t, Config{Head: Tag, Classes: 2}, tokenizer.Bytes(), data.Answers{Classes: []string{"out"}})
	const text = "any text, é too"
	a, err := m.Answer(text)
	if err != nil || len(a.Tags) == 0 {
		t.Fatal(a, err)
	}
	logits, at := predicted(t, m, text), 0
	for _, tag := range a.Tags {
		if tag.From != at || tag.To <= tag.From || tag.Probability < 0.5 || tag.Probability > 1 {
			t.Errorf("tag %+v behind byte %d", tag, at)
		}
		at = tag.To
	}
	if at != len(text) {
		t.Errorf("the tags end at byte %d of %d", at, len(text))
	}
	first := "out"
	if row := logits.Row(1); row[1] > row[0] { // row 0 is the token that begins the document
		first = "1"
	}
	if a.Tags[0].Class != first {
		t.Errorf("the first byte has the class %q, want %q", a.Tags[0].Class, first)
	}
}

func TestAnswerRefuses(t *testing.T) {
	lm, err := New(Config{Vocab: 5, Width: 16, Layers: 1, Heads: 2}, Options{Tokenizer: tokenizer.DNA()})
	if err != nil {
		t.Fatal(err)
	}
	short := answering(t, Config{Head: Tag, Classes: 2, Position: "learned", MaxTokens: 4}, tokenizer.DNA(), data.Answers{})
	for want, ask := range map[string]func() (Answer, error){
		"found the head lm": func() (Answer, error) { return lm.Answer("ACGT") },
		"the text is empty": func() (Answer, error) { return short.Answer("") },
		"the text: ":        func() (Answer, error) { return short.Answer("A!") },
		"learned positions": func() (Answer, error) { return short.Answer("ACGTA") },
	} {
		if _, err := ask(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
