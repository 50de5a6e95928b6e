package evaluate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/longspan/longspan/picture/measure"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/picture/raster"
	"github.com/longspan/longspan/picture/resample"
)

// The sets of pictures that are compared with the test photographs.
const (
	Whole  = "generated"
	Base   = "Lanczos of their base"
	Tiled  = "in tiles"
	Trains = "train photographs"
	Tests  = "test photographs"
)

// The first level of a painting: what is compared of its whole look, and of what it may have memorised.
const (
	firstWidth  = 240
	firstHeight = 136
)

// samples is the number of first levels that chroma is compared in.
const samples = 64

// Generated is what was found of pictures that were made from nothing.
type Generated struct {
	Width    int                `json:"width"`
	Height   int                `json:"height"`
	Steps    [3]int             `json:"steps"`
	Pictures []GeneratedPicture `json:"pictures"`

	// Distances are the sliced Wasserstein distances of sets to the test photographs: those of the train photographs are what no model comes
	// below but by chance.
	Distances []Distance `json:"distances"`
	RealSeam  float64    `json:"real_seam"` // index, mean of the test photographs
	Patch     int        `json:"seam_patch"`
	Pitch     int        `json:"seam_pitch"`

	// HeldOut are the test photographs' nearest parts of train photographs, and Closer the number of pictures that are nearer to theirs than
	// every test photograph.
	HeldOut    []Near      `json:"held_out_nearest,omitempty"`
	Closer     int         `json:"closer_than_held_out"`
	Agreements []Agreement `json:"agreements"`
}

// GeneratedPicture is one of them.
type GeneratedPicture struct {
	Seed      uint64  `json:"seed"`
	Seconds   float64 `json:"seconds"`
	Seam      float64 `json:"seam"` // index
	TiledSeam float64 `json:"tiled_seam,omitempty"`
	Nearest   *Near   `json:"nearest,omitempty"`
}

// Distance is the distance of a set of pictures to the test photographs.
type Distance struct {
	Of       string `json:"of"`
	Pictures int    `json:"pictures"`
	measure.SWD
}

// Near is the part of the train photographs that a picture is nearest to, both at 240×136. The part has the photograph's width, or what its
// height allows at this aspect, or 85 or 70 % of it.
type Near struct {
	Photo string  `json:"photo"` // the picture's, of held-out photographs
	Of    string  `json:"of"`    // train photograph
	Share float64 `json:"share"`
	measure.Match
}

// Means are over the pictures, and over the held-out photographs.
type Means struct {
	Seconds, Seam, TiledSeam float64
	Nearest, Least           float64 // distances to the nearest part of a train photograph
	HeldOut, HeldOutLeast    float64
}

// Means averages.
func (g *Generated) Means() (m Means) {
	share := 1 / float64(len(g.Pictures))
	var distances, held []float64
	for _, p := range g.Pictures {
		m.Seconds += p.Seconds * share
		m.Seam += p.Seam * share
		m.TiledSeam += p.TiledSeam * share
		if p.Nearest != nil {
			distances = append(distances, p.Nearest.Distance)
		}
	}
	for _, h := range g.HeldOut {
		held = append(held, h.Distance)
	}
	m.Nearest, m.Least = meanAndLeast(distances)
	m.HeldOut, m.HeldOutLeast = meanAndLeast(held)
	return m
}

func meanAndLeast(all []float64) (mean, least float64) {
	if len(all) == 0 {
		return 0, 0
	}
	for _, v := range all {
		mean += v / float64(len(all))
	}
	return mean, slices.Min(all)
}

// generating is the work.
type generating struct {
	pictures *patchflow.Pictures
	options  Options
	report   *Report
	track    Track // of the pictures' size
	found    *Generated

	whole, tiled, bases []raster.Bytes
	tests               []raster.Bytes
	near                *nearest

	done, size int
}

// most is the most memory of pictures that are kept: 21 of 3840×2160.
const most = 1 << 30

func (o Options) checkGenerating() error {
	size := int64(o.Width) * int64(o.Height)
	switch {
	case o.Generate < 0 || o.Generate > 1<<16:
		return fmt.Errorf("evaluate: found %d pictures to generate, expected 0 to %d", o.Generate, 1<<16)
	case o.Width < least || o.Height < least || size > raster.MaxPixels:
		return fmt.Errorf("evaluate: found pictures of %d×%d, expected sides of at least %d and %d pixels", o.Width, o.Height, least,
			raster.MaxPixels)
	case int64(o.Generate)*size*6 > most:
		return fmt.Errorf("evaluate: found %d pictures of %d×%d to generate, expected at most %d: more do not fit the memory", o.Generate,
			o.Width, o.Height, most/6/size)
	}
	return nil
}

func (g *generating) run(ctx context.Context) (err error) {
	o := g.options
	g.track = Track{"generated", o.Width, o.Height}
	g.found = &Generated{Width: o.Width, Height: o.Height, Steps: o.Steps, Patch: g.report.Model.Draw.Patch}
	g.found.Pitch = pitch(g.found.Patch, g.scale())
	g.size = 2*o.Generate + 2
	old := g.pictures.Step
	defer func() { g.pictures.Step = old }()
	if err := g.photographs(); err != nil {
		return err
	}
	for i := range o.Generate {
		if err := g.picture(ctx, uint64(i)+1); err != nil {
			return err
		}
	}
	g.step("distances")
	if err := g.distances(ctx); err != nil {
		return err
	}
	g.done++
	if err := g.agreements(ctx); err != nil {
		return err
	}
	g.done++
	g.step("generating")
	g.report.Generated = g.found
	return nil
}

// step reports what is done next, with the passes of the network.
func (g *generating) step(what string) {
	g.options.Step(what, g.done, g.size)
	g.pictures.Step = func(pass, passes, _ int) {
		g.options.Step(fmt.Sprintf("%s, pass %d of %d", what, pass, passes), g.done, g.size)
	}
}

// photographs reads what pictures are compared with.
func (g *generating) photographs() error {
	if len(g.options.Train) > 0 {
		g.near = &nearest{}
		for _, path := range g.options.Train {
			m, err := g.report.open(path)
			if err != nil {
				return err
			}
			if err := g.near.add(filepath.Base(path), m, g.pictures.Exec.Threads); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	} else {
		g.report.note("Without photographs that the model was trained on there is no floor of distances, and no search for what it memorised.")
	}
	for _, path := range g.options.Test {
		m, err := g.original(path)
		if err != nil {
			return err
		}
		seam, err := measure.Seam(m, g.found.Patch, g.found.Pitch)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		g.found.RealSeam += seam / float64(len(g.options.Test))
		g.tests = append(g.tests, raster.Pack(m))
		near, err := g.near.of(m, g.pictures.Exec.Threads)
		if err != nil {
			return err
		}
		if near != nil {
			near.Photo = filepath.Base(path)
			g.found.HeldOut = append(g.found.HeldOut, *near)
		}
	}
	return nil
}

// original reads a photograph at the size of the pictures.
func (g *generating) original(path string) (*raster.Image, error) {
	m, err := g.report.open(path)
	if err != nil {
		return nil, err
	}
	m, own, err := g.track.original(m, 1, g.pictures.Exec.Threads)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if own {
		g.report.noteOf(fmt.Sprintf("%s (%d×%d)", filepath.Base(path), m.Width, m.Height), fmt.Sprintf("Photographs of fewer than %d×%d pixels "+
			"are compared with what is generated at their own size", g.track.Width, g.track.Height))
	}
	return m, nil
}

// picture generates the picture of a seed, and measures it.
func (g *generating) picture(ctx context.Context, seed uint64) error {
	o, threads := g.options, g.pictures.Exec.Threads
	g.step(fmt.Sprintf("picture %d of %d", seed, o.Generate))
	var base *raster.Image
	began := time.Now()
	m, err := g.pictures.Generate(ctx, patchflow.Painting{Width: o.Width, Height: o.Height, Steps: o.Steps, Seed: seed,
		Preview: func(m *raster.Image) {
			base = &raster.Image{Width: m.Width, Height: m.Height, Channels: m.Channels, Pix: slices.Clone(m.Pix)}
		}})
	if err != nil {
		return err
	}
	p := GeneratedPicture{Seed: seed, Seconds: time.Since(began).Seconds()}
	m.Round(255)
	if p.Seam, err = measure.Seam(m, g.found.Patch, g.found.Pitch); err != nil {
		return err
	}
	if p.Nearest, err = g.near.of(m, threads); err != nil {
		return err
	}
	if p.Nearest != nil && !slices.ContainsFunc(g.found.HeldOut, func(h Near) bool { return h.Distance <= p.Nearest.Distance }) {
		g.found.Closer++
	}
	if err := o.Picture(seed, m); err != nil {
		return err
	}
	g.whole = append(g.whole, raster.Pack(m))
	g.done++
	if base != nil {
		if p.TiledSeam, err = g.comparisons(ctx, base, seed); err != nil {
			return err
		}
	}
	g.done++
	g.found.Pictures = append(g.found.Pictures, p)
	return nil
}

// comparisons makes what the picture of a seed is compared with, from its last level but one. It returns the seam index of the tiled one.
func (g *generating) comparisons(ctx context.Context, base *raster.Image, seed uint64) (seam float64, err error) {
	base.Round(255)
	g.bases = append(g.bases, raster.Pack(base))
	g.step(fmt.Sprintf("picture %d of %d in tiles", seed, g.options.Generate))
	d := patchflow.Draw{Detail: 1, Steps: g.options.Steps[2], Seed: seed, Noise: patchflow.LevelNoise}
	m, err := tiled(ctx, g.pictures, base, g.scale(), d)
	if err != nil {
		return 0, err
	}
	if m, err = g.cut(m); err != nil {
		return 0, err
	}
	g.tiled = append(g.tiled, raster.Pack(m))
	return measure.Seam(m, g.found.Patch, g.found.Pitch)
}

// scale is the factor of the last level.
func (g *generating) scale() int { return patchflow.LastFactor(g.options.Width, g.options.Height) }

// cut makes a picture of a painting's levels one of the size that is asked for, in 8 bits.
func (g *generating) cut(m *raster.Image) (*raster.Image, error) {
	var err error
	if m.Width != g.options.Width || m.Height != g.options.Height {
		if m, err = fit(m, g.options.Width, g.options.Height, g.pictures.Exec.Threads); err != nil {
			return nil, err
		}
	}
	m.Round(255)
	return m, nil
}

// distances compares all sets with the test photographs.
func (g *generating) distances(ctx context.Context) error {
	packed := func(all []raster.Bytes) measure.Set {
		return measure.Set{Len: len(all), At: func(i int) (*raster.Image, error) { return all[i].Image(), ctx.Err() }}
	}
	enlarged := measure.Set{Len: len(g.bases), At: func(i int) (*raster.Image, error) {
		b := g.bases[i].Image()
		m, err := resample.Resize(b, b.Width*g.scale(), b.Height*g.scale(), resample.Lanczos3, g.pictures.Exec.Threads)
		if err != nil {
			return nil, err
		}
		return g.cut(m)
	}}
	train := measure.Set{Len: len(g.options.Train), At: func(i int) (*raster.Image, error) {
		return g.original(g.options.Train[i])
	}}
	for _, c := range []struct {
		of  string
		set measure.Set
	}{{Whole, packed(g.whole)}, {Base, enlarged}, {Tiled, packed(g.tiled)}, {Trains, train}} {
		if c.set.Len == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		d, err := measure.SlicedWassersteinOf(c.set, packed(g.tests), g.options.Distance)
		if err != nil {
			return err
		}
		g.found.Distances = append(g.found.Distances, Distance{c.of, c.set.Len, *d})
	}
	return nil
}

// agreements compares chroma of both sides.
func (g *generating) agreements(ctx context.Context) error {
	g.step("chroma of first levels")
	var drawn [][]chroma
	for i := range uint64(samples) {
		m, err := g.pictures.Generate(ctx, patchflow.Painting{Width: firstWidth, Height: firstHeight, Steps: g.options.Steps, Seed: i + 1})
		if err != nil {
			return err
		}
		m.Round(255)
		drawn = append(drawn, []chroma{chromaOf(m)})
	}
	g.found.Agreements = append(g.found.Agreements, agreement(Whole, drawn, g.options.Seed))
	for _, set := range []struct {
		of    string
		paths []string
	}{{Trains, g.options.Train}, {Tests, g.options.Test}} {
		var all [][]chroma
		for i, path := range set.paths {
			m, err := g.report.open(path)
			if err != nil {
				return err
			}
			crops, err := g.crops(m, uint64(i))
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %w", path, err), ctx.Err())
			}
			all = append(all, crops)
		}
		if len(all) > 0 {
			g.found.Agreements = append(g.found.Agreements, agreement(set.of, all, g.options.Seed))
		}
	}
	return nil
}
