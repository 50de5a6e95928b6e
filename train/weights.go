package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/safetensors"
)

// Find returns the path of weights of the run in dir. which is "final" for the model at the end of the run, "latest" for the newest
// undamaged checkpoint, "best" for the checkpoint of the lowest validation loss, or a path. An empty which means final if the run has
// ended, else latest. Newer damaged checkpoints are listed.
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

// verifyFinal is verify for the model of a run that has ended. The last checkpoint of the run has the same weights.
func verifyFinal(path string) error {
	err := verify(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w; resume the run to write it again, or use the weights latest, of the newest checkpoint", err)
	}
	return err
}

// verifyModel is verify for a file of any program. Those of other programs have no checksum.
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

// savedName is the name in a file of the moving average of a weight, or of the weight if there is none, and that of the weight.
func savedName(f *safetensors.File, name string) (saved, base string) {
	return filename.Weight(func(name string) bool { _, ok := f.Lookup(name); return ok }, name)
}
