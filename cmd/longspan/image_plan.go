package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/picture"
	"github.com/longspan/longspan/picture/file"
)

// imagePlanReport is the output of `image plan`.
type imagePlanReport struct {
	picture.Plan
	Input  string `json:"input,omitempty"`
	Model  string `json:"model"`
	Budget int64  `json:"budget_bytes"` // 0 where it is not known
	Fits   bool   `json:"fits"`
}

// imagePlanFlags are the flags of `image plan`.
type imagePlanFlags struct {
	imageFlags
	scale scaleFlags
	paint paintFlags
	steps string
}

func newImagePlan(o *output) *cobra.Command {
	var p imagePlanFlags
	c := &cobra.Command{
		Use:   "plan [PICTURE]",
		Short: "Estimate the bytes and seconds of enlarging or painting before it starts",
		Long: `Estimate what enlarging a picture, or painting one, will take on this machine:

  longspan image plan in.jpg --to 7680x4320
  longspan image plan --size 3840x2160

With a picture the options are those of 'longspan image upscale', and with --size those of 'longspan image generate'. The bytes are those by
which the process grows: they are counted by a walk without data. The seconds follow the pace of the model over a small picture, which is
measured now, in a second or two; the machine should be idle. The exit status is 3 if it does not fit the memory.`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := p.report(c, args)
			if err != nil {
				return err
			}
			if err := o.print(r, r.write); err != nil || r.Fits {
				return err
			}
			return errors.Join(reported{errTooBigPicture}, &memory.Error{What: "the picture", Need: r.Bytes, Available: r.Budget})
		},
	}
	f := c.Flags()
	f.StringVar(&p.scale.to, "to", "", "size to enlarge to: 3840x2160, or 3840x and x2160, which give one side")
	f.Float64Var(&p.scale.Scale, "scale", 0, "factor of both sides, in place of --to")
	f.BoolVar(&p.scale.Filters, "filters", false, "by the filters of the model alone, without its networks")
	f.Float64Var(&p.scale.Detail, "detail", 0, "share of what is drawn, 0 to 1")
	f.StringVar(&p.paint.size, "size", "", "size of a picture to paint")
	f.StringVar(&p.steps, "steps", "", "as those of 'image upscale', one number, or of 'image generate', three")
	p.imageFlags.add(c)
	return c
}

var errTooBigPicture = errors.New("the picture does not fit")

func (f *imagePlanFlags) report(c *cobra.Command, args []string) (r imagePlanReport, err error) {
	plan, err := f.planned(c, args)
	if err != nil {
		return r, usage(err)
	}
	m, err := f.open()
	if err != nil {
		return r, err
	}
	defer m.Close()
	if r.Budget, err = allowance(f.memory); err != nil {
		return r, err
	}
	if len(args) > 0 {
		r.Input = args[0]
	}
	r.Model = m.Name()
	ctx, end := untilStopped()
	defer end()
	if r.Plan, err = plan(ctx, m); err != nil {
		if ctx.Err() != nil {
			return r, errInterrupted
		}
		return r, usage(err)
	}
	r.Fits = r.Budget == 0 || r.Bytes <= r.Budget
	return r, nil
}

// planned reads the flags and the picture, and returns what plans the work.
func (f *imagePlanFlags) planned(c *cobra.Command, args []string) (func(context.Context, *picture.Model) (picture.Plan, error), error) {
	if len(args) == 0 {
		return f.painting(c)
	}
	if f.paint.size != "" {
		return nil, fmt.Errorf("found --size with a picture, expected --to or --scale; --size alone plans a picture that is painted")
	}
	f.scale.Steps = picture.DefaultSteps
	if f.steps != "" {
		n, err := strconv.Atoi(f.steps)
		if err != nil {
			return nil, fmt.Errorf("found --steps %q, expected one number, such as %d", f.steps, picture.DefaultSteps)
		}
		f.scale.Steps = n
	}
	if err := f.scale.check(c); err != nil {
		return nil, err
	}
	w, h, err := file.Size(args[0])
	if err != nil {
		return nil, err
	}
	if _, err := f.scale.Target(image.Pt(w, h)); err != nil {
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	p, err := file.Open(args[0], file.Limits{})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, m *picture.Model) (picture.Plan, error) {
		return m.PlanUpscale(ctx, picture.SourceOf(p), f.scale.UpscaleOptions)
	}, nil
}

// painting is planned for a picture that is painted.
func (f *imagePlanFlags) painting(c *cobra.Command) (func(context.Context, *picture.Model) (picture.Plan, error), error) {
	for _, name := range []string{"to", "scale", "detail", "filters"} {
		if c.Flags().Changed(name) {
			return nil, fmt.Errorf("found --%s without a picture, expected the picture to enlarge, or --size for one to paint", name)
		}
	}
	if f.paint.steps = f.steps; f.steps == "" {
		f.paint.steps = defaultPaintSteps
	}
	if err := f.paint.check(c); err != nil {
		return nil, err
	}
	return func(ctx context.Context, m *picture.Model) (picture.Plan, error) {
		return m.PlanGenerate(ctx, f.paint.GenerateOptions)
	}, nil
}

func (r imagePlanReport) write(w io.Writer) {
	from := "from nothing"
	if r.Input != "" {
		from = "from " + r.Input
	}
	fmt.Fprintf(w, "picture  %d×%d %s by %s\n", r.Width, r.Height, from, r.Model)
	if r.Passes > 0 {
		fmt.Fprintf(w, "passes   %d of up to %d patches as one sequence, %d patches in all\n", r.Passes, r.Longest, r.Patches)
	}
	fmt.Fprintf(w, "memory   %s", memory.Format(r.Bytes))
	switch {
	case r.Budget > 0 && r.Fits:
		fmt.Fprintf(w, ", and %s are available: it fits", memory.Format(r.Budget))
	case r.Budget > 0:
		fmt.Fprintf(w, ", and %s are available: it does not fit", memory.Format(r.Budget))
	}
	fmt.Fprintf(w, "\ntime     about %.3g s, by the pace of the model over a small picture\n", r.Seconds)
}
