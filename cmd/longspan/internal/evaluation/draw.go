package evaluation

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/longspan/longspan/cmd/longspan/internal/figure"
	"github.com/longspan/longspan/genome/evaluate"
	"github.com/longspan/longspan/genome/evaluate/stats"
)

// gray is the colour of what is not the point of a picture.
var gray = color.RGBA{120, 120, 120, 255}

// dpi is the pixels of an inch.
const dpi = 110

// kindColors are those of the kinds of scores.
var kindColors = map[evaluate.Kind]color.Color{evaluate.Baseline: gray, evaluate.OfModel: figure.Blue, evaluate.Fitted: figure.Orange}

// intervals draws a row for each number, from the top down: a dot within its interval, and a line at what would be chance.
func intervals(w io.Writer, axis string, names []string, numbers []stats.Interval, colors []color.Color, chance float64) error {
	p := figure.New(axis, "")
	n := len(names)
	low, high := chance, chance
	for i, v := range numbers {
		y := float64(n - 1 - i)
		low, high = min(low, v.Low), max(high, v.High)
		if err := figure.Line(p, "", colors[i], 1.5, plotter.XYs{{X: v.Low, Y: y}, {X: v.High, Y: y}}); err != nil {
			return err
		}
		dot, err := plotter.NewScatter(plotter.XYs{{X: v.Value, Y: y}})
		if err != nil {
			return err
		}
		dot.GlyphStyle = draw.GlyphStyle{Color: colors[i], Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
		p.Add(dot)
	}
	if err := figure.Line(p, "", color.Black, 0.7, plotter.XYs{{X: chance, Y: -0.6}, {X: chance, Y: float64(n) - 0.4}}); err != nil {
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
	p.X.Tick.Marker = ticks
	return figure.PNG(w, p, 7*vg.Inch, vg.Length(0.8+0.27*float64(n))*vg.Inch, dpi)
}

// ticks are the marks of numbers.
const ticks = figure.Ticks(0.005)

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
		c := map[string]color.Color{"common": figure.Blue, "singleton": figure.Orange}[r.Group]
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
	p := figure.New("bases beside the substitution", "SNVs for 1,000 places")
	colors := []color.Color{figure.Sky, gray, figure.Orange, figure.Yellow, figure.Green, figure.Pink}
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
	return figure.PNG(w, p, 9.5*vg.Inch, 3.2*vg.Inch, dpi)
}

// density draws the SNVs along the region.
func density(w io.Writer, d evaluate.Density, start int) error {
	p := figure.New("place on the contig, millions of bases", fmt.Sprintf("SNVs for %d bases", d.Window))
	var seen, predicted plotter.XYs
	for i, n := range d.Seen {
		x := (float64(start) + (float64(i)+0.5)*float64(d.Window)) / 1e6
		seen, predicted = append(seen, plotter.XY{X: x, Y: float64(n)}), append(predicted, plotter.XY{X: x, Y: d.Predicted[i]})
	}
	if err := figure.Line(p, "the panel", figure.Blue, 1, seen); err != nil {
		return err
	}
	if err := figure.Line(p, "7-mer rates of the region to fit", figure.Orange, 1.5, predicted); err != nil {
		return err
	}
	p.Y.Min = 0
	p.Y.Max *= 1.2 // room for the legend
	p.X.Tick.Marker = ticks
	return figure.PNG(w, p, 9.5*vg.Inch, 3*vg.Inch, dpi)
}
