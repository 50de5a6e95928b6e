package model

import "github.com/longspan/longspan/hf"

// Origin is where an opened model comes from.
type Origin struct {
	Form   string   `json:"form"`             // longspan, huggingface or gguf
	Family string   `json:"family,omitempty"` // the model_type of Hugging Face's form
	Class  string   `json:"class,omitempty"`  // of transformers
	Stored []Stored `json:"stored,omitempty"` // the tensors of the files, by their type
}

// Stored is the tensors of a type in the files of a model.
type Stored = hf.Stored

// Origin is where an opened model comes from. The zero value is that of a model that was made.
func (m *Model) Origin() Origin { return m.origin }

// origin counts the tensors of a file.
func (w *weightsFile) origin() Origin {
	o := Origin{Form: "longspan"}
	at := map[string]int{}
	for _, e := range w.f.Entries() {
		kind := string(e.DType)
		if _, ok := at[kind]; !ok {
			at[kind] = len(o.Stored)
			o.Stored = append(o.Stored, Stored{Type: kind})
		}
		s := &o.Stored[at[kind]]
		s.Tensors, s.Bytes = s.Tensors+1, s.Bytes+e.Bytes()
	}
	return o
}
