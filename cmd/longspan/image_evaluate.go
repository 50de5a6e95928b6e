package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/gallery"
	"github.com/longspan/longspan/picture"
	"github.com/longspan/longspan/picture/evaluate"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/tensor"
)

// imageEvaluateOptions are the flags of `image evaluate`.
type imageEvaluateOptions struct {
	run, test, train, out string
	scales, steps         []int
	tracks                []string
	detail                bool
	generate, threads     int
	size                  string
	seed                  uint64
	distance              measure.SWDOptions // of no flag
}

func newImageEvaluate(o *output) *cobra.Command {
	var v imageEvaluateOptions
	c := &cobra.Command{
		Use:   "evaluate --test FOLDER --out FOLDER",
		Short: "Measure what a model enlarges and generates, on photographs that it has not seen",
		Long: `Measure a model of pictures on photographs that it was not trained on. That they were not is not checked.

Each photograph is cut to 16:9 and shrunk to 3840x2160 (soft: cameras give less detail there) and to 1920x1080 (sharp). It is shrunk by the
scale, rounded to 8 bits, and enlarged again by Lanczos, by the model's filters, and by its network. What comes out is compared with the
photograph: PSNR and SSIM of luma, GMSD, PSNR of the tenth of the tiles with the most detail, the energy of the finest details as a share of
the real one, and the seam index, which shows borders of patches. Gains in PSNR have 95 % bootstrap intervals.

  longspan image evaluate --run runs/photos --test photos/test --out report
  longspan image evaluate --run runs/photos --test photos/test --scale 8 --tracks soft --detail --out report
  longspan image evaluate --run runs/photos --test photos/test --train photos/train --generate 16 --out report

--generate makes pictures from nothing, of the seeds 1, 2 and so on, and measures them beside Lanczos of their last level but one, and
beside the same network in tiles of 512x512: the sliced Wasserstein distance to the test photographs, seams, how well the chroma of both sides
agrees, and, with --train, the nearest part of a train photograph. 3840x2160 takes a minute or two a picture, and as long again in tiles.

The folder gets evaluate.json, index.html, the crops that the page shows, and the pictures that were generated, as PNG.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			r, err := v.evaluate(o)
			if err != nil {
				return err
			}
			return o.print(r, func(w io.Writer) { writeImageEvaluation(w, r) })
		},
	}
	f := c.Flags()
	f.StringVar(&v.run, "run", "", runHelp)
	f.StringVar(&v.test, "test", "", "folder of photographs that the model has not seen")
	f.StringVar(&v.out, "out", "", "folder for the report")
	f.IntSliceVar(&v.scales, "scale", []int{2, 4, 8}, "factors of enlarging, of 2, 4 and 8, ascending")
	f.StringSliceVar(&v.tracks, "tracks", []string{"soft", "sharp"}, "sizes of the photographs: soft, sharp or both")
	f.BoolVar(&v.detail, "detail", false, "enlarge by 8 with flow too, which draws details; takes as many passes as --steps")
	f.IntSliceVar(&v.steps, "steps", patchflow.DefaultSteps[:],
		"steps of flow: of the first level, the others, and the last; one number is for all")
	f.IntVar(&v.generate, "generate", 0, "number of pictures to generate")
	f.StringVar(&v.size, "size", "3840x2160", "size of the pictures that are generated")
	f.StringVar(&v.train, "train", "", "folder of the photographs that the model was trained on, for --generate")
	f.Uint64Var(&v.seed, "seed", 1, "seed of draws and resamples")
	f.IntVar(&v.threads, "threads", 0, "threads of the model (default: all processors); the result does not depend on them")
	return c
}

// evaluate measures, and writes the report.
func (v *imageEvaluateOptions) evaluate(o *output) (*gallery.Results, error) {
	began := time.Now()
	if err := given(neededFlag{"--test", v.test != ""}, neededFlag{"--out", v.out != ""}); err != nil {
		return nil, usage(err)
	}
	options, err := v.options()
	if err != nil {
		return nil, usage(err)
	}
	x := tensor.Exec{Threads: v.threads, Pool: tensor.NewPool()}
	pictures, err := picture.OpenNetworks(v.run, x)
	if err != nil {
		return nil, usage(err)
	}
	page, err := gallery.New(v.out)
	if err != nil {
		return nil, usage(err)
	}
	options.Crop, options.Picture = page.Crop, page.Picture
	bar := o.progress("evaluation")
	defer bar.finish()
	options.Step = bar.all
	ctx, end := untilStopped()
	defer end()
	// Pictures of 100 MB are dropped by the dozen. Collecting them early costs nothing beside the work, and keeps the process half as large.
	defer debug.SetGCPercent(debug.SetGCPercent(collectAt))
	r, err := evaluate.Run(ctx, pictures, options)
	if errors.Is(err, context.Canceled) {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, usage(err)
	}
	results := &gallery.Results{Run: cmp.Or(v.run, picture.DefaultModel), Test: v.test, Train: v.train, Out: v.out, Report: r,
		Seconds: time.Since(began).Seconds()}
	return results, page.Write(results)
}

// collectAt is the growth of the memory in use, in percent, at which garbage is collected.
const collectAt = 20

// options reads the flags and lists the photographs.
func (v *imageEvaluateOptions) options() (p evaluate.Options, err error) {
	p = evaluate.Options{Scales: v.scales, Detail: v.detail, Seed: v.seed, Generate: v.generate, Distance: v.distance}
	switch len(v.steps) {
	case 1:
		p.Steps = [3]int{v.steps[0], v.steps[0], v.steps[0]}
	case len(p.Steps):
		p.Steps = [3]int(v.steps)
	default:
		return p, fmt.Errorf("found %d numbers in --steps, expected 1 or %d", len(v.steps), len(p.Steps))
	}
	if p.Width, p.Height, err = imageSize("--size", v.size); err != nil {
		return p, err
	}
	if p.Tracks, err = evaluate.ParseTracks(v.tracks); err != nil {
		return p, err
	}
	if p.Test, err = evaluate.List(v.test); err != nil {
		return p, err
	}
	if v.train != "" && v.generate == 0 {
		return p, errors.New("found --train without --generate, expected both: what is generated is compared with what was trained on")
	}
	if v.train != "" {
		if p.Train, err = evaluate.List(v.train); err != nil {
			return p, err
		}
	}
	if info, err := os.Stat(v.out); err == nil && !info.IsDir() {
		return p, fmt.Errorf("found --out %s, which is a file, expected a folder", v.out)
	}
	return p, evaluate.Apart(p.Test, p.Train)
}

// writeImageEvaluation prints the means.
func writeImageEvaluation(w io.Writer, r *gallery.Results) {
	for _, e := range r.Enlarged {
		fmt.Fprintf(w, "%s ×%d, means (photographs: %d)\n%-10s%9s%9s%9s%8s%8s%8s%7s%9s\n", e.Track, e.Scale, len(e.Photos), "", "PSNR-Y", "gain",
			"detail", "SSIM", "GMSD", "octave", "seam", "seconds")
		for _, m := range e.Mean {
			fmt.Fprintf(w, "%-10s%9.2f%+9.2f%9.2f%8.4f%8.4f%8.2f%7.3f%9.2f\n", m.Method, m.PSNR, m.Gain, m.Detail, m.SSIM, m.GMSD, m.TopOctave,
				m.Seam, m.Seconds)
		}
		if e.Gain != nil {
			d := e.Gain.Difference
			fmt.Fprintf(w, "network over filters: %+.3f dB (%+.3f to %+.3f)\n", d.Mean, d.Low, d.High)
		}
		for _, p := range e.Photos {
			for _, m := range p.Methods {
				if len(m.Worse) > 0 {
					fmt.Fprintf(w, "%s: %s is worse than Lanczos in %s\n", p.Photo, m.Method, strings.Join(m.Worse, ", "))
				}
			}
		}
		fmt.Fprintln(w)
	}
	if r.Generated != nil {
		writeGenerated(w, r.Generated)
	}
	writeNotes(w, r.Notes)
	fmt.Fprintf(w, "%.0f s: %s\n", r.Seconds, filepath.Join(r.Out, gallery.PageName))
}

// writeGenerated prints what was found of the pictures from nothing.
func writeGenerated(w io.Writer, g *evaluate.Generated) {
	fmt.Fprintf(w, "generated at %d×%d (pictures: %d)\n"+
		"sliced Wasserstein distance to the test photographs, the mean and each level, finest first\n",
		g.Width, g.Height, len(g.Pictures))
	for _, d := range g.Distances {
		fmt.Fprintf(w, "%-24s%8.4f  ", d.Of, d.Mean)
		for _, l := range d.Levels {
			fmt.Fprintf(w, "%8.4f", l)
		}
		fmt.Fprintln(w)
	}
	s := g.Means()
	fmt.Fprintf(w, "seam index: %.3f; of the test photographs %.3f", s.Seam, g.RealSeam)
	if s.TiledSeam > 0 {
		fmt.Fprintf(w, "; in tiles %.3f", s.TiledSeam)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "seconds a picture: %.1f\n", s.Seconds)
	if len(g.HeldOut) > 0 {
		fmt.Fprintf(w, "distance to the nearest train photograph: mean %.4f, least %.4f; of test photographs: mean %.4f, least %.4f\n",
			s.Nearest, s.Least,
			s.HeldOut, s.HeldOutLeast)
		fmt.Fprintf(w, "pictures closer to a train photograph than every test photograph: %d\n", g.Closer)
	}
	for _, a := range g.Agreements {
		fmt.Fprintf(w, "chroma of left and right, %s: %.2f (%.2f to %.2f)\n", a.Of, a.Correlation.Mean, a.Correlation.Low, a.Correlation.High)
	}
	fmt.Fprintln(w)
}
