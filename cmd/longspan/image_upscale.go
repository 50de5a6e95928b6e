package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/picture"
	"github.com/longspan/longspan/picture/file"
)

// upscaleReport is the output of `image upscale`.
type upscaleReport struct {
	Input   string   `json:"input"`
	Model   string   `json:"model"`
	Filters bool     `json:"filters,omitempty"` // alone
	Detail  float64  `json:"detail"`
	Seed    *uint64  `json:"seed,omitempty"` // of what was drawn
	From    [2]int   `json:"from"`           // width and height
	To      [2]int   `json:"to"`
	Out     string   `json:"out"`
	Seconds float64  `json:"seconds"`
	Notes   []string `json:"notes,omitempty"`
}

// scaleFlags say how a picture is enlarged.
type scaleFlags struct {
	picture.UpscaleOptions
	to string
}

func (f *scaleFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.to, "to", "", "size in pixels: 3840x2160; 3840x and x2160 give one side, and the other follows")
	flags.Float64Var(&f.Scale, "scale", 0, "factor of both sides, such as 4 or 1.5, in place of --to")
	flags.BoolVar(&f.Filters, "filters", false, "by the filters of the model alone, without its networks: takes moments")
	flags.Float64Var(&f.Detail, "detail", 0, "share of what is drawn: 0 is smooth and has the least error, 1 is sharp and invented")
	flags.IntVar(&f.Steps, "steps", picture.DefaultSteps, "with --detail: passes of the network that draws; fewer are faster")
	flags.Uint64Var(&f.Seed, "seed", 1, "with --detail: seed of what is drawn")
}

// check reads the size, and refuses flags without use.
func (f *scaleFlags) check(c *cobra.Command) (err error) {
	switch {
	case f.to == "" && !c.Flags().Changed("scale"):
		return errors.New("found neither --to nor --scale, expected one of them, such as --to 3840x2160 or --scale 4")
	case f.to != "" && c.Flags().Changed("scale"):
		return fmt.Errorf("found --to %s and --scale %g, expected one of them", f.to, f.Scale)
	case f.to == "" && f.Scale == 0:
		return errors.New("found --scale 0, expected a factor above 0, such as 4")
	case f.Detail == 0 && (c.Flags().Changed("steps") || c.Flags().Changed("seed")):
		return errors.New("found --steps or --seed without --detail, expected --detail above 0: nothing else is drawn")
	case f.Steps < 1:
		return fmt.Errorf("found --steps %d, expected at least 1", f.Steps)
	case f.to != "":
		f.Width, f.Height, err = imageSize("--to", f.to)
	}
	return err
}

// upscaleFlags are the flags of `image upscale`.
type upscaleFlags struct {
	imageFlags
	scaleFlags
	outputFlags
}

func newImageUpscale(o *output) *cobra.Command {
	var u upscaleFlags
	c := &cobra.Command{
		Use:   "upscale PICTURE --to WxH -o FILE",
		Short: "Enlarge a picture to any size",
		Long: `Enlarge a picture by a model that has learned from photographs. PNG, JPEG, WebP and TIFF are read; PNG and JPEG are written.

  longspan image upscale in.jpg --to 3840x2160 -o out.png
  longspan image upscale in.png --scale 4 -o out.png
  longspan image upscale in.jpg --to x2160 --detail 1 --seed 7 -o out.jpg

The picture is worked on as a whole, never in tiles. Any size will do: it is enlarged by 2, 4 or 8, again where that is not enough, and
shrunk from there. A size that stretches the picture is refused, with those that fit.

--detail 0 gives the mean of what the picture could be. It has the least error, and is smooth where the small picture does not tell.
--detail 1 draws what is missing: it is sharp, and invented. Faces and text are invented too.

The orientation is applied. Colour profiles, 16 bits, grey and transparency are kept. What a file cannot keep is said as a note.
'longspan image plan' says what it will take; the same options give the same bytes.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := errors.Join(u.scaleFlags.check(c), u.outputFlags.check()); err != nil {
				return usage(err)
			}
			r, err := u.execute(o, args[0])
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	u.scaleFlags.add(c)
	u.imageFlags.add(c)
	u.outputFlags.add(c)
	return c
}

// execute checks everything that can be checked before the picture is decoded, and enlarges it.
func (u *upscaleFlags) execute(o *output, input string) (r upscaleReport, err error) {
	began := time.Now()
	w, h, err := file.Size(input)
	if err != nil {
		return r, usage(err)
	}
	from := image.Pt(w, h)
	to, err := u.Target(from)
	if err != nil {
		return r, usage(fmt.Errorf("%s: %w", input, err))
	}
	if err := u.checkOut(to, input); err != nil {
		return r, err
	}
	m, err := u.open()
	if err != nil {
		return r, err
	}
	defer m.Close()
	p, err := file.Open(input, file.Limits{})
	if err != nil {
		return r, usage(err)
	}
	ctx, end := untilStopped()
	defer end()
	done, err := u.enlarge(ctx, o, m, p)
	if err != nil {
		return r, err
	}
	r = upscaleReport{Input: input, Model: m.Name(), Filters: u.Filters, Detail: u.Detail, Out: u.out}
	r.From, r.To = [2]int{w, h}, [2]int{to.X, to.Y}
	if u.Detail > 0 {
		r.Seed = &u.Seed
	}
	r.Notes, err = u.save(done)
	r.Seconds = time.Since(began).Seconds()
	return r, err
}

// checkOut checks the file that is written, before the work.
func (f *outputFlags) checkOut(size image.Point, inputs ...string) error {
	if f.out == "" {
		return usage(errors.New("found no -o, expected the file to write, such as -o out.png"))
	}
	return usage(file.CheckOutput(f.out, size, inputs...))
}

// enlarge enlarges with a bar.
func (u *upscaleFlags) enlarge(ctx context.Context, o *output, m *picture.Model, p *file.Picture) (*file.Picture, error) {
	options := u.UpscaleOptions
	var finish func()
	options.Progress, finish = passProgress(o)
	done, err := m.UpscalePicture(ctx, p, options)
	finish()
	if err != nil && ctx.Err() != nil {
		return nil, errInterrupted
	}
	return done, usage(err)
}

func (r upscaleReport) write(w io.Writer) {
	how := "by " + r.Model
	switch {
	case r.Filters:
		how = "by the filters of " + r.Model
	case r.Seed != nil:
		how += fmt.Sprintf(", detail %g, seed %d", r.Detail, *r.Seed)
	}
	fmt.Fprintf(w, "%s: %d×%d to %d×%d %s: %s\n", r.Input, r.From[0], r.From[1], r.To[0], r.To[1], how, r.Out)
	writeNotes(w, r.Notes)
	fmt.Fprintf(w, "%.1f s\n", r.Seconds)
}
