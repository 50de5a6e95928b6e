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
)

// GenerateOptions say what is painted.
type GenerateOptions struct {
	Width, Height int
	Seed          uint64
	// Steps are those of flow: of the first picture, which is some 240 pixels wide, of the ones between, and of the last. All 0 stands for
	// patchflow.DefaultSteps.
	Steps [3]int

	// Sketch, where not nil, is what the picture should look like from afar, in the aspect of the picture. Strength is how much of it may
	// change: 0 keeps it and only enlarges it, 1 ignores it. Transparent parts are white.
	Sketch   image.Image
	Strength float64

	Progress func(Progress)    // told before each pass of a network; may be nil
	Preview  func(image.Image) // given the picture at each level but the last, as it is done; may be nil
}

// painting checks o.
func (o GenerateOptions) painting() (p patchflow.Painting, err error) {
	if err := checkSize(o.Width, o.Height); err != nil {
		return p, err
	}
	p = patchflow.Painting{Width: o.Width, Height: o.Height, Steps: o.Steps, Seed: o.Seed, Strength: o.Strength}
	if p.Steps == [3]int{} {
		p.Steps = patchflow.DefaultSteps
	}
	switch {
	case slices.Min(p.Steps[:]) < 1:
		return p, fmt.Errorf("found steps of %v, expected three numbers of 1 or more", o.Steps)
	case !(o.Strength >= 0 && o.Strength <= 1):
		return p, fmt.Errorf("found a strength of %g, expected 0 to 1", o.Strength)
	case o.Sketch == nil && o.Strength != 0:
		return p, fmt.Errorf("found a strength of %g without a sketch, expected a sketch, or no strength", o.Strength)
	case o.Sketch == nil:
		return p, nil
	}
	if err := checkAspect(o.Sketch.Bounds().Size(), image.Pt(o.Width, o.Height)); err != nil {
		return p, fmt.Errorf("the sketch: %w", err)
	}
	p.Sketch, err = sketch(o.Sketch)
	return p, err
}

// sketch is an image over white, of three channels.
func sketch(im image.Image) (*raster.Image, error) {
	p, err := file.FromImage(im)
	if err != nil {
		return nil, err
	}
	m := p.Image
	if m.Channels == 1 {
		m = m.Coloured()
	}
	if p.Alpha != nil {
		for i, a := range p.Alpha.Pix {
			for c := 3 * i; c < 3*i+3; c++ {
				m.Pix[c] = 1 - a + a*m.Pix[c]
			}
		}
	}
	return m, nil
}

// Generate paints a picture of 8 bits: the first level is some 240 pixels wide, and each of the others four times the one before. The last
// is shrunk to the size. The size, and the memory against Options.MaxBytes, are checked before. What does not fit gives a *memory.Error.
func (m *Model) Generate(ctx context.Context, o GenerateOptions) (image.Image, error) {
	p, err := m.paint(o)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	part, err := m.pictures.NeedPaint(p)
	if err != nil {
		return nil, err
	}
	n := paintNeed(part, o)
	if err := m.check(n, "painting", "paint a smaller picture"); err != nil {
		return nil, err
	}
	defer m.reserve(n.pool)()
	p.Preview = previews(o.Preview, &err)
	m.pictures.Step = steps(o.Progress, Progress{Passes: part.Passes, Patches: part.Patches})
	done, failed := m.pictures.Generate(ctx, p)
	if err = errors.Join(failed, err); err != nil {
		return nil, err
	}
	runtime.GC() // the noise and the base; the process would grow by them
	return file.ToImage(&file.Picture{Image: done, Bits: 8})
}

// paint checks that m can paint what o says.
func (m *Model) paint(o GenerateOptions) (patchflow.Painting, error) {
	p, err := o.painting()
	if err == nil && m.pictures.Model.Config().Draw == nil {
		err = errors.New("the model has no network that draws; give one trained with model.draw")
	}
	return p, err
}

// previews gives images to tell; nil gives nil. The first error is kept.
func previews(tell func(image.Image), err *error) func(*raster.Image) {
	if tell == nil {
		return nil
	}
	return func(m *raster.Image) {
		im, failed := file.ToImage(&file.Picture{Image: m, Bits: 8})
		if failed != nil {
			*err = errors.Join(*err, failed)
			return
		}
		tell(im)
	}
}

// steps tells the progress of all passes; nil gives nil.
func steps(tell func(Progress), p Progress) func(pass, passes, patches int) {
	if tell == nil {
		return nil
	}
	return func(_, _, patches int) {
		p.Pass++
		tell(p)
		p.Done += int64(patches)
	}
}

// PlanGenerate plans Generate, as PlanUpscale plans UpscalePicture.
func (m *Model) PlanGenerate(ctx context.Context, o GenerateOptions) (Plan, error) {
	p, err := m.paint(o)
	if err != nil {
		return Plan{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	part, err := m.pictures.NeedPaint(p)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{Width: o.Width, Height: o.Height, Passes: part.Passes, Longest: part.Longest, Patches: part.Patches}
	plan.Bytes = paintNeed(part, o).total()
	drawn, err := m.measure(ctx, 4, &patchflow.Draw{Detail: 1, Steps: 1})
	pixels := float64(o.Width) * float64(o.Height)
	// Levels of a sixteenth add a fifteenth.
	plan.Seconds = drawn.pass*float64(part.Flops) + drawn.before*float64(part.Pixels)*16/15 + codeSeconds*2*pixels
	return plan, err
}

// paintNeed is the memory of painting and of the image that is made of the picture.
func paintNeed(part patchflow.Need, o GenerateOptions) *need {
	n := &need{heap: part.Heap, pool: part.Pool, longest: part.Longest}
	pixels := int64(o.Width) * int64(o.Height)
	n.hold(pixels*colourBytes, pixels*4)
	if o.Sketch != nil {
		size := o.Sketch.Bounds().Size()
		n.heap += int64(size.X) * int64(size.Y) * colourBytes
	}
	return n
}
