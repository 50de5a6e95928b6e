package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/model"
)

// scoreIdentity is what a state of `score` belongs to.
type scoreIdentity struct {
	workIdentity
	Context int `json:"context"`
	Stride  int `json:"stride"`
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
	id := scoreIdentity{workIdentity: identityOf(j.model), Context: j.options.context, Stride: j.options.stride}
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
	was := saved.Identity
	return saved, sameState(path, was.beside(id.workIdentity, setting{"--context", was.Context, id.Context},
		setting{"--stride", was.Stride, id.Stride}))
}

// from is the state of text i.
func (f *scoreFile) from(i int) model.ScoreState {
	if i < len(f.Texts) {
		return f.Texts[i]
	}
	return model.ScoreState{}
}

// save writes the states of texts from number i on, whole or not at all.
func (f *scoreFile) save(i int, states ...model.ScoreState) error {
	f.Texts = append(f.Texts[:min(i, len(f.Texts))], states...)
	return durable.Write(f.path, func(w io.Writer) error { return json.NewEncoder(w).Encode(f) })
}
