package model

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// tiny opens a checkpoint of hf/testdata/golden with the tokenizer of testdata/wordpiece.
func tiny(t *testing.T, name string) *Model {
	t.Helper()
	dir := t.TempDir()
	for _, file := range []string{"../hf/testdata/golden/" + name + "/config.json", "../hf/testdata/golden/" + name + "/model.safetensors",
		"testdata/wordpiece/tokenizer.json"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// long is a text of n tokens without the special ones.
func long(n int) string {
	words := []string{"the", "dose", "of", "gene", "two", "is", "no", "law"}
	var b strings.Builder
	for i := range n {
		b.WriteString(words[i*i%7+i%2] + " ")
	}
	return b.String()
}

// states are the hidden states of tokens that are read at once.
func states(t *testing.T, m *Model, ids []int32) tensor.Mat {
	t.Helper()
	out, err := m.NewSession(tensor.Exec{}).Hidden(&data.Batch{Tokens: ids, Lengths: []int{len(ids)}}, StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mean is the mean of rows, of length 1 with unit.
func mean(rows [][]float32, unit bool) []float32 {
	total, square := make([]float64, len(rows[0])), 0.0
	for _, row := range rows {
		for j, v := range row {
			total[j] += float64(v) / float64(len(rows))
		}
	}
	for _, v := range total {
		square += v * v
	}
	vector := make([]float32, len(total))
	for j, v := range total {
		if unit {
			v /= math.Sqrt(square)
		}
		vector[j] = float32(v)
	}
	return vector
}

func close32(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) < 2e-6 })
}

func rowsOf(m tensor.Mat) (rows [][]float32) {
	for i := range m.Rows {
		rows = append(rows, m.Row(i))
	}
	return rows
}

func TestEmbedPoolsAsAsked(t *testing.T) {
	m := tiny(t, "bert_plain")
	texts := []string{"the dose of drug two", "court", "we show that gene is blue. No!", "a"}
	unit := true
	for _, o := range []EmbedOptions{{}, {Normalise: &unit}, {Pooling: "first"}, {Pooling: "last"}, {ReadOptions: ReadOptions{Batch: 1}},
		{Prompt: "letter: "}} {
		all, err := m.NewSession(tensor.Exec{}).Embed(context.Background(), texts, o)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range all {
			encoded, err := m.Tokenizer().EncodeDocument(o.Prompt + texts[i])
			if err != nil {
				t.Fatal(err)
			}
			rows := rowsOf(states(t, m, encoded.IDs))
			switch o.Pooling {
			case "first":
				rows = rows[:1]
			case "last":
				rows = rows[len(rows)-1:]
			}
			if want := mean(rows, o.Normalise != nil); !close32(e.Vectors[0].Vector, want) {
				t.Errorf("%+v: text %d has %v, want %v", o, i, e.Vectors[0].Vector[:3], want[:3])
			}
			reading := Reading{Tokens: len(encoded.IDs), Used: len(encoded.IDs), Chunks: 1, How: "as a whole"}
			v := e.Vectors[0]
			if e.Reading != reading || v.From != 0 || v.To != len(texts[i]) {
				t.Errorf("text %d: %+v, bytes %d to %d", i, e.Reading, v.From, v.To)
			}
		}
	}
}

// A long text is read in chunks, each with the special tokens. Each token is taken from the chunk in which it stands farthest from a
// border.
func TestEmbedJoinsChunks(t *testing.T) {
	m := tiny(t, "bert_plain") // 83 positions
	text := long(200)
	e, err := m.Tokenizer().EncodeDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	body := e.IDs[1 : len(e.IDs)-1]
	best, distance := make([][]float32, len(body)), make([]int, len(body))
	var ends [2][]float32
	const size, overlap = 40, 10
	pieces := cut(len(body), size-2, overlap, false)
	for i, p := range pieces {
		out := states(t, m, slices.Concat(e.IDs[:1], body[p.from:p.to], e.IDs[len(e.IDs)-1:]))
		for token := p.from; token < p.to; token++ {
			left, right := token-p.from, p.to-1-token
			if i == 0 {
				left = size
			}
			if i == len(pieces)-1 {
				right = size
			}
			if d := min(left, right); best[token] == nil || d >= distance[token] {
				best[token], distance[token] = out.Row(1+token-p.from), d
			}
		}
		if i == 0 {
			ends[0] = out.Row(0)
		}
		ends[1] = out.Row(out.Rows - 1)
	}
	o := EmbedOptions{ReadOptions: ReadOptions{Chunk: size, Overlap: overlap}}
	all, err := m.NewSession(tensor.Exec{}).Embed(context.Background(), []string{text, "one"}, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := mean(append(best, ends[:]...), false); !close32(all[0].Vectors[0].Vector, want) {
		t.Errorf("found %v, want %v", all[0].Vectors[0].Vector[:3], want[:3])
	}
	if r := all[0].Reading; r.Tokens != 202 || r.Used != 202 || r.Chunks != len(pieces) ||
		!strings.Contains(r.How, "7 chunks of up to 40 tokens that share at least 11; each token from the chunk in which") {
		t.Errorf("%+v", r)
	}
	if all[1].Chunks != 1 {
		t.Errorf("a short text: %+v", all[1].Reading)
	}
}

// The vectors of passages are means of states that have seen the whole text: weighed by their tokens they add up to its own mean.
func TestLateChunksAreMeansOfTheWhole(t *testing.T) {
	m := tiny(t, "bert_plain")
	text := "The dose is two. We show that: no gene is blue!\n\n\"Law and letter?\" Yes.  \n"
	whole, err := m.Tokenizer().EncodeDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	out := states(t, m, whole.IDs)
	for name, c := range map[string]struct {
		by   Passages
		want []string
	}{
		"sentences":  {Sentences, []string{"The dose is two.", "We show that: no gene is blue!", "\"Law and letter?\"", "Yes."}},
		"paragraphs": {Paragraphs, []string{"The dose is two. We show that: no gene is blue!", "\"Law and letter?\" Yes."}},
		"tokens": {TokenPassages(9, 2), []string{"The dose is two. We show that:", "that: no gene is blue!\n\n\"Law",
			"\"Law and letter?\" Yes."}},
		"ends": {PassagesAt(func(text string) []int { return []int{8, 16, len(text)} }), []string{"The dose", "is two.",
			"We show that: no gene is blue!\n\n\"Law and letter?\" Yes."}},
	} {
		all, err := m.NewSession(tensor.Exec{}).Embed(context.Background(), []string{text}, EmbedOptions{Passages: c.by})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range all[0].Vectors {
			got = append(got, text[v.From:v.To])
			var rows [][]float32
			for i := 1; i < len(whole.IDs)-1; i++ {
				if at := int(whole.Offsets[i].From); at >= v.From && at < v.To {
					rows = append(rows, out.Row(i))
				}
			}
			if len(rows) != v.Tokens || !close32(v.Vector, mean(rows, false)) {
				t.Errorf("%s: %q has the vector %v of %d tokens, want %v of %d", name, text[v.From:v.To], v.Vector[:2], v.Tokens,
					mean(rows, false)[:2], len(rows))
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: found %q, want %q", name, got, c.want)
		}
	}
}

func TestCutKeepsEachTokenOnce(t *testing.T) {
	for tokens := range 60 {
		for size := 1; size < 20; size++ {
			for overlap := 0; overlap <= size/2; overlap++ {
				if overlap == size {
					continue
				}
				for _, causal := range []bool{false, true} {
					next := 0
					for i, p := range cut(tokens, size, overlap, causal) {
						if p.keepFrom != next || p.keepTo < p.keepFrom || p.from > p.keepFrom || p.to < p.keepTo || p.to-p.from > size {
							t.Fatalf("%d tokens in %d, %d shared: piece %d is %+v", tokens, size, overlap, i, p)
						}
						next = p.keepTo
					}
					if next != tokens {
						t.Fatalf("%d tokens in %d, %d shared: %d are kept", tokens, size, overlap, next)
					}
					if pieces := cut(tokens, size, overlap, causal); len(pieces) > 1 && shared(pieces) < overlap {
						t.Fatalf("%d tokens in %d: %d are shared, want %d", tokens, size, shared(pieces), overlap)
					}
				}
			}
		}
	}
}

func TestLoweredTextKeepsItsPlaces(t *testing.T) {
	text := "AİßΣ Ωx İ.ȺB"
	lower, original := lowered(text)
	if lower != "ai̇ßς ωx i̇.ⱥb" {
		t.Fatalf("%q", lower)
	}
	for _, part := range []struct{ lower, want string }{{"a", "A"}, {"ß", "ß"}, {"ω", "Ω"}, {"x", "x"}, {".", "."}, {"ⱥ", "Ⱥ"}, {"b", "B"}} {
		from := strings.Index(lower, part.lower)
		if got := text[original(from):original(from+len(part.lower))]; got != part.want {
			t.Errorf("%q comes from %q, want %q", part.lower, got, part.want)
		}
	}
}

func TestEmbedRefuses(t *testing.T) {
	m, tagger := tiny(t, "bert_plain"), tiny(t, "bert_tag")
	bare := answering(t, Config{Head: Classify, Classes: 3}, tokenizer.Bytes(), data.Answers{})
	bare.tokenizer = nil
	for _, c := range []struct {
		m    *Model
		text string
		o    EmbedOptions
		want string
	}{
		{m, "", EmbedOptions{}, "the text is empty, expected something to read (text 2 of 2)"},
		{m, "\xff", EmbedOptions{}, "not UTF-8"},
		{bare, "x", EmbedOptions{}, "without a tokenizer"},
		{tagger, "x", EmbedOptions{}, "found the head tag, expected embed; name a pooling"},
		{m, "x", EmbedOptions{Pooling: "max"}, `pooling: found "max", expected one of [mean first last]`},
		{m, "x", EmbedOptions{ReadOptions: ReadOptions{Chunk: 84}}, "found chunks of 84 tokens, expected at most 83"},
		{m, "x", EmbedOptions{ReadOptions: ReadOptions{Chunk: -1}}, "found chunks of -1 tokens"},
		{m, "x", EmbedOptions{ReadOptions: ReadOptions{Chunk: 20, Overlap: 11}}, "found an overlap of 11 tokens in chunks of 20"},
		{m, "x", EmbedOptions{ReadOptions: ReadOptions{Overlap: -2}}, "found an overlap of -2 tokens"},
		{m, "x", EmbedOptions{ReadOptions: ReadOptions{Chunk: 20, Beyond: true}}, "expected one of them"},
		{m, "the law", EmbedOptions{ReadOptions: ReadOptions{Chunk: 2}}, "found 2 tokens that each chunk repeats"},
		{m, "x", EmbedOptions{Passages: TokenPassages(0, 0)}, "passages of less than one token"},
		{m, "x", EmbedOptions{Passages: TokenPassages(4, 4)}, "found passages of 4 tokens that share 4"},
		{m, " ", EmbedOptions{Passages: Sentences}, "found a text without tokens"},
		{m, "law", EmbedOptions{Passages: PassagesAt(func(string) []int { return []int{2} })}, "found the end 2 of the last passage"},
		{m, "law", EmbedOptions{Passages: PassagesAt(func(string) []int { return []int{2, 1, 3} })}, "found the end 1 of a passage after 2"},
	} {
		texts := []string{"one", c.text}
		_, err := c.m.NewSession(tensor.Exec{}).Embed(context.Background(), texts, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.o, err, c.want)
		}
	}
	done, stop := context.WithCancel(context.Background())
	stop()
	if _, err := m.NewSession(tensor.Exec{}).Embed(done, []string{"one"}, EmbedOptions{}); err != context.Canceled {
		t.Errorf("a context that is done: %v", err)
	}
	if _, err := m.PromptText("query"); err == nil || !strings.Contains(err.Error(), `found the name "query" of a prompt`) {
		t.Errorf("a prompt that is not known: %v", err)
	}
}
