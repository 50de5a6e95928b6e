package summarize

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/longspan/longspan/rouge"
	"github.com/longspan/longspan/safetensors"
)

// papersFile writes n examples whose summaries are their sentences with the word result.
func papersFile(t *testing.T, name string, n, shift int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i := range n {
		text, summary := []string{}, []string{}
		for k := range 12 {
			s := fmt.Sprintf("The part %d of document %d tells about topic number %d there.", k, i+shift, k*7%5)
			if k%4 == (i+shift)%4 {
				things := []string{"long bridge across rivers", "garden behind old houses", "small engine that burns wood"}
				s = fmt.Sprintf("In this paper we propose a %s, number %d.", things[k/4], i+shift)
				summary = append(summary, s)
			}
			text = append(text, s)
		}
		line := map[string]any{"id": i, "source": []string{"a", "b"}[i%2], "title": "Topics", "summary": summary,
			"sections": []any{map[string]any{"title": "Introduction", "sentences": text}}}
		if err := json.NewEncoder(f).Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func examplesOf(t *testing.T, path string) []Example {
	t.Helper()
	all, err := ReadExamples(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Training finds the sentences that summaries have, gives the same bits twice, and its file opens as what was saved.
func TestTrain(t *testing.T) {
	train, dev := examplesOf(t, papersFile(t, "a.jsonl", 40, 0)), examplesOf(t, papersFile(t, "b.jsonl", 8, 1000))
	o := TrainOptions{Seed: 3, Epochs: 12, LR: 0.02, Hidden: []int{8}, Words: 40}
	m, epochs, err := Train(context.Background(), train, dev, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(epochs) != 12 || m.Card.Dev["rouge1"] < 0.95 || m.Card.Documents["a"] != 20 {
		t.Errorf("found %+v and %+v, expected the sentences of the summaries", epochs, m.Card)
	}
	o.Threads = 3
	again, _, err := Train(context.Background(), train, dev, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range m.network.params {
		if !reflect.DeepEqual(p.Value.F32, again.network.params[i].Value.F32) {
			t.Errorf("%s differs with other threads", p.Name)
		}
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Evaluate(context.Background(), dev, []System{s.System("own"), Scored("trained", m)}, Budget{Words: 40}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(results[0].Scores, results[1].Scores) || results[0].Words < 20 {
		t.Errorf("found %+v and %+v", results[0], results[1])
	}
}

func TestTrainRefuses(t *testing.T) {
	dev := examplesOf(t, papersFile(t, "a.jsonl", 2, 0))
	if _, _, err := Train(context.Background(), dev, nil, TrainOptions{}); err == nil || !strings.Contains(err.Error(),
		"found no validation documents") {
		t.Errorf("without validation documents: %v", err)
	}
	for want, o := range map[string]TrainOptions{
		"found -1 epochs": {Epochs: -1}, "rate of NaN": {LR: nan()}, "rate of -1": {LR: -1}, "layer of -3 units": {Hidden: []int{-3}},
		"found 9 hidden layers": {Hidden: make([]int, 9)}, "summaries of 4 words": {Words: 4},
		"summaries of 2000000 words, expected 5 to 1048576": {Words: 2_000_000},
	} {
		if _, _, err := Train(context.Background(), dev, dev, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found the error %v, expected %q", err, want)
		}
	}
	other := examplesOf(t, papersFile(t, "a.jsonl", 2, 0))
	for i := range other {
		other[i].Summary = []string{"zzz"}
	}
	if _, _, err := Train(context.Background(), other, dev, TrainOptions{}); err == nil || !strings.Contains(err.Error(),
		"found no document of 2") {
		t.Errorf("summaries without a common word: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, _, err := Train(ctx, dev, dev, TrainOptions{}); err != context.Canceled {
		t.Errorf("after the end of the context: %v", err)
	}
}

// The oracle is the best of all choices of sentences, or near it, and knows the summary.
func TestOracle(t *testing.T) {
	e := examplesOf(t, papersFile(t, "a.jsonl", 3, 0))[1]
	text, err := newText(context.Background(), e.Document, "", &Frequencies{step: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	if got := text.oracle(e.reference(), Budget{Words: 60}); !reflect.DeepEqual(got, []int{1, 5, 9}) {
		t.Errorf("found the sentences %v, expected 1, 5 and 9", got)
	}
	if got := text.oracle(e.reference(), Budget{Sentences: 2}); len(got) != 2 {
		t.Errorf("found the sentences %v, expected 2", got)
	}
	if got := text.oracle("zzz", Budget{Words: 60}); got != nil {
		t.Errorf("found the sentences %v for a summary without a common word", got)
	}
}

// The oracle's own ROUGE is that of package rouge where no pair crosses two sentences.
func TestGainIsROUGE(t *testing.T) {
	reference, sentence := "the cats sat on the mats and the dogs ran", "dogs and cats sat on the mat, the the the"
	g := newGain(reference)
	c := g.read(sentence)
	want := rouge.New(rouge.Options{}).Score(reference, sentence)
	if got := g.with(&c); got < want.One.F1+want.Two.F1-1e-12 || got > want.One.F1+want.Two.F1+1e-12 {
		t.Errorf("found %g, expected %g", got, want.One.F1+want.Two.F1)
	}
	g.take(&c)
	none := gramCounts{}
	if got := g.with(&none); got < want.One.F1+want.Two.F1-1e-12 || got > want.One.F1+want.Two.F1+1e-12 {
		t.Errorf("taken: found %g, expected %g", got, want.One.F1+want.Two.F1)
	}
}

// The oracle is above every baseline, and all of them keep to the budget.
func TestBaselines(t *testing.T) {
	examples := examplesOf(t, papersFile(t, "a.jsonl", 6, 0))
	results, err := summarizer(t).Evaluate(context.Background(), examples, Baselines(1), Budget{Words: 40}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]float64{}
	for _, r := range results {
		if r.Words > 40 || r.Words < 20 {
			t.Errorf("%s: %g words", r.System, r.Words)
		}
		for _, v := range r.F1(0) {
			sum[r.System] += v
		}
	}
	for name, v := range sum {
		if name != "oracle" && v >= sum["oracle"] {
			t.Errorf("%s has %g, the oracle %g", name, v, sum["oracle"])
		}
	}
	if len(sum) != 6 {
		t.Errorf("found %d systems, expected 6", len(sum))
	}
	results, err = summarizer(t).Evaluate(context.Background(), examples, Baselines(1), Budget{Sentences: 2}, nil)
	if err != nil || results[1].Words < 15 {
		t.Errorf("two sentences: %+v, %v", results[1], err)
	}
}

func TestReadExamplesRefuses(t *testing.T) {
	for _, c := range []struct{ text, words string }{
		{"", "found no examples"},
		{"{\"text\": \"A b.\"}", ":1: found no field summary"},
		{"{\"text\": \"A b.\", \"summary\": \" \"}", ":1: the summary is empty"},
		{"{\"text\": \"A b.\", \"summary\": 3}", "found no field summary that is a text or an array"},
		{"\n{\"body\": \"A b.\", \"summary\": \"a\"}", ":2: found no text in the fields text"},
		{"x", ":1, column 1"},
	} {
		path := filepath.Join(t.TempDir(), "a.jsonl")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadExamples(context.Background(), path); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%q: found %v, expected %q", c.text, err, c.words)
		}
	}
	path := filepath.Join(t.TempDir(), "a.jsonl.gz")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprintln(z, `{"text": "A b.", "summary": "a\nb", "id": "x"}`)
	z.Close()
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if all := examplesOf(t, path); len(all) != 1 || len(all[0].Summary) != 2 || all[0].ID != "x" {
		t.Errorf("found %+v", all)
	}
}

func TestFilesOfModelsAreChecked(t *testing.T) {
	m, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(embedded) > 200_000 {
		t.Errorf("the embedded model has %d bytes, expected at most 200,000", len(embedded))
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	m.network.params[0].Value.F32[5] = float32(nan())
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "layer1.weight: found NaN, expected finite numbers") {
		t.Errorf("a NaN: %v", err)
	}
	m.network.params = m.network.params[:2]
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("a model without its last layer opens")
	}
	if _, err := Open(path + "x"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
}

func nan() float64 { z := 0.0; return z / z }

// Any bytes are a model that scores, or an error.
func FuzzReadScorer(f *testing.F) {
	small, err := os.ReadFile("testdata/hierarchical.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Add(small[:3000])
	f.Add(embedded)
	f.Add(embedded[:2000])
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := safetensors.NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		m, err := scorerOf(file)
		if err != nil {
			return
		}
		_, _ = m.Summarize(context.Background(), parsed(paper), Options{Budget: Budget{Words: 40}}) // scores may be refused
	})
}
