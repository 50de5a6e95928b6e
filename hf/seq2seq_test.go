package hf_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/sampling"
	"github.com/longspan/longspan/tensor"
)

// pair is a batch of the target and the source of sequence i of a case, and the global tokens of the source.
func (g *golden) pair(t *testing.T, c goldenCase, i int) (b *data.Batch, globals []int) {
	t.Helper()
	read := func(name string, lengths []int) []int64 {
		all, width := g.ints(t, c, name), slices.Max(lengths)
		if all == nil {
			return nil
		}
		return all[i*width : i*width+lengths[i]]
	}
	one := func(name string, lengths []int) *data.Batch {
		b := &data.Batch{Lengths: lengths[i : i+1]}
		for _, id := range read(name, lengths) {
			b.Tokens = append(b.Tokens, int32(id))
		}
		return b
	}
	b = one("targets", c.Lengths)
	b.Source = one("ids", c.SourceLengths)
	for at, global := range read("globals", c.SourceLengths) {
		if global != 0 {
			globals = append(globals, at)
		}
	}
	return b, globals
}

// checkSource compares the states of the encoder for source i of a case; nil: the case has none.
func checkSource(t *testing.T, g *golden, c goldenCase, i int, m *model.Model, source *data.Batch) {
	t.Helper()
	if source == nil {
		return
	}
	states, err := m.NewSession(tensor.Exec{}).SourceStates(source)
	if err != nil {
		t.Fatal(c.Name, err)
	}
	if len(states) != len(g.Source) {
		t.Errorf("%s: %d states of the source, want %v", c.Name, len(states), g.Source)
	}
	at := 0
	for _, rows := range c.SourceRows[:i] {
		at += len(rows)
	}
	for k, what := range g.Source {
		if want, ok := g.mat(t, c, "source."+string('0'+rune(k))); ok && k < len(states) {
			near(t, c.Name+" source "+what, states[k], c.SourceRows[i], want, at)
		}
	}
}

// Settings of encoder-decoders that are wrong, or that say something else than what is computed, are refused by name.
func TestSeq2seqSettingsAreRefused(t *testing.T) {
	for _, c := range []struct {
		golden string
		edits  map[string]any
		want   string
	}{
		{"bart", map[string]any{"encoder_attention_heads": 5}, "encoder_attention_heads: found 5 heads for a width of 32"},
		{"bart", map[string]any{"decoder_layers": 1}, "decoder.layers.1"},
		{"bart", map[string]any{"encoder_layers": 3}, "encoder.layers.2"},
		{"bart", map[string]any{"encoder_layers": 0}, "encoder_layers: found 0"},
		{"bart", map[string]any{"decoder_layers": 1 << 20}, "decoder_layers: found 1048576, expected up to"},
		{"bart", map[string]any{"decoder_ffn_dim": absent{}}, "decoder_ffn_dim: found none"},
		{"bart", map[string]any{"max_position_embeddings": 213}, "embed_positions.weight"},
		{"bart", map[string]any{"normalize_before": true}, "normalize_before: found true, expected false"},
		{"bart", map[string]any{"static_position_embeddings": true}, "static_position_embeddings: found true"},
		{"bart", map[string]any{"activation_function": "wobble"}, `activation_function: found the activation "wobble"`},
		{"bart", map[string]any{"is_decoder": true}, "is_decoder: found true"},
		{"bart", map[string]any{"architectures": []string{"BartForSequenceClassification"}}, "found the class BartForSequenceClassification"},
		{"bart", map[string]any{"tie_word_embeddings": false}, `has no tensor "lm_head.weight"`},
		{"bart", map[string]any{"vocab_size": 90}, `the tensors of "embedding.weight" have 89 rows`},
		{"bart", map[string]any{"model_type": "mbart", "architectures": []string{"MBartForConditionalGeneration"}}, "encoder.layer_norm"},
		{"mbart", map[string]any{"model_type": "bart", "architectures": []string{"BartForConditionalGeneration"}}, "layer_norm"},
		{"led", map[string]any{"attention_window": []int{8, 16, 8}}, "attention_window: found 3 windows for 2 layers"},
		{"led", map[string]any{"attention_window": []int{8, 15}}, "attention_window: found 15, expected an even number"},
		{"bigbird_pegasus", map[string]any{"attention_type": "sparse"}, `attention_type: found "sparse"`},
		{"bigbird_pegasus", map[string]any{"block_size": 0}, "block_size: found 0"},
		{"bigbird_pegasus", map[string]any{"num_random_blocks": 257}, "num_random_blocks: found 257"},
		{"bigbird_pegasus", map[string]any{"use_bias": true}, `has no tensor "model.encoder.layers.0.self_attn.self.query.bias"`},
		{"bigbird_pegasus_plain", map[string]any{"use_bias": false}, "decoder.layers.0.encoder_attn.k_proj.bias"},
		{"bigbird_pegasus", map[string]any{"normalize_before": false}, "normalize_before: found false, expected true"},
		{"led", map[string]any{"max_encoder_position_embeddings": 213}, "encoder.embed_positions.weight"},
	} {
		m, err := model.Open(edited(t, c.golden, c.edits))
		if err == nil {
			m.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %v: error %v, want one with %q", c.golden, c.edits, err, c.want)
		}
	}
}

// Copies of the table that differ, and a body where vectors are asked for, are refused; so are global tokens of a model without projections
// for them.
func TestSeq2seqFilesAreRefused(t *testing.T) {
	dir := edited(t, "bart", nil)
	addTensor(t, dir, "model.encoder.embed_tokens.weight", tensor.New(tensor.F32, 89, 32))
	_, err := model.Open(dir)
	if err == nil || !strings.Contains(err.Error(), `found the tensor "model.encoder.embed_tokens.weight" unlike "model.shared.weight"`) {
		t.Errorf("another table of the encoder: %v", err)
	}
	for want, o := range map[string]model.OpenOptions{
		"found bart, an encoder-decoder, where vectors of texts are asked for": {BodyOnly: true},
		"which has no projections for them":                                    {Global: []int{0}},
	} {
		if _, err := model.OpenWith(edited(t, "bart", nil), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// Positions of sines and cosines that the file leaves out are computed, in float32 and in bfloat16.
func TestSinusoidsAreComputed(t *testing.T) {
	dir := edited(t, "pegasus", nil)
	edit(t, dir, func(name string) bool { return !strings.HasSuffix(name, "embed_positions.weight") })
	checkCases(t, readGolden(t, "pegasus"), dir)
	for _, precision := range []string{"f32", "bf16"} {
		var got [2][]float32
		for i, from := range []string{dir, filepath.Join(goldenDir, "pegasus")} {
			m, err := model.OpenWith(from, model.OpenOptions{Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			got[i] = outputs(t, m, &data.Batch{Tokens: []int32{5, 6, 7, 8}, Lengths: []int{4}})
		}
		if !slices.EqualFunc(got[0], got[1], near32) {
			t.Errorf("%s: logits %v without the table, %v with it", precision, got[0][:4], got[1][:4])
		}
	}
	dir = edited(t, "bart", nil) // whose positions are learned
	edit(t, dir, func(name string) bool { return name != "model.decoder.embed_positions.weight" })
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), "model.decoder.embed_positions.weight") {
		t.Errorf("learned positions are missing: %v", err)
	}
}

// addTensor adds a tensor to the weights of a folder.
func addTensor(t *testing.T, dir, name string, m tensor.Mat) {
	edit(t, dir, func(string) bool { return true }, safetensors.Shaped(name, m, m.Rows, m.Cols))
}

// A model that ties nothing reads a table for each side, or one for both where the file has no other; and it has a head of its own.
func TestUntiedSides(t *testing.T) {
	f, err := safetensors.Open(filepath.Join(goldenDir, "bart", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := tensor.New(tensor.F32, 89, 32)
	if err := f.ReadMat(table, "model.shared.weight"); err != nil {
		t.Fatal(err)
	}
	b := &data.Batch{Tokens: []int32{5, 6, 7, 8, 9}, Lengths: []int{5}}
	open := func(edits map[string]any, names ...string) (*model.Model, []float32) {
		dir := edited(t, "bart", edits)
		var all []safetensors.Tensor
		for _, name := range names {
			all = append(all, safetensors.Shaped(name, table, table.Rows, table.Cols))
		}
		edit(t, dir, func(string) bool { return true }, all...)
		m, err := model.Open(dir)
		if err != nil {
			t.Fatal(names, err)
		}
		t.Cleanup(func() { m.Close() })
		return m, outputs(t, m, b)
	}
	_, want := open(nil)
	untied := map[string]any{"tie_word_embeddings": false}
	m, got := open(untied, "lm_head.weight")
	if m.Spec().SourceEmbed.OwnTable || m.Spec().Head.Tied || !slices.EqualFunc(got, want, near32) {
		t.Errorf("one table: %+v, logits %v, want %v", m.Spec().SourceEmbed, got[:4], want[:4])
	}
	both := []string{"lm_head.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"}
	if m, got = open(untied, both...); !m.Spec().SourceEmbed.OwnTable || !slices.EqualFunc(got, want, near32) {
		t.Errorf("two tables: %+v, logits %v, want %v", m.Spec().SourceEmbed, got[:4], want[:4])
	}
	for i := range table.F32 {
		table.F32[i] *= -1
	}
	if _, got = open(untied, "lm_head.weight"); slices.EqualFunc(got, want, near32) {
		t.Error("another head gives the same logits")
	}
}

// edit keeps some of the weights of a folder, and adds others.
func edit(t *testing.T, dir string, keep func(name string) bool, all ...safetensors.Tensor) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range f.Entries() {
		if !keep(e.Name) {
			continue
		}
		rows, cols := e.Matrix()
		m := tensor.New(tensor.F32, rows, cols)
		if err := f.ReadMat(m, e.Name); err != nil {
			t.Fatal(err)
		}
		all = append(all, safetensors.Shaped(e.Name, m, e.Shape...))
	}
	f.Close()
	if err := safetensors.Save(path, all, nil); err != nil {
		t.Fatal(err)
	}
}

// Of an encoder-decoder another mechanism is that of the encoder, and global tokens are those of the source. LED has none by itself, and a
// note says so.
func TestSourceMechanism(t *testing.T) {
	open := func(o model.OpenOptions) *model.Model {
		m, err := model.OpenWith(filepath.Join(goldenDir, "led"), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		return m
	}
	const hint = "--global 0"
	plain, global := open(model.OpenOptions{}), open(model.OpenOptions{Global: []int{0}})
	if notes := strings.Join(plain.Notes(), "\n"); !strings.Contains(notes, hint) {
		t.Errorf("notes %q, want one with %q", notes, hint)
	}
	if notes := strings.Join(global.Notes(), "\n"); strings.Contains(notes, hint) {
		t.Errorf("notes %q of a model with global tokens", notes)
	}
	text := open(model.OpenOptions{Attention: []string{"window(4) | global(0)", "window(8) | global(0)"}})
	b := &data.Batch{Lengths: []int{30}, Tokens: make([]int32, 30)}
	for i := range b.Tokens {
		b.Tokens[i] = int32(10 + i)
	}
	if got, want := outputs(t, text, b), outputs(t, global, b); !slices.Equal(got, want) {
		t.Errorf("logits %v, want %v", got[:4], want[:4])
	}
	if slices.Equal(outputs(t, plain, b), outputs(t, global, b)) {
		t.Error("global tokens change nothing")
	}
	for i, l := range text.Spec().Layers {
		if l.Attention.Mechanism != "full" {
			t.Errorf("layer %d of the decoder has the mechanism %s", i, l.Attention.Mechanism)
		}
	}
}

// withTokenizer adds a tokenizer to a folder of a golden: token i is the word wi, and a document is the words alone.
func withTokenizer(t *testing.T, dir string, vocab int) {
	t.Helper()
	words := map[string]int{}
	for i := range vocab {
		words[word(int32(i))] = i
	}
	text, err := json.Marshal(map[string]any{"model": map[string]any{"type": "WordLevel", "vocab": words, "unk_token": "w3"},
		"pre_tokenizer": map[string]any{"type": "Whitespace"}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"tokenizer.json": string(text), "tokenizer_config.json": `{"tokenizer_class": "PreTrainedTokenizerFast"}`})
}

func word(id int32) string { return "w" + strconv.Itoa(int(id)) }

// Texts begin with the tokens that generation_config.json says, and end where transformers ends them; in a folder of this program too.
func TestWrittenTexts(t *testing.T) {
	found := 0
	for _, name := range folders(t) {
		g := readGolden(t, name)
		for _, w := range g.Written {
			found++
			dir := edited(t, name, nil)
			withTokenizer(t, dir, 89)
			link(t, filepath.Join(goldenDir, name, "generation_config.json"), filepath.Join(dir, "generation_config.json"))
			m, err := model.Open(dir)
			if err != nil {
				t.Fatal(name, err)
			}
			own := t.TempDir()
			if err := m.Save(own, tensor.F32); err != nil {
				t.Fatal(name, err)
			}
			again, err := model.Open(own)
			if err != nil {
				t.Fatal(name, err)
			}
			var source []string
			for _, id := range w.Source {
				source = append(source, word(id))
			}
			ends, err := m.Ends()
			if err != nil {
				t.Fatal(name, err)
			}
			ended := len(w.Tokens) < w.Most
			for _, m := range []*model.Model{m, again} {
				o := model.GenerateOptions{Tokens: w.Most, Sampling: sampling.Config{Greedy: true}, Ends: ends}
				got, err := m.Generate(t.Context(), strings.Join(source, " "), o)
				if err != nil || !slices.Equal(got.Tokens, w.Tokens) || (got.StoppedBy == model.StoppedByEnd) != ended {
					t.Errorf("%s: tokens %v, stopped by %s, want %v: %v", name, got.Tokens, got.StoppedBy, w.Tokens, err)
				}
				m.Close()
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d texts were compared", found)
	}
}

// A hand-written configuration may lack the class. Bodies open, and nothing panics.
func TestSeq2seqWithoutClass(t *testing.T) {
	for _, name := range []string{"bart", "mbart", "led", "pegasus", "bigbird_pegasus"} {
		for _, classes := range []any{nil, []string{}, "BartModel", 7} {
			text, err := os.ReadFile(filepath.Join(goldenDir, name, "config.json"))
			if err != nil {
				t.Fatal(err)
			}
			var keys map[string]any
			if err := json.Unmarshal(text, &keys); err != nil {
				t.Fatal(err)
			}
			keys["architectures"] = classes
			changed, err := json.Marshal(keys)
			if err != nil {
				t.Fatal(err)
			}
			weights, err := os.ReadFile(filepath.Join(goldenDir, name, "model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for file, content := range map[string][]byte{"config.json": changed, "model.safetensors": weights} {
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if m, err := model.Open(dir); err == nil {
				m.Close()
			} else if !strings.Contains(err.Error(), "architectures") {
				t.Errorf("%s, %v: %v, want an error about architectures", name, classes, err)
			}
		}
	}
}
