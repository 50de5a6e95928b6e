package model

import (
	"fmt"

	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/tensor"
)

// The forms of a saved model.
const (
	NativeForm      = "longspan"    // a folder of this program: [Model.Save]
	HuggingFaceForm = "huggingface" // a folder that transformers opens
)

// SaveOptions say how [Model.SaveAs] writes a model. The zero value writes it in the form that it came in.
type SaveOptions struct {
	Form string // longspan or huggingface; empty: huggingface of a model that came in that form, else longspan
	hf.SaveOptions
}

// Saved is what SaveAs wrote.
type Saved struct {
	Form string
	hf.Saved
}

// SaveAs writes the model to the folder dir, which must not exist or be empty. In Hugging Face's form it has the names, the types and the
// files of the folder that the model came from, which must still be there: see [hf.Checkpoint.Save]. The error wraps [hf.ErrForm] where
// that form cannot say what the model is; the form longspan always can. There tables are stored as Type, or as F32.
func (m *Model) SaveAs(dir string, o SaveOptions) (Saved, error) {
	form := o.Form
	if form == "" {
		form = NativeForm
		if m.CameAs() == HuggingFaceForm {
			form = HuggingFaceForm
		}
	}
	switch form {
	case NativeForm:
		t, err := tableType(o.Type)
		if err != nil {
			return Saved{}, err
		}
		return Saved{Form: form}, m.Save(dir, t)
	case HuggingFaceForm:
		s, err := m.saveForeign(dir, o.SaveOptions)
		return Saved{Form: form, Saved: s}, err
	}
	return Saved{}, fmt.Errorf("model: found the form %q to save in, expected %s or %s", form, NativeForm, HuggingFaceForm)
}

// CameAs is the form of the checkpoint from which a model was opened, or with whose weights it began: huggingface, gguf or longspan.
func (m *Model) CameAs() string {
	if m.origin.Form == "" {
		return NativeForm
	}
	return m.origin.Form
}

// tableType is the storage of tables in a folder of this program.
func tableType(name string) (tensor.Type, error) {
	switch name {
	case "", "f32":
		return tensor.F32, nil
	case "bf16":
		return tensor.BF16, nil
	}
	return tensor.F32, fmt.Errorf("model: found the type %q for a folder of this program, expected f32 or bf16", name)
}

// saveForeign writes the model in Hugging Face's form.
func (m *Model) saveForeign(dir string, o hf.SaveOptions) (hf.Saved, error) {
	if err := m.acquire(); err != nil {
		return hf.Saved{}, err
	}
	defer m.release()
	if err := m.checkForeign(); err != nil {
		return hf.Saved{}, err
	}
	saved, err := m.checkpoint.Save(dir, m.spec, m.params.All(), o)
	if err != nil {
		err = fmt.Errorf("model: %w", err)
	}
	return saved, err
}

// checkForeign refuses what no config.json can say.
func (m *Model) checkForeign() error {
	switch a := m.answers; {
	case m.checkpoint == nil:
		return fmt.Errorf("model: %w: it did not come in it; save it in the form of this program", hf.ErrForm)
	case m.spec.Head.Kind == Regress && (a.Mean != 0 || a.Deviation != 0 && a.Deviation != 1):
		return fmt.Errorf("model: %w: its numbers are in deviations of %g from a mean of %g, for which config.json has no place; "+
			"save it in the form of this program, or train with data.labelled.deviation: 1", hf.ErrForm, a.Deviation, a.Mean)
	}
	return nil
}

// CheckSave returns the error that SaveAs would return before it writes: of a model in Hugging Face's form, that it cannot say what the
// model is. A model of a dry pool can be checked.
func (m *Model) CheckSave(o SaveOptions) error {
	if o.Form == NativeForm || o.Form == "" && m.CameAs() != HuggingFaceForm {
		_, err := tableType(o.Type)
		return err
	}
	if err := m.acquire(); err != nil {
		return err
	}
	defer m.release()
	if err := m.checkForeign(); err != nil {
		return err
	}
	if err := m.checkpoint.CheckSave(m.spec, m.params.All(), o.SaveOptions); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}
