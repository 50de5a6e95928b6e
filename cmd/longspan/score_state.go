package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
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

const scoreVersion = 1

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

// hashModel hashes the weights as the model has them.
func hashModel(m *model.Model) string {
	h := sha256.New()
	spec, _ := json.Marshal(m.Spec()) // an opened model has no number that JSON does not have
	h.Write(spec)
	for _, p := range m.Params() {
		fmt.Fprintf(h, "%s %d %d", p.Name, p.Value.Rows, p.Value.Cols)
		hashMat(h, p.Value)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashMat hashes the elements of a matrix, row by row.
func hashMat(h hash.Hash, v tensor.Mat) {
	var b []byte
	for i := range v.Rows {
		b = b[:0]
		if v.Type == tensor.F32 {
			for _, f := range v.Row(i) {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
			}
		} else {
			for _, u := range v.Row16(i) {
				b = binary.LittleEndian.AppendUint16(b, u)
			}
		}
		h.Write(b)
	}
}

// openScoreFile reads a state. A file that is not there yet is no error; one of another model, text or setting is.
func openScoreFile(path string, id scoreIdentity) (*scoreFile, error) {
	f := &scoreFile{path: path, Longspan: scoreVersion, Identity: id}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, usage(err)
	}
	saved := &scoreFile{path: path}
	if err := json.Unmarshal(text, saved); err != nil || saved.Longspan != scoreVersion {
		return nil, usage(fmt.Errorf("%s: found no state of format %d of longspan score, expected one, or no file (%v)", path, scoreVersion, err))
	}
	for _, c := range []struct {
		what          string
		found, wanted any
	}{
		{"model", saved.Identity.Model, id.Model}, {"text", saved.Identity.Text, id.Text},
		{"--context", saved.Identity.Context, id.Context}, {"--stride", saved.Identity.Stride, id.Stride},
		{"--precision", saved.Identity.Precision, id.Precision}, {"mechanism", saved.Identity.Attention, id.Attention},
		{"level of the processor", saved.Identity.Level, id.Level},
	} {
		if fmt.Sprint(c.found) != fmt.Sprint(c.wanted) {
			return nil, usage(fmt.Errorf("%s: found the state of another %s (%v), expected %v; go on with that, or name another file",
				path, c.what, c.found, c.wanted))
		}
	}
	return saved, nil
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
