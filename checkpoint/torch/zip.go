package torch

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/checkpoint/torch/internal/pickle"
)

// maxVersion is the newest version of the archive that torch 2.15 reads. It writes 3.
const maxVersion = 10

// archive is the zip form.
type archive struct {
	r       io.ReaderAt
	size    int64
	members map[string]*zip.File // by name below the archive's only folder
}

// readZip reads the pickle of the zip form, and finds the storages.
func readZip(r io.ReaderAt, size int64) (any, error) {
	a, err := openArchive(r, size)
	if err != nil {
		return nil, err
	}
	if err := a.checkForm(); err != nil {
		return nil, err
	}
	text, err := a.read("data.pkl", pickle.MaxBytes)
	if err != nil {
		return nil, err
	}
	rules := &rules{idLength: 5, storages: map[string]*storage{}}
	p := pickle.NewReader(bytes.NewReader(text), int64(len(text)))
	state, err := p.Read(rules)
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	if p.Offset() != int64(len(text)) {
		return nil, fmt.Errorf("data.pkl: found %d bytes after the pickle; the file is damaged", int64(len(text))-p.Offset())
	}
	return state, a.locate(rules.storages)
}

// openArchive lists the members of the archive.
func openArchive(r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("the zip archive: %w; the file is perhaps cut: get it again", err)
	}
	folder := ""
	for _, m := range z.File {
		if name, ok := strings.CutSuffix(m.Name, "/data.pkl"); ok && !strings.Contains(name, "/") {
			if folder != "" {
				return nil, fmt.Errorf("found %q and %q, expected one pickle", folder+"data.pkl", m.Name)
			}
			folder = name + "/"
		}
	}
	if folder == "" {
		return nil, errors.New("found a zip archive without NAME/data.pkl; it is no file of torch.save")
	}
	a := &archive{r: r, size: size, members: map[string]*zip.File{}}
	for _, m := range z.File {
		name, ok := strings.CutPrefix(m.Name, folder)
		if !ok {
			return nil, fmt.Errorf("found the member %q outside of the folder %q; the file is damaged", m.Name, folder)
		}
		if a.members[name] != nil {
			return nil, fmt.Errorf("found the member %q twice; the file is damaged", m.Name)
		}
		a.members[name] = m
	}
	return a, nil
}

// checkForm refuses archives of other kinds than a dictionary of little-endian tensors.
func (a *archive) checkForm() error {
	if a.members["constants.pkl"] != nil {
		return errors.New("found a TorchScript program, as torch.jit.save writes; save the model's state_dict() with torch.save")
	}
	if a.members["byteorder"] != nil {
		order, err := a.read("byteorder", 16)
		if err != nil {
			return err
		}
		if string(order) != "little" {
			return fmt.Errorf("found the byte order %q, expected little; save the file again on a little-endian machine", order)
		}
	}
	if a.members["version"] != nil {
		text, err := a.read("version", 16)
		if err != nil {
			return err
		}
		if v, err := strconv.Atoi(strings.TrimSpace(string(text))); err != nil || v < 1 || v > maxVersion {
			return fmt.Errorf("found version %q of the archive, expected 1 to %d; save the file again with torch 2", text, maxVersion)
		}
	}
	return nil
}

// find returns where a member's bytes lie in the file.
func (a *archive) find(name string) (m *zip.File, begin int64, err error) {
	m = a.members[name]
	if m == nil {
		return nil, 0, fmt.Errorf("found no member %s in the archive; the file is damaged", show(name))
	}
	const encrypted = 1
	if m.Method != zip.Store || m.CompressedSize64 != m.UncompressedSize64 || m.Flags&encrypted != 0 {
		return nil, 0, fmt.Errorf("found the member %s compressed or encrypted, expected it stored, as torch.save does; save the file again",
			show(name))
	}
	if begin, err = m.DataOffset(); err != nil {
		return nil, 0, fmt.Errorf("the member %q: %w", name, err)
	}
	if begin < 0 || begin > a.size || m.UncompressedSize64 > uint64(a.size-begin) {
		return nil, 0, fmt.Errorf("found the member %q of %d bytes at byte %d of a file of %d; the file is cut: get it again",
			name, m.UncompressedSize64, begin, a.size)
	}
	return m, begin, nil
}

// read reads a member of at most limit bytes. Its checksum is not compared: torch writes another number there if told to save time.
func (a *archive) read(name string, limit uint64) ([]byte, error) {
	m, begin, err := a.find(name)
	if err != nil {
		return nil, err
	}
	if m.UncompressedSize64 > limit {
		return nil, fmt.Errorf("found the member %q of %d bytes, expected at most %d", name, m.UncompressedSize64, limit)
	}
	text := make([]byte, m.UncompressedSize64)
	if n, err := a.r.ReadAt(text, begin); n < len(text) {
		return nil, fmt.Errorf("reading the member %q: %w", name, err)
	}
	return text, nil
}

// locate finds the bytes of the storages. Each of the archive's must be one of the pickle's.
func (a *archive) locate(storages map[string]*storage) error {
	for _, key := range slices.Sorted(maps.Keys(storages)) {
		s := storages[key]
		m, begin, err := a.find("data/" + key)
		if err != nil {
			return err
		}
		if s.begin = begin; m.UncompressedSize64 != uint64(s.bytes()) {
			return fmt.Errorf("found %d bytes in storage %s, expected %d: %d elements of %s", m.UncompressedSize64, show(key), s.bytes(),
				s.elements, s.dtype)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.members)) {
		if key, ok := strings.CutPrefix(name, "data/"); ok && storages[key] == nil {
			return fmt.Errorf("found the storage %q, which belongs to no tensor; the file is damaged", name)
		}
	}
	return nil
}
