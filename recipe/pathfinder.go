package recipe

import (
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/pathfinder"
	"github.com/longspan/longspan/internal/strict"
)

// Pathfinder is images as sequences of pixels, and the question whether a curve joins two dots. Zeros are package
// pathfinder's defaults.
type Pathfinder struct {
	Size        int    `yaml:"size"`        // pixels a side; 0 means 32
	Dashes      int    `yaml:"dashes"`      // of a long curve
	Distractors int    `yaml:"distractors"` // shorter curves; −1 is none
	Examples    int    `yaml:"examples"`    // to train on; 0 means 160000
	Held        int    `yaml:"held"`        // for validation, and as many for the test; 0 means 20000
	Seed        uint64 `yaml:"seed"`        // of the images
}

func (p *Pathfinder) part(split data.Split, examples int) (task, error) {
	return pathfinder.New(pathfinder.Config{Size: p.Size, Dashes: p.Dashes, Distractors: p.Distractors, Examples: examples, Split: split, Seed: p.Seed})
}

func (p *Pathfinder) check() error {
	if p.Held < 0 {
		return strict.Wrong("held", "is %d; it cannot be negative", p.Held)
	}
	_, err := p.part(data.Train, p.Examples)
	return err
}

func (p *Pathfinder) open(batch int, seed uint64) (*Sets, error) {
	size := orDefault(p.Size, 32)
	s := &Sets{Tokens: size * size}
	return s, s.tasks(batch, seed, p.Examples, p.Held, p.part)
}
