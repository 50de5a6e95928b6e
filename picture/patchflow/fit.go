package patchflow

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/filters"
	"github.com/longspan/longspan/picture/resample"
)

const (
	// shrink is the number of samples by which the filters of a cluster are drawn to those of all: a cluster has some 70,000.
	shrink = 1000
	// samples is the number of pixels that filters are fitted to, about: 16 s of one core.
	samples = 10e6
	// rhoCrops is the most crops that the size of residuals is measured on, and rhoSide their pixels along a side.
	rhoCrops = 128
	rhoSide  = 128
)

// FitBase fits the filters of a base to photographs, and measures what is left. It depends on the photographs alone. note is told what is
// being done.
func FitBase(ctx context.Context, photos *Photos, threads int, note func(string)) (*Base, error) {
	if photos.Len() == 0 {
		return nil, errors.New("patchflow: no photographs to fit filters to")
	}
	if note == nil {
		note = func(string) {}
	}
	b := &Base{}
	for _, f := range []struct {
		bank  **filters.Bank
		scale int
	}{{&b.By2, 2}, {&b.By4, 4}} {
		note(fmt.Sprintf("filters of ×%d: fitting to %d photographs", f.scale, photos.Len()))
		bank, err := photos.fit(ctx, f.scale, threads)
		if err != nil {
			return nil, err
		}
		*f.bank = bank
	}
	for i, factor := range []int{2, 4, 8} {
		b.Rho[i] = 1
		rho, err := photos.rho(b, factor, threads)
		if err != nil {
			return nil, err
		}
		b.Rho[i] = rho
	}
	return b, nil
}

// fit shows all photographs to a Fitter twice, at the sizes that are learned from.
func (p *Photos) fit(ctx context.Context, scale, threads int) (*filters.Bank, error) {
	f, err := filters.NewFitter(scale)
	if err != nil {
		return nil, err
	}
	pixels := 0
	for _, look := range []bool{true, false} {
		every := 1 + pixels/samples
		for i, photo := range p.all {
			for _, size := range photo.sizes[:len(shares)] {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				if size.Width < scale || size.Height < scale {
					continue
				}
				large := size.whole(scale)
				small, err := resample.Resize(large, large.Width/scale, large.Height/scale, resample.Bicubic, threads)
				if err != nil {
					return nil, err
				}
				small.Round(255)
				if look {
					pixels += small.Width * small.Height
					err = f.Look(small, threads)
				} else {
					err = f.Add(small, large, i%every, every, threads)
				}
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return f.Fit(shrink)
}

// rho is the root mean square of residuals over a base, in units of contrast.
func (p *Photos) rho(b *Base, factor, threads int) (float32, error) {
	const patch = 8
	c := &crops{config: CropConfig{Side: rhoSide / patch}, patch: patch, network: drawNet, base: b, photos: p.all}
	n := min(rhoCrops, 1+p.pixels()/(rhoSide*rhoSide)) // more would show the same pixels again
	sums, failed := make([]float64, n), make([]error, n)
	pool.Run(threads, n, func(_, i int) {
		sums[i], failed[i] = c.squares(data.NewRandom(uint64(factor), uint64(i)), p.all[i%len(p.all)], factor)
	})
	sum := 0.0
	for i, s := range sums {
		if failed[i] != nil {
			return 0, failed[i]
		}
		sum += s
	}
	if sum == 0 {
		return 0, fmt.Errorf("patchflow: the photographs have no detail that is lost at ×%d, expected photographs with detail", factor)
	}
	return float32(math.Sqrt(sum / float64(n*rhoSide*rhoSide*channels))), nil
}

// squares is the sum of squares of the residuals of one crop, in units of contrast.
func (s *crops) squares(r *data.Random, from *photo, factor int) (sum float64, err error) {
	y, base, err := s.pair(r, from.sizes[:len(shares)], s.config.Side, factor, 0)
	if err != nil {
		return 0, err
	}
	look := newContrast(base, s.patch, 1)
	row := make([]float32, outputs(s.patch))
	for t := range look.sigma {
		look.residual(row, t, y, 1)
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
	}
	return sum, nil
}
