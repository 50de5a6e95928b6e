package checkpoint

import (
	"os"
	"path/filepath"
	"testing"
)

// Whatever an index says, its files are in its own folder, and each tensor is in one of them.
func FuzzParseIndex(f *testing.F) {
	for _, name := range []string{"sharded_safetensors/model.safetensors.index.json", "sharded_bin/pytorch_model.bin.index.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", "golden", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"weight_map": {"x": "../a", "y": "a"}, "metadata": {"total_size": 1e400}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		ix, err := parseIndex(text)
		if err != nil {
			return
		}
		tensors := 0
		for name, list := range ix.files() {
			if dir, base := filepath.Split(filepath.Join("folder", name)); dir != "folder"+string(filepath.Separator) || base != name {
				t.Errorf("%q is not a file of its folder", name)
			}
			tensors += len(list)
		}
		if tensors != len(ix.WeightMap) {
			t.Errorf("found %d tensors, want %d", tensors, len(ix.WeightMap))
		}
		w := &Weights{}
		w.noteSize("index", ix, 1)
	})
}
