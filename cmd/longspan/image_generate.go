package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/picture"
	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/patchflow"
)

// paintReport is the output of `image generate`.
type paintReport struct {
	Model    string   `json:"model"`
	Sketch   string   `json:"sketch,omitempty"`
	Strength *float64 `json:"strength,omitempty"` // of a sketch
	Seed     uint64   `json:"seed"`
	Steps    [3]int   `json:"steps"`
	Size     [2]int   `json:"size"` // width and height
	Out      string   `json:"out"`
	Seconds  float64  `json:"seconds"`
	Notes    []string `json:"notes,omitempty"`
}

// paintFlags say what is painted.
type paintFlags struct {
	picture.GenerateOptions
	size, from, steps string
}

func (f *paintFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.size, "size", "", "size of the picture in pixels, such as 3840x2160")
	flags.StringVar(&f.from, "from", "", "a sketch or a small picture that the picture should look like from afar")
	flags.Float64Var(&f.Strength, "strength", 0.6, "with --from: how much of the sketch may change; 0 keeps it, 1 ignores it")
	flags.StringVar(&f.steps, "steps", defaultPaintSteps, "passes at the first level, at those between, and at the last; fewer are faster")
	flags.Uint64Var(&f.Seed, "seed", 1, "seed of what is drawn")
}

// defaultPaintSteps is the default of --steps.
var defaultPaintSteps = stepsText(patchflow.DefaultSteps)

func stepsText(n [3]int) string { return fmt.Sprintf("%d,%d,%d", n[0], n[1], n[2]) }

// parseSteps reads three numbers.
func parseSteps(text string) (n [3]int, err error) {
	words := strings.Split(text, ",")
	for i := range n {
		if len(words) == len(n) {
			n[i], err = strconv.Atoi(strings.TrimSpace(words[i]))
		}
		if err != nil || n[i] < 1 {
			return n, fmt.Errorf("found --steps %q, expected three numbers of 1 or more, such as %s", text, defaultPaintSteps)
		}
	}
	return n, nil
}

// check reads the size and the steps, and refuses flags without use.
func (f *paintFlags) check(c *cobra.Command) (err error) {
	if f.size == "" {
		return errors.New("found no --size, expected the size of the picture, such as --size 3840x2160")
	}
	if f.Width, f.Height, err = imageSize("--size", f.size); err != nil {
		return err
	}
	if f.Width == 0 || f.Height == 0 {
		return fmt.Errorf("found --size %q, expected both sides, such as 3840x2160", f.size)
	}
	if f.Steps, err = parseSteps(f.steps); err != nil {
		return err
	}
	if f.from == "" && c.Flags().Changed("strength") {
		return errors.New("found --strength without --from, expected the sketch that it is for")
	}
	if f.from == "" {
		f.Strength = 0
	}
	return nil
}

// readSketch reads --from, and returns notes on it.
func (f *paintFlags) readSketch() ([]string, error) {
	if f.from == "" {
		return nil, nil
	}
	p, err := file.Open(f.from, file.Limits{})
	if err != nil {
		return nil, err
	}
	notes := p.Notes
	if p.Alpha != nil {
		notes = append(notes, "The sketch is transparent in parts; they are white.")
	}
	if p.ICC != nil {
		notes = append(notes, "The colour profile of the sketch is left out; its values are taken for sRGB.")
	}
	f.Sketch, err = file.ToImage(p)
	return notes, err
}

// generateFlags are the flags of `image generate`.
type generateFlags struct {
	imageFlags
	paintFlags
	outputFlags
	preview string
}

func newImageGenerate(o *output) *cobra.Command {
	var g generateFlags
	c := &cobra.Command{
		Use:   "generate --size WxH -o FILE",
		Short: "Paint a picture from nothing, or after a sketch",
		Long: `Paint a picture by a model that has learned from photographs: from nothing, or after a sketch or a small picture.

  longspan image generate --size 3840x2160 --seed 1 -o out.png
  longspan image generate --size 3840x2160 --from sketch.png --strength 0.5 -o out.png

A first picture of about 240 pixels is drawn, and enlarged by 4, and by 4 or 8 at the end, until the size is reached: 4K by 4 and 4, 1080p
by 8. Each level is drawn as a whole, never in tiles. --steps are the passes of the network at the first level, at the levels between, and
at the last. --preview names a PNG file to which the picture of each level before the last is written as it is done. A sketch must have the
shape of the picture, in any size.

A model paints what its photographs have: texture, light and colour. A model of some dozens of photographs paints no objects from nothing.
'longspan image plan' says what it will take. The same options give the same bytes.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := errors.Join(g.paintFlags.check(c), g.outputFlags.check()); err != nil {
				return usage(err)
			}
			r, err := g.execute(o)
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	g.paintFlags.add(c)
	c.Flags().StringVar(&g.preview, "preview", "", "PNG file to which the picture of each level is written as it is done")
	g.imageFlags.add(c)
	g.outputFlags.add(c)
	return c
}

// checkFiles checks the files that are written, before the work.
func (g *generateFlags) checkFiles() error {
	size := image.Pt(g.Width, g.Height)
	inputs := []string{}
	if g.from != "" {
		inputs = append(inputs, g.from)
	}
	if err := g.checkOut(size, inputs...); err != nil || g.preview == "" {
		return err
	}
	if format, err := file.OutputFormat(g.preview); err != nil || format != file.PNG || filepath.Clean(g.preview) == filepath.Clean(g.out) {
		return usage(fmt.Errorf("found --preview %s, expected another file than -o that ends in .png", g.preview))
	}
	return usage(file.CheckOutput(g.preview, size, inputs...))
}

func (g *generateFlags) execute(o *output) (r paintReport, err error) {
	began := time.Now()
	if err := g.checkFiles(); err != nil {
		return r, err
	}
	notes, err := g.readSketch()
	if err != nil {
		return r, usage(err)
	}
	m, err := g.open()
	if err != nil {
		return r, err
	}
	defer m.Close()
	im, err := g.paint(o, m)
	if err != nil {
		return r, err
	}
	p, err := file.FromImage(im)
	if err != nil {
		return r, err
	}
	p.Notes = notes
	r = paintReport{Model: m.Name(), Sketch: g.from, Seed: g.Seed, Steps: g.Steps, Size: [2]int{g.Width, g.Height}, Out: g.out}
	if g.from != "" {
		r.Strength = &g.Strength
	}
	r.Notes, err = g.save(p)
	r.Seconds = time.Since(began).Seconds()
	return r, err
}

// paint paints with a bar and previews. A preview that cannot be written ends the work.
func (g *generateFlags) paint(o *output, m *picture.Model) (image.Image, error) {
	ctx, end := untilStopped()
	defer end()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	options := g.GenerateOptions
	var finish func()
	options.Progress, finish = passProgress(o)
	if g.preview != "" {
		options.Preview = func(im image.Image) {
			p, err := file.FromImage(im)
			if err == nil {
				err = file.Save(g.preview, p, 0)
			}
			if err != nil {
				cancel(fmt.Errorf("--preview: %w", err))
			}
		}
	}
	im, err := m.Generate(ctx, options)
	finish()
	if err == nil || ctx.Err() == nil {
		return im, usage(err)
	}
	if err = context.Cause(ctx); errors.Is(err, context.Canceled) {
		err = errInterrupted
	}
	return nil, err
}

func (r paintReport) write(w io.Writer) {
	from := "from nothing"
	if r.Strength != nil {
		from = fmt.Sprintf("after %s, strength %g", r.Sketch, *r.Strength)
	}
	fmt.Fprintf(w, "%d×%d %s by %s, seed %d, steps %s: %s\n", r.Size[0], r.Size[1], from, r.Model, r.Seed, stepsText(r.Steps), r.Out)
	writeNotes(w, r.Notes)
	fmt.Fprintf(w, "%.1f s\n", r.Seconds)
}
