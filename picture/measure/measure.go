// Package measure compares pictures with numbers: an enlarged picture with its original, and a set of generated ones with a set of
// photographs.
//
// Values are compared as given: nothing is rounded and nothing is cut off. Comparisons with published numbers round first
// (raster.Image.Round). White is 1. Luma is that of raster.Image.Luma. The functions use all threads, and their results have the same bits
// for any number.
//
// Package bootstrap gives differences of two methods over pictures or tiles their interval.
package measure

import (
	"fmt"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/picture/raster"
)

// checkPair returns an error for pictures that differ in size or channels, or have a side below least.
func checkPair(a, b *raster.Image, least int) error {
	if err := checkOne(a, least); err != nil {
		return err
	}
	if err := checkOne(b, least); err != nil {
		return err
	}
	if a.Width != b.Width || a.Height != b.Height || a.Channels != b.Channels {
		return fmt.Errorf("measure: found pictures of %d×%d×%d and %d×%d×%d, expected one size: resample or crop one of them",
			a.Width, a.Height, a.Channels, b.Width, b.Height, b.Channels)
	}
	return nil
}

// checkOne returns an error for a picture that is none or has a side below least.
func checkOne(a *raster.Image, least int) error {
	if err := a.Check(); err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	if a.Width < least || a.Height < least {
		return fmt.Errorf("measure: found a picture of %d×%d, expected sides of at least %d pixels", a.Width, a.Height, least)
	}
	return nil
}

// sumRows is the sum of f over the rows 0 … rows−1, joined in order, by a number of threads or, for 0, all. worker is below threads.
func sumRows(threads, rows int, f func(worker, y int) float64) float64 {
	parts := make([]float64, rows)
	pool.Run(threads, rows, func(worker, y int) { parts[y] = f(worker, y) })
	sum := 0.0
	for _, p := range parts {
		sum += p
	}
	return sum
}

func square(x float64) float64 { return x * x }
