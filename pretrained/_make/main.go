// Command _make puts the model of a run into the program: go run ./pretrained/_make RUN NAME. Tables are rounded to bf16, in which the
// model computes. Rows of n-gram tables that no n-gram of A, C, G and T has become 0: training never changed them to an end, and zeros pack
// well. The card, pretrained/NAME/README.md, is written by hand.
package main

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/tensor"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run ./pretrained/_make RUN NAME")
		os.Exit(2)
	}
	if err := put(os.Args[1], filepath.Join("pretrained", os.Args[2])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func put(run, folder string) error {
	if _, err := os.Stat(filepath.Join(run, filename.Picture)); err == nil {
		return putPictures(run, folder)
	}
	m, err := model.OpenWith(run, model.OpenOptions{Precision: "bf16"})
	if err != nil {
		return err
	}
	defer m.Close()
	for _, n := range m.Spec().Embed.HashedNgrams {
		clearUnused(m, n)
	}
	if err := m.Save(folder, tensor.BF16); err != nil {
		return err
	}
	return pack(filepath.Join(folder, filename.Weights))
}

// putPictures is put for a model of pictures.
func putPictures(run, folder string) error {
	s, err := patchflow.Open(run, tensor.Exec{})
	if err != nil {
		return err
	}
	if err := s.Save(folder, tensor.BF16); err != nil {
		return err
	}
	return pack(filepath.Join(folder, filename.Weights))
}

// clearUnused sets rows of the table of n-grams to 0 that no n-gram of the four bases has.
func clearUnused(m *model.Model, n int) {
	for _, p := range m.Params() {
		if p.Name != fmt.Sprintf("ngrams.%d.weight", n) {
			continue
		}
		used := map[uint64]bool{}
		gram := make([]int32, n)
		for code := range 1 << (2 * n) {
			for i := range gram {
				gram[i] = int32(code >> (2 * i) & 3)
			}
			used[nn.HashNgram(gram)%uint64(p.Value.Rows)] = true
		}
		for row := range p.Value.Rows {
			if !used[uint64(row)] {
				clear(p.Value.Row16(row)) // a copy: the file of the run has float32
			}
		}
	}
}

// pack replaces a file by its gzip form.
func pack(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f, err := os.Create(path + ".gz")
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, step := range []func() error{func() error { _, err := z.Write(text); return err }, z.Close, f.Close} {
		if err := step(); err != nil {
			return err
		}
	}
	return os.Remove(path)
}
