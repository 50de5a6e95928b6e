package evaluation

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/longspan/longspan/genome/evaluate"
	"github.com/longspan/longspan/genome/evaluate/stats"
)

// The colours of the pictures, told apart by colour-blind eyes too (Wong 2011, doi:10.1038/nmeth.1618).
var (
	blue   = color.RGBA{0, 114, 178, 255}
	orange = color.RGBA{213, 94, 0, 255}
	green  = color.RGBA{0, 158, 115, 255}
	sky    = color.RGBA{86, 180, 233, 255}
	yellow = color.RGBA{230, 159, 0, 255}
	pink   = color.RGBA{204, 121, 167, 255}
	gray   = color.RGBA{120, 120, 120, 255}
)

// kindColors are those of the kinds of scores.
var kindColors = map[evaluate.Kind]color.Color{evaluate.Baseline: gray, evaluate.OfModel: blue, evaluate.Fitted: orange}

// png draws a plot as a PNG.
func png(w io.Writer, p *plot.Plot, width, height vg.Length) error {
	image := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(110))
	p.Draw(draw.New(image))
	_, err := vgimg.PngCanvas{Canvas: image}.WriteTo(w)
	return err
}

func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.Legend.Top = true
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(6), -vg.Points(6)
	return p
}

// line adds a line, named in the legend if it has a name.
func line(p *plot.Plot, name string, c color.Color, width float64, points ...plotter.XY) error {
	l, err := plotter.NewLine(plotter.XYs(points))
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

// intervals draws a row for each number, from the top down: a dot within its interval, and a line at what would be chance.
func intervals(w io.Writer, axis string, names []string, numbers []stats.Interval, colors []color.Color, chance float64) error {
	p := newPlot(axis, "")
	n := len(names)
	low, high := chance, chance
	for i, v := range numbers {
		y := float64(n - 1 - i)
		low, high = min(low, v.Low), max(high, v.High)
		if err := line(p, "", colors[i], 1.5, plotter.XY{X: v.Low, Y: y}, plotter.XY{X: v.High, Y: y}); err != nil {
			return err
		}
		dot, err := plotter.NewScatter(plotter.XYs{{X: v.Value, Y: y}})
		if err != nil {
			return err
		}
		dot.GlyphStyle = draw.GlyphStyle{Color: colors[i], Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
		p.Add(dot)
	}
	if err := line(p, "", color.Black, 0.7, plotter.XY{X: chance, Y: -0.6}, plotter.XY{X: chance, Y: float64(n) - 0.4}); err != nil {
		return err
	}
	upwards := make([]string, n)
	for i, name := range names {
		upwards[n-1-i] = name
	}
	p.NominalY(upwards...)
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	room := max(0.01, 0.04*(high-low))
	p.X.Min, p.X.Max = low-room, high+room
	p.X.Tick.Marker = ticks{}
	return png(w, p, 7*vg.Inch, vg.Length(0.8+0.27*float64(n))*vg.Inch)
}

// ticks are marks at round numbers, written in full: plot's own round 0.525 to 0.53.
type ticks struct{}

// Ticks returns at most seven marks.
func (ticks) Ticks(low, high float64) (all []plot.Tick) {
	step, decimals := 0.005, 3
	for i := 0; high-low > 7*step && step < 1e9; i++ {
		step *= []float64{2, 2.5, 2}[i%3] // 0.005, 0.01, 0.025, 0.05 …
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

// auroc draws the scores of a contrast.
func auroc(w io.Writer, scores []evaluate.AUROC) error {
	var names []string
	var numbers []stats.Interval
	var colors []color.Color
	for _, s := range scores {
		names, numbers, colors = append(names, s.Score), append(numbers, s.Interval), append(colors, kindColors[s.Kind])
	}
	return intervals(w, "AUROC, with 95 % intervals", names, numbers, colors, 0.5)
}

// splice draws observed over expected.
func splice(w io.Writer, rows []evaluate.SpliceRow) error {
	var names []string
	var numbers []stats.Interval
	var colors []color.Color
	for _, r := range rows {
		if r.Ratio == nil {
			continue
		}
		c := map[string]color.Color{"common": blue, "singleton": orange}[r.Group]
		if c == nil {
			c = gray
		}
		names = append(names, fmt.Sprintf("%s, delta ≥ %g", r.Group, r.Threshold))
		numbers, colors = append(numbers, *r.Ratio), append(colors, c)
	}
	if len(names) == 0 {
		return nil
	}
	return intervals(w, "observed over expected, with 95 % intervals", names, numbers, colors, 1)
}

// spectrum draws the 96 classes in six colours: SNVs for each thousand places.
func spectrum(w io.Writer, classes []evaluate.Class) error {
	p := newPlot("bases beside the substitution", "SNVs for 1,000 places")
	colors := []color.Color{sky, gray, orange, yellow, green, pink}
	each := len(classes) / len(colors)
	var labels []string
	top := 0.0
	for g, c := range colors {
		values := make(plotter.Values, len(classes))
		for i, class := range classes[g*each : (g+1)*each] {
			values[g*each+i] = 1000 * class.Rate
			top = max(top, 1000*class.Rate)
			labels = append(labels, class.Name[:1]+"·"+class.Name[6:])
		}
		bars, err := plotter.NewBarChart(values, vg.Points(4.6))
		if err != nil {
			return err
		}
		bars.Color, bars.LineStyle.Width = c, 0
		p.Add(bars)
		p.Legend.Add(classes[g*each].Name[2:5], bars)
	}
	p.NominalX(labels...)
	p.X.Tick.Label.Rotation, p.X.Tick.Label.YAlign, p.X.Tick.Label.XAlign = math.Pi/2, text.YCenter, text.XRight
	p.X.Tick.Label.Font.Size = font.Length(6)
	p.Legend.ThumbnailWidth = vg.Points(10)
	p.Y.Min, p.Y.Max = 0, 1.05*max(top, 1e-9)
	return png(w, p, 9.5*vg.Inch, 3.2*vg.Inch)
}

// density draws the SNVs along the region.
func density(w io.Writer, d evaluate.Density, start int) error {
	p := newPlot("place on the contig, millions of bases", fmt.Sprintf("SNVs for %d bases", d.Window))
	var seen, predicted plotter.XYs
	for i, n := range d.Seen {
		x := (float64(start) + (float64(i)+0.5)*float64(d.Window)) / 1e6
		seen, predicted = append(seen, plotter.XY{X: x, Y: float64(n)}), append(predicted, plotter.XY{X: x, Y: d.Predicted[i]})
	}
	if err := line(p, "the panel", blue, 1, seen...); err != nil {
		return err
	}
	if err := line(p, "7-mer rates of the region to fit", orange, 1.5, predicted...); err != nil {
		return err
	}
	p.Y.Min = 0
	p.Y.Max *= 1.2 // room for the legend
	p.X.Tick.Marker = ticks{}
	return png(w, p, 9.5*vg.Inch, 3*vg.Inch)
}
