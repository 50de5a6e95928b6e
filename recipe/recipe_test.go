package recipe_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/recipe"
)

const small = "data:\n  batch: 3\n  genome: {tokens: 1024}\ntrain:\n  steps: 50\n  optimizer: {lr: 1e-2, warmup: 5}\n"

func TestParseKeepsDefaultsAndOverrides(t *testing.T) {
	r, err := recipe.Parse([]byte(small), "small.yaml", []string{"train.optimizer.clip=0.5", "data.genome.one_strand=true"})
	if err != nil {
		t.Fatal(err)
	}
	want := recipe.Default()
	want.Data.Batch = 3
	want.Data.Genome = &recipe.Genome{Tokens: 1024, OneStrand: true}
	want.Train.Steps, want.Train.Optimizer.LR, want.Train.Optimizer.Warmup, want.Train.Optimizer.Clip = 50, 0.01, 5, 0.5
	if diff := cmp.Diff(want, r, cmpopts.IgnoreUnexported(recipe.Recipe{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestYAMLIsReadBack(t *testing.T) {
	r, err := recipe.Parse([]byte(small), "small.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := recipe.Parse(text, "again", nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(r, again, cmpopts.IgnoreUnexported(recipe.Recipe{})); diff != "" {
		t.Errorf("(-first +again):\n%s", diff)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"data:\n  text: {hold_out: 5, lanes: true}\n", `line 2: the key "data.text.lanes" is now "data.text.stateful"`},
		{"data: {pairs: {longer: cut}}", `the key "data.pairs.longer" is now "data.pairs.too_long"`},
		{"data: {labelled: {longer: cut}}", `the key "data.labelled.longer" is now "data.labelled.too_long"`},
		{"data: {labelled: {too_long: cut}}", `too_long is "cut"; use error, truncate or split`},
		{"data: {recall: {held: 5}}", `the key "data.recall.held" is now "data.recall.validation_examples"`},
		{"train: {steps: 5}\n", "no kind of data"},
		{"data:\n  genom: {}\n", `line 2: the key "data.genom" is not known; did you mean "genome"?`},
		{"data:\n  genome: {tokens: 1}\n", "genome: tokens is 1"},
		{"data:\n  batch: 1048576\n  genome: {tokens: 4398046511104, stateful: true}\n", "tokens is 4398046511104; a window has 2 to"},
		{"data:\n  genome: {tokens: 64, stride: 65}\n", "stride is 65"},
		{"data:\n  batch: 0\n  genome: {}\n", "batch is 0"},
		{"data:\n  genome: {}\n  text: {train: [a], hold_out: 9}\n", "r.yaml: line 3: data: text is given together with genome"},
		{"data:\n  text: {fields: [a]}\n", "fields are given without train"},
		{"data:\n  text: {train: [a]}\n", "nothing to validate on"},
		{"data:\n  text: {hold_out: 5, shuffle: 1000000000}\n", "line 2: data: text: shuffle is 1000000000 windows"},
		{"data: {genome: {}}\n\ntrain:\n  log: {every: 5}\n  optimizer:\n    decay: .inf\n", "line 6: train: optimizer.decay is +Inf"},
		{"data: {genome: {paths: a.fa}}\n", "data.genome.paths is a list; found \"a.fa\", expected [a.fa]"},
		{"data:\n  text: {train: [a], hold_out: 1}\n", "hold_out is 1"},
		{"data:\n  text: {train: [a], hold_out: 5, validation: [b]}\n", "line 2: data: text: hold_out and validation"},
		{"data:\n  text: {train: [a], hold_out: 5, stateful: true, shuffle: 8}\n", "shuffle and stateful"},
		{"data:\n  text: {train: [a], hold_out: 5, stateful: true, cross: true}\n", "cross and stateful"},
		{"data:\n  text: {train: [a], hold_out: 5, tokens: 1}\n", "tokens is 1"},
		{"data: {genome: {}}\ntrain: {steps: 10, optimizer: {warmup: 11}}\n", "train: optimizer: the warm-up of 11 steps is longer"},
	} {
		if _, err := recipe.Parse([]byte(c.text), "r.yaml", nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error\n  %v\nwant one with\n  %s", c.text, err, c.want)
		}
	}
	const good = "data: {genome: {tokens: 64}}\n"
	for set, want := range map[string]string{
		"train.steps=0":            "--set train.steps=0: train: steps is 0",
		"train.log={every: 0}":     "--set train.log={every: 0}: train: log.every is 0",
		"data.text={hold_out: 3}":  "--set data.text={hold_out: 3}: data: text is given together with genome",
		"train.steps=":             "--set train.steps=",
		"model.attention=full":     "model.attention is a list; found \"full\", expected [full]",
		"train.optimizer.name=sgd": "optimizer.name is \"sgd\"",
	} {
		if _, err := recipe.Parse([]byte(good), "r.yaml", []string{set}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error\n  %v\nwant one with\n  %s", set, err, want)
		}
	}
	if _, err := recipe.Load(filepath.Join(t.TempDir(), "no.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v; want %v", err, os.ErrNotExist)
	}
}

// scored counts the targets of a source that ends.
func scored(t *testing.T, open func() (data.Source, error), vocab int) (n int) {
	t.Helper()
	source, err := open()
	if err != nil {
		t.Fatal(err)
	}
	for {
		var b data.Batch
		if err := source.Next(&b); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
		if err := b.Check(vocab); err != nil {
			t.Fatal(err)
		}
		n += b.Scored()
	}
}

func TestGenomeFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "two.fa")
	bases := strings.Repeat("ACGTTGCA", 100)
	if err := os.WriteFile(path, []byte(">one\n"+bases+"\n>two\n"+bases+bases+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := recipe.Data{Batch: 2, Genome: &recipe.Genome{Paths: []string{path}, Tokens: 64}}
	sets, err := d.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	// A twentieth of 800 and of 1600 bases, and a tenth.
	if got := scored(t, sets.Validation, sets.Tokenizer.Vocab()); got != 40+80 {
		t.Errorf("the validation scores %d bases; want 120", got)
	}
	if got := scored(t, sets.Test, sets.Tokenizer.Vocab()); got != 80+160 {
		t.Errorf("the test scores %d bases; want 240", got)
	}
	var b data.Batch
	for range 100 { // longer than an epoch
		if err := sets.Train.Next(&b); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(sets.Tokenizer.Vocab()); err != nil || b.Sequences() != 2 {
			t.Fatalf("a batch of %d sequences, %v", b.Sequences(), err)
		}
	}
	d.Genome.Paths = []string{filepath.Join(t.TempDir(), "none.fa")}
	if _, err := d.Open(1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v; want %v", err, os.ErrNotExist)
	}
}

func TestTheEmbeddedGenome(t *testing.T) {
	d := recipe.Data{Batch: 1, Genome: &recipe.Genome{Tokens: 131072}}
	sets, err := d.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := scored(t, sets.Test, sets.Tokenizer.Vocab()), 4639675/10; got != want {
		t.Errorf("the test scores %d bases; want %d", got, want)
	}
}

func TestTextHeldOut(t *testing.T) {
	dir := t.TempDir()
	for i := range 40 {
		name := filepath.Join(dir, fmt.Sprintf("%02d.txt", i))
		if err := os.WriteFile(name, []byte(strings.Repeat(string(rune('A'+i)), 30)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := recipe.Data{Batch: 2, Text: &recipe.Text{Train: []string{dir}, HoldOut: 4, Tokens: 16}}
	sets, err := d.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	held := map[int32]bool{}
	source, err := sets.Validation()
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	for source.Next(&b) == nil {
		for _, token := range b.Tokens {
			held[token] = true
		}
	}
	delete(held, 256) // what stands before every document
	if len(held) < 5 || len(held) > 15 {
		t.Errorf("%d documents of 40 are held out; want about 10", len(held))
	}
	for range 300 {
		if err := sets.Train.Next(&b); err != nil {
			t.Fatal(err)
		}
		for _, token := range b.Tokens {
			if held[token] {
				t.Fatalf("document %q is held out, and trained on", rune(token))
			}
		}
	}
}

func TestListOps(t *testing.T) {
	d := recipe.Data{Batch: 4, ListOps: &recipe.ListOps{Examples: 100, ValidationExamples: 10, MinTokens: 5, MaxTokens: 40, Depth: 3, Args: 4}}
	sets, err := d.Open(1)
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	if err := sets.Train.Next(&b); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(sets.Tokenizer.Vocab()); err != nil || len(b.Labels) != 4 || sets.Classes != 10 {
		t.Errorf("labels %v of %d classes, %v", b.Labels, sets.Classes, err)
	}
	tokens, _ := b.Sequence(0)
	again, err := sets.Tokenizer.Encode(sets.Tokenizer.Decode(tokens))
	if err != nil || !cmp.Equal(again.IDs, tokens) {
		t.Errorf("%v is shown as %q and read as %v, %v", tokens, sets.Tokenizer.Decode(tokens), again, err)
	}
}

func TestMadeTasks(t *testing.T) {
	for name, d := range map[string]recipe.Data{
		"recall":     {Batch: 2, Recall: &recipe.Recall{Tokens: 64, Pairs: 4, Examples: 20, ValidationExamples: 6}},
		"pathfinder": {Batch: 2, Pathfinder: &recipe.Pathfinder{Size: 16, Examples: 20, ValidationExamples: 6}},
		"needle":     {Batch: 2, Needle: &recipe.Needle{Tokens: 64, Examples: 20, ValidationExamples: 6}},
	} {
		sets, err := d.Open(1)
		if err != nil {
			t.Fatal(err)
		}
		var b data.Batch
		for range 25 {
			if err := sets.Train.Next(&b); err != nil {
				t.Fatal(err)
			}
			if err := b.Check(sets.Tokenizer.Vocab()); err != nil || sets.TokenTargets != (b.Scored() > 0) || len(b.Labels) != 2 ||
				len(b.Tokens) > 2*sets.Tokens {
				t.Fatalf("%s: %d tokens, %d targets, %d labels, %v", name, len(b.Tokens), b.Scored(), len(b.Labels), err)
			}
		}
		if got := scored(t, sets.Test, sets.Tokenizer.Vocab()); sets.TokenTargets && got != 6 {
			t.Errorf("%s: the test has %d targets; want 6", name, got)
		}
		tokens, err := sets.Tokenizer.Encode(sets.Tokenizer.Decode(b.Tokens))
		if err != nil || !cmp.Equal(tokens.IDs, b.Tokens) {
			t.Errorf("%s: shown as %q and read as %v, %v", name, sets.Tokenizer.Decode(b.Tokens), tokens, err)
		}
	}
}

// A position belongs to the settings of its task, with defaults written out or not.
func TestPositionsBelongToTheTask(t *testing.T) {
	train := func(r recipe.Recall) data.Source { return setsOf(t, &recipe.Data{Batch: 2, Recall: &r}).Train }
	saved := train(recipe.Recall{Examples: 20}).State()
	if err := train(recipe.Recall{Examples: 20, Tokens: 1024, Pairs: 16, ValidationExamples: 5}).Restore(saved); err != nil {
		t.Error(err)
	}
	for _, other := range []recipe.Recall{{Examples: 20, Pairs: 17}, {Examples: 20, Seed: 1}, {Examples: 21}} {
		if err := train(other).Restore(saved); err == nil || !strings.Contains(err.Error(), "belongs to another loader") {
			t.Errorf("%+v: error %v, want one about another loader", other, err)
		}
	}
}

// FuzzParse: what is accepted means the same when it is written out and read again.
func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add("model: {kind: encoder, attention: [full, elu]}\ndata: {text: {hold_out: 2}}\n")
	f.Add("data: {batch: 2, recall: {tokens: 64, pairs: 4}}\ntrain: {optimizer: {name: adafactor}, ema: 0.5}\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := recipe.Parse([]byte(text), "fuzz", nil)
		if err != nil {
			return
		}
		first, err := r.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := recipe.Parse(first, "again", nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, first)
		}
		second, err := again.YAML()
		if err != nil || string(first) != string(second) {
			t.Fatalf("%v: the first\n%s\nand the second\n%s", err, first, second)
		}
	})
}

// An assembly has contigs of a few bases: they are learned from, and the rest is judged by.
func TestShortSequencesAreNoReasonToStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.fa")
	for text, want := range map[string]string{
		">short\nACGTA\n>long\n" + strings.Repeat("ACGGT", 40) + "\n": "",
		">short\nACGTA\n": "none of the 1 sequences has the 20 bases",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d := recipe.Data{Batch: 1, Genome: &recipe.Genome{Paths: []string{path}, Tokens: 16}}
		_, err := d.Open(1)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v; want %q", text, err, want)
		}
	}
}

// The memory that the bases take is planned, whatever is to be learned of them.
func TestGenesCountTheBasesTheyHold(t *testing.T) {
	genome := setsOf(t, &recipe.Data{Batch: 1, Genome: &recipe.Genome{}})
	genes := setsOf(t, &recipe.Data{Batch: 1, Genes: &recipe.Genes{}})
	if genes.Bytes < genome.Bytes || genome.Bytes == 0 {
		t.Errorf("the genes hold %d bytes, their genome %d", genes.Bytes, genome.Bytes)
	}
}
