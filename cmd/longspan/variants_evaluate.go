package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/evaluation"
	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/bed"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/evaluate"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/genome/splice"
)

// variantEvaluateOptions are the flags of `variants evaluate`.
type variantEvaluateOptions struct {
	modelFlags
	mechanismFlags
	reference, region, fit, genes, splice, counts, out string
	inputs, holdOut, places                            []string
	window, markov, block, samples                     int
	baselines                                          bool
	seed                                               uint64
}

func newVariantsEvaluate(o *output) *cobra.Command {
	var v variantEvaluateOptions
	c := &cobra.Command{
		Use:   "evaluate [MODEL] -R REFERENCE -I VCF --region REGION --fit-region REGION --out FOLDER",
		Short: "Say how much of a score is real, on a panel of people",
		Long: `Measure how well a language model of DNA and its baselines tell the SNVs of a panel from substitutions that nobody has, and common
SNVs from singletons: AUROC with 95 % bootstrap intervals over blocks of neighbours. Without MODEL it is human, a model in the
program; --baselines measures the baselines alone.

  longspan variants evaluate --baselines -R 20.fa.gz -I panel.vcf.gz --region 20:2500001-4000000 --fit-region 20:1000001-2500000 --out r
  longspan variants evaluate runs/chr20 -R 20.fa.gz -I panel.vcf.gz -I more.vcf.gz --region 20:2500001-4000000 \
    --fit-region 20:1000001-2500000 --hold-out 20:900001-4100000 --genes genes.gtf --regions-bed island=islands.bed.gz --out report

What is fitted to variants (k-mer rates, regressions) is fitted in --fit-region and measured in --region; the two may not overlap. Markov
models count the contig without both, and without --hold-out. The model must not have been trained on either: that is not checked.

Several VCFs are people of one panel, and their alleles are added. Alleles are counted by the genotypes of all samples; --counts info takes
AC and AN of INFO. AF is not used: it may be of other people. The folder gets results.json, index.html and the pictures.

A panel says what people have. It is no statement about health.`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := v.run(o, args)
			if err != nil {
				return err
			}
			return o.print(r, func(w io.Writer) { writeEvaluation(w, r) })
		},
	}
	v.flags(c)
	v.mechanismFlags.add(c)
	v.modelFlags.add(c)
	v.addPrecision(c)
	return c
}

func (v *variantEvaluateOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&v.reference, "reference", "R", "", "FASTA of the reference: plain, bgzip or gzip")
	f.StringArrayVarP(&v.inputs, "input", "I", nil, "VCF of people: plain, bgzip or gzip; give it again for more people")
	f.StringVar(&v.region, "region", "", "region to measure in, such as 20:2500001-4000000")
	f.StringVar(&v.fit, "fit-region", "", "region to fit rates and regressions in")
	f.StringArrayVar(&v.holdOut, "hold-out", nil, "region that Markov models do not count, beside the two; give it again for more")
	f.StringVar(&v.genes, "genes", "", "genes, with their exons and coding parts: such as GTF, GFF3, refFlat, genePred")
	f.StringVar(&v.splice, "splice", "",
		"model of splice sites, such as splice, which is in the program: compares what SNVs and matched ones do to sites")
	f.StringArrayVar(&v.places, "regions-bed", nil, "places to count by: NAME=FILE in BED, such as island=islands.bed.gz; may be given again")
	f.StringVar(&v.counts, "counts", "", "numbers of alleles from genotypes or info (default: genotypes if the first VCF has samples)")
	f.IntVar(&v.window, "window", 0, "bases of a window (default: what the model was made to read)")
	f.IntVar(&v.markov, "markov", 16, "highest order of the Markov models of bits a base; 0 leaves them out; the scores of order 10 stay")
	f.IntVar(&v.block, "block", evaluate.DefaultBlock, "bases of a block of the bootstrap")
	f.IntVar(&v.samples, "samples", 1000, "resamples of the bootstrap")
	f.Uint64Var(&v.seed, "seed", 1, "seed of draws and resamples")
	f.BoolVar(&v.baselines, "baselines", false, "measure the baselines alone, without a model")
	f.StringVar(&v.out, "out", "", "folder for the report")
}

// evaluateJob is the work of `variants evaluate`.
type evaluateJob struct {
	*variantEvaluateOptions
	output  *output
	ctx     context.Context
	ref     *fasta.Reference
	options evaluate.Options
	results *evaluation.Results
}

func (v *variantEvaluateOptions) run(o *output, args []string) (*evaluation.Results, error) {
	began := time.Now()
	if err := given(neededFlag{"--reference (-R)", v.reference != ""}, neededFlag{"--input (-I)", len(v.inputs) > 0},
		neededFlag{"--region", v.region != ""}, neededFlag{"--fit-region", v.fit != ""}, neededFlag{"--out", v.out != ""}); err != nil {
		return nil, usage(err)
	}
	if v.baselines && len(args) > 0 {
		return nil, usage(fmt.Errorf("found the model %s and --baselines, expected one of them", args[0]))
	}
	if v.splice != "" && v.genes == "" {
		return nil, usage(errors.New("found --splice without --genes, expected both: splice sites are of genes"))
	}
	ctx, end := untilStopped()
	defer end()
	ref, err := fasta.Open(v.reference)
	if err != nil {
		return nil, usage(err)
	}
	job := evaluateJob{variantEvaluateOptions: v, output: o, ctx: ctx, ref: ref, results: &evaluation.Results{Reference: v.reference,
		Inputs: v.inputs, Genes: v.genes, Out: v.out}}
	err = job.evaluate(args)
	err = errors.Join(err, ref.Close())
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	if err != nil {
		return nil, err
	}
	job.results.Seconds = time.Since(began).Seconds()
	return job.results, evaluation.Write(job.results, job.options.Region.Start)
}

// evaluate does the work. Errors of the input have the status of bad usage; those of the model have their own.
func (j *evaluateJob) evaluate(args []string) error {
	if err := j.prepare(); err != nil {
		return usage(err)
	}
	panel, err := j.panel()
	if err != nil {
		return usage(err)
	}
	var reader evaluate.Reader
	if !j.baselines {
		m, path, err := openModel(j.output, modelOr(args, defaultVariantModel), j.modelFlags, j.mechanismFlags)
		if err != nil {
			return err
		}
		defer m.Close()
		j.results.Model = path
		s, err := openScorer(j.ref, m, score.Options{Window: j.window}, j.modelFlags)
		if err != nil {
			return err
		}
		j.results.Window = s.Options().Window
		reader = s
	}
	var splicer *splice.Scorer
	if j.splice != "" { // opened before the work, which takes minutes
		if splicer, err = j.openSplice(); err != nil {
			return err
		}
		defer splicer.Model().Close()
	}
	bar := j.output.progress("evaluation")
	defer bar.finish()
	j.options.Step = func(what string, done, size int) {
		bar.of(what)
		bar.step(done, size)
	}
	e, err := evaluate.Run(j.ctx, j.ref, panel, reader, j.options)
	if err != nil {
		return usage(err)
	}
	if splicer != nil {
		if err := j.addDeltas(e, splicer); err != nil {
			return err
		}
	}
	e.Notes = append(e.Notes, j.ref.Notes()...)
	j.results.Report = &e.Report
	return nil
}

// prepare reads the regions and the annotation.
func (j *evaluateJob) prepare() (err error) {
	o := evaluate.Options{Markov: j.markov, Block: j.block, Resamples: j.samples, Seed: j.seed}
	if o.Region, err = genome.ParseRegion(j.ref, j.region); err != nil {
		return err
	}
	if o.Fit, err = genome.ParseRegion(j.ref, j.fit); err != nil {
		return err
	}
	for _, text := range j.holdOut {
		r, err := genome.ParseRegion(j.ref, text)
		if err != nil {
			return err
		}
		o.HeldOut = append(o.HeldOut, r)
	}
	if j.genes != "" {
		if o.Genes, err = annotation.Load(j.genes); err != nil {
			return err
		}
	}
	for _, text := range j.places {
		name, path, ok := strings.Cut(text, "=")
		if !ok || name == "" || path == "" {
			return fmt.Errorf("found --regions-bed %q, expected NAME=FILE, such as island=islands.bed.gz", text)
		}
		places, err := bed.Load(path)
		if err != nil {
			return err
		}
		o.Places = append(o.Places, evaluate.Named{Name: name, Places: places})
	}
	j.options = o
	return nil
}

// panel reads the VCFs.
func (j *evaluateJob) panel() (p *evaluate.Panel, err error) {
	var sources []evaluate.Source
	for _, name := range j.inputs {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		sources = append(sources, evaluate.Source{Name: filepath.Base(name), In: f})
	}
	return evaluate.ReadPanel(j.ref, sources, evaluate.Counting(j.counts), j.options.Region, j.options.Fit)
}

// writeEvaluation prints the tables.
func writeEvaluation(w io.Writer, r *evaluation.Results) {
	fmt.Fprintf(w, "%d SNVs in %s, %d in %s to fit to; %d people, up to %d alleles; %d singletons, %d common; ts/tv %.2f\n",
		r.Tested.SNVs, r.Region, r.FittedTo.SNVs, r.FitRegion, r.Panel.Samples, r.Panel.Alleles, r.Tested.Singletons, r.Tested.Common,
		r.Tested.TsTv)
	if len(r.Bits) > 0 {
		fmt.Fprintf(w, "\n%-44s%10s%10s%10s\n", "bits a base", "region", "fit", "both")
		for _, b := range r.Bits {
			fmt.Fprintf(w, "%-44s%10.4f%10.4f%10.4f\n", b.Of, b.Region, b.Fit, b.Both)
		}
	}
	for _, c := range evaluation.Contrasts {
		fmt.Fprintf(w, "\n%s: AUROC, 95 %% interval\n", strings.ToLower(c.Title[:1])+c.Title[1:])
		for _, s := range r.Scores {
			if s.Contrast == c.Name {
				fmt.Fprintf(w, "%-44s%s\n", s.Score, evaluation.Interval(s.Interval))
			}
		}
		for _, d := range r.Differences {
			if d.Contrast == c.Name {
				fmt.Fprintf(w, "%s less %s: %s\n", d.Score, d.Against, evaluation.Interval(d.Interval))
			}
		}
	}
	writeEvaluationTables(w, r)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintf(w, "%.0f s: %s\n", r.Seconds, filepath.Join(r.Out, evaluation.PageName))
}

// writeEvaluationTables prints what was counted by place and consequence.
func writeEvaluationTables(w io.Writer, r *evaluation.Results) {
	row := func(name string, snvs int, expected float64, singletons, common int) {
		fmt.Fprintf(w, "%-20s%8d%10.1f%12d%8d\n", name, snvs, expected, singletons, common)
	}
	head := func(name string) {
		fmt.Fprintf(w, "\n%-20s%8s%10s%12s%8s\n", name, "SNVs", "expected", "singletons", "common")
	}
	if len(r.Places) > 0 {
		head("place")
	}
	for _, p := range r.Places {
		row(p.Place, p.SNVs, p.Expected, p.Singletons, p.Common)
	}
	if len(r.Coding) > 0 {
		head("consequence")
	}
	for _, c := range r.Coding {
		row(c.Consequence, c.SNVs, c.Expected, c.Singletons, c.Common)
	}
	for i, s := range r.Report.Splice {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, s)
	}
}
