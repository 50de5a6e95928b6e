package draw

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"sort"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
)

// Colours as 0xRRGGBB.
const (
	paper  = 0xffffff
	ground = 0xf1f3f5 // where nothing is visible
	line   = 0x9aa1ab
	ink    = 0x1d222a
	pale   = 0x5b6470
	faint  = 0xbcd6f0 // the first shade of what is visible
	middle = 0x3f82c4
	deep   = 0x082a5c // where everything is
)

func rgb(c uint32) color.RGBA { return color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff} }

// shade is the colour of a density of 0 to 1. Only 0 has the colour of the ground, and the square root spreads the low
// densities, where sparse patterns live: a line of one key in a thousand must still be seen.
func shade(density float64) color.RGBA {
	if density <= 0 {
		return rgb(ground)
	}
	t := 2 * math.Sqrt(min(density, 1))
	from, to := rgb(faint), rgb(middle)
	if t > 1 {
		from, to, t = rgb(middle), rgb(deep), t-1
	}
	mixed := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + t*(float64(b)-float64(a)))) }
	return color.RGBA{mixed(from.R, to.R), mixed(from.G, to.G), mixed(from.B, to.B), 0xff}
}

func (c *canvas) fill(r image.Rectangle, with uint32) { fill(c.image, r, rgb(with)) }

func fill(to draw.Image, r image.Rectangle, with color.RGBA) {
	draw.Draw(to, r, image.NewUniform(with), image.Point{}, draw.Src)
}

// write draws text with its left end at x, on the baseline y.
func (c *canvas) write(f font.Face, x, y int, with uint32, text string) {
	d := font.Drawer{Dst: c.image, Src: image.NewUniform(rgb(with)), Face: f, Dot: fixed.P(x, y)}
	d.DrawString(text)
}

// drawTitle writes the pattern, and below it what it comes to.
func (c *canvas) drawTitle(pattern string) {
	room := c.image.Rect.Dx() - 2*margin
	s := c.grid.Shape
	sum := fmt.Sprintf("%s over %s; %s visible, %s of all", counted(int64(s.Tq), "query", "queries"),
		counted(int64(s.Tk), "key", "keys"), counted(c.grid.Pairs(), "pair", "pairs"), percent(c.grid.Share()))
	c.write(c.big, margin, margin+titleSize, ink, fit(c.big, pattern, room))
	c.write(c.small, margin, margin+titleSize+lineHeight, pale, fit(c.small, sum, room))
}

// fit cuts text that is wider than room and ends it with "…".
func fit(f font.Face, text string, room int) string {
	if len(text) <= room && width(f, text) <= room {
		return text
	}
	letters := []rune(text[:min(len(text), room)]) // no letter is narrower than a pixel
	n := sort.Search(len(letters), func(n int) bool { return width(f, string(letters[:n+1])+"…") > room })
	return string(letters[:n]) + "…"
}

func (c *canvas) drawMatrix() {
	c.fill(c.matrix.Inset(-3), line)
	c.fill(c.matrix.Inset(-2), paper) // a line at the edge of the matrix must not look like its frame
	gap := 0
	if min(c.wide, c.high) >= gapFrom {
		gap = 1
	}
	for r := range c.grid.Rows {
		for col := range c.grid.Cols {
			visible, all := c.grid.Cell(r, col)
			with := shade(float64(visible) / float64(all))
			x, y := c.matrix.Min.X+col*c.wide, c.matrix.Min.Y+r*c.high
			if c.wide == 1 && c.high == 1 {
				c.image.SetRGBA(x, y, with)
			} else {
				fill(c.image, image.Rect(x, y, x+c.wide-gap, y+c.high-gap), with)
			}
		}
	}
}

// drawAxes marks key positions along the bottom and the left. A position stands at the edge where its token begins.
func (c *canvas) drawAxes() {
	s, m := c.grid.Shape, c.matrix
	for _, t := range ticks(0, s.Tk, m.Dx()/(width(c.small, grouped(int64(s.Tk)))+margin)) {
		x := m.Min.X + scale(t, s.Tk, m.Dx())
		c.fill(image.Rect(x, m.Max.Y+3, x+1, m.Max.Y+3+tickLength), line)
		label := grouped(int64(t))
		c.write(c.small, x-width(c.small, label)/2, m.Max.Y+tickLength+textSize+5, ink, label)
	}
	for _, t := range ticks(s.Offset, s.Offset+s.Tq, m.Dy()/(2*textSize)) {
		y := m.Min.Y + scale(t-s.Offset, s.Tq, m.Dy())
		c.fill(image.Rect(m.Min.X-3-tickLength, y, m.Min.X-3, y+1), line)
		label := grouped(int64(t))
		c.write(c.small, m.Min.X-3-2*tickLength-width(c.small, label), y+textSize/3, ink, label)
	}
	c.write(c.small, m.Min.X, m.Max.Y+lineHeight+textSize+tickLength, pale, "position of the key")
	c.writeUpwards(margin+textSize, m.Max.Y, "position of the query")
}

// scale maps token t of n to pixel 0 … pixels.
func scale(t, n, pixels int) int { return int(int64(t) * int64(pixels) / int64(n)) }

// writeUpwards writes text rotated by a quarter turn to the left, on a baseline at x, from y up. It leaves out text that
// is longer than the matrix is high.
func (c *canvas) writeUpwards(x, y int, text string) {
	long := width(c.small, text)
	if long > c.matrix.Dy() {
		return
	}
	flat := image.NewAlpha(image.Rect(0, 0, long, lineHeight))
	d := font.Drawer{Dst: flat, Src: image.Opaque, Face: c.small, Dot: fixed.P(0, textSize)}
	d.DrawString(text)
	rotated := image.NewAlpha(image.Rect(0, 0, lineHeight, long))
	for i := range long {
		for j := range lineHeight {
			rotated.SetAlpha(j, long-1-i, flat.AlphaAt(i, j))
		}
	}
	at := image.Rect(x-textSize, y-long, x-textSize+lineHeight, y)
	draw.DrawMask(c.image, at, image.NewUniform(rgb(pale)), image.Point{}, rotated, image.Point{}, draw.Over)
}

// drawLegend draws the shades from all to none beside the matrix.
func (c *canvas) drawLegend() {
	x, y := c.matrix.Max.X+2*margin, c.matrix.Min.Y
	c.fill(image.Rect(x-1, y-1, x+barWidth+1, y+barHeight+1), line)
	for i := range barHeight {
		density := 1 - float64(i)/(barHeight-1)
		fill(c.image, image.Rect(x, y+i, x+barWidth, y+i+1), shade(density))
	}
	for quarter := range 5 {
		at := y + quarter*(barHeight-1)/4
		c.fill(image.Rect(x+barWidth+1, at, x+barWidth+1+tickLength, at+1), line)
		c.write(c.small, x+barWidth+1+2*tickLength, at+textSize/3, ink, fmt.Sprintf("%d%%", 100-25*quarter))
	}
}
