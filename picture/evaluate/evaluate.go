// Package evaluate measures a model of pictures on photographs that it has not seen: what it enlarges, beside Lanczos and filters, and
// what it generates, beside photographs.
//
// Enlarging: a photograph is cut to 16:9 and shrunk with Lanczos to 3840×2160, as cameras give it (soft), or to 1920×1080 (sharp). That
// is the original. It is shrunk by a factor with the bicubic kernel, rounded to 8 bits, and enlarged again by each method. Every result is
// rounded to 8 bits before it is measured. PSNR is that of published tables: of luma in the limited range, without a border as wide as the
// factor.
//
// One photograph is in memory at a time. Draws have fixed seeds: equal input gives equal numbers but for the seconds.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
)

// Options say what is measured.
type Options struct {
	Test   []string // files of photographs that the model has not seen
	Scales []int    // factors of enlarging, of 2, 4 and 8, ascending
	Tracks []Track
	Detail bool   // enlarge by 8 with flow too
	Steps  [3]int // of flow: of a first level, of the one before the last, and of the last and all that is enlarged
	Seed   uint64 // of draws and resamples

	Generate      int      // pictures from nothing, of the seeds 1 …; 0: none
	Width, Height int      // of these
	Train         []string // files of photographs that the model was trained on, for what is generated; none: what needs them is left out

	Distance measure.SWDOptions // of sets of pictures; its seed is not used

	Step func(what string, done, size int)                  // progress; may be nil
	Crop func(c Crop, method string, m *raster.Image) error // is given the crops to show; may be nil
	// Picture is given the pictures that are generated; may be nil.
	Picture func(seed uint64, m *raster.Image) error
}

// MaxFiles is the most photographs of a folder that are measured.
const MaxFiles = 4096

func (o Options) check() (Options, error) {
	if o.Step == nil {
		o.Step = func(string, int, int) {}
	}
	if o.Crop == nil {
		o.Crop = func(Crop, string, *raster.Image) error { return nil }
	}
	o.Distance.Seed = o.Seed
	if o.Picture == nil {
		o.Picture = func(uint64, *raster.Image) error { return nil }
	}
	if len(o.Test) == 0 {
		return o, errors.New("evaluate: found no photographs to test on, expected at least one")
	}
	if len(o.Scales) == 0 || len(o.Tracks) == 0 {
		return o, errors.New("evaluate: found no scales or no tracks, expected at least one of each")
	}
	for i, s := range o.Scales {
		if s != 2 && s != 4 && s != 8 || i > 0 && o.Scales[i-1] >= s {
			return o, fmt.Errorf("evaluate: found the scales %v, expected some of 2, 4 and 8, ascending", o.Scales)
		}
	}
	if o.Detail && !slices.Contains(o.Scales, DetailScale) {
		return o, fmt.Errorf("evaluate: found detail without the scale %d, expected both: detail is drawn there", DetailScale)
	}
	for _, n := range o.Steps {
		if (o.Detail || o.Generate > 0) && (n < 1 || n > maxSteps) {
			return o, fmt.Errorf("evaluate: found %d steps, expected 1 to %d", n, maxSteps)
		}
	}
	if o.Generate != 0 {
		return o, o.checkGenerating()
	}
	return o, nil
}

// maxSteps is the most steps of flow that patchflow takes.
const maxSteps = 1000

// Report is what was found.
type Report struct {
	Model     patchflow.Config `json:"model"`
	Level     string           `json:"cpu_level"`
	Threads   int              `json:"threads"` // 0: all
	Seed      uint64           `json:"seed"`
	Enlarged  []Enlarged       `json:"enlarged"`
	Generated *Generated       `json:"generated,omitempty"`
	Notes     []string         `json:"notes,omitempty"`

	about []about
}

// about is a note on some photographs.
type about struct {
	text   string
	photos []string
}

// Run measures a model. When ctx is done it returns ctx's error. Memory: about 20 bytes for each pixel of a photograph's file while it is
// read, some 80 for each pixel of the enlarged picture, and what the network takes.
func Run(ctx context.Context, s *patchflow.Pictures, o Options) (*Report, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	if err := o.checkPhotos(); err != nil {
		return nil, err
	}
	level, err := cpu.Chosen()
	if err != nil {
		return nil, err
	}
	r := &Report{Model: s.Model.Config(), Level: level.String(), Threads: s.Exec.Threads, Seed: o.Seed}
	if r.Model.Enlarge == nil {
		r.note("The model has no network that enlarges: Lanczos and filters alone are measured.")
	}
	if (o.Detail || o.Generate > 0) && r.Model.Draw == nil {
		return nil, errors.New("evaluate: the model has no network that draws, expected one for detail and for generating; train it with " +
			"model.draw")
	}
	e := &enlarging{pictures: s, options: o, report: r, config: r.Model}
	if err := e.run(ctx); err != nil {
		return nil, err
	}
	if o.Generate > 0 {
		g := &generating{pictures: s, options: o, report: r}
		if err := g.run(ctx); err != nil {
			return nil, err
		}
	}
	for _, a := range r.about {
		r.note(a.text + ": " + strings.Join(a.photos, ", "))
	}
	return r, nil
}

// checkPhotos refuses files that would end the work after minutes: those that are no photographs, and those to test on that are too small.
func (o Options) checkPhotos() error {
	for _, path := range o.Train {
		if _, _, err := file.Size(path); err != nil {
			return err
		}
	}
	for _, path := range o.Test {
		width, height, err := file.Size(path)
		if err != nil {
			return err
		}
		if multiple := o.Scales[len(o.Scales)-1]; min(width, height)/multiple*multiple < least {
			return fmt.Errorf("%s: evaluate: found a photograph of %d×%d pixels, expected sides of at least %d, in multiples of %d; "+
				"take it out of the folder", path, width, height, least, multiple)
		}
	}
	return nil
}

// note adds a sentence, once.
func (r *Report) note(text string) {
	if !slices.Contains(r.Notes, text) {
		r.Notes = append(r.Notes, text)
	}
}

// noteOf adds a photograph to those that a sentence is about, once.
func (r *Report) noteOf(photo, text string) {
	i := slices.IndexFunc(r.about, func(a about) bool { return a.text == text })
	if i < 0 {
		i = len(r.about)
		r.about = append(r.about, about{text: text})
	}
	if !slices.Contains(r.about[i].photos, photo) {
		r.about[i].photos = append(r.about[i].photos, photo)
	}
}
