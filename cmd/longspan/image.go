package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/picture"
	"github.com/longspan/longspan/picture/file"
)

func newImage(o *output) *cobra.Command {
	return family(&cobra.Command{
		Use:   "image",
		Short: "Enlarge photographs, and paint pictures, up to 4K and more as one sequence of patches; train the models that do so",
	}, newImageUpscale(o), newImageGenerate(o), newImageTrain(o), newImageEvaluate(o), newImagePlan(o))
}

const runHelp = "folder of a run of 'longspan image train', or a model in the program (default \"photos\")"

// imageFlags are the flags of commands that use a model of pictures.
type imageFlags struct {
	run     string
	memory  string
	threads int
}

func (f *imageFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.run, "run", "", runHelp)
	addMaxMemory(c, &f.memory, "the available memory")
	c.Flags().IntVar(&f.threads, "threads", 0, "threads (default: all processors); the result does not depend on them")
}

// open opens the model.
func (f *imageFlags) open() (*picture.Model, error) {
	limit, err := allowance(f.memory)
	if err != nil {
		return nil, err
	}
	m, err := picture.Open(f.run, picture.Options{Threads: f.threads, MaxBytes: limit})
	return m, usage(err)
}

// imageSize parses a size such as 3840x2160. A side that is left out, as in 3840x and x2160, is 0.
func imageSize(flag, text string) (width, height int, err error) {
	wrong := fmt.Errorf("found %s %q, expected a size in pixels such as 3840x2160", flag, text)
	w, h, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(text, "×", "x")), "x")
	if !ok || w == "" && h == "" {
		return 0, 0, wrong
	}
	for _, side := range []struct {
		text string
		n    *int
	}{{w, &width}, {h, &height}} {
		if side.text == "" {
			continue
		}
		if *side.n, err = strconv.Atoi(side.text); err != nil || *side.n < 1 {
			return 0, 0, wrong
		}
	}
	return width, height, nil
}

// outputFlags are the flags of the picture that is written.
type outputFlags struct {
	out     string
	quality int
}

func (f *outputFlags) add(c *cobra.Command) {
	c.Flags().StringVarP(&f.out, "out", "o", "", "file to write: .png, .jpg or .jpeg")
	c.Flags().IntVar(&f.quality, "quality", 0, fmt.Sprintf("quality of a JPEG file, 1 to 100 (default %d)", file.DefaultQuality))
}

// check checks the quality.
func (f *outputFlags) check() error {
	if f.quality < 0 || f.quality > 100 {
		return fmt.Errorf("found --quality %d, expected 1 to 100", f.quality)
	}
	if format, err := file.OutputFormat(f.out); err == nil && format != file.JPEG && f.quality > 0 {
		return fmt.Errorf("found --quality %d for %s, expected it for a JPEG file alone", f.quality, f.out)
	}
	return nil
}

// save writes a picture, and returns its notes and what the file has not of it.
func (f *outputFlags) save(p *file.Picture) ([]string, error) {
	format, err := file.OutputFormat(f.out)
	if err != nil {
		return nil, err
	}
	return append(p.Notes, file.Losses(p, format)...), file.Save(f.out, p, f.quality)
}

// writeNotes writes notes, a line each.
func writeNotes(w io.Writer, notes []string) {
	for _, n := range notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
}

// passProgress shows the progress of passes of networks: patches done of all.
func passProgress(o *output) (tell func(picture.Progress), finish func()) {
	p := o.progress("patches")
	return func(now picture.Progress) { p.step(int(now.Done), int(now.Patches)) }, p.finish
}
