package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/internal/resume"
	"github.com/longspan/longspan/model"
)

// rowFlags are the flags of commands that score the rows of a VCF by a model.
type rowFlags struct {
	variantFlags
	modelFlags
	mechanismFlags
	out, region string
	batch       int
	resume      bool
}

// addRows adds the flags. forms names the ends of the output's name, batch the default.
func (f *rowFlags) addRows(c *cobra.Command, forms, batch string) {
	f.files(c)
	flags := c.Flags()
	flags.StringVarP(&f.out, "out", "O", "", "file to write: "+forms+", with .gz behind it or not")
	flags.StringVar(&f.region, "region", "", "part of the reference, such as 20, 20:1000001 (to the end) or 20:1000001-2000000: "+
		"rows that begin elsewhere are left out")
	flags.IntVar(&f.batch, "batch", 0, "bases that are computed together (default "+batch+"); scores do not depend on it")
	flags.BoolVar(&f.resume, "resume", false, "go on with an output that was stopped; begin where there is none")
	f.mechanismFlags.add(c)
	f.modelFlags.add(c)
	f.addPrecision(c)
}

// formOf is the form of an output, by the end of its name without .gz.
func formOf[F any](out string, forms map[string]F) (form F, err error) {
	for end, form := range forms {
		if strings.HasSuffix(strings.TrimSuffix(out, ".gz"), end) {
			return form, nil
		}
	}
	found := "no --out (-O)"
	if out != "" {
		found = fmt.Sprintf("--out %q", out)
	}
	return form, fmt.Errorf("found %s, expected a name that ends in %s, with .gz behind it or not", found,
		either(slices.Sorted(maps.Keys(forms))))
}

// rowJob is the work of such a command.
type rowJob struct {
	*rowFlags
	output *output
	ctx    context.Context
	part   *genome.Region // nil: all
	rows   int            // of the VCF; 0: not known
	stream bool           // the VCF can be read once: standard input or a pipe
}

// rowWork is what differs between the commands.
type rowWork interface {
	// open makes a scorer. Its errors have a status.
	open(ref *fasta.Reference, m *model.Model, path string) error
	// score writes the scores of the rows.
	score(j *rowJob, in io.Reader) error
}

// run opens the files and the model, and does the work.
func (f *rowFlags) run(o *output, name string, work rowWork) error {
	ctx, end := untilStopped()
	defer end()
	j := &rowJob{rowFlags: f, output: o, ctx: ctx}
	var ofModel error // has a status of its own
	err := f.with(func(ref *fasta.Reference, in io.Reader) error {
		if err := j.check(ref); err != nil {
			return err
		}
		m, path, err := openModel(o, name, f.modelFlags, f.mechanismFlags)
		if err != nil {
			ofModel = err
			return nil
		}
		defer func() { ofModel = errors.Join(ofModel, m.Close()) }()
		if err := work.open(ref, m, path); err != nil {
			ofModel = err
			return nil
		}
		return work.score(j, in)
	})
	switch {
	case ctx.Err() != nil && (err != nil || ofModel != nil):
		return interrupted(f.out)
	case ofModel != nil:
		return ofModel
	}
	return usage(err)
}

// check reads the region, and the VCF once where it can be read twice: what is wrong with it is found before the work.
func (j *rowJob) check(ref *fasta.Reference) error {
	if j.region != "" {
		part, err := genome.ParseRegion(ref, j.region)
		if err != nil {
			return err
		}
		j.part = &part
	}
	if err := checkGrowing(j.out, j.reference, j.input); err != nil {
		return err
	}
	if j.stream = j.input == "-"; !j.stream {
		info, err := os.Stat(j.input)
		if err != nil {
			return err
		}
		j.stream = !info.Mode().IsRegular()
	}
	switch {
	case j.stream && j.resume:
		return fmt.Errorf("found --resume and --input %s, expected a file: what was read of standard input or a pipe cannot be read again",
			j.input)
	case j.stream:
		return nil
	}
	f, err := os.Open(j.input)
	if err != nil {
		return err
	}
	j.rows, err = j.checkRows(ref, f)
	return errors.Join(err, f.Close())
}

// checkRows counts the rows, and finds what is wrong with them.
func (j *rowJob) checkRows(ref *fasta.Reference, in io.Reader) (int, error) {
	if j.sample != "" {
		return score.CheckSample(ref, in, j.input, j.part, j.sample)
	}
	return score.CheckRows(ref, in, j.input, j.part)
}

// facts are what the output depends on: the model, the files that are read, and more.
func (j *rowJob) facts(m *model.Model, files map[string]string, more ...resume.Fact) ([]resume.Fact, error) {
	files["reference"] = j.reference
	if !j.stream {
		files["VCF"] = j.input
	}
	return outputFacts(m, files, append(more, resume.Fact{What: "--region", Value: j.region})...)
}

// rowWriter writes rows with their scores.
type rowWriter[S any] interface {
	Header(h *vcf.Header) error
	Row(rec *vcf.Record, scores []S) error
	Flush() error
}

// rowScorer scores the rows of a VCF.
type rowScorer[S any] interface {
	Rows(ctx context.Context, in io.Reader, file string, o score.RowOptionsOf[S]) (score.Report, error)
}

// writeRows scores the rows behind those of an earlier run, and writes them in a form.
func writeRows[S any](j *rowJob, s rowScorer[S], in io.Reader, facts []resume.Fact,
	form func(io.Writer) rowWriter[S]) (score.Report, error) {
	var from score.Report
	g, err := grow(j.output, j.out, facts, j.resume, &from)
	if err != nil {
		return from, err
	}
	out := form(g)
	bar, done := j.output.progress("rows"), 0
	defer bar.finish()
	report, err := s.Rows(j.ctx, in, j.input, score.RowOptionsOf[S]{Region: j.part, From: from,
		Header: func(h *vcf.Header) error { return g.head(func() error { return out.Header(h) }, out.Flush) },
		Row: func(rec *vcf.Record, scores []S) error {
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
	return report, g.end(errors.Join(err, out.Flush()), j.ctx.Err() != nil)
}

// writeRowReport writes what was compared with the reference, and what was not scored.
func writeRowReport(w io.Writer, r *score.Report) {
	if r.Rows == 0 {
		fmt.Fprintln(w, "found no row: the VCF has none, or none that begins in --region")
	}
	fmt.Fprintf(w, "%d REF alleles compared, %d differ\n", r.Ref.Rows, r.Ref.Mismatches)
	for _, m := range r.Ref.Examples {
		fmt.Fprintf(w, "  %s\n", m)
	}
	for _, e := range r.Examples {
		fmt.Fprintf(w, "skipped %d %s, first in line %d: %s\n", r.Skipped[e.Why], e.Why, e.Line, e.Row)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Aliases)) {
		fmt.Fprintf(w, "contig %s of the VCF is %s of the reference\n", name, r.Aliases[name])
	}
}

// oneLine is a name without line ends.
func oneLine(name string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(name) }
