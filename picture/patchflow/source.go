package patchflow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/strict"
)

// DataConfig says what a model is trained on.
type DataConfig struct {
	Enlarge CropConfig `yaml:"enlarge"`
	Draw    CropConfig `yaml:"draw"`
}

// DefaultData is the data of examples/photos.yaml: some 9,200 patches a batch.
func DefaultData() DataConfig {
	return DataConfig{Enlarge: CropConfig{Batch: 8, Side: 32, Large: 96}, Draw: CropConfig{Batch: 10, Side: 24, Large: 80, Paint: 0.2}}
}

// Check returns an error that names the first setting out of range.
func (d DataConfig) Check() error {
	if err := strict.Under("enlarge", d.Enlarge.Check()); err != nil {
		return err
	}
	return strict.Under("draw", d.Draw.Check())
}

// CheckFor returns an error for crops that the networks of a model cannot have.
func (d DataConfig) CheckFor(c Config) error {
	for i, shape := range []*Network{c.Enlarge, c.Draw} {
		if shape == nil {
			continue
		}
		name, config, factor := networkNames[i], []CropConfig{d.Enlarge, d.Draw}[i], []int{4, 8}[i]
		for _, s := range []struct {
			key  string
			side int
		}{{"side", config.Side}, {"large", config.Large}} {
			if s.side*shape.Patch%factor != 0 {
				return strict.Under(name, strict.Wrong(s.key,
					"is %d; expected crops of a multiple of %d pixels: with patches of %d a multiple of %d", s.side, factor, shape.Patch, factor/gcd(factor, shape.Patch)))
			}
		}
		if i == enlargeNet && config.Paint > 0 {
			return strict.Under(name, strict.Wrong("paint", "is %g; expected 0: only the network that draws paints", config.Paint))
		}
		if window.MatchString(shape.Attention) && config.Paint > 0 && config.Paint < 1 {
			return strict.Under(name, strict.Wrong("paint",
				"is %g; expected 0 or 1 with the attention %s, which needs pictures of one width in a batch", config.Paint, shape.Attention))
		}
	}
	return nil
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// Smallest is the number of pixels that the sides of a photograph need for all crops of a model, with the margins at the largest factor.
func (d DataConfig) Smallest(c Config) int {
	least := rhoSide + 2*margin*8 // what FitBase measures
	for i, shape := range []*Network{c.Enlarge, c.Draw} {
		if shape == nil {
			continue
		}
		config, factor := []CropConfig{d.Enlarge, d.Draw}[i], []int{4, 8}[i]
		side := max(config.Side, config.Large)
		least = max(least, side*shape.Patch+2*margin*factor)
	}
	return least
}

// Source is a data.Source of batches for each network of a model in turn.
type Source struct {
	turns []*crops
	next  uint64
}

// NewSource returns a Source over photographs, which must be large enough for the crops at every factor.
func NewSource(c Config, d DataConfig, base *Base, photos *Photos, seed uint64, threads int) (*Source, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if err := d.Check(); err != nil {
		return nil, err
	}
	if err := d.CheckFor(c); err != nil {
		return nil, err
	}
	if err := base.Check(); err != nil {
		return nil, err
	}
	if photos.Len() == 0 {
		return nil, errors.New("patchflow: no photographs to learn from")
	}
	s := &Source{}
	for i, shape := range []*Network{c.Enlarge, c.Draw} {
		if shape == nil {
			continue
		}
		config := []CropConfig{d.Enlarge, d.Draw}[i]
		s.turns = append(s.turns, &crops{config, i, shape.Patch, seed, base, photos.all, threads})
	}
	return s, nil
}

// Next makes the next batch.
func (s *Source) Next(b *data.Batch) error {
	n := uint64(len(s.turns))
	i := s.next
	s.next++
	return s.turns[i%n].batch(b, i/n)
}

// State is the number of batches made, after a hash of the settings and the photographs.
func (s *Source) State() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, s.fingerprint()), s.next)
}

// Restore moves to a state of State.
func (s *Source) Restore(state []byte) error {
	if len(state) != 16 || binary.LittleEndian.Uint64(state) != s.fingerprint() {
		return errors.New("patchflow: the position is of other photographs or other settings")
	}
	s.next = binary.LittleEndian.Uint64(state[8:])
	return nil
}

func (s *Source) fingerprint() uint64 {
	h := fnv.New64a()
	for _, c := range s.turns {
		fmt.Fprintf(h, "%+v %d %d %d %v\n", c.config, c.network, c.patch, c.seed, c.base.Rho)
	}
	for _, p := range s.turns[0].photos {
		last := p.sizes[len(p.sizes)-1]
		fmt.Fprint(h, last.width, last.height)
		h.Write(last.pix)
	}
	return h.Sum64()
}
