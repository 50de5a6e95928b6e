package hf_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// A checkpoint saved as a folder of this program is the same model, bit for bit.
func TestSavedIsTheSame(t *testing.T) {
	for _, name := range folders(t) {
		m, err := model.Open(filepath.Join(goldenDir, name))
		if err != nil {
			t.Fatal(name, err)
		}
		dir := t.TempDir()
		if err := m.Save(dir, tensor.F32); err != nil {
			t.Fatal(name, err)
		}
		again, err := model.Open(dir)
		if err != nil {
			t.Fatal(name, err)
		}
		b := &data.Batch{Tokens: []int32{4, 8, 15, 16, 23, 42, 11, 7, 30, 5, 61, 2}, Lengths: []int{9, 3}}
		if got, want := outputs(t, again, b), outputs(t, m, b); !slices.Equal(got, want) {
			t.Errorf("%s: the saved model gives %v, want %v", name, got[:3], want[:3])
		}
		if !slices.Equal(again.Answers().Classes, m.Answers().Classes) || again.Answers().Tokens != m.Answers().Tokens {
			t.Errorf("%s: answers %+v, want %+v", name, again.Answers(), m.Answers())
		}
		m.Close()
		again.Close()
	}
}

func outputs(t *testing.T, m *model.Model, b *data.Batch) []float32 {
	t.Helper()
	if m.Spec().Kind == model.EncoderDecoder && b.Source == nil {
		b = &data.Batch{Tokens: b.Tokens, Lengths: b.Lengths, Source: b}
	}
	out, err := m.NewSession(tensor.Exec{}).Predict(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return out.F32
}
