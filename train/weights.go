package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/longspan/longspan/safetensors"
	"github.com/longspan/longspan/tensor"
)

// Find is the file of a run's weights that which names: "final" for the model of a run that has ended, "latest" for
// the newest checkpoint that is whole, "best" for the one of the lowest validation loss, or a path. An empty
// which takes the final model where there is one, and the latest checkpoint where not. Damaged checkpoints that
// were passed over are listed.
func Find(dir, which string) (path string, damaged []Damaged, err error) {
	final := filepath.Join(dir, ModelName)
	switch which {
	case "":
		if _, err := os.Stat(final); err == nil {
			return final, nil, verifyFinal(final)
		}
		return Newest(dir)
	case "final":
		return final, nil, verifyFinal(final)
	case "latest":
		return Newest(dir)
	case "best":
		path, err := Best(dir)
		return path, nil, err
	}
	return which, nil, verifyModel(which)
}

// verifyFinal says what to do about the model of a run that has ended, where it is damaged: its last checkpoint has the same weights.
func verifyFinal(path string) error {
	err := verify(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w; resuming the run writes it again, and the weights latest are those of the newest checkpoint", err)
	}
	return err
}

// verifyModel is verify for a file that may be another program's, and then has no checksum.
func verifyModel(path string) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	if f.Signed() {
		err = f.Verify()
	}
	return errors.Join(err, f.Close())
}

// LoadWeights fills the values of params from a checkpoint or a model: the moving averages, where a checkpoint
// has them. Every weight must be there, in its shape, and no other weight beside them: a part of a model is not
// that model. What only training needs is left aside.
func LoadWeights(path string, params []*tensor.Param) (err error) {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("weights of %s: %w", path, err)
		}
	}()
	known := map[string]bool{}
	for _, p := range params {
		known[p.Name] = true
		if err := f.ReadMat(p.Value, savedName(f, p.Name)); err != nil {
			return err
		}
	}
	for _, e := range f.Entries() {
		if !known[e.Name] && !strings.Contains(e.Name, "/") {
			return anotherModel(e.Name)
		}
	}
	return nil
}

// savedName is where a file has a weight: its moving average, where there is one.
func savedName(f *safetensors.File, name string) string {
	if _, ok := f.Lookup(averagePrefix + name); ok {
		return averagePrefix + name
	}
	return name
}

func anotherModel(name string) error {
	return fmt.Errorf("it holds the weights %q, which the model does not have: it is another model", name)
}
