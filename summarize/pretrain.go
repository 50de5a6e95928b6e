package summarize

import (
	"context"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// pretrainer trains an encoder as a masked language model of lessons (Devlin et al. 2018, arXiv:1810.04805, section 3.1).
type pretrainer struct {
	m       *model.Model
	all     []*lesson
	session *model.Session
}

// pretrain trains the encoder as a masked language model, whose head is the table of the embeddings.
func (m *Hierarchical) pretrain(ctx context.Context, all []*lesson, f fitting) error {
	s := *m.encoder.Spec()
	s.Head = model.Head{Kind: model.MaskedLM, Tied: true, TiedBias: true, MaskToken: &m.marks.mask,
		NeverMasked: []int{int(m.marks.title), int(m.marks.heading), int(m.marks.sentence)}}
	language, err := model.NewOf(s, model.Options{Train: true})
	if err != nil {
		return err
	}
	t := &pretrainer{m: language, all: all}
	if _, _, err := fit(ctx, t, f); err != nil {
		return err
	}
	named := map[string]tensor.Mat{}
	for _, p := range t.params() {
		named[p.Name] = p.Value
	}
	for _, p := range m.encoder.Params() {
		copy(p.Value.F32, named[p.Name].F32) // the same layers
	}
	return nil
}

func (t *pretrainer) params() []*tensor.Param { return t.m.Params() }

func (t *pretrainer) lessons() int { return len(t.all) }

func (t *pretrainer) backward(x tensor.Exec, i int, seed uint64) (float64, error) {
	if t.session == nil {
		t.session = t.m.NewSession(x)
	}
	r, err := t.session.Step(&t.all[i].batch, model.StepOptions{Backward: true, Seed: seed})
	return r.Loss, err
}

// judge prefers later epochs.
func (t *pretrainer) judge(_ context.Context, e *Epoch) (float64, error) {
	return float64(e.Number), nil
}
