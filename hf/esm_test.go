package hf_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

func TestESMSettings(t *testing.T) {
	refuse(t, []refusal{
		{"esm", map[string]any{"position_embedding_type": "relative_key"}, "position_embedding_type: found \"relative_key\""},
		{"esm", map[string]any{"pad_token_id": nil}, "pad_token_id: found none"},
		{"esm", map[string]any{"mask_token_id": nil}, "mask_token_id: found none with token_dropout"},
		{"esm", map[string]any{"mask_token_id": 89}, "mask_token_id: found 89, expected 0 to 88"},
		{"esm", map[string]any{"is_folding_model": true}, "is_folding_model: found true"},
		{"esm", map[string]any{"num_hidden_layers": 2_000_000_000}, "num_hidden_layers: found"},
		{"esm", map[string]any{"emb_layer_norm_before": true}, "esm.embeddings.layer_norm.weight"},
		{"esm", map[string]any{"position_embedding_type": "absolute"}, "esm.embeddings.position_embeddings.weight"},
		{"esm", map[string]any{"add_bias_fnn": true}, "esm.encoder.layer.0.intermediate.dense.weight"},
		{"esm", map[string]any{"tie_word_embeddings": false}, "lm_head.decoder.weight"},
		{"esm_learned", map[string]any{"position_embedding_type": "rotary", "emb_layer_norm_before": false}, "esm.embeddings.layer_norm.bias"},
		{"nucleotide2", map[string]any{"add_bias_fnn": absent{}}, "esm.encoder.layer.0.intermediate.dense.weight"},
	})
}

// What transformers 4 and 5 read in different ways is noted.
func TestESMRotaryBase(t *testing.T) {
	m, err := model.Open(edited(t, "esm", map[string]any{"rope_theta": 20000}))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if notes := strings.Join(m.Notes(), "\n"); !strings.Contains(notes, "rope_theta is 20000") {
		t.Errorf("notes %q", notes)
	}
	if base := m.Spec().Layers[0].Attention.RotaryBase; base != 20000 {
		t.Errorf("base %g, want 20000", base)
	}
}

// A text of mask tokens alone, whose share of other tokens is 0, has finite logits.
func TestESMOfMasksAlone(t *testing.T) {
	m, err := model.Open(filepath.Join(goldenDir, "esm"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, v := range outputs(t, m, &data.Batch{Tokens: []int32{4, 4, 4}, Lengths: []int{3}}) {
		if v != v || math.IsInf(float64(v), 0) {
			t.Fatal("logits that are not finite")
		}
	}
}

// A folder with vocab.txt and no tokenizer.json reads DNA: vectors and guesses are those of its tokens. So does the same model in this
// program's form.
func TestESMReadsDNA(t *testing.T) {
	dir := edited(t, "esm", nil)
	vocabulary := "<unk>\n<pad>\n<bos>\n<cls>\n<mask>\nAAT\nTTC\nCCG\nGAT\nA\nC\nG\nT\nN\n"
	write(t, dir, map[string]string{"vocab.txt": vocabulary,
		"tokenizer_config.json": `{"tokenizer_class": "EsmTokenizer", "eos_token": null}`})
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	readsDNA(t, m)
	saved := t.TempDir()
	if err := m.Save(saved, tensor.F32); err != nil {
		t.Fatal(err)
	}
	again, err := model.Open(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	readsDNA(t, again)
}

func readsDNA(t *testing.T, m *model.Model) {
	t.Helper()
	s := m.NewSession(tensor.Exec{})
	filled, err := s.Fill(t.Context(), []string{"TTCCC<mask>GATN"}, model.FillOptions{Top: 3})
	if err != nil {
		t.Fatal(err)
	}
	b := &data.Batch{Tokens: []int32{3, 6, 10, 10, 4, 8, 13}, Lengths: []int{7}}
	logits, err := s.Predict(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mask := filled[0].Masks[0]
	if best := slices.Index(logits.Row(4), slices.Max(logits.Row(4))); mask.From != 5 || mask.To != 11 || mask.Guesses[0].ID != int32(best) {
		t.Errorf("the mask at %d to %d is guessed to be %+v, want 5 to 11 and the token %d", mask.From, mask.To, mask.Guesses, best)
	}
	embedded, err := s.Embed(t.Context(), []string{"TTCCC<mask>GATN"}, model.EmbedOptions{Pooling: "first"})
	if err != nil {
		t.Fatal(err)
	}
	states, err := s.Hidden(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := embedded[0].Vectors[0].Vector; !slices.Equal(got, states.Row(0)) {
		t.Errorf("the vector is %v, want that of the first token, %v", got[:3], states.Row(0)[:3])
	}
}
