package picture

import (
	"context"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/picture/file"
)

// Plan is what work will take.
type Plan struct {
	Width   int     `json:"width"` // of the result
	Height  int     `json:"height"`
	Passes  int     `json:"passes"`  // of networks
	Longest int64   `json:"longest"` // most patches of a pass: one sequence
	Patches int64   `json:"patches"` // of all passes
	Bytes   int64   `json:"bytes"`   // the growth of the process, with the pictures that are read and written
	Seconds float64 `json:"seconds"` // estimated from the pace of the model over a small picture, measured now
}

// Source is what a plan has to know of a picture.
type Source struct {
	Width, Height int
	Grey, Alpha   bool
	Bits          int // 8 or 16; 0 stands for 8
}

// SourceOf is the Source of a picture.
func SourceOf(p *file.Picture) Source {
	return Source{p.Image.Width, p.Image.Height, p.Image.Channels == 1, p.Alpha != nil, p.Bits}
}

// PlanUpscale plans UpscalePicture. It takes less than a second, in which it measures the pace of the model.
func (m *Model) PlanUpscale(ctx context.Context, from Source, o UpscaleOptions) (Plan, error) {
	w, err := m.upscaling(from, o)
	if err != nil {
		return Plan{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := w.need()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Width: w.to.X, Height: w.to.Y, Longest: n.longest, Bytes: n.total()}
	p.Passes, p.Patches = w.passes()
	p.Seconds, err = w.seconds(ctx)
	return p, err
}

// need is the memory that work takes, in bytes.
type need struct {
	heap, pool int64 // most at a time
	longest    int64 // most patches of a pass
}

// hold takes in what stands on the heap at a time.
func (n *need) hold(bytes ...int64) { n.heap = max(n.heap, memory.Sum(bytes...)) }

// The memory of a process outside pictures and matrices, as measured: Go itself and the pages of the program that a run reads; garbage, as
// a share of the heap; and the gaps between matrices, as a share of them. A test compares the sum.
const (
	goBytes  = 6 << 20
	garbage  = 10 // a tenth
	gapShare = 12 // a twelfth
)

// total is the growth of the process.
func (n *need) total() int64 {
	return memory.Sum(n.heap, n.heap/garbage, n.pool, n.pool/gapShare, goBytes)
}

// check refuses what does not fit.
func (m *Model) check(n *need, what, advice string) error {
	limit := m.options.MaxBytes
	if limit == 0 {
		limit = memory.Read().Available
	}
	if total := n.total(); limit > 0 && total > limit {
		return &memory.Error{What: what, Need: total, Available: limit, Advice: advice}
	}
	return nil
}

// The bytes of a pixel of three channels, of one, and those of a small pixel while the filters read it (see patchflow.Need).
const (
	colourBytes = 12
	greyBytes   = 4
	filterBytes = 28
)

// need is the memory of enlarging, part by part in the order of run.
func (w *upscaling) need() (*need, error) {
	n := &need{}
	pixel := int64(colourBytes)
	if w.from.Grey {
		pixel = greyBytes
	}
	small := int64(w.from.Width) * int64(w.from.Height)
	target := int64(w.to.X) * int64(w.to.Y)
	held := small * pixel
	if w.from.Alpha {
		held += small * (greyBytes + pixel) // alpha, and what is premultiplied or goes on
		n.hold(held, small*(greyBytes+pixel)*2/3)
	}
	if w.from.Grey && !w.options.Filters {
		pixel = colourBytes
		held += small * pixel
	}
	if err := w.needEnlarge(n, held, pixel); err != nil {
		return nil, err
	}
	held += target * pixel
	if w.from.Alpha {
		held += target * greyBytes
		n.hold(held, int64(w.to.X)*int64(w.from.Height)*greyBytes)
	}
	coded := int64(4) // bytes of a pixel of the image of Go that is written
	if w.from.Bits == 16 {
		coded = 8
	}
	n.hold(held, target*coded)
	return n, nil
}

// needEnlarge adds enlarge, while some bytes are held.
func (w *upscaling) needEnlarge(n *need, held, pixel int64) error {
	if w.options.Filters {
		w.needFilter(n, held, pixel)
		return nil
	}
	width, height := w.from.Width, w.from.Height
	for i, factor := range w.factors {
		part, err := w.model.pictures.NeedEnlarge(width, height, factor, w.options.draw())
		if err != nil {
			return err
		}
		given := int64(0)
		if i > 0 {
			given = int64(width) * int64(height) * pixel
		}
		n.hold(held, given, part.Heap)
		n.pool = max(n.pool, part.Pool)
		n.longest = max(n.longest, part.Longest)
		width, height = width*factor, height*factor
	}
	w.needShrink(n, held, pixel, width, height)
	return nil
}

// needFilter adds filter.
func (w *upscaling) needFilter(n *need, held, pixel int64) {
	width, height := w.from.Width, w.from.Height
	for i, factor := range w.factors {
		small := int64(width) * int64(height)
		for _, f := range filterFactors(factor) {
			given := int64(0)
			if i > 0 {
				given = small * pixel
			}
			n.hold(held, given, small*filterBytes, small*int64(f*f)*pixel)
			small *= int64(f * f)
		}
		width, height = width*factor, height*factor
	}
	w.needShrink(n, held, pixel, width, height)
}

// filterFactors are the factors of the filters that make a factor.
func filterFactors(factor int) []int {
	if factor == 8 {
		return []int{4, 2}
	}
	return []int{factor}
}

// needShrink adds shrink, of a picture of a size.
func (w *upscaling) needShrink(n *need, held, pixel int64, width, height int) {
	if len(w.factors) > 0 && width == w.to.X && height == w.to.Y {
		return
	}
	given := int64(0) // the picture itself is held already
	if len(w.factors) > 0 {
		given = int64(width) * int64(height) * pixel
	}
	n.hold(held, given, int64(w.to.X)*int64(height)*pixel, int64(w.to.X)*int64(w.to.Y)*pixel)
}
