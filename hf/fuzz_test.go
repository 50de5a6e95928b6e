package hf

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/longspan/longspan/tensor"
)

// everything is a file that has every tensor.
type everything struct{}

func (everything) Names() []string                     { return nil }
func (everything) Shape(string) ([]int, bool)          { return []int{1, 1}, true }
func (everything) View(string) (m tensor.Mat, ok bool) { return m, false }
func (everything) ReadMat(tensor.Mat, string) error    { return nil }
func (everything) Close() error                        { return nil }

// A configuration gives a model that can be made, or an error.
func FuzzConfig(f *testing.F) {
	configs, err := filepath.Glob("testdata/golden/*/config*.json")
	if err != nil || len(configs) == 0 {
		f.Fatal(err)
	}
	bad, err := filepath.Glob("testdata/golden/bad/*/config.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(configs, bad...) {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseConfig("config.json", text)
		if err != nil {
			return
		}
		for _, o := range []Options{{MaskToken: -1}, {BodyOnly: true, Attention: []string{"window(4)"}, Global: []int{3, 0, 3}}} {
			k, err := c.describe("model", everything{}, o)
			if err != nil {
				continue
			}
			if err := k.Spec.Check(); err != nil {
				t.Error(err)
			}
		}
	})
}
