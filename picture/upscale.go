package picture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"slices"

	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// UpscaleOptions say how a picture is enlarged: to a width, a height or both, or by a scale.
type UpscaleOptions struct {
	Width, Height int     // 0: as the aspect of the picture says
	Scale         float64 // of both sides; 0: Width and Height say the size

	Filters bool // without the networks: by the filters of the model alone, which takes moments

	// Detail is 0 for the mean of what the picture could be, which has the least error and is smooth, 1 for one of the pictures that it could
	// be, and between them a mixture. What is above 0 is drawn by Seed in Steps of flow; Steps is DefaultSteps if 0.
	Detail float64
	Steps  int
	Seed   uint64

	Progress func(Progress) // told before each pass of a network; may be nil
}

// DefaultSteps are the steps of flow of Detail where none are given.
const DefaultSteps = 8

// Progress is how much of the work is done, in patches of 4×4 or 8×8 pixels, as the network has them.
type Progress struct {
	Pass, Passes  int   // the pass that begins, from 1 on
	Done, Patches int64 // of all passes
}

func (o UpscaleOptions) check() error {
	switch {
	case !(o.Detail >= 0 && o.Detail <= 1):
		return fmt.Errorf("found a detail of %g, expected 0 to 1", o.Detail)
	case o.Filters && o.Detail > 0:
		return fmt.Errorf("found a detail of %g and filters alone, which draw none; expected one of them", o.Detail)
	case o.Steps < 0:
		return fmt.Errorf("found %d steps, expected 1 or more, or 0 for %d", o.Steps, DefaultSteps)
	}
	return nil
}

func (o UpscaleOptions) draw() patchflow.Draw {
	d := patchflow.Draw{Detail: o.Detail, Steps: o.Steps, Seed: o.Seed}
	if d.Steps == 0 {
		d.Steps = DefaultSteps
	}
	return d
}

// Upscale is UpscalePicture for an image of Go: Gray and Gray16 stay grey, types of 16 bits give 16 bits, and alpha is kept.
func (m *Model) Upscale(ctx context.Context, im image.Image, o UpscaleOptions) (image.Image, error) {
	p, err := file.FromImage(im)
	if err != nil {
		return nil, err
	}
	if p, err = m.UpscalePicture(ctx, p, o); err != nil {
		return nil, err
	}
	return file.ToImage(p)
}

// UpscalePicture returns p in another size, with its profile, bits and notes. p is not changed. A size that is not p's times 2, 4 or 8 is
// made from the next larger one, by Lanczos-3. A size that is not larger than p's is made so without the model, with a note.
//
// Grey is worked on as three equal channels, but by filters, and comes back as grey. With alpha, transparent pixels take the colours of
// what is beside them, so that there is no edge, and alpha itself is enlarged by a bicubic kernel,
// whose only side lobe is negative, so that nothing outside becomes visible. Shrinking multiplies colours by alpha.
//
// Sizes, and the memory against Options.MaxBytes, are checked before the work begins. What does not fit gives a *memory.Error.
func (m *Model) UpscalePicture(ctx context.Context, p *file.Picture, o UpscaleOptions) (*file.Picture, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	w, err := m.upscaling(SourceOf(p), o)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := w.need()
	if err != nil {
		return nil, err
	}
	if err := m.check(n, "enlarging", "enlarge to less, or by filters alone, or cut the picture first"); err != nil {
		return nil, err
	}
	defer m.reserve(n.pool)()
	return w.run(ctx, p)
}

// upscaling is the work of enlarging a picture.
type upscaling struct {
	model   *Model
	options UpscaleOptions
	from    Source
	to      image.Point
	factors []int
}

func (m *Model) upscaling(from Source, o UpscaleOptions) (*upscaling, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	size := image.Pt(from.Width, from.Height)
	to, err := o.Target(size)
	if err != nil {
		return nil, err
	}
	w := &upscaling{model: m, options: o, from: from, to: to}
	if w.factors, err = factors(size, to, !o.Filters && o.Detail > 0); err != nil {
		return nil, err
	}
	return w, m.has(o)
}

// has refuses work for which the model lacks a network.
func (m *Model) has(o UpscaleOptions) error {
	c := m.pictures.Model.Config()
	switch {
	case !o.Filters && o.Detail < 1 && c.Enlarge == nil:
		return errors.New("the model has no network that enlarges; give a detail of 1, filters alone, or a model trained with model.enlarge")
	case o.Detail > 0 && c.Draw == nil:
		return errors.New("the model has no network that draws; give a detail of 0, or a model trained with model.draw")
	}
	return nil
}

func (w *upscaling) run(ctx context.Context, p *file.Picture) (*file.Picture, error) {
	out := &file.Picture{Bits: p.Bits, ICC: p.ICC, Notes: slices.Clone(p.Notes)}
	if note := w.note(); note != "" {
		out.Notes = append(out.Notes, note)
	}
	seen, err := w.seen(p)
	if err != nil {
		return nil, err
	}
	if out.Image, err = w.enlarge(ctx, seen, p.Bits); err != nil {
		return nil, err
	}
	if p.Image.Channels == 1 && out.Image.Channels == 3 {
		out.Image = mean(out.Image)
	}
	if p.Alpha != nil {
		s := w.model.pictures
		if out.Alpha, err = resample.Resize(p.Alpha, w.to.X, w.to.Y, resample.Bicubic, s.Exec.Threads); err != nil {
			return nil, err
		}
		clamp(out.Alpha)
		if len(w.factors) == 0 {
			err = file.Unpremultiply(out.Image, out.Alpha)
		}
	}
	if err != nil {
		return nil, err
	}
	clamp(out.Image)
	runtime.GC() // as in shrink
	return out, ctx.Err()
}

// seen is what is worked on: of three channels for the networks. Of a picture with alpha it is the colours that are seen, gone on where
// nothing is seen, or before shrinking the colours times alpha.
func (w *upscaling) seen(p *file.Picture) (*raster.Image, error) {
	if len(w.factors) == 0 {
		return p.Premultiplied()
	}
	m := p.Image
	if p.Alpha != nil {
		m = extended(m, p.Alpha)
	}
	if m.Channels == 1 && !w.options.Filters {
		m = m.Coloured()
	}
	return m, nil
}

// note says where the model has nothing to do.
func (w *upscaling) note() string {
	switch {
	case len(w.factors) > 0:
		return ""
	case w.from.Width == w.to.X && w.from.Height == w.to.Y:
		return fmt.Sprintf("The picture has %d×%d pixels already; they stay as they are.", w.from.Width, w.from.Height)
	}
	return fmt.Sprintf("The picture has %d×%d pixels; it is shrunk to %d×%d by Lanczos-3, without the model.",
		w.from.Width, w.from.Height, w.to.X, w.to.Y)
}

// enlarge enlarges a picture to the target. Between two passes it has the values of a file, as pictures have that the networks know.
func (w *upscaling) enlarge(ctx context.Context, m *raster.Image, bits int) (out *raster.Image, err error) {
	if w.options.Filters {
		return w.filter(m)
	}
	s := w.model.pictures
	var total Progress
	total.Passes, total.Patches = w.passes()
	s.Step = steps(w.options.Progress, total)
	for i, factor := range w.factors {
		if i > 0 {
			m.Round(1<<bits - 1)
		}
		d := w.options.draw()
		d.Seed += uint64(i)
		if m, err = s.Enlarge(ctx, m, factor, d); err != nil {
			return nil, err
		}
	}
	return w.shrink(m)
}

// passes are the passes of networks, and the patches of all of them.
func (w *upscaling) passes() (passes int, patches int64) {
	if w.options.Filters {
		return 0, 0
	}
	c, size := w.model.pictures.Model.Config(), image.Pt(w.from.Width, w.from.Height)
	for _, factor := range w.factors {
		size = size.Mul(factor)
		d := w.options.draw()
		passes += d.Passes(factor)
		if d.Detail < 1 {
			patches += patchesOf(size, c.Enlarge.Patch)
			if factor == 8 {
				patches += patchesOf(size.Div(2), c.Enlarge.Patch)
			}
		}
		if d.Detail > 0 {
			all, _ := patchflow.FlowPatches(size.X, size.Y, c.Draw.Patch, d.Steps)
			patches += all
		}
	}
	return passes, patches
}

// patchesOf is the number of patches that cover a picture.
func patchesOf(size image.Point, side int) int64 {
	return int64((size.X+side-1)/side) * int64((size.Y+side-1)/side)
}

// filter enlarges a picture of any channels to the target, by the filters alone.
func (w *upscaling) filter(m *raster.Image) (out *raster.Image, err error) {
	s := w.model.pictures
	for _, factor := range w.factors {
		if m, err = s.Base.Enlarge(m, factor, s.Exec.Threads); err != nil {
			return nil, err
		}
	}
	return w.shrink(m)
}

// shrink makes the size of the target of a larger picture.
func (w *upscaling) shrink(m *raster.Image) (*raster.Image, error) {
	if len(w.factors) > 0 && m.Width == w.to.X && m.Height == w.to.Y {
		return m, nil
	}
	runtime.GC() // what the parts before have left; the process would grow by it
	return resample.Resize(m, w.to.X, w.to.Y, resample.Lanczos3, w.model.pictures.Exec.Threads)
}
