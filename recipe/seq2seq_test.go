package recipe_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
)

// seq2seq is a folder of a golden encoder-decoder with a tokenizer whose token i is the word wi_. The tokens before and after stand around
// a text. Keys of its configurations change by edits; nil takes one away.
func seq2seq(t *testing.T, golden string, before, after []int, edits map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	words, around, known := map[string]int{}, []any{}, map[string]any{}
	for i := range 89 {
		words[fmt.Sprintf("w%d_", i)] = i
	}
	add := func(ids []int) {
		for _, id := range ids {
			name := fmt.Sprintf("w%d_", id)
			around = append(around, map[string]any{"SpecialToken": map[string]any{"id": name, "type_id": 0}})
			known[name] = map[string]any{"id": name, "ids": []int{id}, "tokens": []string{name}}
		}
	}
	add(before)
	around = append(around, map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}})
	add(after)
	config := map[string]any{"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "w88_"}
	if len(after) > 0 {
		config["eos_token"] = fmt.Sprintf("w%d_", after[0])
	}
	files := map[string]any{"tokenizer_config.json": config, "tokenizer.json": map[string]any{
		"model":          map[string]any{"type": "WordLevel", "vocab": words, "unk_token": "w88_"},
		"pre_tokenizer":  map[string]any{"type": "Whitespace"},
		"post_processor": map[string]any{"type": "TemplateProcessing", "single": around, "pair": around, "special_tokens": known}}}
	for _, name := range []string{"config.json", "generation_config.json"} {
		keys := map[string]any{}
		text, err := os.ReadFile(filepath.Join("../hf/testdata/golden", golden, name))
		if name != "config.json" && errors.Is(err, os.ErrNotExist) { // of a body
			continue
		}
		if err == nil {
			err = json.Unmarshal(text, &keys)
		}
		if err != nil {
			t.Fatal(err)
		}
		for key, value := range edits {
			if keys[key] = value; value == nil {
				delete(keys, key)
			}
		}
		files[name] = keys
	}
	for name, content := range files {
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir, name, text)
	}
	weights, err := os.ReadFile(filepath.Join("../hf/testdata/golden", golden, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "model.safetensors", weights)
	return dir
}

// pairsFile is a file of n documents and their summaries.
func pairsFile(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	for i := range n {
		document := strings.Repeat(fmt.Sprintf("w%d_ w%d_ ", 10+i, 40+i), 2+i%5)
		fmt.Fprintf(&b, `{"document": "%s", "summary": "w%d_ w%d_"}`+"\n", document, 10+i, 20+i%3)
	}
	return writeFile(t, t.TempDir(), "pairs.jsonl", b.Bytes())
}

const fieldsOfPairs = "source: document, target: summary, hold_out: 3, tokens: 24, target_tokens: 9"

// families are goldens with the special tokens of their tokenizers.
var families = []struct {
	name, golden, class, model string // model: settings of the recipe
	before, after              []int
}{
	{"BART", "bart", "BartForConditionalGeneration", "dropout: 0.1, label_smoothing: 0.1, recompute: every", []int{0}, []int{2}},
	{"a body", "bart_plain", "BartModel", "", []int{0}, []int{2}},
	{"LED", "led", "LEDForConditionalGeneration", "precision: fp16, recompute: sqrt", []int{0}, []int{2}},
	{"mBART", "mbart", "MBartForConditionalGeneration", "", nil, []int{2, 4}},
	{"Pegasus", "pegasus", "PegasusForConditionalGeneration", "", nil, []int{1}},
	{"BigBird-Pegasus", "bigbird_pegasus", "BigBirdPegasusForConditionalGeneration", "recompute: 1", nil, []int{1}},
	{"T5", "t5", "T5ForConditionalGeneration", "precision: bf16", nil, []int{1}},
	{"mT5", "mt5", "MT5ForConditionalGeneration", "", nil, []int{1}},
	{"UMT5", "umt5", "UMT5ForConditionalGeneration", "", nil, []int{1}},
	{"LongT5", "longt5_summaries", "LongT5ForConditionalGeneration", "", nil, []int{1}},
}

// Every family of encoder-decoders is fine-tuned on pairs, has the same bits with any number of threads and where it was stopped, and is
// left in the form that it came in.
func TestFineTunePairs(t *testing.T) {
	file := pairsFile(t, 12)
	for _, f := range families {
		text := fmt.Sprintf("model: {%s}\ndata: {batch: 2, pairs: {train: [%s], %s}}\ntrain: {init: %s, steps: 4, "+
			"optimizer: {lr: 1e-3, warmup: 1}, log: {every: 1}, eval: {batches: 2}}\n", f.model, file, fieldsOfPairs,
			seq2seq(t, f.golden, f.before, f.after, nil))
		whole, parted := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parted")
		if _, err := tuned(t.Context(), text, whole, false); err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		stop := stoppedAfter{t.Context(), filepath.Join(parted, "log.jsonl")}
		if r, err := tunedWith(stop, text, parted, false, 1); err != nil || !r.Interrupted {
			t.Errorf("%s: %+v, %v: want an interrupted run", f.name, r, err)
		}
		if _, err := tunedWith(t.Context(), text, parted, true, 3); err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		for _, name := range []string{"model.safetensors", "model.json", "tokenizer.json", "model/model.safetensors", "model/config.json",
			"model/generation_config.json"} {
			a, errA := os.ReadFile(filepath.Join(whole, name))
			b, errB := os.ReadFile(filepath.Join(parted, name))
			if f.name == "a body" && errors.Is(errA, os.ErrNotExist) && name == "model/generation_config.json" {
				continue
			}
			if errors.Join(errA, errB) != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s of the resumed run differs: %v, %v", f.name, name, errA, errB)
			}
		}
		checkTuned(t, f.name, whole, model.LM, f.class)
		checkWrites(t, f.name, whole)
		keepTuned(t, f.name, whole)
	}
}

// keepTuned copies a fine-tuned model to a folder that LONGSPAN_TUNED names, with the logits of the run's folder, for
// hf/testdata/golden/tuned.py.
func keepTuned(t *testing.T, name, run string) {
	t.Helper()
	keep := os.Getenv("LONGSPAN_TUNED")
	if keep == "" {
		return
	}
	m, err := model.OpenWith(run, model.OpenOptions{Precision: "f32"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ids := func(from, to int32) *data.Batch {
		b := &data.Batch{Lengths: []int{int(to - from)}}
		for id := from; id < to; id++ {
			b.Tokens = append(b.Tokens, id)
		}
		return b
	}
	b := ids(40, 51)
	b.Source = ids(5, 38)
	logits, err := m.NewSession(tensor.Exec{}).Predict(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(keep, name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(run, "model"))); err != nil {
		t.Fatal(err)
	}
	all := []safetensors.Tensor{safetensors.Shaped("logits", logits, logits.Rows, logits.Cols)}
	if err := safetensors.Save(filepath.Join(dir, "logits.safetensors"), all, nil); err != nil {
		t.Fatal(err)
	}
}

// checkWrites asks both forms of a fine-tuned model for a text: the same tokens.
func checkWrites(t *testing.T, what, run string) {
	t.Helper()
	var texts [2][]int32
	for i, dir := range []string{run, filepath.Join(run, "model")} {
		o := model.OpenOptions{Precision: "f32"}
		if i == 1 && what == "LED" {
			o.Global = []int{0} // in the run's folder the model says so itself
		}
		m, err := model.OpenWith(dir, o)
		if err != nil {
			t.Fatal(what, err)
		}
		defer m.Close()
		g, err := m.Generate(t.Context(), "w10_ w40_ w10_ w40_", model.GenerateOptions{Tokens: 8, Sampling: sampling.Config{Greedy: true}})
		if err != nil {
			t.Fatal(what, err)
		}
		texts[i] = g.Tokens
	}
	if len(texts[0]) == 0 || !slices.Equal(texts[0], texts[1]) {
		t.Errorf("%s: found the tokens %v in the run's folder and %v in its model", what, texts[0], texts[1])
	}
}

// What is learned of a pair is written: the target starts where it started in training, and ends.
func TestLearnedPairIsWritten(t *testing.T) {
	file := writeFile(t, t.TempDir(), "one.jsonl", []byte(strings.Repeat(`{"source": "w5_ w6_", "target": "w7_ w8_ w9_"}`+"\n", 4)))
	for _, f := range families {
		if f.name != "BART" && f.name != "mBART" && f.name != "T5" {
			continue
		}
		run := filepath.Join(t.TempDir(), "run")
		text := fmt.Sprintf("data: {batch: 2, pairs: {train: [%s], hold_out: 2, tokens: 9}}\ntrain: {init: %s, steps: 60, "+
			"optimizer: {lr: 5e-3, warmup: 5, decay: 0}, eval: {every: 0}, checkpoint: {every: 0}}\n", file,
			seq2seq(t, f.golden, f.before, f.after, nil))
		if _, err := tuned(t.Context(), text, run, false); err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		m, err := model.Open(run)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		g, err := m.Generate(t.Context(), "w5_ w6_", model.GenerateOptions{Tokens: 12, Sampling: sampling.Config{Greedy: true}})
		if err != nil || g.StoppedBy != model.StoppedByEnd || !strings.Contains(g.Text, "w7_ w8_ w9_") {
			t.Errorf("%s: wrote %q (%v), stopped by %s, %v; want w7_ w8_ w9_ and its end", f.name, g.Text, g.Tokens, g.StoppedBy, err)
		}
	}
}

// The decoder reads, and is to predict, what transformers' tokenizers and models make of a target: shift_tokens_right of BART with
// decoder_start_token_id, that of mBART with the last token, _shift_right of T5 with the pad.
func TestTargetsOfFamilies(t *testing.T) {
	for _, c := range []struct {
		golden          string
		before, after   []int
		edits           map[string]any
		tokens, targets []int32
	}{
		{"bart", []int{0}, []int{2}, nil, []int32{2, 0, 7, 8}, []int32{0, 7, 8, 2}},
		{"led", []int{0}, []int{2}, nil, []int32{2, 0, 7, 8}, []int32{0, 7, 8, 2}},
		{"t5", nil, []int{1}, nil, []int32{0, 7, 8}, []int32{7, 8, 1}},
		{"pegasus", nil, []int{1}, nil, []int32{0, 7, 8}, []int32{7, 8, 1}},
		// Of mBART from language 5 into 3, and of mBART-50 into 6.
		{"mbart", nil, []int{2, 5}, nil, []int32{3, 7, 8, 2}, []int32{7, 8, 2, 3}},
		{"mbart", []int{5}, []int{2}, map[string]any{"decoder_start_token_id": 2, "forced_bos_token_id": 6}, []int32{2, 6, 7, 8},
			[]int32{6, 7, 8, 2}},
	} {
		s, err := model.OpenStart(seq2seq(t, c.golden, c.before, c.after, c.edits), model.StartOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		e, err := s.Encoder()
		if err != nil {
			t.Errorf("%s: %v", c.golden, err)
			continue
		}
		var b data.Batch
		e.Target.Append(&b, []int32{7, 8}, false)
		if !slices.Equal(b.Tokens, c.tokens) || !slices.Equal(b.Targets, c.targets) || !slices.Equal(b.Lengths, []int{len(c.tokens)}) {
			t.Errorf("%s: found %v for %v, want %v for %v", c.golden, b.Tokens, b.Targets, c.tokens, c.targets)
		}
		room := e.Target.Room(len(c.tokens))
		b.Reset()
		e.Target.Append(&b, []int32{7, 8}[:room-1], true)
		if room != 2 || b.Targets[len(b.Targets)-1] != data.Ignore || len(b.Targets) != len(b.Tokens) || len(b.Tokens) > len(c.tokens) {
			t.Errorf("%s: a cut target has %v for %v, and room for %d", c.golden, b.Tokens, b.Targets, room)
		}
	}
}

// A run of an encoder-decoder of this program goes on with its own targets, and one of a checkpoint with those of the checkpoint.
func TestFineTunePairsAgain(t *testing.T) {
	file := pairsFile(t, 12)
	const end = "train: {init: %s, steps: 2, optimizer: {warmup: 0}, eval: {batches: 1}}\n"
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	pairs := fmt.Sprintf("data: {pairs: {train: [%s], source: document, target: summary, hold_out: 3, tokens: 100}}\n", file)
	for _, c := range []struct {
		name, text string
		want       data.Around
	}{
		{"bytes", "model: {width: 16, layers: 1, heads: 2, position: learned}\n" + pairs +
			"train: {steps: 2, optimizer: {warmup: 0}, eval: {batches: 1}}\n",
			data.Around{Start: 256, After: []int32{256}}},
		{"mBART", pairs + fmt.Sprintf(end, seq2seq(t, "mbart", nil, []int{2, 5}, nil)), data.Around{Start: 3, After: []int32{2, 3}}},
	} {
		first, second := first+c.name, second+c.name
		if _, err := tuned(t.Context(), c.text, first, false); err != nil {
			t.Fatal(c.name, err)
		}
		if _, err := tuned(t.Context(), pairs+fmt.Sprintf(end, first), second, false); err != nil {
			t.Fatal(c.name, err)
		}
		m, err := model.Open(second)
		if err != nil {
			t.Fatal(c.name, err)
		}
		s, err := model.StartOf(m, model.StartOptions{})
		if err != nil {
			t.Fatal(c.name, err)
		}
		defer s.Close()
		e, err := s.Encoder()
		if err != nil || !reflect.DeepEqual(*e.Target, c.want) {
			t.Errorf("%s: found %+v, %v, want %+v", c.name, e.Target, err, c.want)
		}
	}
}

// What a step takes is planned as for other models: both sides, and the layers of the deeper one.
func TestPlanOfPairs(t *testing.T) {
	text := fmt.Sprintf("model: {recompute: every}\ndata: {batch: 2, pairs: {train: [%s], %s}}\n"+
		"train: {init: %s, steps: 4, optimizer: {warmup: 0}}\n",
		pairsFile(t, 12), fieldsOfPairs, seq2seq(t, "led", []int{0}, []int{2}, nil))
	r, err := recipe.Parse([]byte(text), "pairs", nil)
	if err != nil {
		t.Fatal(err)
	}
	sets, err := r.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Fit(sets); err != nil {
		t.Fatal(err)
	}
	j, err := r.Plan(sets, 1)
	if err != nil || len(j.Lengths) != 2 || len(j.Sources) != 2 || slices.Max(j.Sources) < 12 || slices.Max(j.Lengths) != 4 {
		t.Errorf("planned the lengths %v and the sources %v, %v", j.Lengths, j.Sources, err)
	}
	if a := j.Model.Source.Layers[0].Attention; !slices.Equal(a.Global, []int{0}) {
		t.Errorf("found the global tokens %v of LED, want the first", a.Global)
	}
	if _, err := r.FitMemory(sets, recipe.Room{Bytes: 1 << 20}); err == nil || !strings.Contains(err.Error(), "a step of this training") {
		t.Errorf("a step in 1 MiB: %v", err)
	}
	j.Model.Source.Layers = slices.Repeat(j.Model.Source.Layers, 3)
	if n, _, _ := j.Model.Recomputed(); n != 6 {
		t.Errorf("%d layers are recomputed, want all 6 of the encoder", n)
	}
}

func TestWhatPairsCannotTrain(t *testing.T) {
	file := pairsFile(t, 12)
	bart := func() string { return seq2seq(t, "bart", []int{0}, []int{2}, nil) }
	for _, c := range []struct{ init, model, data, want string }{
		{bart(), "", "text: {tokens: 64}", "found text with the encoder-decoder of train.init, expected pairs"},
		{tiny(t), "", "pairs: {tokens: 64}", "found pairs with the model of train.init, expected text, labelled or contrastive: only"},
		{bart(), "", "pairs: {tokens: 300, target_tokens: 9}", "found sources of 300 tokens for a model that has learned 211 positions of a"},
		{bart(), "", "pairs: {tokens: 20, target_tokens: 300}", "found targets of 300 tokens for a model that has learned"},
		{bart(), "", "pairs: {tokens: 20, target_tokens: 2}", "found targets of 2 tokens, of which 2 are special, expected more; raise targ"},
		{bart(), "", "pairs: {tokens: 20, target_tokens: 1}", "target_tokens is 1; a target needs at least 2"},
		{bart(), "", "pairs: {tokens: 8}", "tokens, and with tokens: 8 a sequence has room for 6; raise tokens"},
		{bart(), "", "pairs: {tokens: 24, target_tokens: 3}", "the target has 2 tokens, and with target_tokens: 3 a sequence has room for 1"},
		{bart(), "", "pairs: {tokens: 12, target_tokens: 60, source_prompt: '" + strings.Repeat("w5_ ", 10) + "'}",
			"source_prompt has 10 tokens, and a source has room for 10: no text is left"},
		{bart(), "model: {head: embed}\n", "pairs: {tokens: 64}", "found the head embed, and the data has tokens to predict"},
		{bart(), "model: {width: 32}\n", "pairs: {tokens: 64}", "width is given with train.init of a checkpoint"},
		{seq2seq(t, "mbart", nil, []int{2, 4}, map[string]any{"decoder_start_token_id": 2}), "", "pairs: {tokens: 64}",
			"found the token 2 (w2_) to begin a target, expected that of a language"},
		{seq2seq(t, "mbart", []int{4}, []int{2}, nil), "", "pairs: {tokens: 64}", "found no forced_bos_token_id in generation_config.json"},
		{seq2seq(t, "mbart", []int{4}, []int{2}, map[string]any{"forced_bos_token_id": 4}), "", "pairs: {tokens: 64}",
			"found decoder_start_token_id 3, expected 2: a target of mBART starts with the token that ends it"},
		{seq2seq(t, "mbart", nil, []int{2}, nil), "", "pairs: {tokens: 64}", "puts 0 tokens before a text and 1 after it, expected the language"},
		{seq2seq(t, "t5", nil, []int{1}, map[string]any{"decoder_start_token_id": nil}), "", "pairs: {tokens: 64}",
			"found neither decoder_start_token_id in generation_config.json nor"},
		{seq2seq(t, "t5", nil, nil, nil), "", "pairs: {tokens: 64}", "found no token that ends a text, expected eos_token in tokenizer_conf"},
		{"../hf/testdata/golden/bart", "", "pairs: {tokens: 64}", "found no tokenizer in"},
	} {
		data := strings.Replace(c.data, "pairs: {", "pairs: {source: document, target: summary, ", 1)
		data = strings.Replace(data, "{", "{train: ["+file+"], hold_out: 3, ", 1)
		text := fmt.Sprintf("%sdata: {%s}\ntrain: {init: %s, steps: 1, optimizer: {warmup: 0}}\n", c.model, data, c.init)
		_, err := tuned(t.Context(), text, filepath.Join(t.TempDir(), "run"), false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.data, err, c.want)
		}
	}
}

// A tokenizer may have more tokens than the model, as that of bart-large-cnn has <mask>: the run's folder opens as model/ does.
func TestPairsOfMoreTokensThanTheModel(t *testing.T) {
	dir := seq2seq(t, "bart", []int{0}, []int{2}, nil)
	path := filepath.Join(dir, "tokenizer.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "tokenizer.json", bytes.Replace(text, []byte(`"w88_":88`), []byte(`"w88_":88,"w89_":89`), 1))
	run := filepath.Join(t.TempDir(), "run")
	config := fmt.Sprintf("data: {pairs: {train: [%s], %s}}\ntrain: {init: %s, steps: 1, optimizer: {warmup: 1}}\n", pairsFile(t, 6),
		fieldsOfPairs, dir)
	if _, err := tuned(t.Context(), config, run, false); err != nil {
		t.Fatal(err)
	}
	checkWrites(t, "more tokens", run)
	for _, folder := range []string{run, filepath.Join(run, "model")} {
		m, err := model.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, "the tokenizer has 90 tokens, the model 89") {
			t.Errorf("%s: found the notes %q, want one about the tokenizer", folder, notes)
		}
		_, err = m.Generate(t.Context(), "w10_ w89_", model.GenerateOptions{Tokens: 2})
		if err == nil || !strings.Contains(err.Error(), `found the token "w89_" at byte 5`) {
			t.Errorf("%s: %v; want an error with the token that the model does not have", folder, err)
		}
	}
}
