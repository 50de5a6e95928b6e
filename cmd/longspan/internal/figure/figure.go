// Package figure has what the pictures of reports have in common: colours, lines, marks of axes, and PNG.
package figure

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The colours of the pictures, told apart by colour-blind eyes too (Wong 2011, doi:10.1038/nmeth.1618).
var (
	Blue   = color.RGBA{0, 114, 178, 255}
	Orange = color.RGBA{213, 94, 0, 255}
	Green  = color.RGBA{0, 158, 115, 255}
	Sky    = color.RGBA{86, 180, 233, 255}
	Yellow = color.RGBA{230, 159, 0, 255}
	Pink   = color.RGBA{204, 121, 167, 255}
)

// New is a plot with the names of its axes, and a legend in the upper right corner.
func New(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Legend.Top = true
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(6), -vg.Points(6)
	return p
}

// Line adds a line, named in the legend if it has a name. Without points it adds nothing. width is in points.
func Line(p *plot.Plot, name string, c color.Color, width float64, points plotter.XYs) error {
	if len(points) == 0 {
		return nil
	}
	l, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	l.Color, l.Width = c, vg.Points(width)
	p.Add(l)
	if name != "" {
		p.Legend.Add(name, l)
	}
	return nil
}

// Ticks are marks at round numbers, written in full: plot's own round 1.95 to 2, and 0.525 to 0.53. The value is the smallest distance
// between two: 0.01 or 0.005.
type Ticks float64

// Ticks returns at most seven marks.
func (t Ticks) Ticks(low, high float64) (all []plot.Tick) {
	step, decimals := float64(t), 3
	for i := 0; high-low > 7*step && step < 1e9; i++ {
		step *= []float64{2, 2.5, 2}[i%3] // 0.005, 0.01, 0.025, 0.05 …; 0.01, 0.02, 0.05, 0.1 …
	}
	if step > 0.9 {
		decimals = 0
	} else if math.Abs(step*100-math.Round(step*100)) < 1e-9 {
		decimals = 2
	}
	for i := math.Ceil(low/step) + 0; i*step <= high; i++ { // + 0: −0 would be written with its sign
		all = append(all, plot.Tick{Value: i * step, Label: fmt.Sprintf("%.*f", decimals, i*step)})
	}
	return all
}

// PNG draws a plot as a PNG. dpi is the pixels of an inch.
func PNG(w io.Writer, p *plot.Plot, width, height vg.Length, dpi int) error {
	image := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dpi))
	p.Draw(draw.New(image))
	_, err := vgimg.PngCanvas{Canvas: image}.WriteTo(w)
	return err
}

// Inline is a PNG as a data URL. Its bytes are our own, so it is safe in a page.
func Inline(png []byte) template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
}
