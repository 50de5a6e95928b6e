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

// DefaultData is the data of examples/photos.yaml: some 8,200 patches a batch of the one, and 5,700 of the other.
func DefaultData() DataConfig {
	return DataConfig{Enlarge: CropConfig{Batch: 8, Side: 32, Large: 96, Turns: 1},
		Draw: CropConfig{Batch: 10, Side: 24, Large: 80, Paint: 0.3, Turns: 3}}
}

// crops are the settings by the number of the network.
func (d DataConfig) crops() [nets]CropConfig {
	return [nets]CropConfig{enlargeNet: d.Enlarge, drawNet: d.Draw}
}

// largestFactor is the largest factor of enlarging that a network learns.
var largestFactor = [nets]int{enlargeNet: 4, drawNet: 8}

// Check returns an error that names the first setting out of range.
func (d DataConfig) Check() error {
	for i, c := range d.crops() {
		if err := strict.Under(networkNames[i], c.Check()); err != nil {
			return err
		}
	}
	return nil
}

// CheckFor returns an error for crops that the networks of a model cannot have.
func (d DataConfig) CheckFor(c Config) error {
	for i, shape := range c.shapes() {
		if shape == nil {
			continue
		}
		name, config, factor := networkNames[i], d.crops()[i], largestFactor[i]
		for _, s := range []struct {
			key  string
			side int
		}{{"side", config.Side}, {"large", config.Large}} {
			if s.side*shape.Patch%factor != 0 {
				return strict.Under(name, strict.Wrong(s.key,
					"is %d; expected crops of a multiple of %d pixels: with patches of %d a multiple of %d", s.side, factor, shape.Patch,
					factor/gcd(factor, shape.Patch)))
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
	for i, shape := range c.shapes() {
		if shape == nil {
			continue
		}
		config := d.crops()[i]
		least = max(least, max(config.Side, config.Large)*shape.Patch+2*margin*largestFactor[i])
	}
	return least
}

// Source is a data.Source of batches for each network of a model in turn.
type Source struct {
	turns       []turn
	next        uint64
	fingerprint uint64 // of the settings and the photographs
}

// turn is a batch of a step: number i of the of batches that the network has there.
type turn struct {
	*crops
	i, of uint64
}

// Turns is the number of batches of a step: those of each network of a model.
func (d DataConfig) Turns(c Config) (n int) {
	for i, shape := range c.shapes() {
		if shape != nil {
			n += d.crops()[i].Turns
		}
	}
	return n
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
	var all []*crops
	for i, shape := range c.shapes() {
		if shape == nil {
			continue
		}
		own := &crops{d.crops()[i], i, shape.Patch, seed, base, photos.all, threads}
		all = append(all, own)
		for k := range own.config.Turns {
			s.turns = append(s.turns, turn{own, uint64(k), uint64(own.config.Turns)})
		}
	}
	s.fingerprint = fingerprint(all, photos.all)
	return s, nil
}

// Next makes the next batch.
func (s *Source) Next(b *data.Batch) error {
	n := uint64(len(s.turns))
	i := s.next
	s.next++
	t := s.turns[i%n]
	return t.batch(b, i/n*t.of+t.i)
}

// State is the number of batches made, after a hash of the settings and the photographs.
func (s *Source) State() []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, s.fingerprint), s.next)
}

// Restore moves to a state of State.
func (s *Source) Restore(state []byte) error {
	if len(state) != 16 || binary.LittleEndian.Uint64(state) != s.fingerprint {
		return errors.New("patchflow: the position is of other photographs or other settings")
	}
	s.next = binary.LittleEndian.Uint64(state[8:])
	return nil
}

// fingerprint is a hash of all that batches depend on.
func fingerprint(turns []*crops, photos []*photo) uint64 {
	h := fnv.New64a()
	for _, c := range turns {
		fmt.Fprintf(h, "%+v %d %d %d %v\n", c.config, c.network, c.patch, c.seed, c.base.Rho)
	}
	for _, p := range photos {
		last := p.sizes[len(p.sizes)-1]
		fmt.Fprint(h, last.Width, last.Height)
		h.Write(last.Pix)
	}
	return h.Sum64()
}
