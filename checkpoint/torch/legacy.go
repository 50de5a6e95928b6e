package torch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/longspan/longspan/checkpoint/torch/internal/pickle"
)

// legacyVersion follows the magic number of the form before torch 1.6.
const legacyVersion int64 = 1001

// readLegacy reads the pickles of the older form, and finds the storages.
func readLegacy(r io.ReaderAt, size int64) (any, error) {
	const start = int64(len(legacyMagic))
	p := pickle.NewReader(io.NewSectionReader(r, start, size-start), size-start)
	rules := &rules{idLength: 6, storages: map[string]*storage{}}
	version, err := p.Read(rules)
	if err != nil {
		return nil, err
	}
	if version != legacyVersion {
		return nil, fmt.Errorf("found %s other than %d as the version after the magic number", pickle.Kind(version), legacyVersion)
	}
	machine, err := p.Read(rules)
	if err != nil {
		return nil, err
	}
	if err := checkMachine(machine); err != nil {
		return nil, err
	}
	state, err := p.Read(rules)
	if err != nil {
		return nil, err
	}
	keys, err := p.Read(rules)
	if err != nil {
		return nil, err
	}
	return state, locateLegacy(r, size, start+p.Offset(), keys, rules.storages)
}

// checkMachine looks for the byte order among the facts of the machine that wrote the file.
func checkMachine(facts any) error {
	dict, ok := facts.(*pickle.Dict)
	if !ok {
		return fmt.Errorf("found %s, expected a dict of the machine's facts", pickle.Kind(facts))
	}
	i := slices.Index(dict.Keys, any("little_endian"))
	if i < 0 || dict.Values[i] != true {
		return errors.New("found a file of a big-endian machine; save it again on a little-endian one")
	}
	return nil
}

// locateLegacy finds the storages, which begin at a byte of the file and lie end to end in the order of keys.
func locateLegacy(r io.ReaderAt, size, at int64, keys any, storages map[string]*storage) error {
	list, ok := keys.(*pickle.List)
	if !ok {
		return fmt.Errorf("found %s, expected the list of the storages", pickle.Kind(keys))
	}
	found := map[string]bool{}
	for _, k := range list.Items {
		key, _ := k.(string)
		s := storages[key]
		if s == nil || found[key] {
			return fmt.Errorf("found the storage %s in the list, which belongs to no tensor or stands there twice; the file is damaged", show(k))
		}
		found[key] = true
		var count [8]byte
		if n, err := r.ReadAt(count[:], at); n < len(count) {
			return fmt.Errorf("found the end of the file before storage %s: %w; the file is cut: get it again", show(key), err)
		}
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(s.elements) {
			return fmt.Errorf("found %d elements in storage %s, expected %d; the file is damaged", n, show(key), s.elements)
		}
		s.begin = at + int64(len(count))
		if s.bytes() > size-s.begin {
			return fmt.Errorf("found storage %s of %d bytes, and %d before the end of the file; the file is cut: get it again",
				show(key), s.bytes(), size-s.begin)
		}
		at = s.begin + s.bytes()
	}
	if len(found) < len(storages) {
		return fmt.Errorf("found %d storages in the list, expected %d; the file is damaged", len(found), len(storages))
	}
	if at != size {
		return fmt.Errorf("found %d bytes after the last storage, which belong to no tensor", size-at)
	}
	return nil
}
