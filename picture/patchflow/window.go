package patchflow

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
)

// window is the text form of a window over a picture of any width: window2d(r), every patch sees those at most r rows and r columns away.
var window = regexp.MustCompile(`^window2d\(([0-9]{1,4})\)$`)

// parseMechanism reads the attention of a network. For a window over pictures it returns the one of pictures of a width.
func parseMechanism(text string, width int) (m mechanism.Mechanism, byWidth bool, err error) {
	if r := window.FindStringSubmatch(text); r != nil {
		radius, err := strconv.Atoi(r[1])
		if err != nil {
			return m, false, err
		}
		m, err = mechanism.Parse(fmt.Sprintf("window2d(%d, %d)", width, radius))
		return m, true, err
	}
	m, err = mechanism.Parse(text)
	return m, false, err
}

// mixer is an attention layer, whose mechanism may depend on the width of the pictures.
type mixer struct {
	text  string
	layer *nn.Attention
	// byWidth are layers with the weights of layer for pictures of some widths; nil for a mechanism that is the same for all.
	byWidth map[int]*nn.Attention
}

func newMixer(p *nn.Params, name string, c Network) (*mixer, error) {
	m, byWidth, err := parseMechanism(c.Attention, 1)
	if err != nil {
		return nil, err
	}
	l, err := nn.NewAttention(p, name, nn.AttentionConfig{Width: c.Width, Heads: c.Heads, Mechanism: m, Scale: calm})
	if err != nil {
		return nil, err
	}
	x := &mixer{text: c.Attention, layer: l}
	if byWidth {
		x.byWidth = map[int]*nn.Attention{}
	}
	return x, nil
}

func (x *mixer) apply(p *nn.Pass, in *autograd.Var, grids []autograd.Grid) *autograd.Var {
	if x.byWidth == nil {
		return x.layer.Apply(p, in)
	}
	width := grids[0].Width
	for _, g := range grids {
		if g.Width != width {
			return p.G.Fail(fmt.Errorf("patchflow: pictures of %d and %d patches in a row, expected one width in a batch for %s; with crops and "+
				"whole pictures in one batch give data.crops.draw.paint 0 or 1", width, g.Width, x.text))
		}
	}
	l, ok := x.byWidth[width]
	if !ok {
		m, _, err := parseMechanism(x.text, width)
		if err == nil {
			l, err = x.layer.With(m)
		}
		if err != nil {
			return p.G.Fail(err)
		}
		x.byWidth[width] = l
	}
	return l.Apply(p, in)
}
