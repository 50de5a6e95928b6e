package recipe_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

func TestPairs(t *testing.T) {
	path := lines(t, `{"source":"abc","target":"xy"}`, `{"target":"é","source":"defg"}`, `{"source":"12345678","target":"987654"}`)
	sets := setsOf(t, &recipe.Data{Batch: 3, Pairs: &recipe.Pairs{Train: []string{path}, Validation: []string{path}, Tokens: 6, Longer: "cut"}})
	source, err := sets.Validation()
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	if err := source.Next(&b); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(sets.Vocab); err != nil {
		t.Fatal(err)
	}
	want := data.Batch{
		Tokens:  []int32{256, 'x', 'y', 256, 0xc3, 0xa9, 256, '9', '8', '7', '6', '5'},
		Targets: []int32{'x', 'y', 256, 0xc3, 0xa9, 256, '9', '8', '7', '6', '5', data.Ignore},
		Lengths: []int{3, 3, 6},
		Source: &data.Batch{
			Tokens:  []int32{256, 'a', 'b', 'c', 256, 256, 'd', 'e', 'f', 'g', 256, 256, '1', '2', '3', '4', 256},
			Lengths: []int{5, 6, 6},
		},
	}
	if diff := cmp.Diff(want, b); diff != "" {
		t.Errorf("the batch (-want +got):\n%s", diff)
	}
	var notes []string
	for _, part := range []string{"train", "validation"} {
		notes = append(notes, part+": 1 of 3 sources are longer than 6 tokens, and were cut: 4 bytes are left out",
			part+": 1 of 3 targets are longer than 6 tokens, and were cut: 1 bytes are left out")
	}
	if !cmp.Equal(sets.Notes, notes) {
		t.Errorf("notes %q, want %q", sets.Notes, notes)
	}
	if got, err := sets.Read("abc"); err != nil || !cmp.Equal(got, want.Source.Tokens[:5]) {
		t.Errorf("a prompt is read as %v, %v; want the source %v", got, err, want.Source.Tokens[:5])
	}
	// A batch that is read again holds nothing of what it held.
	if err := sets.Train.Next(&b); err != nil || b.Source.Sequences() != 3 || b.Check(sets.Vocab) != nil {
		t.Errorf("read again, the batch has %d sources: %v", b.Source.Sequences(), err)
	}
}

func TestPairsRefuse(t *testing.T) {
	one := []string{`{"source":"abcdef","target":"x"}`}
	for _, c := range []struct {
		p    recipe.Pairs
		line []string
		want string
	}{
		{recipe.Pairs{Tokens: 7}, one, "line 1: the source has 6 bytes, and with tokens: 7 a sequence has room for 5; raise tokens, or say with longer: cut"},
		{recipe.Pairs{Tokens: 3, Source: "target", Target: "source"}, one, "line 1: the target has 6 bytes, and with tokens: 3 a sequence has room for 2"},
		{recipe.Pairs{Target: "answer"}, one, "found no text in the fields answer; the line has the fields source, target"},
		{recipe.Pairs{}, []string{`{"source":"a","target":3}`}, "the field target is 3; expected text"},
		{recipe.Pairs{Longer: "split"}, one, `longer is "split"; use error or cut`},
		{recipe.Pairs{Target: "source"}, one, "target and source are both the field source"},
		{recipe.Pairs{Tokens: 2}, one, "tokens is 2"},
		{recipe.Pairs{HoldOut: 2}, one, "hold_out and validation are given together"},
		{recipe.Pairs{Source: "a"}, nil, "given without train"},
	} {
		p := c.p
		if c.line != nil {
			p.Train = []string{lines(t, c.line...)}
			p.Validation = p.Train
		}
		if _, err := (&recipe.Data{Batch: 1, Pairs: &p}).Open(1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error\n  %v\nwant one with\n  %s", c.p, err, c.want)
		}
	}
}

// A tiny model learns to write short words backwards: of eight letters one in eight would be right by chance.
func TestPairsAreLearned(t *testing.T) {
	random := data.NewRandom(1, 1)
	var all [2][]string
	for i := range 240 {
		word := make([]byte, 3)
		for j := range word {
			word[j] = byte('a' + random.IntN(8))
		}
		line := fmt.Sprintf(`{"source":%q,"target":"%c%c%c"}`, word, word[2], word[1], word[0])
		all[i/200] = append(all[i/200], line)
	}
	config := fmt.Sprintf(`
model: {width: 32, layers: 1, heads: 2, position: learned}
data: {batch: 16, pairs: {train: [%s], validation: [%s], tokens: 5}}
`, lines(t, all[0]...), lines(t, all[1]...))
	r, err := recipe.Parse([]byte(config), "reversed", nil)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := r.Data.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	if r.Model.Kind != model.EncoderDecoder {
		t.Fatalf("the model for pairs is of the kind %s", r.Model.Kind)
	}
	r.Train.Steps, r.Train.Optimizer.LR, r.Train.Optimizer.Warmup, r.Train.Optimizer.Decay = 200, 1e-2, 20, 0
	r.Train.Eval.Every, r.Train.Checkpoint.Every, r.Train.Eval.Batches = 0, 0, 0
	x := tensor.Exec{Threads: 1, Pool: tensor.NewPool()}
	m, err := r.Build(sets, model.Options{Pool: x.Pool, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	job, err := r.Job(sets, m, x)
	if err != nil {
		t.Fatal(err)
	}
	result, err := train.Run(context.Background(), t.TempDir()+"/run", job)
	if err != nil {
		t.Fatal(err)
	}
	// Of four targets one is the end, in a place that is always the same; by chance a third of all would be right.
	if result.Valid.Targets != 160 || result.Valid.Accuracy() < 0.8 {
		t.Errorf("%.1f%% of %d targets are right, want nearly all of 160", 100*result.Valid.Accuracy(), result.Valid.Targets)
	}
	if got := written(t, m, sets, x, "cab"); got != "bac" {
		t.Errorf("cab written backwards is %q", got)
	}
}

// written is the most probable target of a source, up to its end.
func written(t *testing.T, m *model.Model, sets *recipe.Sets, x tensor.Exec, prompt string) string {
	t.Helper()
	source, err := sets.Read(prompt)
	if err != nil {
		t.Fatal(err)
	}
	g, err := m.NewSession(x).Decode(source)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	all := []int32{text.End}
	for len(all) <= sets.Tokens {
		logits, err := g.Step(all[len(all)-1:])
		if err != nil {
			t.Fatal(err)
		}
		best := int32(0)
		for i, l := range logits {
			if l > logits[best] {
				best = int32(i)
			}
		}
		if all = append(all, best); best == text.End {
			break
		}
	}
	return sets.Show(all)
}
