package demo

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"math"
	"path/filepath"

	"github.com/longspan/longspan/cmd/longspan/internal/figure"
	"github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/internal/durable"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/train"
)

//go:embed report.html
var page string

// pageValues is what the page shows.
type pageValues struct {
	*Result
	Genome, Accession         string
	Verdict                   string
	Curve, Landscape, CloseUp template.URL
	Chart                     int // bases of a point of the landscape
	Zoom                      int // and of the close-up
	Next                      []string
}

// Next lists commands to run next.
func (r *Result) Next() []string {
	return []string{
		"longspan eval " + r.Folder,
		"longspan sample " + r.Folder + " --prompt ATGAAACGC --tokens 300",
		"longspan plan examples/ecoli-131k.yaml --max-memory 4GiB",
		"longspan train examples/ecoli-131k.yaml --out runs/ecoli-131k",
		"longspan train examples/ecoli.yaml --set 'data.genome.paths=[yours.fa.gz]' --out runs/yours",
	}
}

// Verdict compares the model with the Markov models in a few sentences.
func (r *Result) Verdict() string {
	if r.Beats {
		return fmt.Sprintf("The model beats every Markov model tried: %.4f bits a base against %.4f (order %d).",
			r.Bits, r.MarkovBits, r.MarkovOrder)
	}
	text := fmt.Sprintf("The model does not beat the best Markov model: %.4f bits a base against %.4f (order %d).",
		r.Bits, r.MarkovBits, r.MarkovOrder)
	switch {
	case r.BeatsUpTo > 0:
		text += fmt.Sprintf(" It is better than the best smoothing at order %d and below", r.BeatsUpTo)
		if r.Bits < r.PlainBits {
			text += fmt.Sprintf(", and than the counts of any one order alone (%.4f at order %d)", r.PlainBits, r.PlainOrder)
		}
		text += "."
	default:
		text += " It is worse than that of order 1."
	}
	return text + " It was trained for minutes; commands to run next are below."
}

// write writes the report, the numbers and the curve to the folder.
func (d *work) write(bits []float64) error {
	records, err := train.ReadLog(filepath.Join(d.o.Out, train.LogName))
	if err != nil {
		return err
	}
	d.Curve = curveOf(records)
	var curve, landscape, closeUp bytes.Buffer
	if err := d.curve(&curve); err != nil {
		return err
	}
	if err := d.landscape(&landscape, bits); err != nil {
		return err
	}
	if err := d.close(&closeUp, bits, genome.EColiGenes()); err != nil {
		return err
	}
	values := pageValues{Result: &d.Result, Genome: genome.EColiName, Accession: genome.EColiAccession, Verdict: d.Verdict(),
		Curve: figure.Inline(curve.Bytes()), Landscape: figure.Inline(landscape.Bytes()), CloseUp: figure.Inline(closeUp.Bytes()),
		Chart: max(1, len(bits)/300), Zoom: closeMean, Next: d.Next()}
	t, err := template.New("report").Funcs(template.FuncMap{"bits": showBits, "bytes": memory.Format, "million": million,
		"plus":    func(n int) int { return n + 1 },
		"minutes": func(s float64) string { return fmt.Sprintf("%.1f", s/60) }}).Parse(page)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		fill func(io.Writer) error
	}{
		{CurveName, func(w io.Writer) error { _, err := w.Write(curve.Bytes()); return err }},
		{ReportName, func(w io.Writer) error { return t.Execute(w, values) }},
		{NumberName, func(w io.Writer) error {
			encoder := json.NewEncoder(w)
			encoder.SetIndent("", "  ")
			return encoder.Encode(&d.Result)
		}},
	} {
		if err := durable.Write(filepath.Join(d.o.Out, f.name), f.fill); err != nil {
			return err
		}
	}
	return nil
}

// curveOf is the losses of a log.
func curveOf(records []train.Record) (points []Point) {
	for _, r := range records {
		if r.Loss > 0 {
			bits := r.Loss / math.Ln2
			points = append(points, Point{Step: r.Step, Train: &bits})
		}
		if r.ValidTargets > 0 {
			bits := r.ValidLoss / math.Ln2
			points = append(points, Point{Step: r.Step, Valid: &bits})
		}
	}
	return points
}

func showBits(b float64) string { return fmt.Sprintf("%.4f", b) }

func million(n int64) string { return fmt.Sprintf("%.2f", float64(n)/1e6) }
