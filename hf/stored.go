package hf

import "slices"

// Stored is the tensors of a type in the files of a checkpoint.
type Stored struct {
	Type    string `json:"type"` // the format's name
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

// Stored counts the tensors of the files by their type, the largest share first. It is empty for weights that do not say.
func (w *Weights) Stored() []Stored {
	t, ok := w.tensors.(interface {
		stored(name string) (kind string, bytes int64)
	})
	if !ok {
		return nil
	}
	var all []Stored
	for _, name := range w.tensors.Names() {
		kind, bytes := t.stored(name)
		at := slices.IndexFunc(all, func(s Stored) bool { return s.Type == kind })
		if at < 0 {
			at = len(all)
			all = append(all, Stored{Type: kind})
		}
		all[at].Tensors++
		all[at].Bytes += bytes
	}
	slices.SortStableFunc(all, func(a, b Stored) int { return int(min(max(b.Bytes-a.Bytes, -1), 1)) })
	return all
}

func (f *files) stored(name string) (kind string, bytes int64) {
	s, inner := f.of(name)
	e, _ := s.Lookup(inner)
	return string(e.DType), e.Bytes()
}

func (t *ggufTensors) stored(name string) (kind string, bytes int64) {
	e, _ := t.m.f.Lookup(t.theirs[name])
	return e.DType.String(), e.Bytes()
}
