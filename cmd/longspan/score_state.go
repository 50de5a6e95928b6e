package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/model"
)

// scoreIdentity is what a state belongs to. Results with another one would not have the same bits.
type scoreIdentity struct {
	Model     string   `json:"model"` // SHA-256 of the Spec and the weights
	Text      string   `json:"text"`  // SHA-256 of the texts
	Context   int      `json:"context"`
	Stride    int      `json:"stride"`
	Precision string   `json:"precision"`
	Attention []string `json:"attention"` // of each layer
	Level     string   `json:"level"`     // of the processor: other vectors add in another order
}

// scoreFile is the file of --state. Floats keep all their bits.
type scoreFile struct {
	path     string
	Longspan int                `json:"longspan_score"` // version of the format
	Identity scoreIdentity      `json:"identity"`
	Texts    []model.ScoreState `json:"texts"` // done, and the one that the score stopped in
}

// identity hashes the model and the texts.
func (j *scoreJob) identity() scoreIdentity {
	s := j.model.Spec()
	id := scoreIdentity{Context: j.options.context, Stride: j.options.stride, Precision: s.Precision, Level: kernel.Level().String(),
		Model: hashModel(j.model)}
	for _, l := range s.Layers {
		id.Attention = append(id.Attention, l.Attention.Mechanism)
	}
	h := sha256.New()
	for i, t := range j.read {
		fmt.Fprintf(h, "%d:%s", len(t.Text), t.Text)
		binary.Write(h, binary.LittleEndian, j.read[i].IDs) // another tokenizer gives others
	}
	id.Text = hex.EncodeToString(h.Sum(nil))
	return id
}

// openScoreFile reads a state. A file that is not there yet is no error; one of another model, text or setting is.
func openScoreFile(path string, id scoreIdentity) (*scoreFile, error) {
	f := &scoreFile{path: path, Longspan: stateVersion, Identity: id}
	saved := &scoreFile{path: path}
	if found, err := readState(path, "score", saved); !found || err != nil {
		return f, err
	}
	if saved.Longspan != stateVersion {
		return nil, noState(path, "score", nil)
	}
	err := sameState(path, []setting{
		{"model", saved.Identity.Model, id.Model}, {"text", saved.Identity.Text, id.Text},
		{"--context", saved.Identity.Context, id.Context}, {"--stride", saved.Identity.Stride, id.Stride},
		{"--precision", saved.Identity.Precision, id.Precision}, {"mechanism", saved.Identity.Attention, id.Attention},
		{"level of the processor", saved.Identity.Level, id.Level},
	})
	return saved, err
}

// from is the state of text i.
func (f *scoreFile) from(i int) model.ScoreState {
	if i < len(f.Texts) {
		return f.Texts[i]
	}
	return model.ScoreState{}
}

// save writes the state of text i, whole or not at all.
func (f *scoreFile) save(i int, s model.ScoreState) error {
	if i < len(f.Texts) {
		f.Texts[i] = s
	} else {
		f.Texts = append(f.Texts, s)
	}
	return durable.Write(f.path, func(w io.Writer) error { return json.NewEncoder(w).Encode(f) })
}
