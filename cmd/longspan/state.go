package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"math"
	"os"

	"github.com/longspan/longspan/internal/kernel"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// stateVersion is the format of files of --state.
const stateVersion = 1

// readState reads the file of --state of a command. A file that is not there yet is no error.
func readState(path, command string, into any) (found bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, usage(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, noState(path, command, err)
	}
	return true, nil
}

// noState is the error of a file that is no state of a command; err says more, or is nil.
func noState(path, command string, err error) error {
	return usage(fmt.Errorf("%s: found no state of format %d of longspan %s, expected one, or no file (%v)", path, stateVersion, command, err))
}

// setting is something that a state belongs to.
type setting struct {
	what          string
	found, wanted any
}

// workIdentity is what every state belongs to. Results with another one would not have the same bits.
type workIdentity struct {
	Model     string   `json:"model"` // SHA-256 of the Spec and the weights
	Text      string   `json:"text"`  // SHA-256 of the texts
	Precision string   `json:"precision"`
	Attention []string `json:"attention"` // of each layer
	Level     string   `json:"level"`     // of the processor: other vectors add in another order
}

// identityOf is the identity of work with a model, without its texts.
func identityOf(m *model.Model) workIdentity {
	id := workIdentity{Model: hashModel(m), Precision: m.Spec().Precision, Level: kernel.Level().String()}
	for _, l := range m.Spec().Layers {
		id.Attention = append(id.Attention, l.Attention.Mechanism)
	}
	return id
}

// beside compares a saved identity with id, and between their texts and their precision the settings of the command.
func (was workIdentity) beside(id workIdentity, own ...setting) []setting {
	all := append([]setting{{"model", was.Model, id.Model}, {"text", was.Text, id.Text}}, own...)
	return append(all, setting{"--precision", was.Precision, id.Precision}, setting{"mechanism", was.Attention, id.Attention},
		setting{"level of the processor", was.Level, id.Level})
}

// sameState refuses a state of other settings.
func sameState(path string, settings []setting) error {
	for _, s := range settings {
		if fmt.Sprint(s.found) != fmt.Sprint(s.wanted) {
			return usage(fmt.Errorf("%s: found the state of another %s (%v), expected %v; go on with that, or name another file",
				path, s.what, s.found, s.wanted))
		}
	}
	return nil
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
