package recipe_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/recipe"
)

// lines writes a file of JSON lines.
func lines(t *testing.T, text ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(text, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func setsOf(t *testing.T, d *recipe.Data) *recipe.Sets {
	t.Helper()
	sets, err := d.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	return sets
}

// sequences reads a source that ends, as "text→label".
func sequences(t *testing.T, sets *recipe.Sets, from func() (data.Source, error)) (all []string) {
	t.Helper()
	source, err := from()
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	for source.Next(&b) == nil {
		if err := b.Check(sets.Vocab); err != nil {
			t.Fatal(err)
		}
		for i := range b.Sequences() {
			tokens, _ := b.Sequence(i)
			if tokens[0] != 256 {
				t.Errorf("sequence %d begins with %d", i, tokens[0])
			}
			line := sets.Show(tokens) + "→"
			if len(b.Labels) > 0 {
				line += sets.ClassNames[b.Labels[i]]
			} else {
				line += fmt.Sprint(b.Values[i])
			}
			all = append(all, line)
		}
	}
	return all
}

func TestLabelledClasses(t *testing.T) {
	train := lines(t, `{"text":"abc","label":10}`, `{"text":"defghij","label":"x"}`, `{"text":"k","label":9}`)
	held := lines(t, `{"text":"12345678","label":9}`, `{"text":"one","label":"x"}`)
	l := &recipe.Labelled{Train: []string{train}, Validation: []string{held}, Tokens: 5, Longer: "split"}
	sets := setsOf(t, &recipe.Data{Batch: 2, Labelled: l})
	if want := []string{"9", "10", "x"}; !cmp.Equal(sets.ClassNames, want) || sets.Classes != 3 || !cmp.Equal(l.Classes, want) {
		t.Errorf("classes %v, kept as %v; want %v", sets.ClassNames, l.Classes, want)
	}
	if got, want := sequences(t, sets, sets.Test), []string{"1234→9", "5678→9", "one→x"}; !cmp.Equal(got, want) {
		t.Errorf("the test has %v, want %v", got, want)
	}
	if want := []string{"train: 1 of 3 documents are longer than 5 tokens, and were split into 2 pieces",
		"validation: 1 of 2 documents are longer than 5 tokens, and were split into 2 pieces"}; !cmp.Equal(sets.Notes, want) {
		t.Errorf("notes %q, want %q", sets.Notes, want)
	}
	// A run keeps its classes, whatever is evaluated later.
	sets = setsOf(t, &recipe.Data{Batch: 1, Labelled: &recipe.Labelled{Train: []string{held}, Validation: []string{train}, Tokens: 5, Longer: "cut", Classes: l.Classes}})
	if got, want := sequences(t, sets, sets.Validation), []string{"abc→10", "defg→x", "k→9"}; !cmp.Equal(got, want) {
		t.Errorf("the validation has %v, want %v", got, want)
	}
	if want := "validation: 1 of 3 documents are longer than 5 tokens, and were cut: 3 bytes are left out"; len(sets.Notes) != 2 || sets.Notes[1] != want {
		t.Errorf("notes %q, want the second to be %q", sets.Notes, want)
	}
}

func TestLabelledNumbers(t *testing.T) {
	train := lines(t, `{"body":"a","score":10}`, `{"body":"b","score":14.0}`, `{"body":"c","score":1.2e1}`)
	l := &recipe.Labelled{Train: []string{train}, Validation: []string{train}, Fields: []string{"body"}, Number: "score"}
	sets := setsOf(t, &recipe.Data{Batch: 3, Labelled: l})
	if !sets.Numbers || sets.Mean != 12 || math.Abs(sets.Deviation-math.Sqrt(8./3)) > 1e-12 || l.Deviation != sets.Deviation {
		t.Errorf("mean %g, deviation %g; want 12 and √(8/3)", sets.Mean, sets.Deviation)
	}
	want := float32(-2 / sets.Deviation)
	if got := sequences(t, sets, sets.Test)[0]; got != fmt.Sprintf("a→%v", want) {
		t.Errorf("the first is %s, want %v", got, want)
	}
}

// The parts of held-out documents are the whole.
func TestLabelledHeldOut(t *testing.T) {
	var all []string
	for i := range 60 {
		all = append(all, fmt.Sprintf(`{"text":"%d","label":%d}`, i, i%2))
	}
	sets := setsOf(t, &recipe.Data{Batch: 1, Labelled: &recipe.Labelled{Train: []string{lines(t, all...)}, HoldOut: 4}})
	seen := map[string]bool{}
	for _, line := range sequences(t, sets, sets.Validation) {
		seen[line] = true
	}
	held := len(seen)
	if held < 5 || held > 30 {
		t.Errorf("%d of 60 documents are held out, want about 15", held)
	}
	var b data.Batch
	for range 60 - held {
		if err := sets.Train.Next(&b); err != nil {
			t.Fatal(err)
		}
		tokens, _ := b.Sequence(0)
		seen[sets.Show(tokens)+"→"+sets.ClassNames[b.Labels[0]]] = true
	}
	if len(seen) != 60 {
		t.Errorf("both parts have %d documents, want 60", len(seen))
	}
}

func TestLabelledRefuses(t *testing.T) {
	two := []string{`{"text":"a","label":"x"}`, `{"text":"b","label":"y"}`}
	for _, c := range []struct {
		l          recipe.Labelled
		train, own []string
		want       string
	}{
		{recipe.Labelled{}, two, []string{`{"text":"a","label":"z"}`}, `line 1: the class "z" is none of those of the training documents, or given: x, y`},
		{recipe.Labelled{}, two[:1], two, `all 1 documents to train on have the class "x"`},
		{recipe.Labelled{Tokens: 4}, []string{two[0], `{"text":"bcde","label":"y"}`}, two, "line 2: the document has 4 bytes, and with tokens: 4 a sequence has room for 3"},
		{recipe.Labelled{}, []string{`{"text":"a","label":1.5}`}, two, "give number: label in place of label"},
		{recipe.Labelled{Number: "label"}, two, two, `the field label is "x"; expected a number`},
		{recipe.Labelled{Number: "label"}, []string{`{"text":"a","label":1}`, `{"text":"b","label":1}`}, two, "there is nothing to predict"},
		{recipe.Labelled{Number: "label"}, []string{`{"text":"a","label":1e999}`}, two, "expected a number"},
		{recipe.Labelled{Label: "class"}, two, two, "found no field class"},
		{recipe.Labelled{Fields: []string{"body"}}, two, two, "found no text in the fields body"},
		{recipe.Labelled{Classes: []string{"x", "z"}}, two, two, `or given: x, z`},
		{recipe.Labelled{Longer: "drop"}, two, two, `longer is "drop"; use error, cut or split`},
		{recipe.Labelled{Label: "a", Number: "b"}, two, two, "number and label are given together"},
		{recipe.Labelled{HoldOut: 3}, two, two, "hold_out and validation are given together"},
		{recipe.Labelled{HoldOut: 1}, two, nil, "hold_out is 1"},
		{recipe.Labelled{HoldOut: 1000003}, two, nil, "none is left for validation"},
		{recipe.Labelled{}, two, nil, "nothing to validate on"},
		{recipe.Labelled{Fields: []string{"a"}}, nil, nil, "given without train"},
		{recipe.Labelled{Classes: []string{"x", "x"}}, two, two, `classes has "x" twice`},
		{recipe.Labelled{Number: "label", Mean: 3}, two, two, "mean is given without deviation"},
	} {
		l := c.l
		if c.train != nil {
			l.Train = []string{lines(t, c.train...)}
		}
		if c.own != nil {
			l.Validation = []string{lines(t, c.own...)}
		}
		if _, err := (&recipe.Data{Batch: 1, Labelled: &l}).Open(1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error\n  %v\nwant one with\n  %s", c.l, err, c.want)
		}
	}
}

// A position belongs to its documents.
func TestLabelledPositionOfOtherDocuments(t *testing.T) {
	train := func(text string) data.Source {
		path := lines(t, `{"text":"a","label":1}`, text)
		return setsOf(t, &recipe.Data{Batch: 1, Labelled: &recipe.Labelled{Train: []string{path}, Validation: []string{path}}}).Train
	}
	saved := train(`{"text":"b","label":2}`).State()
	if err := train(`{"text":"b","label":2}`).Restore(saved); err != nil {
		t.Error(err)
	}
	if err := train(`{"text":"c","label":2}`).Restore(saved); err == nil {
		t.Error("the position of other documents was taken")
	}
}
