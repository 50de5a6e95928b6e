package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/foreign"
)

// maxIndex is the largest number of bytes of an index. A tensor takes about 100, and the largest models have some 100,000.
const maxIndex = 64 << 20

// index is a *.index.json: the name of the file that each tensor is in.
type index struct {
	WeightMap map[string]string          `json:"weight_map"`
	Metadata  map[string]json.RawMessage `json:"metadata"`
}

// parseIndex reads the text of an index, and checks that the names of files are names in the index's own folder.
func parseIndex(text []byte) (ix index, err error) {
	if err := json.Unmarshal(text, &ix); err != nil {
		if is, remedy := foreign.Identify(text[:min(len(text), foreign.HeadBytes)]); is != "" {
			return ix, fmt.Errorf("it is %s; %s", is, remedy)
		}
		return ix, fmt.Errorf("the index's JSON: %w", err)
	}
	if len(ix.WeightMap) == 0 {
		return ix, errors.New(`found no tensor in "weight_map", expected the name of a file for each; get the index again`)
	}
	for _, name := range slices.Sorted(maps.Keys(ix.WeightMap)) {
		if f := ix.WeightMap[name]; !isLocal(f) {
			return ix, fmt.Errorf("found tensor %q in the file %q, expected the name of a file in the index's own folder; "+
				"the index would read other files: do not use it", name, f)
		}
	}
	return ix, nil
}

// isLocal reports whether name is that of a file in a folder, on every system.
func isLocal(name string) bool {
	return filepath.IsLocal(name) && name != "." && !strings.ContainsAny(name, "/\\\x00") && !strings.HasSuffix(name, indexSuffix)
}

// files lists the tensors of each file, in alphabetical order.
func (ix index) files() map[string][]string {
	tensors := map[string][]string{}
	for _, t := range slices.Sorted(maps.Keys(ix.WeightMap)) {
		tensors[ix.WeightMap[t]] = append(tensors[ix.WeightMap[t]], t)
	}
	return tensors
}

// openIndex adds the tensors of the files of an index.
func (w *Weights) openIndex(path string) error {
	text, err := readIndex(path)
	if err != nil {
		return err
	}
	ix, err := parseIndex(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	tensors := ix.files()
	dir, names := filepath.Dir(path), slices.Sorted(maps.Keys(tensors))
	if err := checkPresent(path, names); err != nil {
		return err
	}
	bytes := int64(0)
	for _, name := range names {
		source, err := openSource(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := w.add(file{source, filepath.Join(dir, name)}); err != nil {
			return err
		}
		n, err := ix.check(name, source, tensors[name])
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		bytes += n
	}
	w.noteSize(path, ix, bytes)
	return nil
}

// readIndex reads the text of an index.
func readIndex(path string) ([]byte, error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxIndex+1))
	if len(text) > maxIndex {
		err = fmt.Errorf("%s: found more than %d bytes, the largest size of an index; check that it is one", path, maxIndex)
	}
	return text, errors.Join(err, f.Close())
}

// checkPresent returns an error that lists all the files of an index that are not there.
func checkPresent(path string, names []string) error {
	var missing []string
	for _, name := range names {
		switch _, err := os.Stat(filepath.Join(filepath.Dir(path), name)); {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, name)
		case err != nil:
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s: found %d of %d files, and not %s; download them too", path, len(names)-len(missing), len(names),
		strings.Join(missing, ", "))
}

// check compares the tensors of the named file with those that the index places there, and returns their size.
func (ix index) check(name string, source Source, tensors []string) (bytes int64, err error) {
	for _, e := range source.Entries() {
		switch place, known := ix.WeightMap[e.Name]; {
		case !known:
			return 0, fmt.Errorf("found tensor %q in %s, which the index does not list; the files are of two models", e.Name, name)
		case place != name:
			return 0, fmt.Errorf("found tensor %q in %s, expected it in %s; the files are of two models", e.Name, name, place)
		}
		bytes += e.Bytes()
	}
	for _, t := range tensors {
		if _, ok := source.Lookup(t); !ok {
			return 0, fmt.Errorf("found no tensor %q in %s, where the index places it; the files are of two models", t, name)
		}
	}
	return bytes, nil
}

// noteSize compares the size that an index states with that of the tensors. Many real indexes state another one, such as that of a copy
// in another type or with tied tensors counted twice, and each tensor is checked by itself. So a difference is a note.
func (w *Weights) noteSize(path string, ix index, bytes int64) {
	text, stated := ix.Metadata["total_size"]
	if !stated {
		return
	}
	var size float64 // some indexes write 123.0
	if err := json.Unmarshal(text, &size); err != nil || size != float64(bytes) {
		w.notes = append(w.notes, fmt.Sprintf("%s states a total_size of %s; the tensors are %d bytes.", path, text, bytes))
	}
}
