package bench

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// palette has colours that people who do not see all colours tell apart (Okabe and Ito 2008), without the yellow, which is too light for a
// line on white, and with a grey and a dark brown.
var palette = []color.RGBA{
	{0, 0, 0, 255}, {0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255},
	{86, 180, 233, 255}, {230, 159, 0, 255}, {128, 128, 128, 255}, {92, 51, 23, 255},
}

// shapes mark points: each line differs from the others in colour and in shape.
var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}, draw.RingGlyph{},
	draw.BoxGlyph{}, draw.PyramidGlyph{}, diamond{},
}

// PNG draws time and memory against tokens, both axes logarithmic, a line a mechanism, two panels side by side.
func PNG(w io.Writer, rows []AttentionRow) error {
	if len(rows) == 0 {
		return fmt.Errorf("bench: no row to draw; every point was left out")
	}
	first := rows[0]
	seconds, err := panel(rows, "time of a "+string(first.Pass)+" pass", "seconds", func(r AttentionRow) float64 { return r.Seconds })
	if err != nil {
		return err
	}
	bytes, err := panel(rows, "memory, inputs and output included", "MiB", func(r AttentionRow) float64 {
		return float64(r.PeakBytes) / (1 << 20)
	})
	if err == nil && first.Pass != Decode {
		err = addScores(bytes, rows)
	}
	if err != nil {
		return err
	}
	image := vgimg.NewWith(vgimg.UseWH(14*vg.Inch, 6*vg.Inch), vgimg.UseDPI(100))
	canvas := draw.New(image)
	title := fmt.Sprintf("H = %d, D = %d, %s, causal: %v, %d threads, %s kernels",
		first.Heads, first.HeadDim, first.DType, first.Causal, first.Threads, first.Level)
	style := draw.TextStyle{Color: color.Black, Font: font.From(plot.DefaultFont, 12), XAlign: draw.XCenter, YAlign: draw.YTop,
		Handler: plot.DefaultTextHandler}
	canvas.FillText(style, vg.Point{X: canvas.Center().X, Y: canvas.Max.Y - vg.Points(6)}, title)
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadTop: vg.Points(28), PadBottom: vg.Points(6), PadLeft: vg.Points(6),
		PadRight: vg.Points(14), PadX: vg.Points(18)}
	seconds.Draw(tiles.At(canvas, 0, 0))
	bytes.Draw(tiles.At(canvas, 1, 0))
	_, err = vgimg.PngCanvas{Canvas: image}.WriteTo(w)
	return err
}

func panel(rows []AttentionRow, title, unit string, value func(AttentionRow) float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "tokens", unit
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.Y.Tick.Marker = decadeTicks{}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(2)
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), -vg.Points(4)
	p.Add(plotter.NewGrid())
	var names []string
	lengths := map[int]bool{}
	for _, r := range rows {
		lengths[r.Tokens] = true
		if name := r.Mechanism; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	p.X.Tick.Marker = lengthTicks(lengths)
	for i, name := range names {
		var points plotter.XYs
		for _, r := range rows {
			if r.Mechanism == name {
				points = append(points, plotter.XY{X: float64(r.Tokens), Y: value(r)})
			}
		}
		line, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, fmt.Errorf("bench: drawing %s: %w", name, err)
		}
		line.Color, line.Width = palette[i%len(palette)], vg.Points(1.5)
		marks.Color, marks.Shape, marks.Radius = line.Color, shapes[i%len(shapes)], vg.Points(3.5)
		p.Add(line, marks)
		p.Legend.Add(name, line, marks)
	}
	return p, nil
}

// addScores draws the memory of H·T² scores in float32, dashed, which no mechanism here allocates.
func addScores(p *plot.Plot, rows []AttentionRow) error {
	var points plotter.XYs
	for _, r := range rows {
		t := float64(r.Tokens)
		points = append(points, plotter.XY{X: t, Y: 4 * float64(r.Heads) * t * t / (1 << 20)})
	}
	slices.SortFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Dashes, line.Width, line.Color = []vg.Length{vg.Points(4), vg.Points(3)}, vg.Points(1), color.Gray{100}
	p.Add(line)
	p.Legend.Add("H·T² scores", line)
	return nil
}

// lengthTicks marks each measured length.
func lengthTicks(lengths map[int]bool) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for n := range lengths {
		label := fmt.Sprint(n)
		if n >= 1024 && n%1024 == 0 {
			label = fmt.Sprintf("%dk", n/1024)
		}
		ticks = append(ticks, plot.Tick{Value: float64(n), Label: label})
	}
	slices.SortFunc(ticks, func(a, b plot.Tick) int { return cmp.Compare(a.Value, b.Value) })
	return ticks
}

// decadeTicks labels 1, 2 and 5 in each power of ten of a logarithmic axis.
type decadeTicks struct{}

func (decadeTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Floor(math.Log10(low)); power <= math.Log10(high); power++ {
		for _, digit := range []float64{1, 2, 5} {
			if v := digit * math.Pow(10, power); v >= low && v <= high {
				ticks = append(ticks, plot.Tick{Value: v, Label: fmt.Sprintf("%.4g", v)})
			}
		}
	}
	return ticks
}

// diamond is a filled square on its corner.
type diamond struct{}

// DrawGlyph draws the diamond around pt.
func (diamond) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, pt vg.Point) {
	var p vg.Path
	p.Move(vg.Point{X: pt.X, Y: pt.Y + sty.Radius})
	p.Line(vg.Point{X: pt.X + sty.Radius, Y: pt.Y})
	p.Line(vg.Point{X: pt.X, Y: pt.Y - sty.Radius})
	p.Line(vg.Point{X: pt.X - sty.Radius, Y: pt.Y})
	p.Close()
	c.Fill(p)
}
