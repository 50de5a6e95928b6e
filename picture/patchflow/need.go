package patchflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/tensor"
)

// Need is what enlarging or painting takes, counted before it is done.
type Need struct {
	Heap    int64 // most bytes of pictures, noise and what belongs to patches at a time, with the result, without what is given
	Pool    int64 // most bytes of the matrices of Exec.Pool at a time
	Passes  int   // of networks
	Patches int64 // of all passes
	Longest int64 // most patches of a pass
	Pixels  int64 // of the largest picture
	Flops   int64 // of all passes
}

// The bytes of a pixel and of a patch outside the pool.
const (
	pixelBytes = 4 * channels
	// filterBytes are those of a small pixel while filters read it: luma, and two of each of the three planes of its structure.
	filterBytes = 4 * 7
	// patchBytes are the mean and the deviation of a patch.
	patchBytes = 4 * (channels + 1)
)

// NeedEnlarge is the need of Enlarge for a picture of a size, which must be one that Enlarge takes. Nothing is computed.
func (s *Pictures) NeedEnlarge(width, height, factor int, d Draw) (Need, error) {
	if err := d.check(factor); err != nil {
		return Need{}, err
	}
	dry, err := s.dry()
	if err != nil {
		return Need{}, err
	}
	small, large := int64(width)*int64(height), int64(width)*int64(height)*int64(factor*factor)
	need := Need{Heap: small*filterBytes + large*pixelBytes, Passes: d.Passes(factor)}
	if factor == 8 { // the filters of 4, then those of 2
		need.Heap = max(need.Heap, small*16*(pixelBytes+filterBytes)+large*pixelBytes)
	}
	o, held := Condition{Factor: factor}, large*pixelBytes
	if d.Detail > 0 {
		if err := dry.count(&need, drawNet, width*factor, height*factor, o, d.Steps, held); err != nil {
			return need, err
		}
		held += large * pixelBytes // what is drawn stands beside the mean
	}
	if d.Detail == 1 {
		return need, nil
	}
	o.Once = true
	if factor == 8 {
		if err := dry.count(&need, enlargeNet, width*4, height*4, o, 1, held); err != nil {
			return need, err
		}
		held += small * 16 * pixelBytes
	}
	return need, dry.count(&need, enlargeNet, width*factor, height*factor, o, 1, held)
}

// NeedPaint is the need of Generate.
func (s *Pictures) NeedPaint(p Painting) (Need, error) {
	if err := p.check(); err != nil {
		return Need{}, err
	}
	dry, err := s.dry()
	if err != nil {
		return Need{}, err
	}
	sizes := levels(p.Width, p.Height)
	if last := sizes[len(sizes)-1]; int64(last.width)*int64(last.height) > raster.MaxPixels {
		return Need{}, fmt.Errorf("patchflow: a picture of %d×%d on the way to %d×%d has more than %d pixels, expected a smaller picture",
			last.width, last.height, p.Width, p.Height, raster.MaxPixels)
	}
	first := int64(sizes[0].width) * int64(sizes[0].height) * pixelBytes
	need := Need{}
	if p.Sketch == nil || p.Strength > 0 {
		steps := p.steps(0, len(sizes))
		need.Passes = flowPasses(steps)
		held := first // the grey base
		if p.Sketch != nil {
			held += first
		}
		if err := dry.count(&need, drawNet, sizes[0].width, sizes[0].height, Condition{}, steps, held); err != nil {
			return need, err
		}
	}
	for i := 1; i < len(sizes); i++ {
		w, h := sizes[i-1].width, sizes[i-1].height
		level, err := s.NeedEnlarge(w, h, sizes[i].factor, Draw{Detail: 1, Steps: p.steps(i, len(sizes))})
		if err != nil {
			return need, err
		}
		need.Heap, need.Pool = max(need.Heap, level.Heap+int64(w)*int64(h)*pixelBytes), max(need.Pool, level.Pool)
		need.Passes += level.Passes
		need.Patches += level.Patches
		need.Flops += level.Flops
		need.Longest, need.Pixels = max(need.Longest, level.Longest), max(need.Pixels, level.Pixels)
	}
	if last := sizes[len(sizes)-1]; last.width != p.Width || last.height != p.Height {
		whole, cut := int64(last.width)*int64(last.height), int64(p.Width)*int64(p.Height)
		between := int64(p.Width) * int64(last.height)
		need.Heap = max(need.Heap, pixelBytes*(2*whole+between+cut))
	}
	return need, nil
}

// dry is s with weights and matrices that are counted alone.
func (s *Pictures) dry() (*Pictures, error) {
	x := tensor.Exec{Threads: s.Exec.Threads, Pool: tensor.NewDryPool()}
	m, err := New(s.Model.config, Options{Pool: x.Pool})
	if err != nil {
		return nil, err
	}
	return &Pictures{Base: s.Base, Model: m, Exec: x}, nil
}

// count adds to a need the steps of a network of s, which is dry, over a picture of which some bytes are held meanwhile.
func (s *Pictures) count(need *Need, network, width, height int, o Condition, steps int, held int64) error {
	net := s.Model.nets[network]
	if net == nil {
		return errors.New("patchflow: the model lacks the network for it")
	}
	grid := gridOf(width, height, net.config.Patch)
	n := int64(grid.Height) * int64(grid.Width)
	s.Exec.Pool.ResetPeak()
	s.Model.cost = &autograd.Cost{}
	weights := s.Exec.Pool.InUse()
	k := task{net, &contrast{patch: net.config.Patch, grid: grid}, nil, o}
	if err := s.Model.predict(context.Background(), s.Exec, k, nil); err != nil {
		return err
	}
	need.Pool = max(need.Pool, s.Exec.Pool.Peak()-weights)
	held += n * patchBytes
	if network == drawNet {
		held += 3*int64(width)*int64(height)*pixelBytes + (grids-1)*n*patchBytes // the state of flow, the last step's sum, and the grids
	}
	need.Heap = max(need.Heap, held)
	patches, longest := int64(steps)*n, n
	if network == drawNet {
		patches, longest = FlowPatches(width, height, net.config.Patch, steps)
	}
	need.Patches += patches
	need.Longest, need.Pixels = max(need.Longest, longest), max(need.Pixels, int64(width)*int64(height))
	cost := s.Model.cost.Matmul + s.Model.cost.Attention + s.Model.cost.Vector
	need.Flops += int64(float64(cost) * float64(patches) / float64(n))
	return nil
}

// FlowPatches are the patches of all passes of flow over a picture, and of the longest: grids that begin before the picture have a row or a
// column more.
func FlowPatches(width, height, patch, steps int) (all, longest int64) {
	for i := range flowPasses(steps) {
		x, y := gridBegin(i, patch)
		if i >= steps-1 {
			x, y = gridBegin(i-steps+1, patch)
		}
		g := gridOf(width+x, height+y, patch)
		n := int64(g.Height) * int64(g.Width)
		all, longest = all+n, max(longest, n)
	}
	return all, longest
}
