package bench

import (
	"fmt"
	"image/color"
	"io"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// family is the peers whose names start with a word, and the colour of their bars.
type family struct {
	word, legend string
	color        color.RGBA
}

// families end with one for all other peers.
var families = []family{
	{"PyTorch", "PyTorch", color.RGBA{0, 114, 178, 255}},
	{"transformers", "Hugging Face transformers", color.RGBA{213, 94, 0, 255}},
	{"", "other PyTorch libraries", color.RGBA{0, 158, 115, 255}},
}

func familyOf(peer string) int {
	return slices.IndexFunc(families, func(f family) bool { return strings.HasPrefix(peer, f.word) })
}

// Chart draws the speedups of p as horizontal bars, in the order of the rows from the top, as a PNG.
func Chart(w io.Writer, p Peers) error {
	c := plot.New()
	c.Title.Text = "Longspan beside other libraries: times as fast, on the same machine"
	c.Title.TextStyle.Font.Size = vg.Points(15)
	c.Title.Padding = vg.Points(8)
	c.X.Label.Text = p.about()
	c.X.Label.TextStyle.Font.Size = vg.Points(10)
	c.X.Label.Padding = vg.Points(6)
	c.X.Min = 0
	n := len(p.Rows)
	var names []string
	for _, row := range slices.Backward(p.Rows) {
		names = append(names, row.label())
		c.X.Max = max(c.X.Max, row.Speedup()*1.3) // room for the text behind the longest bar
	}
	c.X.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick {
		ticks := plot.DefaultTicks{}.Ticks(low, high)
		for i := range ticks {
			if ticks[i].Label != "" {
				ticks[i].Label = fmt.Sprintf("%g×", ticks[i].Value)
			}
		}
		return ticks
	})
	c.NominalY(names...)
	c.Y.Tick.Label.Font.Size = vg.Points(10)
	c.Y.Min, c.Y.Max = -0.6, float64(n)-0.4
	if err := p.addBars(c); err != nil {
		return err
	}
	one, err := plotter.NewLine(plotter.XYs{{X: 1, Y: c.Y.Min}, {X: 1, Y: c.Y.Max}})
	if err != nil {
		return fmt.Errorf("bench: drawing the line of equal speed: %w", err)
	}
	one.Dashes, one.Color = []vg.Length{vg.Points(4), vg.Points(3)}, color.Gray{90}
	c.Add(one)
	c.Legend.Add("equal speed", one)
	c.Legend.Top, c.Legend.Padding, c.Legend.TextStyle.Font.Size = false, vg.Points(2), vg.Points(10)
	c.Legend.XOffs, c.Legend.YOffs = -vg.Points(8), vg.Points(8)
	for _, style := range []*draw.TextStyle{
		&c.Title.TextStyle, &c.X.Label.TextStyle, &c.X.Tick.Label, &c.Y.Tick.Label, &c.Legend.TextStyle,
	} {
		style.Font.Variant = "Sans"
	}
	image := vgimg.NewWith(vgimg.UseWH(11*vg.Inch, vg.Length(n)*0.36*vg.Inch+1.3*vg.Inch), vgimg.UseDPI(110))
	canvas := draw.New(image)
	c.Draw(draw.Crop(canvas, vg.Points(8), -vg.Points(14), vg.Points(8), -vg.Points(8)))
	_, err = vgimg.PngCanvas{Canvas: image}.WriteTo(w)
	return err
}

// addBars adds the bars of each family, with the speedup and both times behind each bar.
func (p Peers) addBars(c *plot.Plot) error {
	n := len(p.Rows)
	labels := plotter.XYLabels{}
	for i, family := range families {
		values := make(plotter.Values, n) // 0, which is not seen, for bars of another family
		for k, row := range p.Rows {
			if familyOf(row.Peer) == i {
				at := n - 1 - k
				values[at] = row.Speedup()
				labels.XYs = append(labels.XYs, plotter.XY{X: values[at], Y: float64(at)})
				labels.Labels = append(labels.Labels, row.result())
			}
		}
		if slices.Max(values) == 0 {
			continue
		}
		bars, err := plotter.NewBarChart(values, vg.Points(15))
		if err != nil {
			return fmt.Errorf("bench: drawing the bars of %s: %w", family.legend, err)
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, family.color, 0
		c.Add(bars)
		c.Legend.Add(family.legend, bars)
	}
	text, err := plotter.NewLabels(labels)
	if err != nil {
		return fmt.Errorf("bench: drawing the labels: %w", err)
	}
	for i := range text.TextStyle {
		style := &text.TextStyle[i]
		style.Font.Size, style.Font.Variant, style.YAlign = vg.Points(10), "Sans", draw.YCenter
	}
	text.Offset = vg.Point{X: vg.Points(5), Y: vg.Points(1.5)}
	c.Add(text)
	return nil
}

// label names a row, such as "PyTorch SDPA, full: forward, f32, T=4,096 H=8 D=64".
func (r PeerRow) label() string {
	return fmt.Sprintf("%s: %s, %s, %s", r.Peer, r.Pass, r.DType, r.Shape)
}

// result is the speedup and the medians of both times, such as "2.5× (78 ms, theirs 195 ms)".
func (r PeerRow) result() string {
	middle := func(seconds []float64) string {
		m := median(slices.Sorted(slices.Values(seconds)))
		if m >= 1 {
			return fmt.Sprintf("%.3g s", m)
		}
		return fmt.Sprintf("%.3g ms", 1000*m)
	}
	return fmt.Sprintf("%.1f× (%s, theirs %s)", r.Speedup(), middle(r.Ours), middle(r.Theirs))
}

// about is the machine and the versions in a line.
func (p Peers) about() string {
	m := p.Machine
	text := fmt.Sprintf("%s, %d threads, %s kernels, %s", m.CPU, m.Threads, m.Level, m.Date)
	for _, name := range []string{"torch", "transformers"} {
		if v := m.Libraries[name]; v != "" {
			text += fmt.Sprintf("; %s %s", name, v)
		}
	}
	return text
}
