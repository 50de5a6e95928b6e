// Package evaluation writes what `variants evaluate` found: numbers, pictures, and one page that has both.
package evaluation

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/cmd/longspan/internal/figure"
	"github.com/longspan/longspan/genome/evaluate"
	"github.com/longspan/longspan/genome/evaluate/stats"
	"github.com/longspan/longspan/internal/durable"
)

// The files that Write makes beside its pictures.
const (
	NumbersName = "results.json"
	PageName    = "index.html"
)

// Results are what is written.
type Results struct {
	Model     string   `json:"model,omitempty"` // "": baselines alone
	Window    int      `json:"window,omitempty"`
	Splice    string   `json:"splice_model,omitempty"`
	Reference string   `json:"reference"`
	Inputs    []string `json:"inputs"`
	Genes     string   `json:"genes,omitempty"`
	Out       string   `json:"out"`
	*evaluate.Report
	Seconds float64 `json:"seconds"`
}

//go:embed page.html
var page string

// picture is a picture of the page.
type picture struct {
	name    string
	Title   string
	Alt     string
	Caption string
	Src     template.URL
	bytes   []byte
}

// Contrasts are the names of the contrasts, with what they compare.
var Contrasts = []struct{ Name, Title, Caption string }{
	{evaluate.AgainstMatched, "Against matched substitutions", "SNVs of the panel against substitutions of the same base between the same " +
		"neighbours, by the same base. What a score has above 0.5 here it knows of more than three bases."},
	{evaluate.AllTogether, "Against matched substitutions, pooled", "The same without strata: differences between kinds of " +
		"substitutions count, and blur what is left."},
	{evaluate.AgainstRandom, "Against random substitutions", "SNVs of the panel against substitutions drawn uniformly. A rule of CpG " +
		"and transitions alone does well here: a high number says little."},
	{evaluate.CommonSingle, "Common against singletons", "SNVs of at least 5 % of the alleles against those of one allele."},
}

// table is the scores of a contrast.
type table struct {
	picture
	Rows        []evaluate.AUROC
	Differences []evaluate.Difference
}

type values struct {
	*Results
	Tables                    []table
	Spectrum, Density, Splice *picture
}

// Write makes the folder r.Out and writes all files to it. start is the region's first base, from 0. Files of the same names are replaced.
func Write(r *Results, start int) error {
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return err
	}
	v := values{Results: r}
	var all []*picture
	add := func(p picture, paint func(io.Writer) error) (*picture, error) {
		var b bytes.Buffer
		if err := paint(&b); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		if b.Len() == 0 {
			return nil, nil
		}
		p.bytes, p.Src = b.Bytes(), figure.Inline(b.Bytes())
		all = append(all, &p)
		return &p, nil
	}
	for _, c := range Contrasts {
		t := table{picture: picture{name: "auroc-" + c.Name + ".png", Title: c.Title, Caption: c.Caption,
			Alt: "AUROC of each score with its interval"}}
		for _, s := range r.Scores {
			if s.Contrast == c.Name {
				t.Rows = append(t.Rows, s)
			}
		}
		for _, d := range r.Differences {
			if d.Contrast == c.Name {
				t.Differences = append(t.Differences, d)
			}
		}
		if len(t.Rows) == 0 {
			continue
		}
		p, err := add(t.picture, func(w io.Writer) error { return auroc(w, t.Rows) })
		if err != nil {
			return err
		}
		t.picture = *p
		v.Tables = append(v.Tables, t)
	}
	var err error
	if v.Spectrum, err = add(picture{name: "spectrum.png", Alt: "SNVs for a thousand places, of each of 96 classes"},
		func(w io.Writer) error { return spectrum(w, r.Report.Spectrum) }); err != nil {
		return err
	}
	if v.Density, err = add(picture{name: "density.png", Alt: "SNVs along the region, seen and predicted"},
		func(w io.Writer) error { return density(w, r.Report.Density, start) }); err != nil {
		return err
	}
	if v.Splice, err = add(picture{name: "splice.png", Alt: "observed over expected splice-disrupting SNVs"},
		func(w io.Writer) error { return splice(w, r.Report.Splice) }); err != nil {
		return err
	}
	return v.write(all)
}

// write writes the files.
func (v *values) write(pictures []*picture) error {
	t, err := template.New("page").Funcs(template.FuncMap{"interval": Interval, "signed": signed, "three": three, "number": number,
		"percent": percent, "interval2": func(i *stats.Interval) string { return Interval(*i) }}).Parse(page)
	if err != nil {
		return err
	}
	put := func(name string, fill func(io.Writer) error) error {
		return durable.Write(filepath.Join(v.Out, name), fill)
	}
	for _, p := range pictures {
		if err := put(p.name, func(w io.Writer) error { _, err := w.Write(p.bytes); return err }); err != nil {
			return err
		}
	}
	if err := put(PageName, func(w io.Writer) error { return t.Execute(w, v) }); err != nil {
		return err
	}
	return put(NumbersName, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v.Results)
	})
}

// Interval is such as 0.560 (0.551 to 0.569).
func Interval(i stats.Interval) string {
	return fmt.Sprintf("%.3f (%.3f to %.3f)", i.Value, i.Low, i.High)
}

// signed is such as +0.014 (+0.003 to +0.025).
func signed(i stats.Interval) string {
	return fmt.Sprintf("%+.3f (%+.3f to %+.3f)", i.Value, i.Low, i.High)
}

// three is a number with three decimals; nothing where there is none.
func three(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.3f", *v)
}

func number(v float64) string { return fmt.Sprintf("%.1f", v) }

// percent is a share of a number of things.
func percent(part, of int) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(of))
}
