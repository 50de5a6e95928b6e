package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/gallery"
	"github.com/longspan/longspan/picture/evaluate"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/tensor"
)

// imageEvaluateOptions are the flags of `image evaluate`.
type imageEvaluateOptions struct {
	run, test, out string
	scales         []int
	tracks         []string
	detail         bool
	steps, threads int
	seed           uint64
}

func newImageEvaluate(o *output) *cobra.Command {
	var v imageEvaluateOptions
	c := &cobra.Command{
		Use:   "evaluate --run RUN --test FOLDER --out FOLDER",
		Short: "Measure what a model enlarges on photographs that it has not seen",
		Long: `Measure a model of pictures on photographs that it was not trained on. That they were not is not checked.

Each photograph is cut to 16:9 and shrunk to 3840x2160 (soft: cameras give less detail there) and to 1920x1080 (sharp). It is shrunk by the
scale, rounded to 8 bits, and enlarged again by Lanczos, by the model's filters, and by its network. What comes out is compared with the
photograph: PSNR and SSIM of luma, GMSD, PSNR of the tenth of the tiles with the most detail, the energy of the finest details as a share of
the real one, and the seam index, which shows borders of patches. Gains in PSNR have 95 % bootstrap intervals.

  longspan image evaluate --run runs/photos --test photos/test --out report
  longspan image evaluate --run runs/photos --test photos/test --scale 8 --tracks soft --detail --out report

The folder gets evaluate.json, index.html, and the crops that the page shows as PNG.`,
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
	f.StringVar(&v.run, "run", "", "folder of the run, or of the model's files")
	f.StringVar(&v.test, "test", "", "folder of photographs that the model has not seen")
	f.StringVar(&v.out, "out", "", "folder for the report")
	f.IntSliceVar(&v.scales, "scale", []int{2, 4, 8}, "factors of enlarging, of 2, 4 and 8, ascending")
	f.StringSliceVar(&v.tracks, "tracks", []string{"soft", "sharp"}, "sizes of the photographs: soft, sharp or both")
	f.BoolVar(&v.detail, "detail", false, "enlarge by 8 with flow too, which draws details; takes as many passes as --steps")
	f.IntVar(&v.steps, "steps", 8, "steps of flow")
	f.Uint64Var(&v.seed, "seed", 1, "seed of draws and resamples")
	f.IntVar(&v.threads, "threads", 0, "threads of the model (default: all processors); the result does not depend on them")
	return c
}

// evaluate measures, and writes the report.
func (v *imageEvaluateOptions) evaluate(o *output) (*gallery.Results, error) {
	began := time.Now()
	if err := given(neededFlag{"--run", v.run != ""}, neededFlag{"--test", v.test != ""}, neededFlag{"--out", v.out != ""}); err != nil {
		return nil, usage(err)
	}
	options, err := v.options()
	if err != nil {
		return nil, usage(err)
	}
	x := tensor.Exec{Threads: v.threads, Pool: tensor.NewPool()}
	pictures, err := patchflow.Open(v.run, x)
	if err != nil {
		return nil, usage(err)
	}
	page, err := gallery.New(v.out)
	if err != nil {
		return nil, usage(err)
	}
	options.Crop = page.Crop
	bar := o.progress("evaluation")
	defer bar.finish()
	options.Step = bar.all
	ctx, end := untilStopped()
	defer end()
	r, err := evaluate.Run(ctx, pictures, options)
	if errors.Is(err, context.Canceled) {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, usage(err)
	}
	results := &gallery.Results{Run: v.run, Test: v.test, Out: v.out, Report: r, Seconds: time.Since(began).Seconds()}
	return results, page.Write(results)
}

// options reads the flags and lists the photographs.
func (v *imageEvaluateOptions) options() (p evaluate.Options, err error) {
	p = evaluate.Options{Scales: v.scales, Detail: v.detail, Steps: v.steps, Seed: v.seed}
	if p.Tracks, err = evaluate.ParseTracks(v.tracks); err != nil {
		return p, err
	}
	if p.Test, err = evaluate.List(v.test); err != nil {
		return p, err
	}
	if info, err := os.Stat(v.out); err == nil && !info.IsDir() {
		return p, fmt.Errorf("found --out %s, which is a file, expected a folder", v.out)
	}
	return p, nil
}

// writeImageEvaluation prints the means.
func writeImageEvaluation(w io.Writer, r *gallery.Results) {
	for _, e := range r.Enlarged {
		fmt.Fprintf(w, "%s ×%d, mean of %d photographs\n%-10s%9s%9s%9s%8s%8s%8s%7s%9s\n", e.Track, e.Scale, len(e.Photos), "", "PSNR-Y", "gain",
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
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintf(w, "%.0f s: %s\n", r.Seconds, filepath.Join(r.Out, gallery.PageName))
}
