package tour

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/longspan/longspan/attention/pattern"
)

// PNG draws the report: what each pattern shows on top, and below it the seconds, the difference from full attention and
// the bits a base that each saves.
func PNG(w io.Writer, r Report) error {
	const columns = 5
	image := vgimg.NewWith(vgimg.UseWH(15*vg.Inch, 8*vg.Inch), vgimg.UseDPI(90))
	canvas := draw.New(image)
	title := fmt.Sprintf("Phage lambda, %d bases: %d heads of %d, %d threads, %s kernels", r.Tokens, Heads, HeadDim, r.Threads, r.Level)
	style := text.Style{Color: color.Black, Font: font.From(plot.DefaultFont, 14), XAlign: text.XCenter, YAlign: text.YTop,
		Handler: plot.DefaultTextHandler}
	canvas.FillText(style, vg.Point{X: canvas.Center().X, Y: canvas.Max.Y - vg.Points(8)}, title)
	tiles := draw.Tiles{Rows: 2, Cols: columns, PadTop: vg.Points(34), PadBottom: vg.Points(8), PadLeft: vg.Points(8),
		PadRight: vg.Points(12), PadX: vg.Points(14), PadY: vg.Points(16)}
	for i, row := range r.Rows {
		if row.Pattern == "" || i >= columns {
			continue
		}
		p, err := picture(row, r.Tokens)
		if err != nil {
			return err
		}
		p.Draw(tiles.At(canvas, i, 0))
	}
	lower := draw.Tiles{Rows: 2, Cols: 3, PadTop: tiles.PadTop, PadBottom: tiles.PadBottom, PadLeft: tiles.PadLeft,
		PadRight: tiles.PadRight, PadX: vg.Points(30), PadY: tiles.PadY}
	for i, bars := range []struct {
		title string
		value func(Row) float64
	}{
		{"seconds", func(row Row) float64 { return row.Seconds }},
		{"difference from full attention", func(row Row) float64 { return row.Difference }},
		{"bits saved of the 2 a base costs blind", func(row Row) float64 { return 2 - row.Bits }},
	} {
		p, err := barChart(r.Rows, bars.title, bars.value)
		if err != nil {
			return err
		}
		p.Draw(lower.At(canvas, i, 1))
	}
	_, err := vgimg.PngCanvas{Canvas: image}.WriteTo(w)
	return err
}

// blue is what is visible and how long it takes.
var blue = color.RGBA{0, 114, 178, 255}

// picture draws which keys the queries of a row see, darker where more of a cell's pairs are visible.
func picture(row Row, tokens int) (*plot.Plot, error) {
	p, err := pattern.Parse(row.Pattern)
	if err != nil {
		return nil, err
	}
	side := min(tokens, 160)
	g, err := pattern.Count(p, pattern.Square(tokens), side, side)
	if err != nil {
		return nil, err
	}
	chart := plot.New()
	chart.Title.Text = fmt.Sprintf("%s: %.3g%% of all pairs", row.Name, 100*float64(row.Pairs)/float64(tokens)/float64(tokens))
	chart.X.Label.Text, chart.Y.Label.Text = "key", "query"
	chart.X.Tick.Marker, chart.Y.Tick.Marker = plot.ConstantTicks{}, plot.ConstantTicks{}
	heat := plotter.NewHeatMap(cells{g}, shades{})
	heat.Min, heat.Max = 0, 1
	heat.Rasterized = true // rectangles drawn one by one leave seams
	chart.Add(heat)
	return chart, nil
}

// cells is a grid of counts as gonum reads it, the first query on top.
type cells struct{ *pattern.Grid }

func (c cells) Dims() (int, int)  { return c.Cols, c.Rows }
func (c cells) X(col int) float64 { return float64(col) }
func (c cells) Y(row int) float64 { return float64(row) }

// Z is the share of a cell that is visible, from 0 to 1.
func (c cells) Z(col, row int) float64 {
	visible, all := c.Cell(c.Rows-1-row, col)
	return float64(visible) / float64(all)
}

// shades goes from white to blue; what is barely visible is clearly not white.
type shades struct{}

func (shades) Colors() []color.Color {
	const steps = 32
	colors := make([]color.Color, steps)
	for i := range colors {
		share := float64(i) / (steps - 1)
		if i > 0 {
			share = 0.25 + 0.75*share
		}
		fade := func(c uint8) uint8 { return uint8(255 - share*float64(255-c)) }
		colors[i] = color.RGBA{fade(blue.R), fade(blue.G), fade(blue.B), 255}
	}
	return colors
}

func barChart(rows []Row, title string, value func(Row) float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	values := make(plotter.Values, len(rows))
	names := make([]string, len(rows))
	labels := plotter.XYLabels{XYs: make(plotter.XYs, len(rows)), Labels: make([]string, len(rows))}
	for i, row := range rows {
		v := value(row)
		values[i], names[i] = max(v, 0), row.Name
		labels.XYs[i], labels.Labels[i] = plotter.XY{X: float64(i), Y: values[i]}, fmt.Sprintf("%.3g", v)
	}
	bars, err := plotter.NewBarChart(values, vg.Points(30))
	if err != nil {
		return nil, err
	}
	bars.Color, bars.LineStyle.Width = blue, 0
	numbers, err := plotter.NewLabels(labels)
	if err != nil {
		return nil, err
	}
	for i := range numbers.TextStyle {
		numbers.TextStyle[i].XAlign = text.XCenter
	}
	numbers.Offset = vg.Point{Y: vg.Points(3)}
	p.Add(bars, numbers)
	p.NominalX(names...)
	p.Y.Min = 0
	p.Y.Max *= 1.1
	p.Y.Tick.Marker = plot.ConstantTicks{}
	return p, nil
}
