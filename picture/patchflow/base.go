package patchflow

import (
	"fmt"

	"github.com/longspan/longspan/picture/filters"
	"github.com/longspan/longspan/picture/raster"
)

// Base enlarges the pictures that the network adds to.
type Base struct {
	By2, By4 *filters.Bank
	// Rho is the root mean square of residuals in units of contrast, for the factors 2, 4 and 8.
	Rho [3]float32
}

// Check returns an error for filters of other scales, and for residuals without a size.
func (b *Base) Check() error {
	for i, bank := range []*filters.Bank{b.By2, b.By4} {
		if scale := 2 << i; bank == nil || bank.Scale != scale {
			return fmt.Errorf("patchflow: no filters of scale %d", scale)
		}
		if err := bank.Check(); err != nil {
			return err
		}
	}
	for _, r := range b.Rho {
		if !(r > 0 && r < largestRho) {
			return fmt.Errorf("patchflow: residuals of size %g, expected more than 0 and less than %g", r, largestRho)
		}
	}
	return nil
}

// largestRho bounds the size of residuals in units of contrast: those of photographs are about 1.
const largestRho = 1e3

// Enlarge returns a picture of factor times the sides: 2, 4, or 8, which is 4 and then 2.
func (b *Base) Enlarge(m *raster.Image, factor, threads int) (*raster.Image, error) {
	switch factor {
	case 2:
		return b.By2.Enlarge(m, threads)
	case 4:
		return b.By4.Enlarge(m, threads)
	case 8:
		m, err := b.By4.Enlarge(m, threads)
		if err != nil {
			return nil, err
		}
		return b.By2.Enlarge(m, threads)
	}
	return nil, fmt.Errorf("patchflow: a factor of %d, expected 2, 4 or 8", factor)
}

// enlargeInside is Enlarge of what has a margin on all sides, without the margin. At ×8 the margin is cut between the two steps.
func (b *Base) enlargeInside(m *raster.Image, factor int) (*raster.Image, error) {
	if factor == 8 {
		high, err := b.Enlarge(m, 4, 1)
		if err != nil {
			return nil, err
		}
		cut := 3 * margin // of 4·margin pixels
		if m, err = high.Crop(cut, cut, high.Width-2*cut, high.Height-2*cut); err != nil {
			return nil, err
		}
		factor = 2
	}
	high, err := b.Enlarge(m, factor, 1)
	if err != nil {
		return nil, err
	}
	at := margin * factor
	return high.Crop(at, at, high.Width-2*at, high.Height-2*at)
}

// rho is the size of residuals at a factor; 1 where there is no base, whose contrast is that of photographs already.
func (b *Base) rho(factor int) float32 {
	switch factor {
	case 2:
		return b.Rho[0]
	case 4:
		return b.Rho[1]
	case 8:
		return b.Rho[2]
	}
	return 1
}

// The base of a picture that is made from nothing: grey, with the contrast of photographs.
const (
	grey      = 0.5
	greySigma = 0.25
)

// blank is the contrast of a picture without a base.
func blank(width, height, patch, threads int) (*contrast, error) {
	base, err := raster.New(width, height, channels)
	if err != nil {
		return nil, err
	}
	for i := range base.Pix {
		base.Pix[i] = grey
	}
	return (&contrast{base: base, patch: patch, flat: greySigma}).shifted(0, 0, threads), nil
}
