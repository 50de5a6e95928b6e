package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/picture/raster"
)

// TileSide is the side of a tile, in pixels.
const TileSide = 60

// Tile is the upper left pixel of a square of TileSide × TileSide.
type Tile struct{ X, Y int }

// detailShare is one over the share of the tiles that are detailed.
const detailShare = 10

// Tiles are the tiles of a picture, row by row. What the last whole tile leaves at the right and below is in none.
func Tiles(im *raster.Image) ([]Tile, error) {
	if err := checkOne(im, TileSide); err != nil {
		return nil, err
	}
	var tiles []Tile
	for y := 0; y+TileSide <= im.Height; y += TileSide {
		for x := 0; x+TileSide <= im.Width; x += TileSide {
			tiles = append(tiles, Tile{x, y})
		}
	}
	return tiles, nil
}

// DetailTiles are the tenth of the tiles, rounded up, that have the largest mean gradient of luma, row by row. Take them from the original,
// so that all pictures that are compared with it are judged at the same places.
func DetailTiles(original *raster.Image) ([]Tile, error) {
	tiles, err := Tiles(original)
	if err != nil {
		return nil, err
	}
	luma := original.Luma()
	gradient := make(map[Tile]float64, len(tiles))
	for _, t := range tiles {
		gradient[t] = meanGradient(luma, t)
	}
	slices.SortStableFunc(tiles, func(a, b Tile) int { return cmp.Compare(gradient[b], gradient[a]) })
	tiles = tiles[:(len(tiles)+detailShare-1)/detailShare]
	slices.SortFunc(tiles, func(a, b Tile) int { return cmp.Or(a.Y-b.Y, a.X-b.X) })
	return tiles, nil
}

// meanGradient is the mean of √(∂x² + ∂y²) inside a tile. The differences are those to the next pixel on the right and below.
func meanGradient(luma *raster.Image, t Tile) float64 {
	sum := 0.0
	for y := t.Y; y < t.Y+TileSide-1; y++ {
		row, below := luma.Row(y)[t.X:], luma.Row(y + 1)[t.X:]
		for x := range TileSide - 1 {
			dx, dy := row[x+1]-row[x], below[x]-row[x]
			sum += math.Sqrt(float64(dx*dx + dy*dy))
		}
	}
	return sum / ((TileSide - 1) * (TileSide - 1))
}

// TileErrors are the mean squared errors of luma in tiles.
func TileErrors(a, b *raster.Image, tiles []Tile) ([]float64, error) {
	if err := checkPair(a, b, TileSide); err != nil {
		return nil, err
	}
	la, lb := a.Luma(), b.Luma()
	errors := make([]float64, len(tiles))
	for i, t := range tiles {
		if t.X < 0 || t.Y < 0 || t.X > a.Width-TileSide || t.Y > a.Height-TileSide {
			return nil, fmt.Errorf("measure: found a tile at (%d, %d), expected tiles of %d×%d inside the picture of %d×%d",
				t.X, t.Y, TileSide, TileSide, a.Width, a.Height)
		}
		for y := t.Y; y < t.Y+TileSide; y++ {
			errors[i] += squaredError(la.Row(y)[t.X:], lb.Row(y)[t.X:], TileSide)
		}
		errors[i] /= TileSide * TileSide
	}
	return errors, nil
}

// PSNRDetail is the PSNR of luma over the detailed tiles of the original, in decibels. Their squared errors are averaged first.
func PSNRDetail(a, original *raster.Image) (float64, error) {
	tiles, err := DetailTiles(original)
	if err != nil {
		return 0, err
	}
	errors, err := TileErrors(a, original, tiles)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, e := range errors {
		sum += e
	}
	return PSNR(sum / float64(len(errors))), nil
}
