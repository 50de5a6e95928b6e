package demo

import (
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/longspan/longspan/cmd/longspan/internal/figure"
	"github.com/longspan/longspan/data/genome"
)

// gray is the colour of what is not the point of a picture.
var gray = color.RGBA{150, 150, 150, 255}

// dpi is the pixels of an inch.
const dpi = 96

// Point is a point of the curve, in bits a base.
type Point struct {
	Step  int64    `json:"step"`
	Train *float64 `json:"train,omitempty"`
	Valid *float64 `json:"valid,omitempty"`
}

// newPlot is a plot with a grid.
func newPlot(x, y string) *plot.Plot {
	const ticks = figure.Ticks(0.01)
	p := figure.New(x, y)
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks, ticks
	p.Add(plotter.NewGrid())
	return p
}

// curve draws the loss over the steps, beside what Markov models take on the test.
func (r *Result) curve(w io.Writer) error {
	p := newPlot("step", "bits a base")
	var trained, validated plotter.XYs
	for _, c := range r.Curve {
		if c.Train != nil {
			trained = append(trained, plotter.XY{X: float64(c.Step), Y: *c.Train})
		}
		if c.Valid != nil {
			validated = append(validated, plotter.XY{X: float64(c.Step), Y: *c.Valid})
		}
	}
	level := func(bits float64) plotter.XYs {
		return plotter.XYs{{X: 0, Y: bits}, {X: float64(r.Steps), Y: bits}}
	}
	for _, l := range []struct {
		name   string
		color  color.Color
		width  float64
		points plotter.XYs
	}{
		{"training", figure.Blue, 1, trained}, {"validation", figure.Orange, 2, validated}, {"guessing blind", gray, 1, level(2)},
		{"best Markov model, on the test", figure.Green, 1.5, level(r.MarkovBits)},
	} {
		if err := figure.Line(p, l.name, l.color, l.width, l.points); err != nil {
			return err
		}
	}
	// The first steps are far above, and would flatten the rest.
	p.Y.Max = min(p.Y.Max, 2.1)
	p.Y.Min = min(p.Y.Min, r.MarkovBits-0.01)
	clip(trained, p.Y.Max)
	clip(validated, p.Y.Max)
	return figure.PNG(w, p, 7*vg.Inch, 3.4*vg.Inch, dpi)
}

// clip lowers what is above limit to it.
func clip(points plotter.XYs, limit float64) {
	for i := range points {
		points[i].Y = min(points[i].Y, limit)
	}
}

// means is the means of bits over pieces of n, at their middle in thousands of bases.
func means(bits []float64, start, n int) (points plotter.XYs) {
	for i := 0; i < len(bits); i += n {
		piece := bits[i:min(i+n, len(bits))]
		sum := 0.0
		for _, b := range piece {
			sum += b
		}
		points = append(points, plotter.XY{X: (float64(start+i) + float64(len(piece))/2) / 1000, Y: sum / float64(len(piece))})
	}
	return points
}

// landscape draws the bits along the test: model and Markov, by pieces of about a three-hundredth. Repeats, which the Markov model
// all but knows, are cut off below, for they would flatten the rest.
func (d *work) landscape(w io.Writer, bits []float64) error {
	p := newPlot("place in the genome, thousands of bases", "bits a base")
	n := max(1, len(bits)/300)
	model, counted := means(bits, d.Test.Start, n), means(d.blend, d.Test.Start, n)
	low := math.Inf(1)
	for _, point := range model {
		low = min(low, point.Y)
	}
	low -= 0.05
	for i := range counted {
		counted[i].Y = max(counted[i].Y, low)
	}
	if err := figure.Line(p, "best Markov model", figure.Orange, 1, counted); err != nil {
		return err
	}
	if err := figure.Line(p, "this model", figure.Blue, 1.2, model); err != nil {
		return err
	}
	p.Y.Max += 0.2 * (p.Y.Max - p.Y.Min) // room for the legend
	p.Legend.Left = true
	return figure.PNG(w, p, 9.5*vg.Inch, 3*vg.Inch, dpi)
}

// A close-up shows closeUp bases, by means of closeMean.
const (
	closeUp   = 16000
	closeMean = 150
)

// closeStart is where the close-up begins, counted from the test's first base: at the piece that the model predicts best.
func (d *work) closeStart(bits []float64) int {
	points := means(bits, 0, closeUp)
	best := 0
	for i, p := range points[:max(1, len(points)-1)] { // the last may be shorter
		if p.Y < points[best].Y {
			best = i
		}
	}
	return best * closeUp
}

// close draws a stretch with its genes below.
func (d *work) close(w io.Writer, bits []float64, genes []genome.Gene) error {
	from := d.closeStart(bits)
	to := min(from+closeUp, len(bits))
	start, end := d.Test.Start+from, d.Test.Start+to
	p := newPlot("place in the genome, thousands of bases", "bits a base")
	if err := figure.Line(p, "best Markov model", figure.Orange, 1, means(d.blend[from:to], start, closeMean)); err != nil {
		return err
	}
	model := means(bits[from:to], start, closeMean)
	if err := figure.Line(p, "this model", figure.Blue, 1.5, model); err != nil {
		return err
	}
	p.Y.Max = max(p.Y.Max, 2.1) + 0.15
	bottom := p.Y.Min
	height := (p.Y.Max - bottom) / 16
	var names plotter.XYLabels
	for _, g := range genes {
		if g.End <= start || g.Start >= end {
			continue
		}
		a, b := max(g.Start, start), min(g.End, end)
		row := 1.0
		if g.Reverse {
			row = 2.4
		}
		if err := arrow(p, float64(a)/1000, float64(b)/1000, bottom-row*height, height, g.Reverse); err != nil {
			return err
		}
		if b-a > closeUp/30 {
			names.XYs = append(names.XYs, plotter.XY{X: float64(a+b) / 2000, Y: bottom - (row+0.5)*height})
			names.Labels = append(names.Labels, g.Name)
		}
	}
	p.Y.Min = bottom - 3.6*height
	if len(names.XYs) > 0 {
		labels, err := plotter.NewLabels(names)
		if err != nil {
			return err
		}
		for i := range labels.TextStyle {
			labels.TextStyle[i].XAlign, labels.TextStyle[i].YAlign = text.XCenter, text.YCenter
			labels.TextStyle[i].Font.Size = 8
		}
		p.Add(labels)
	}
	p.X.Min, p.X.Max = float64(start)/1000, float64(end)/1000
	return figure.PNG(w, p, 9.5*vg.Inch, 3.4*vg.Inch, dpi)
}

// arrow draws a gene from a to b, its upper edge at top, pointing the way it is read.
func arrow(p *plot.Plot, a, b, top, height float64, reverse bool) error {
	tip := math.Min(0.12, (b-a)/2)
	low, middle := top-height, top-height/2
	shape := plotter.XYs{{X: a, Y: top}, {X: b - tip, Y: top}, {X: b, Y: middle}, {X: b - tip, Y: low}, {X: a, Y: low}}
	if reverse {
		shape = plotter.XYs{{X: b, Y: top}, {X: a + tip, Y: top}, {X: a, Y: middle}, {X: a + tip, Y: low}, {X: b, Y: low}}
	}
	polygon, err := plotter.NewPolygon(slices.Clone(shape))
	if err != nil {
		return err
	}
	polygon.Color, polygon.LineStyle.Width = color.RGBA{190, 225, 214, 255}, vg.Points(0.5)
	p.Add(polygon)
	return nil
}
