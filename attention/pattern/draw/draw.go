// Package draw makes PNG pictures of patterns. It is apart from package pattern because it links fonts.
package draw

import (
	"fmt"
	"image"
	"image/png"
	"io"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"

	"github.com/longspan/longspan/attention/pattern"
)

// The sides of a picture that WritePNG makes, in pixels.
const (
	MinPixels = 64
	MaxPixels = 4096
)

// WritePNG writes p over the sequence s as a PNG image: queries downwards, keys to the right, both labelled with key
// positions. A pixel is darker where more of its pairs are visible; a legend shows the shades. The longer side of the
// matrix is at most side pixels, from MinPixels to MaxPixels. A short sequence has squares of several pixels. Cost and
// errors are those of [pattern.Picture], and those of w.
func WritePNG(w io.Writer, p pattern.Pattern, s pattern.Shape, side int) error {
	if side < MinPixels || side > MaxPixels {
		return fmt.Errorf("draw: found a picture of %d pixels, expected %d to %d; 1024 looks good", side, MinPixels, MaxPixels)
	}
	g, err := pattern.Picture(p, s, side)
	if err != nil {
		return err
	}
	c, err := newCanvas(g, side)
	if err != nil {
		return err
	}
	c.drawTitle(p.String())
	c.drawMatrix()
	c.drawAxes()
	c.drawLegend()
	return png.Encode(w, c.image)
}

// Lengths in pixels.
const (
	margin     = 24
	titleSize  = 18
	textSize   = 13
	lineHeight = 24
	tickLength = 5
	barWidth   = 16
	barHeight  = 160
	minMatrix  = 24  // a matrix of one query is drawn this high
	minWidth   = 560 // room for the lines of text above a narrow matrix
	gapFrom    = 8   // squares of this size have a gap of a pixel between them
)

// canvas is a picture being drawn.
type canvas struct {
	grid       *pattern.Grid
	image      *image.RGBA
	matrix     image.Rectangle
	wide, high int       // pixels of a cell
	big, small font.Face // of the title, and of all else
}

func newCanvas(g *pattern.Grid, side int) (*canvas, error) {
	big, err := face(gobold.TTF, titleSize)
	if err != nil {
		return nil, err
	}
	small, err := face(goregular.TTF, textSize)
	if err != nil {
		return nil, err
	}
	cell := max(1, side/max(g.Rows, g.Cols))
	c := &canvas{grid: g, big: big, small: small, wide: max(cell, minMatrix/g.Cols), high: max(cell, minMatrix/g.Rows)}
	labels := width(small, grouped(int64(g.Shape.Offset+g.Shape.Tq))) // the widest beside the matrix
	left := margin + lineHeight + labels + 3 + 2*tickLength
	top := margin + 3*lineHeight
	c.matrix = image.Rect(left, top, left+c.wide*g.Cols, top+c.high*g.Rows)
	right := c.matrix.Max.X + 2*margin + barWidth + 2*tickLength + width(small, "100%")
	bottom := max(c.matrix.Max.Y+2*lineHeight, top+barHeight) + margin
	c.image = image.NewRGBA(image.Rect(0, 0, max(right, minWidth)+margin, bottom))
	c.fill(c.image.Rect, paper)
	return c, nil
}

func face(ttf []byte, size float64) (font.Face, error) {
	parsed, err := opentype.Parse(ttf)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
}

func width(f font.Face, text string) int { return font.MeasureString(f, text).Ceil() }
