package summarize

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/longspan/longspan/document"
	"github.com/longspan/longspan/model"
)

// tiny writes a model of hf's goldens with a tokenizer, and returns its folder.
func tinyEncoder(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"../hf/testdata/golden/" + name + "/config.json", "../hf/testdata/golden/" + name + "/model.safetensors",
		"../model/testdata/wordpiece/tokenizer.json"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// encoderOf is a scorer of a tiny BERT.
func encoderOf(t testing.TB, o EncoderOptions) *Encoder {
	t.Helper()
	m, err := model.Open(tinyEncoder(t, "bert_plain"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	e, err := NewEncoder(m, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// textOf is a document that is ready to be scored.
func readText(t testing.TB, d *document.Document, query string) *Text {
	t.Helper()
	text, err := newText(context.Background(), d, query, summarizer(t).frequencies)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOpenAnEncoder(t *testing.T) {
	s, err := Open(tinyEncoder(t, "bert_plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var last, all int64
	r, err := s.Summarize(context.Background(), parsed(paper), Options{Budget: Budget{Words: 50},
		Progress: func(n, of int64) { last, all = n, of }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Words > 50 || r.Words < 15 || last != all || all == 0 {
		t.Errorf("found %d words, and progress %d of %d", r.Words, last, all)
	}
	// Each token of the blocks is read and counted once.
	var b strings.Builder
	for _, block := range r.text.Document.Blocks {
		b.WriteString(document.Clean(block.Text) + "\n")
	}
	e, err := r.text.encoded.by.model.Tokenizer().Encode(b.String())
	if err != nil || r.Read.Tokens != len(e.IDs) {
		t.Errorf("found %d tokens read, expected %d, %v", r.Read.Tokens, len(e.IDs), err)
	}
}

// A sentence's vector is the mean of its tokens' states, where the text fits into one window.
func TestEncoderVectorsAreMeans(t *testing.T) {
	e := encoderOf(t, EncoderOptions{})
	d := parsed("# The law\n\nThe dose is two of the genes. We show that no gene is blue there.\n")
	r := runOver(t, e, readText(t, d, ""), stretchBytes)
	const text = "The law\nThe dose is two of the genes. We show that no gene is blue there."
	one := true
	all, err := e.session(&Text{}).Embed(context.Background(), []string{text}, model.EmbedOptions{Normalise: &one,
		Passages: model.PassagesAt(func(string) []int { return []int{7, 37, len(text)} })})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if !reflect.DeepEqual(r.row(i), all[0].Vectors[i+1].Vector) {
			t.Errorf("sentence %d: found %v, expected %v", i, r.row(i)[:3], all[0].Vectors[i+1].Vector[:3])
		}
	}
}

// runOver reads a text in stretches of some bytes.
func runOver(t testing.TB, e *Encoder, text *Text, bytes int64) *encoderRun {
	t.Helper()
	r := &encoderRun{e: e, t: text, s: e.session(&Text{}), width: e.width(), found: &encoded{by: e}}
	r.vectors = make([]float32, len(text.Sentences)*r.width)
	for _, part := range text.stretches(bytes, e.border()) {
		if err := r.stretch(context.Background(), part); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// Stretches change neither the tokens that are read nor, by much, the vectors.
func TestStretchesOfAText(t *testing.T) {
	e := encoderOf(t, EncoderOptions{Chunk: 80})
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "The dose of drug %d is the law of the land there. We show no gene %d.\n\n```\ncode %d\n```\n\n", i, i, i)
	}
	text := readText(t, parsed(b.String()), "")
	whole, parts := runOver(t, e, text, stretchBytes), runOver(t, e, text, 500)
	if len(text.stretches(500, 10)) < 8 || whole.found.tokens != parts.found.tokens {
		t.Errorf("found %d tokens in %d stretches, expected %d", parts.found.tokens, len(text.stretches(500, 10)), whole.found.tokens)
	}
	for i := range text.Sentences {
		if c := model.Cosine(whole.row(i), parts.row(i)); c < 0.7 {
			t.Errorf("sentence %d: the vectors have the cosine %g", i, c)
		}
	}
}

// Each unit of a text is kept by one stretch, and stands in it as it is.
func TestStretchesKeepEachUnitOnce(t *testing.T) {
	text := readText(t, parsed(paper+"\n\n```\ncode é é é é é é\n```\n"), "")
	for _, bytes := range []int64{1, 100, 1000, 1 << 20} {
		kept := map[int]int{}
		for _, part := range text.stretches(bytes, 9) {
			w := text.write(part)
			for k, p := range w.passages {
				if p.kept && p.sentence >= 0 {
					kept[p.sentence]++
					if got := w.text[p.from:p.to]; got != text.Sentences[p.sentence].Text {
						t.Errorf("%d bytes: found %q, expected %q", bytes, got, text.Sentences[p.sentence].Text)
					}
				}
				if w.ends[k] != p.to {
					t.Errorf("%d bytes: a passage ends at %d and at %d", bytes, w.ends[k], p.to)
				}
			}
		}
		for i := range text.Sentences {
			if kept[i] != 1 {
				t.Errorf("%d bytes: sentence %d is kept %d times", bytes, i, kept[i])
			}
		}
	}
}

// What is asked counts where no sentence shares a word with it.
func TestEncoderQuery(t *testing.T) {
	s := summarizer(t).With(encoderOf(t, EncoderOptions{}))
	defer s.Close()
	r, err := s.Summarize(context.Background(), parsed(paper), Options{Query: "zebra"})
	if err != nil || !strings.Contains(strings.Join(r.Notes, "\n"), "sentences are chosen by their likeness to it") {
		t.Errorf("found the notes %q, %v", r.Notes, err)
	}
	e := r.text.encoded
	for i, v := range e.query {
		if math.Abs(float64(v)) > 1.0001 || e.query[0] == e.query[len(e.query)-1] {
			t.Errorf("sentence %d has the cosine %g with the query", i, v)
		}
	}
	plain, err := s.Summarize(context.Background(), parsed(paper), Options{})
	if err != nil || plain.text.encoded.query != nil || reflect.DeepEqual(plain.scores, r.scores) {
		t.Errorf("without a query: scores %v, %v", plain.scores, err)
	}
}

// Text that is not English is scored by the encoder alone, and a tokenizer that does not know it is named.
func TestEncoderOfForeignText(t *testing.T) {
	s := summarizer(t).With(encoderOf(t, EncoderOptions{}))
	japanese := strings.Repeat("これは長い文書の最初の文です。要約は全文を読みます。猫がいる。", 10)
	r, err := s.Summarize(context.Background(), document.Parse("a.txt", japanese, 0, document.Text), Options{})
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(r.Notes, "\n")
	for _, want := range []string{"the vectors of the encoder score, without the features", "the encoder's tokenizer does not know"} {
		if !strings.Contains(notes, want) {
			t.Errorf("found the notes %q, expected one with %q", notes, want)
		}
	}
}

// The parts of the scores can be evaluated by themselves, over one reading of a text.
func TestEncoderSystems(t *testing.T) {
	s := summarizer(t).With(encoderOf(t, EncoderOptions{}))
	examples := []Example{{ID: "a", Document: parsed(paper), Summary: []string{"We propose windows of attention for long documents."}}}
	results, err := s.Evaluate(context.Background(), examples, s.Systems("summarize"), Budget{Words: 40}, nil)
	if err != nil || len(results) != 4 || results[3].System != "summarize" {
		t.Fatalf("found %+v, %v", results, err)
	}
	if systems := summarizer(t).Systems("summarize"); len(systems) != 1 {
		t.Errorf("without an encoder: found %d systems, expected 1", len(systems))
	}
}

// The same document has the same scores at any number of threads.
func TestEncoderIsDeterministic(t *testing.T) {
	var before []float32
	for _, threads := range []int{1, 2, 5} {
		scores, err := encoderOf(t, EncoderOptions{Threads: threads, Chunk: 40}).Score(context.Background(), readText(t, parsed(paper), "law"))
		if err != nil || before != nil && !reflect.DeepEqual(scores, before) {
			t.Errorf("%d threads: found %v, expected %v, %v", threads, scores, before, err)
		}
		before = scores
	}
}

func TestEncoderRefuses(t *testing.T) {
	bare := tinyEncoder(t, "bert_plain")
	if err := os.Remove(filepath.Join(bare, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		tinyEncoder(t, "llama"): "found a model of kind decoder, expected an encoder, such as BERT",
		bare:                    "found an encoder without a tokenizer, which reads no text; add its tokenizer.json",
		t.TempDir():             "config.json",
		"./nowhere":             "no such file of a scorer, and found no folder and no .gguf file",
		"a/model/nobody/wrote":  "no such file of a scorer, and ",
	} {
		if _, err := Open(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found %v, expected %q", name, err, want)
		}
	}
	m, err := model.Open(tinyEncoder(t, "bert_plain"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for want, o := range map[string]EncoderOptions{
		"found windows of -1 tokens":                         {Chunk: -1},
		"found chunks of 100000 tokens, expected at most":    {Chunk: 100_000},
		"found an overlap of 11 tokens in chunks of 20":      {Chunk: 20, Overlap: 11},
		"found an overlap of -2 tokens, expected at least 0": {Overlap: -2},
	} {
		if _, err := NewEncoder(m, nil, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: found %v, expected %q", o, err, want)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := encoderOf(t, EncoderOptions{}).read(ctx, readText(t, parsed(paper), "")); err == nil {
		t.Error("a context that is done: found no error")
	}
}
