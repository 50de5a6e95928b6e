package patchflow

import (
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/strict"
)

// Config is the shape of a model: of one or two networks.
type Config struct {
	Enlarge   *Network `yaml:"enlarge,omitempty" json:"enlarge,omitempty"` // from a base to the mean of what the picture could be
	Draw      *Network `yaml:"draw,omitempty" json:"draw,omitempty"`       // the flow, from a base or from nothing
	Precision string   `yaml:"precision" json:"precision"`                 // f32 or bf16
}

// Network is the shape of a network.
type Network struct {
	Patch     int    `yaml:"patch" json:"patch"`                       // pixels along a side of a token
	Width     int    `yaml:"width" json:"width"`                       // features of a token
	Layers    int    `yaml:"layers" json:"layers"`                     // of convolutions
	Heads     int    `yaml:"heads" json:"heads"`                       // of attention
	Hidden    int    `yaml:"hidden" json:"hidden"`                     // features inside a layer, after the gate
	Margin    int    `yaml:"margin,omitempty" json:"margin,omitempty"` // pixels that patches reach over their neighbours and are blended
	Attention string `yaml:"attention" json:"attention"`               // a mechanism, window2d(r), or none
	Every     int    `yaml:"attention_every" json:"attention_every"`   // of so many layers the last has attention
}

// NoAttention is the Attention of a network of convolutions alone.
const NoAttention = "none"

// DefaultConfig is the model of examples/photos.yaml: 0.25 and 1.2 million weights.
func DefaultConfig() Config {
	return Config{
		Enlarge:   &Network{Patch: 4, Width: 64, Layers: 8, Heads: 2, Hidden: 128, Attention: "relu", Every: 4},
		Draw:      &Network{Patch: 8, Width: 128, Layers: 8, Heads: 4, Hidden: 256, Margin: 2, Attention: "relu", Every: 2},
		Precision: "bf16",
	}
}

// The largest numbers that Check lets pass: what a processor can train, with room.
const (
	maxWidth  = 4096
	maxLayers = 256
	maxPatch  = 32
)

// shapes are the networks by their numbers; nil: there is none.
func (c Config) shapes() [nets]*Network {
	return [nets]*Network{enlargeNet: c.Enlarge, drawNet: c.Draw}
}

// Networks is the number of networks.
func (c Config) Networks() (n int) {
	for _, shape := range c.shapes() {
		if shape != nil {
			n++
		}
	}
	return n
}

// Check returns an error that names the first setting out of range.
func (c Config) Check() error {
	if c.Networks() == 0 {
		return strict.Wrong("enlarge", "is missing, and draw too; expected one of them or both")
	}
	if _, err := autograd.ParsePolicy(c.Precision); err != nil {
		return strict.Wrong("precision", "is %q; use f32, bf16 or fp16", c.Precision)
	}
	for i, n := range c.shapes() {
		if n == nil {
			continue
		}
		if err := n.check(); err != nil {
			return strict.Under(networkNames[i], err)
		}
	}
	return nil
}

func (n *Network) check() error {
	for _, s := range []struct {
		name        string
		found, most int
	}{{"patch", n.Patch, maxPatch}, {"width", n.Width, maxWidth}, {"layers", n.Layers, maxLayers}, {"heads", n.Heads, maxWidth},
		{"hidden", n.Hidden, maxWidth}, {"attention_every", n.Every, maxLayers}} {
		if s.found < 1 || s.found > s.most {
			return strict.Wrong(s.name, "is %d; expected 1 to %d", s.found, s.most)
		}
	}
	if n.Margin < 0 || 2*n.Margin > n.Patch {
		return strict.Wrong("margin", "is %d; expected 0 to half of the patch, %d", n.Margin, n.Patch/2)
	}
	if n.Width%n.Heads != 0 {
		return strict.Wrong("width", "is %d; expected a multiple of heads, %d", n.Width, n.Heads)
	}
	if n.Attention == NoAttention {
		return nil
	}
	if d := n.Width / n.Heads; d%8 != 0 || d > 256 {
		return strict.Wrong("heads", "is %d; expected heads of a multiple of 8 features, 8 to 256: width / heads is %d", n.Heads, d)
	}
	if _, _, err := parseMechanism(n.Attention, 1); err != nil {
		return strict.Wrong("attention", "is %q: %s", n.Attention, err)
	}
	return nil
}
