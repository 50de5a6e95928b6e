package main

import (
	"fmt"
	"image"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/demo"
	"github.com/longspan/longspan/tensor"
)

func newDemoPictures(o *output) *cobra.Command {
	d := demo.PicturesOptions{Scale: 4, Steps: 8}
	part, paint := "1280x720", "960x544"
	c := &cobra.Command{
		Use:   "pictures",
		Short: "Enlarge a photograph in four ways, and paint a picture from nothing",
		Long: `Shrink a photograph of 1280×720 that the model in the program has not seen, enlarge it again in four ways, and measure how near each
is to the photograph. Then paint a picture from nothing. It takes less than a minute on two cores, and writes the pictures to a folder.

Next, your own photograph: longspan image upscale photo.jpg --scale 4 -o large.png`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if d.Scale != 2 && d.Scale != 4 && d.Scale != 8 {
				return usage(fmt.Errorf("found --scale %d, expected 2, 4 or 8", d.Scale))
			}
			for _, size := range []struct {
				flag, text  string
				to          *image.Point
				least, most image.Point
			}{
				{"--part", part, &d.Part, image.Pt(96, 96), image.Pt(1280, 720)},
				{"--paint", paint, &d.Paint, image.Pt(16, 16), image.Pt(3840, 2160)},
			} {
				w, h, err := imageSize(size.flag, size.text)
				if err != nil {
					return usage(err)
				}
				if w < size.least.X || h < size.least.Y || w > size.most.X || h > size.most.Y {
					return usage(fmt.Errorf("found %s %q, expected %d×%d to %d×%d", size.flag, size.text, size.least.X, size.least.Y, size.most.X,
						size.most.Y))
				}
				*size.to = image.Pt(w, h)
			}
			if err := os.MkdirAll(d.Folder, 0o755); err != nil {
				return usage(err)
			}
			ctx, end := untilStopped()
			defer end()
			began := time.Now()
			d.Exec.Pool = tensor.NewPool()
			bar := o.progress("pictures")
			d.Advance = bar.step
			r, err := demo.Pictures(ctx, d)
			bar.finish()
			if err != nil {
				return err
			}
			r.Seconds = time.Since(began).Seconds()
			return o.print(r, func(w io.Writer) { writeDemoPictures(w, d.Folder, r) })
		},
	}
	c.Flags().StringVar(&d.Folder, "out", "longspan-demo-pictures", "folder that the pictures are written to")
	c.Flags().IntVar(&d.Scale, "scale", d.Scale, "factor of enlarging: 2, 4 or 8")
	c.Flags().StringVar(&part, "part", part, "size of the part of the photograph that is enlarged, in its middle")
	c.Flags().StringVar(&paint, "paint", paint, "size of the picture that is painted")
	c.Flags().IntVar(&d.Exec.Threads, "threads", 0, "threads (default: all processors)")
	return c
}

func writeDemoPictures(w io.Writer, folder string, r demo.PicturesResult) {
	fmt.Fprintf(w, "%s enlarged to %s, by the model %s, which has not seen the photograph\n\n", r.From, r.To, r.Model)
	fmt.Fprintf(w, "%-20s %-14s %9s %8s %8s %9s\n", "way", "file", "PSNR", "SSIM", "detail", "seconds")
	for _, row := range r.Rows {
		fmt.Fprintf(w, "%-20s %-14s %6.2f dB %8.4f %8.2f %9.2f\n", row.Name, row.File, row.PSNR, row.SSIM, row.Detail, row.Seconds)
	}
	fmt.Fprintf(w, "\nPSNR is that of luma. Detail is the energy of the finest octave, as a share of the photograph's: "+
		"the mean of what a picture\ncould be has the least error and too little detail; flow draws one that it could be.\n\n")
	fmt.Fprintf(w, "%s was painted from nothing in %.0f s: one sequence of %d patches at the last level.\n"+
		"%.0f s in all. The pictures are in %s.\n",
		r.Painted, r.Paint, r.Patches, r.Seconds, folder)
}
