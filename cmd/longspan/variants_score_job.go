package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/internal/resume"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// variantScoreJob is the work of `variants score`.
type variantScoreJob struct {
	*variantScoreOptions
	output *output
	form   string
	ctx    context.Context
	part   *genome.Region // nil: all
	rows   int            // of the VCF; 0: not known
}

func (v *variantScoreOptions) run(o *output, name string) (r variantScoreReport, err error) {
	began := time.Now()
	form, err := v.form()
	if err != nil {
		return r, usage(err)
	}
	ctx, end := untilStopped()
	defer end()
	job := variantScoreJob{variantScoreOptions: v, output: o, form: form, ctx: ctx}
	var ofModel error // has a status of its own
	err = v.with(func(ref *fasta.Reference, in io.Reader) error {
		if err := job.check(ref); err != nil {
			return err
		}
		m, path, err := openModel(o, name, v.modelFlags, v.mechanismFlags)
		if err != nil {
			ofModel = err
			return nil
		}
		defer func() { ofModel = errors.Join(ofModel, m.Close()) }()
		r.Model, r.Notes = path, ref.Notes()
		options := score.Options{By: score.Method(v.by), Strand: score.Strand(v.strand), Window: v.window, Batch: v.batch}
		s, err := openScorer(ref, m, options, v.modelFlags)
		if err != nil {
			ofModel = err
			return nil
		}
		return job.score(s, in, &r)
	})
	r.Reference, r.Input, r.Out, r.Region, r.Seconds = v.reference, v.input, v.out, v.region, time.Since(began).Seconds()
	switch {
	case ctx.Err() != nil && (err != nil || ofModel != nil):
		return r, interrupted(v.out)
	case ofModel != nil:
		return r, ofModel
	}
	return r, usage(err)
}

// check reads the region, and the VCF once where it can be read twice: what is wrong with it is found before the work.
func (j *variantScoreJob) check(ref *fasta.Reference) error {
	if j.region != "" {
		part, err := genome.ParseRegion(ref, j.region)
		if err != nil {
			return err
		}
		j.part = &part
	}
	switch {
	case j.input == "-" && j.resume:
		return errors.New("found --resume and standard input, expected a file: what was read of standard input cannot be read again")
	case j.input == "-":
		return nil
	}
	f, err := os.Open(j.input)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		j.rows, err = score.CheckRows(ref, f, j.input, j.part)
	}
	return errors.Join(err, f.Close())
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

// score writes the scores of the rows.
func (j *variantScoreJob) score(s *score.Scorer, in io.Reader, r *variantScoreReport) error {
	o := s.Options()
	r.By, r.Strand, r.Window = o.By, o.Strand, o.Window
	r.Notes = append(r.Notes, beyond(s.Model(), o.Window)...)
	files := map[string]string{"reference": j.reference}
	if j.input != "-" {
		files["VCF"] = j.input
	}
	line := fmt.Sprintf("##longspanScore=by=%s;strand=%s;window=%d;model=%s", o.By, o.Strand, o.Window, oneLine(r.Model))
	facts, err := scoreFacts(s, files, resume.Fact{What: "--region", Value: j.region}, resume.Fact{What: "line of the header", Value: line})
	if err != nil {
		return err
	}
	var from score.Report
	g, err := grow(j.output, j.out, facts, j.resume, &from)
	if err != nil {
		return err
	}
	r.Report, err = j.write(s, in, g, forms[j.form](g, o, line), from)
	return g.end(err, j.ctx.Err() != nil)
}

// write scores the rows behind those of an earlier run.
func (j *variantScoreJob) write(s *score.Scorer, in io.Reader, g *growing, out score.Writer, from score.Report) (score.Report, error) {
	bar, done := j.output.progress("rows"), 0
	defer bar.finish()
	report, err := s.Rows(j.ctx, in, j.input, score.RowOptions{Region: j.part, From: from,
		Header: func(h *vcf.Header) error { return g.head(func() error { return out.Header(h) }, out.Flush) },
		Row: func(rec *vcf.Record, scores []score.Score) error {
			if done++; j.rows > 0 {
				bar.step(done, j.rows-from.Rows)
			}
			return out.Row(rec, scores)
		},
		Save: func(r *score.Report) error {
			if err := out.Flush(); err != nil {
				return err
			}
			return g.save(r)
		}})
	return report, errors.Join(err, out.Flush())
}

// oneLine is a name without line ends.
func oneLine(name string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(name) }
