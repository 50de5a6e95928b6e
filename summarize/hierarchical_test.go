package summarize

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
)

var update = flag.Bool("update", false, "write testdata/hierarchical.safetensors again")

// answers are documents whose summaries are their sentences behind a Yes. All words of these are drawn, and a Yes or a No is too short to
// be quoted. So nothing in a sentence tells whether a summary has it: only what stands before it.
func answers(n int, seed uint64) (all []Example) {
	r := rand.New(rand.NewPCG(seed, 0))
	words := strings.Fields("boat harbour lamp river table window garden engine letter winter morning captain market bridge forest tower")
	for i := range n {
		var e Example
		var text strings.Builder
		for _, at := range r.Perm(8) {
			p := r.Perm(len(words))
			s := fmt.Sprintf("The %s near a %s saw every %s today.", words[p[0]], words[p[1]], words[p[2]])
			answer := "No."
			if at < 3 {
				answer = "Yes."
				e.Summary = append(e.Summary, s)
			}
			fmt.Fprintln(&text, answer, s)
		}
		e.ID, e.Document = fmt.Sprint(i), parsed(text.String())
		all = append(all, e)
	}
	return all
}

// tiny is a recipe that learns answers in seconds.
func tiny() *Recipe {
	r := DefaultRecipe()
	r.Vocab, r.Words, r.Encoder = 300, 27, model.Config{Width: 32, Layers: 2, Heads: 2, Attention: []string{"window(16)"}}
	r.Sentences = SentencesConfig{Layers: 1, Hidden: 16}
	r.Loss, r.Pretrain, r.Train = LossWeights{0.3, 1, 1}, FitConfig{Epochs: 1, LR: 1e-3}, FitConfig{Epochs: 6, LR: 5e-3, Average: 0.8}
	return r
}

// Attention finds what features do not tell.
func TestHierarchicalLearnsWords(t *testing.T) {
	train, dev := answers(96, 1), answers(24, 2)
	ctx := context.Background()
	plain, _, err := Train(ctx, train, dev, TrainOptions{Epochs: 6, LR: 0.01, Words: 27})
	if err != nil {
		t.Fatal(err)
	}
	var losses []float64
	lessons := int64(0)
	log := Log{Epoch: func(s Stage, e Epoch) { losses = append(losses, e.Loss) }, Lesson: func(done, all int64) { lessons = done - all }}
	m, err := TrainHierarchical(ctx, train, dev, tiny(), TrainHierarchicalOptions{Threads: 1, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := plain.Card.Dev["rouge2"], m.Card.Dev["rouge2"]; b < 0.95 || a > b-0.05 {
		t.Errorf("found ROUGE-2 %.3f of features and %.3f of attention, expected at least 0.95 of attention, and less of features; losses %v", a,
			b, losses)
	}
	if len(losses) != 7 || lessons != 0 {
		t.Errorf("found %d epochs and %d lessons too few, expected 7 and 0", len(losses), -lessons)
	}
	if *update {
		if err := m.Save("testdata/hierarchical.safetensors"); err != nil {
			t.Fatal(err)
		}
	}
}

// The same recipe gives the same bits on any number of threads.
func TestHierarchicalThreads(t *testing.T) {
	all := answers(12, 3)
	r := tiny()
	r.Train.Epochs = 1
	var weights [2][][]float32
	for k, threads := range []int{1, 3} {
		m, err := TrainHierarchical(context.Background(), all[2:], all[:2], r, TrainHierarchicalOptions{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		weights[k] = copyOf(append(m.params(), m.features.terms.network.params...))
	}
	if !reflect.DeepEqual(weights[0], weights[1]) {
		t.Error("the weights differ with other threads")
	}
}

// An encoder alone corrects the mean odds of documents, and its file has them.
func TestHierarchicalAlone(t *testing.T) {
	all := answers(12, 3)
	r := tiny()
	r.Alone, r.Train.Epochs, r.Pretrain.Epochs = true, 1, 0
	m, err := TrainHierarchical(context.Background(), all[2:], all[:2], r, TrainHierarchicalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if l := m.alone.Levels; !(l[0] > l[3] && l[0] > l[7]) {
		t.Errorf("found the log-odds %v, expected them to fall", l)
	}
	path := filepath.Join(t.TempDir(), "alone.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := OpenHierarchical(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m.alone, again.alone) {
		t.Errorf("found %v in the file, expected %v", again.alone, m.alone)
	}
}

func openTiny(t *testing.T) *Hierarchical {
	t.Helper()
	m, err := OpenHierarchical("testdata/hierarchical.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A file has the scorer again: tables are rounded to bf16 once, and a second file is the same.
func TestHierarchicalFile(t *testing.T) {
	m := openTiny(t)
	path := filepath.Join(t.TempDir(), "again.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile("testdata/hierarchical.safetensors")
	b, _ := os.ReadFile(path)
	if len(a) == 0 || string(a) != string(b) {
		t.Errorf("found files of %d and %d bytes, expected the same bytes", len(a), len(b))
	}
	if _, err := OpenFeatures(path); err == nil || !strings.Contains(err.Error(), "expected "+formatName) {
		t.Errorf("features of another file: %v", err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Summarize(context.Background(), answers(1, 5)[0].Document, Options{Budget: Budget{Sentences: 1}})
	if err != nil {
		t.Fatal(err)
	}
	e := answers(1, 5)[0]
	if text := r.Sentences[0].Text; !slices.Contains(e.Summary, text) {
		t.Errorf("found %q, expected one of %q", text, e.Summary)
	}
}

// A text that is read in small chunks has the importance of one that is read whole, but for rounding.
func TestHierarchicalChunks(t *testing.T) {
	m := openTiny(t)
	var all strings.Builder
	for _, e := range answers(24, 9) {
		for _, s := range e.Document.Blocks {
			fmt.Fprintln(&all, s.Text)
		}
	}
	ctx := context.Background()
	text, err := newText(ctx, parsed(all.String()), "", m.features.frequencies)
	if err != nil {
		t.Fatal(err)
	}
	scores, err := m.Score(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := text.listed(ctx, text.standardise(scores), Budget{Words: 100})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := m.weigh(ctx, text, scores, listed, chunks{1 << 20, 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []chunks{{64, 50}, {1000, 30}, {333, 700}} {
		some, err := m.weigh(ctx, text, scores, listed, c)
		if err != nil {
			t.Fatal(err)
		}
		for term := range whole.Terms {
			if d := math.Abs(float64(whole.Terms[term][0] - some.Terms[term][0])); !(d < 1e-4) {
				t.Fatalf("chunks %v: %q has the probability %g, expected %g", c, text.names[term], some.Terms[term][0], whole.Terms[term][0])
			}
		}
		for pair, p := range whole.Pairs {
			if d := math.Abs(float64(p - some.Pairs[pair])); !(d < 1e-4) {
				t.Fatalf("chunks %v: a pair has the probability %g, expected %g", c, some.Pairs[pair], p)
			}
		}
	}
}

// What the first tokens of a document give does not depend on the rest.
func TestFirst(t *testing.T) {
	m := openTiny(t)
	s := &Summarizer{m, m.features.frequencies}
	ctx := context.Background()
	e := answers(1, 11)[0]
	longer := e
	longer.Document = parsed(e.Document.Blocks[0].Text + "\n\n" + answers(1, 12)[0].Document.Blocks[0].Text)
	text, err := newText(ctx, e.Document, "", s.frequencies)
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.tokens(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, n := range counts {
		all += n
	}
	results := [][]int{}
	for _, x := range []Example{e, longer} {
		text, err := newText(ctx, x.Document, "", s.frequencies)
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := s.First("first", all).choose(ctx, text, &x, Budget{Words: 40})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, chosen)
	}
	if len(results[0]) == 0 || !reflect.DeepEqual(results[0], results[1]) {
		t.Errorf("found the sentences %v, with a longer document %v, expected the same", results[0], results[1])
	}
	if long, err := s.Longer(ctx, []Example{e, longer}, all); err != nil || len(long) != 1 {
		t.Errorf("found %d documents longer than %d tokens and %v, expected 1", len(long), all, err)
	}
}

func TestRecipeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"words: 1":                 "found words: 1, expected 5 to 1048576",
		"words: 2000000":           "found words: 2000000, expected 5 to 1048576",
		"vocab: 12":                "found vocab: 12, expected 260 to",
		"encoder: {kind: decoder}": "expected none: they are set by the recipe",
		"encoder: {width: 36}":     "head",
		"train: {epochs: 0}":       "epochs: 0",
		"train: {lr: 2}":           "found lr: 2",
		"pretrain: {average: 1}":   "found average: 1",
		"sentences: {hidden: 0}":   "0 hidden units",
		"encoder: {position: learned, max_tokens: 512}": "encoder: position: found learned positions of 512 tokens",
		"sentence: {layers: 1}":                         "sentence",
		"encoder: {attention: [\"window(x)\"]}":         "window",
	} {
		path := filepath.Join(t.TempDir(), "r.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadRecipe(path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found the error %v, expected %q", text, err, want)
		}
	}
}

// The recipe of the examples is that of an empty file, and of its name.
func TestRecipeOfTheExamples(t *testing.T) {
	for _, name := range []string{"../examples/summaries/attention.yaml", DefaultRecipeName} {
		r, err := LoadRecipe(name, []string{"seed=2"})
		if err != nil {
			t.Fatal(err)
		}
		want := DefaultRecipe()
		want.Seed = 2
		if !reflect.DeepEqual(r, want) {
			t.Errorf("%s: found %+v, expected %+v", name, r, want)
		}
	}
}
