package main

import (
	"fmt"
	"io"
	"time"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/internal/resume"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// variantScoreWork is the work of `variants score`.
type variantScoreWork struct {
	*variantScoreOptions
	form   scoreForm
	report *variantScoreReport
	scorer *score.Scorer
}

func (v *variantScoreOptions) run(o *output, name string) (r variantScoreReport, err error) {
	began := time.Now()
	form, err := formOf(v.out, forms)
	if err != nil {
		return r, usage(err)
	}
	err = v.rowFlags.run(o, name, &variantScoreWork{variantScoreOptions: v, form: form, report: &r})
	r.Reference, r.Input, r.Out, r.Region, r.Seconds = v.reference, v.input, v.out, v.region, time.Since(began).Seconds()
	return r, err
}

func (w *variantScoreWork) open(ref *fasta.Reference, m *model.Model, path string) (err error) {
	w.report.Model, w.report.Notes = path, ref.Notes()
	o := score.Options{By: score.Method(w.by), Strand: score.Strand(w.strand), Window: w.window, Batch: w.batch,
		Sample: w.sample, Haplotype: w.haplotype}
	w.scorer, err = openScorer(ref, m, o, w.modelFlags)
	return err
}

// openScorer refuses a model that does not suit, and windows that do not fit the memory.
func openScorer(ref *fasta.Reference, m *model.Model, o score.Options, f modelFlags) (*score.Scorer, error) {
	o, err := o.For(m)
	if err != nil {
		return nil, usage(err)
	}
	need, err := plan.Predictions(*m.Spec(), o.Lengths(m), f.threads)
	if err != nil {
		return nil, usage(err)
	}
	if err := fits(need.Bytes, f.memory, fmt.Sprintf("a window of %d bases", o.Window), "use --window, such as 4096"); err != nil {
		return nil, err
	}
	return score.New(ref, m.NewSession(tensor.Exec{Threads: f.threads, Pool: reservedPool(need.Bytes)}), o)
}

func (w *variantScoreWork) score(j *rowJob, in io.Reader) error {
	o, r := w.scorer.Options(), w.report
	r.By, r.Strand, r.Window = o.By, o.Strand, o.Window
	r.Notes = append(r.Notes, beyond(w.scorer.Model(), o.Window)...)
	line := scoreLine(o, r.Model)
	facts, err := j.facts(w.scorer.Model(), map[string]string{},
		append(scoreFacts(o), resume.Fact{What: "line of the header", Value: line})...)
	if err != nil {
		return err
	}
	r.Report, err = writeRows(j, w.scorer, in, facts, func(to io.Writer) rowWriter[score.Score] { return w.form(to, o, line) })
	if r.Report.Sample != nil {
		r.Notes = append(r.Notes, r.Report.Sample.Notes()...)
	}
	return err
}

// scoreLine is the line of a VCF's header that says how it was scored.
func scoreLine(o score.Options, model string) string {
	sample := ""
	switch {
	case o.Haplotype != 0:
		sample = fmt.Sprintf("haplotype=%d;sample=%s;", o.Haplotype, o.Sample)
	case o.Sample != "":
		sample = fmt.Sprintf("sample=%s;", o.Sample)
	}
	return fmt.Sprintf("##longspanScore=by=%s;strand=%s;window=%d;%smodel=%s", o.By, o.Strand, o.Window, sample, oneLine(model))
}
