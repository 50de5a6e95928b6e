package summarize

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/document"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling/beam"
	"github.com/longspan/longspan/tensor"
)

// tinyWriter opens the golden checkpoint of BART with a tokenizer of a token a byte, and files that say how summaries are written.
func tinyWriter(t *testing.T) *model.Model {
	t.Helper()
	dir, golden := t.TempDir(), "../hf/testdata/golden/bart/"
	vocab, next := map[string]int{"<s>": 0, "<pad>": 1, "</s>": 2}, 3
	for _, r := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.ĠĊ" {
		vocab[string(r)], next = next, next+1
	}
	bytes := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true}
	special := func(id string, n int) map[string]any {
		return map[string]any{"id": n, "content": id, "special": true, "normalized": false, "lstrip": false, "rstrip": false,
			"single_word": false}
	}
	ends := map[string]any{"type": "RobertaProcessing", "sep": []any{"</s>", 2}, "cls": []any{"<s>", 0}, "trim_offsets": false,
		"add_prefix_space": false}
	var config map[string]any
	text, err := os.ReadFile(golden + "config.json")
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	config["task_specific_params"] = map[string]any{"summarization": map[string]any{"num_beams": 3, "max_length": 12, "prefix": "sum. "}}
	for name, value := range map[string]any{
		"config.json": config,
		"tokenizer.json": map[string]any{"version": "1.0", "added_tokens": []any{special("<s>", 0), special("<pad>", 1), special("</s>", 2)},
			"pre_tokenizer": bytes, "decoder": bytes, "post_processor": ends,
			"model": map[string]any{"type": "BPE", "vocab": vocab, "merges": []string{}}},
		"generation_config.json": map[string]any{"num_beams": 2, "max_length": 40, "no_repeat_ngram_size": 3, "decoder_start_token_id": 2,
			"eos_token_id": 2, "forced_eos_token_id": 2, "diversity_penalty": 0.5},
	} {
		if text, err = json.Marshal(value); err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	weights, err := os.ReadFile(golden + "model.safetensors")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "model.safetensors"), weights, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// A document that the model reads at once gives the text of a search from its tokens, by the settings of the files.
func TestWriterIsASearch(t *testing.T) {
	m := tinyWriter(t)
	w, err := NewWriter(m, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Read(document.Parse("a.txt", "A cat sat.\nIt  ran.\n\nThe dog ate.", 0, "text"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.Write(context.Background(), s, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Tokenizer().EncodeDocument("sum. A cat sat. It ran.\nThe dog ate.")
	if err != nil {
		t.Fatal(err)
	}
	two := int32(2)
	c := beam.Default()
	c.Beams, c.MaxLength, c.NoRepeatNgram, c.Ends, c.ForcedLast = 3, 12, 3, []int32{two}, []int32{two}
	want, err := m.NewSession(tensor.Exec{}).Search(context.Background(), model.Prompt{Source: e.IDs, Tokens: []int32{two}}, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Text != strings.TrimSpace(want[0].Text) || r.Text == "" || r.Pieces[0].Score != want[0].Score {
		t.Errorf("found %q with the score %g, want %q with %g", r.Text, r.Pieces[0].Score, want[0].Text, want[0].Score)
	}
	if r.Read != (WrittenRead{Bytes: 33, Words: 8, Tokens: len(e.IDs) - 2 - len("sum. "), Pieces: 1}) {
		t.Errorf("found %+v", r.Read)
	}
	if want := []string{"the model's files say, and a search does not follow: diversity_penalty: 0.5"}; !slices.Equal(r.Notes, want) {
		t.Errorf("found the notes %q, want %q", r.Notes, want)
	}
}

// A longer document is read in pieces that hold all of its tokens.
func TestWriterReadsPieces(t *testing.T) {
	m := tinyWriter(t)
	text := strings.Repeat("A cat sat on the mat. ", 30)
	w, err := NewWriter(m, WriterOptions{Chunk: 100, Tokens: 5,
		Settings: func(s *beam.Settings) { s.Beams, s.ForcedLast, s.Ends = 1, nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.Read(document.Parse("a.txt", text, 0, "text"))
	if err != nil {
		t.Fatal(err)
	}
	var last, most int
	r, err := w.Write(context.Background(), s, nil, func(done, all int) { last, most = max(last, done), all })
	if err != nil {
		t.Fatal(err)
	}
	if n := r.Read.Pieces; n < 8 || n > 10 || len(r.Pieces) != n || most != 5*n || last != most || strings.Count(r.Text, "\n") != n-1 {
		t.Errorf("found %d pieces, %d texts and the progress %d of %d", n, len(r.Pieces), last, most)
	}
	for i, p := range s.pieces {
		if len(p.ids) > 100 || p.ids[0] != 0 || p.ids[len(p.ids)-1] != 2 || !strings.HasPrefix(m.Tokenizer().Decode(p.ids), "sum. A cat") {
			t.Errorf("piece %d is %q", i, m.Tokenizer().DecodeWithSpecials(p.ids))
		}
	}
	notes := strings.Join(r.Notes, "\n")
	if !strings.Contains(notes, "it was read in") || !strings.Contains(notes, "have as many tokens as allowed, 5, and no end") {
		t.Errorf("found the notes %s", notes)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.Write(ctx, s, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("found error %v of a context that is done", err)
	}
}

func TestRanges(t *testing.T) {
	for _, c := range []struct {
		n, room, overlap int
		borders          []int
		want             [][2]int
	}{
		{10, 10, 3, nil, [][2]int{{0, 10}}},
		{11, 10, 2, nil, [][2]int{{0, 7}, {5, 11}}},
		{20, 10, 0, nil, [][2]int{{0, 10}, {10, 20}}},
		{20, 10, 2, []int{0, 4, 7, 11, 16}, [][2]int{{0, 7}, {4, 11}, {7, 16}, {14, 20}}},
		{30, 20, 5, []int{0, 29}, [][2]int{{0, 18}, {13, 30}}},
	} {
		if got := ranges(c.n, c.room, c.overlap, c.borders); !slices.Equal(got, c.want) {
			t.Errorf("%+v: found %v", c, got)
		}
	}
	for n := 1; n < 200; n += 7 {
		for room := 1; room < 40; room += 3 {
			for overlap := 0; overlap < room; overlap += 2 {
				borders := []int{0, n / 7, n / 3, n / 2, n / 2, n - 1}
				slices.Sort(borders)
				checkRanges(t, n, room, overlap, ranges(n, room, overlap, borders))
			}
		}
	}
}

// checkRanges checks that ranges hold all tokens, are not too long, and overlap.
func checkRanges(t *testing.T, n, room, overlap int, all [][2]int) {
	t.Helper()
	if all[0][0] != 0 || all[len(all)-1][1] != n {
		t.Fatalf("%d tokens: found %v", n, all)
	}
	for i, r := range all {
		if r[1]-r[0] > room || r[1] <= r[0] || i > 0 && (all[i-1][1]-r[0] < overlap || r[0] <= all[i-1][0]) {
			t.Fatalf("%d tokens in at most %d that overlap by %d: found %v", n, room, overlap, all)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	m := tinyWriter(t)
	for want, o := range map[string]WriterOptions{
		"found pieces of 300 tokens, expected at most 211, the positions of the model": {Chunk: 300},
		"found -1 tokens of a summary": {Tokens: -1},
		"found 90 beams":               {Settings: func(s *beam.Settings) { s.Beams = 90 }},
	} {
		if _, err := NewWriter(m, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
	long := strings.Repeat("a", 300)
	for want, c := range map[string]struct {
		o    WriterOptions
		text string
	}{
		"a.txt: found no text":                     {WriterOptions{}, "\n"},
		"found pieces of 7 tokens, of which 7 are": {WriterOptions{Chunk: 7}, long},
		"at least 20 are of the piece before":      {WriterOptions{Chunk: 20, Overlap: 20}, long},
	} {
		w, err := NewWriter(m, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Read(document.Parse("a.txt", c.text, 0, "text")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found error %v, want %q", err, want)
		}
	}
	encoder, err := model.New(model.Config{Kind: model.Encoder, Vocab: 9, Width: 8, Heads: 1, Layers: 1}, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewWriter(encoder, WriterOptions{}); err == nil || !strings.Contains(err.Error(), "expected an encoder-decoder") {
		t.Errorf("found error %v of an encoder", err)
	}
}

// A text is in one of the notes about how texts end.
func TestNotesOfTexts(t *testing.T) {
	w, err := NewWriter(tinyWriter(t), WriterOptions{Tokens: 5})
	if err != nil {
		t.Fatal(err)
	}
	for want, part := range map[string]WrittenPart{
		"1 of 1 texts are empty: the model ended them without a word": {Ended: true},
		"1 of 1 texts have as many tokens as allowed, 5, and no end; allow more; " +
			"1 of 1 texts have no words: the model wrote special tokens or spaces alone": {},
		"1 of 1 texts have as many tokens as allowed, 5, and no end; allow more": {Text: "a"},
		"": {Text: "a", Ended: true},
	} {
		r := &Written{Pieces: []WrittenPart{part}}
		if w.tell(r, &Source{pieces: make([]piece, 1), first: make([]int32, 1)}); strings.Join(r.Notes, "; ") != want {
			t.Errorf("found %q, want %q", r.Notes, want)
		}
	}
}
