package labelled

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
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

func open(t *testing.T, batch int, c *Config) *data.Bundle {
	t.Helper()
	b, err := checkAndOpen(c, batch)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sequences reads a source that ends, as "text→label".
func sequences(t *testing.T, sets *data.Bundle, from func() (data.Source, error)) (all []string) {
	t.Helper()
	source, err := from()
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	for source.Next(&b) == nil {
		if err := b.Check(sets.Tokenizer.Vocab()); err != nil {
			t.Fatal(err)
		}
		for i := range b.Sequences() {
			tokens, _ := b.Sequence(i)
			if tokens[0] != 256 {
				t.Errorf("sequence %d begins with %d", i, tokens[0])
			}
			line := sets.Tokenizer.Decode(tokens) + "→"
			if len(b.Labels) > 0 {
				line += sets.Answers.Classes[b.Labels[i]]
			} else {
				line += fmt.Sprint(b.Values[i])
			}
			all = append(all, line)
		}
	}
	return all
}

func TestClasses(t *testing.T) {
	train := lines(t, `{"text":"abc","label":10}`, `{"text":"defghij","label":"x"}`, `{"text":"k","label":9}`)
	held := lines(t, `{"text":"12345678","label":9}`, `{"text":"one","label":"x"}`)
	l := &Config{Train: []string{train}, Validation: []string{held}, Tokens: 5, TooLong: "split"}
	sets := open(t, 2, l)
	if want := []string{"9", "10", "x"}; !cmp.Equal(sets.Answers.Classes, want) || sets.Classes != 3 || !cmp.Equal(l.Classes, want) {
		t.Errorf("classes %v, kept as %v; want %v", sets.Answers.Classes, l.Classes, want)
	}
	if got, want := sequences(t, sets, sets.Test), []string{"1234→9", "5678→9", "one→x"}; !cmp.Equal(got, want) {
		t.Errorf("the test has %v, want %v", got, want)
	}
	if want := []string{"train: 1 of 3 documents are longer than 5 tokens, and were split into 2 pieces",
		"validation: 1 of 2 documents are longer than 5 tokens, and were split into 2 pieces"}; !cmp.Equal(sets.Notes, want) {
		t.Errorf("notes %q, want %q", sets.Notes, want)
	}
	// A run keeps its classes, whatever is evaluated later.
	sets = open(t, 1, &Config{Train: []string{held}, Validation: []string{train}, Tokens: 5, TooLong: "truncate", Classes: l.Classes})
	if got, want := sequences(t, sets, sets.Validation), []string{"abc→10", "defg→x", "k→9"}; !cmp.Equal(got, want) {
		t.Errorf("the validation has %v, want %v", got, want)
	}
	if want := "validation: 1 of 3 documents are longer than 5 tokens, and were truncated: 3 bytes are left out"; len(sets.Notes) != 2 ||
		sets.Notes[1] != want {
		t.Errorf("notes %q, want the second to be %q", sets.Notes, want)
	}
}

func TestNumbers(t *testing.T) {
	train := lines(t, `{"body":"a","score":10}`, `{"body":"b","score":14.0}`, `{"body":"c","score":1.2e1}`)
	l := &Config{Train: []string{train}, Validation: []string{train}, Fields: []string{"body"}, Number: "score"}
	sets := open(t, 3, l)
	if !sets.Numbers || sets.Answers.Mean != 12 || math.Abs(sets.Answers.Deviation-math.Sqrt(8./3)) > 1e-12 ||
		l.Deviation != sets.Answers.Deviation {
		t.Errorf("mean %g, deviation %g; want 12 and √(8/3)", sets.Answers.Mean, sets.Answers.Deviation)
	}
	want := float32(-2 / sets.Answers.Deviation)
	if got := sequences(t, sets, sets.Test)[0]; got != fmt.Sprintf("a→%v", want) {
		t.Errorf("the first is %s, want %v", got, want)
	}
}

// The parts of held-out documents are the whole.
func TestHeldOut(t *testing.T) {
	var all []string
	for i := range 60 {
		all = append(all, fmt.Sprintf(`{"text":"%d","label":%d}`, i, i%2))
	}
	sets := open(t, 1, &Config{Train: []string{lines(t, all...)}, HoldOut: 4})
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
		seen[sets.Tokenizer.Decode(tokens)+"→"+sets.Answers.Classes[b.Labels[0]]] = true
	}
	if len(seen) != 60 {
		t.Errorf("both parts have %d documents, want 60", len(seen))
	}
}

// Pieces of documents are the same in any order.
func TestPiecesInAnyOrder(t *testing.T) {
	file := lines(t, `{"text":"abcdefgh","label":"x"}`, `{"text":"ijklm","label":"y"}`, `{"text":"no","label":"x"}`)
	l := Config{Train: []string{file}, Validation: []string{file}, Tokens: 4, TooLong: "split"}
	s, err := newSet(&l, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, _, err := text.List(file)
	if err != nil {
		t.Fatal(err)
	}
	i := -1
	records, err := text.NewRecords(files, 0, func(r text.Record) error { i++; return s.Add(i, r) })
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Finish(data.Train, records); err != nil {
		t.Fatal(err)
	}
	want := []string{"abc", "def", "gh", "ijk", "lm", "no"}
	for _, order := range [][]int{{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {0, 3, 1, 4, 2, 5}, {2, 2, 0, 0, 1, 1}} {
		for _, index := range order {
			var b data.Batch
			if err := s.Append(&b, 0, index); err != nil {
				t.Fatal(err)
			}
			if got, want := b.Tokens[1:], text.AppendTokens(nil, []byte(want[index])); !slices.Equal(got, want) {
				t.Errorf("order %v: piece %d has the bytes %v, want %v", order, index, got, want)
			}
		}
	}
}

func TestRefuses(t *testing.T) {
	ones := []string{`{"text":"a","label":1}`, `{"text":"b","label":1}`}
	two := []string{`{"text":"a","label":"x"}`, `{"text":"b","label":"y"}`}
	for _, c := range []struct {
		l          Config
		train, own []string
		want       string
	}{
		{Config{}, two, []string{`{"text":"a","label":"z"}`}, `line 1: the class "z" is none of those of the training documents, or given: x, y`},
		{Config{}, two[:1], two, `all 1 documents to train on have the class "x"`},
		{Config{Tokens: 4}, []string{two[0], `{"text":"bcde","label":"y"}`}, two,
			"line 2: the document has 4 bytes, and with tokens: 4 a sequence has room for 3"},
		{Config{}, []string{`{"text":"a","label":1.5}`}, two, "give number: label in place of label"},
		{Config{Number: "label"}, two, two, `the field label is "x"; expected a number`},
		{Config{Number: "label"}, ones, ones, "there is nothing to predict"},
		{Config{Number: "label"}, []string{`{"text":"a","label":1e999}`}, two, "expected a number"},
		{Config{Label: "class"}, two, two, `found no field class; there are ["label" "text"]`},
		{Config{Fields: []string{"body"}}, two, two, "found no text in the fields body"},
		{Config{Classes: []string{"x", "z"}}, two, two, `or given: x, z`},
		{Config{TooLong: "drop"}, two, two, `too_long is "drop"; use error, truncate or split`},
		{Config{Label: "a", Number: "b"}, two, two, "number and label are given together"},
		{Config{HoldOut: 3}, two, two, "hold_out and validation are given together"},
		{Config{HoldOut: 1}, two, nil, "hold_out is 1"},
		{Config{HoldOut: 1000003}, two, nil, "none is left for validation"},
		{Config{}, two, nil, "nothing to validate on"},
		{Config{Fields: []string{"a"}}, nil, nil, "given without train"},
		{Config{Classes: []string{"x", "x"}}, two, two, `classes has "x" twice`},
		{Config{Classes: []string{"x"}}, two, two, `classes has "x" alone; expected two classes or more`},
		{Config{Number: "label", Mean: 3}, two, two, "mean is given without deviation"},
	} {
		l := c.l
		if c.train != nil {
			l.Train = []string{lines(t, c.train...)}
		}
		if c.own != nil {
			l.Validation = []string{lines(t, c.own...)}
		}
		if _, err := checkAndOpen(&l, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error\n  %v\nwant one with\n  %s", c.l, err, c.want)
		}
	}
}

func checkAndOpen(c *Config, batch int) (*data.Bundle, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return c.Open(data.OpenOptions{Batch: batch, Seed: 1})
}

// A position belongs to its documents.
func TestPositionOfOtherDocuments(t *testing.T) {
	train := func(text string) data.Source {
		path := lines(t, `{"text":"a","label":1}`, text)
		return open(t, 1, &Config{Train: []string{path}, Validation: []string{path}}).Train
	}
	saved := train(`{"text":"b","label":2}`).State()
	if err := train(`{"text":"b","label":2}`).Restore(saved); err != nil {
		t.Error(err)
	}
	if err := train(`{"text":"c","label":2}`).Restore(saved); err == nil || !strings.Contains(err.Error(), "belongs to another loader") {
		t.Errorf("error %v, want one about another loader", err)
	}
}
