package evaluate

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/longspan/longspan/bootstrap"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// The methods, and the name of what they are compared with.
const (
	Original = "original"
	Lanczos  = "Lanczos"
	Filters  = "filters"
	Network  = "network"
	Flow     = "flow"
)

// DetailScale is the factor at which flow is measured: there most of the detail is missing.
const DetailScale = 8

// Enlarged is what was found at a size and a factor.
type Enlarged struct {
	Track  string          `json:"track"`
	Scale  int             `json:"scale"`
	Photos []EnlargedPhoto `json:"photos"`
	Mean   []Measured      `json:"mean"` // over the photographs, of each method
	// Gain is what the network has over the filters, in decibels: the interval is that of a bootstrap over the photographs.
	Gain *bootstrap.Comparison `json:"gain,omitempty"`
}

// EnlargedPhoto is what was found on a photograph.
type EnlargedPhoto struct {
	Photo  string `json:"photo"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Own    bool   `json:"own_size"` // the photograph has fewer pixels than the track

	TopOctave float64    `json:"top_octave"` // energy of the original in the top octave
	Seam      Seam       `json:"seam"`       // of the original
	Methods   []Measured `json:"methods"`
	// Gain is what the network has over the filters over the whole tiles of 60×60 pixels, in decibels: the interval is that of a bootstrap
	// over blocks of 4×4 neighbouring tiles.
	Gain *bootstrap.Interval `json:"gain,omitempty"`
}

// Seam is the index of measure.Seam, with its arguments. Where patches are as small as the pixels that were enlarged, the pitch is 1, and
// the index shows the grid of these pixels, whatever the method.
type Seam struct {
	Index float64 `json:"index"`
	Patch int     `json:"patch"`
	Pitch int     `json:"pitch"`
}

// enlarging is the work.
type enlarging struct {
	pictures *patchflow.Pictures
	options  Options
	report   *Report
	config   patchflow.Config

	done, size int // steps of the progress
}

func (e *enlarging) run(ctx context.Context) error {
	o := e.options
	for _, t := range o.Tracks {
		for _, s := range o.Scales {
			e.report.Enlarged = append(e.report.Enlarged, Enlarged{Track: t.Name, Scale: s})
			e.size += len(o.Test) * len(e.methods(s))
		}
	}
	for i, path := range o.Test {
		m, err := e.report.open(path)
		if err != nil {
			return err
		}
		if err := e.photo(ctx, i, m); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for i := range e.report.Enlarged {
		if err := e.report.Enlarged[i].summarise(o.Seed); err != nil {
			return err
		}
	}
	return nil
}

// method is a way of enlarging.
type method struct {
	name    string
	enlarge func(ctx context.Context, low *raster.Image, scale int) (*raster.Image, error)
}

// methods are those of a factor. The network is the last but flow.
func (e *enlarging) methods(scale int) []method {
	s, threads := e.pictures, e.pictures.Exec.Threads
	all := []method{
		{Lanczos, func(_ context.Context, low *raster.Image, scale int) (*raster.Image, error) {
			return resample.Resize(low, low.Width*scale, low.Height*scale, resample.Lanczos3, threads)
		}},
		{Filters, func(_ context.Context, low *raster.Image, scale int) (*raster.Image, error) {
			return s.Base.Enlarge(low, scale, threads)
		}},
	}
	if e.config.Enlarge != nil {
		all = append(all, method{Network, func(ctx context.Context, low *raster.Image, scale int) (*raster.Image, error) {
			return s.Enlarge(ctx, low, scale, patchflow.Draw{})
		}})
	}
	if e.options.Detail && scale == DetailScale {
		all = append(all, method{Flow, func(ctx context.Context, low *raster.Image, scale int) (*raster.Image, error) {
			return s.Enlarge(ctx, low, scale, patchflow.Draw{Detail: 1, Steps: e.options.Steps[2], Seed: e.options.Seed})
		}})
	}
	return all
}

// photo measures photograph number i at all sizes and factors.
func (e *enlarging) photo(ctx context.Context, i int, m *raster.Image) error {
	o := e.options
	for t, track := range o.Tracks {
		original, own, err := track.original(m, o.Scales[len(o.Scales)-1], e.pictures.Exec.Threads)
		if err != nil {
			return err
		}
		for s, scale := range o.Scales {
			to := &e.report.Enlarged[t*len(o.Scales)+s]
			c := Crop{Photo: filepath.Base(o.Test[i]), Number: i, Track: track.Name, Scale: scale}
			found, err := e.enlarged(ctx, original, scale, c)
			if err != nil {
				return err
			}
			found.Photo, found.Own = c.Photo, own
			if own {
				e.report.noteOf(fmt.Sprintf("%s (%d×%d)", c.Photo, found.Width, found.Height), fmt.Sprintf("Photographs of fewer than %d×%d "+
					"pixels, the size of the track %s, are measured at their own, cut to a multiple of the factors", track.Width, track.Height,
					track.Name))
			}
			to.Photos = append(to.Photos, *found)
		}
	}
	return nil
}

// enlarged measures all methods on an original, at a factor.
func (e *enlarging) enlarged(ctx context.Context, original *raster.Image, scale int, c Crop) (*EnlargedPhoto, error) {
	low, err := resample.Resize(original, original.Width/scale, original.Height/scale, resample.Bicubic, e.pictures.Exec.Threads)
	if err != nil {
		return nil, err
	}
	low.Round(255)
	j, err := newJudge(original, scale, e.patch())
	if err != nil {
		return nil, err
	}
	p := &EnlargedPhoto{Width: original.Width, Height: original.Height, TopOctave: j.top, Seam: j.seam}
	show := newWindow(original)
	if err := e.show(show, c, Original, original); err != nil {
		return nil, err
	}
	errors := map[string][]float64{}
	for _, method := range e.methods(scale) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e.options.Step(fmt.Sprintf("%s, %s ×%d: %s", c.Photo, c.Track, scale, method.name), e.done, e.size)
		began := time.Now()
		m, err := method.enlarge(ctx, low, scale)
		if err != nil {
			return nil, err
		}
		seconds := time.Since(began).Seconds()
		m.Round(255)
		found, err := j.measure(m)
		if err != nil {
			return nil, err
		}
		found.Method, found.Seconds = method.name, seconds
		found.compare(p.Methods)
		p.Methods = append(p.Methods, *found)
		if errors[method.name], err = j.errors(m); err != nil {
			return nil, err
		}
		if err := e.show(show, c, method.name, m); err != nil {
			return nil, err
		}
		e.done++
	}
	e.options.Step(c.Photo, e.done, e.size)
	if e.config.Enlarge != nil {
		gain := tileGain(errors[Network], errors[Filters], j.blocks(), e.options.Seed)
		p.Gain = &gain
	}
	return p, nil
}

// patch is the side of the patches that seams are looked for at: the network's, or 8 where there is none.
func (e *enlarging) patch() int {
	if e.config.Enlarge != nil {
		return e.config.Enlarge.Patch
	}
	return 8
}

// show gives the crop of a picture away.
func (e *enlarging) show(w window, c Crop, method string, m *raster.Image) error {
	cut, err := m.Crop(w.x, w.y, w.width, w.height)
	if err != nil {
		return err
	}
	c.X, c.Y = w.x, w.y
	return e.options.Crop(c, method, cut)
}

// summarise averages, and compares the network with the filters over the photographs.
func (e *Enlarged) summarise(seed uint64) (err error) {
	var network, filters []float64
	for i := range e.Photos[0].Methods {
		mean := Measured{Method: e.Photos[0].Methods[i].Method}
		for _, p := range e.Photos {
			mean.add(p.Methods[i], 1/float64(len(e.Photos)))
			switch mean.Method {
			case Network:
				network = append(network, p.Methods[i].PSNR)
			case Filters:
				filters = append(filters, p.Methods[i].PSNR)
			}
		}
		e.Mean = append(e.Mean, mean)
	}
	if network == nil {
		return nil
	}
	c, err := bootstrap.Paired(network, filters, bootstrap.Resampling{Seed: seed})
	e.Gain = &c
	return err
}
