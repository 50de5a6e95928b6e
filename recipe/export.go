package recipe

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/hf"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/train"
)

// export is how a run writes its model in the form of the checkpoint that it began with; nil: it does not. A form that train.save asks for
// and that cannot be had is an error, before anything is trained.
func (r *Recipe) export(m *model.Model) (func(dir string) ([]string, error), error) {
	o := model.SaveOptions{Form: model.HuggingFaceForm, SaveOptions: hf.SaveOptions{Type: r.Train.SaveType}}
	if r.Train.Save == train.SaveNative || r.Train.Save == "" && m.CameAs() != model.HuggingFaceForm {
		return nil, nil
	}
	err := m.CheckSave(o)
	if errors.Is(err, hf.ErrForm) && r.Train.Save == "" {
		r.beginning.note(fmt.Sprintf("the model will be in the form of this program alone: %v", err))
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("train: save: %w", err)
	}
	return func(dir string) ([]string, error) {
		saved, err := m.SaveAs(dir, o)
		if err != nil {
			return nil, err
		}
		notes := []string{fmt.Sprintf("%s has the model in the form that it came in, for transformers too", dir)}
		for _, left := range saved.LeftOut {
			notes = append(notes, "it leaves out "+left)
		}
		return notes, nil
	}, nil
}
