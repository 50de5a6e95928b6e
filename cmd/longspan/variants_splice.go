package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/genome/splice"
	"github.com/longspan/longspan/internal/resume"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// variantSpliceReport is the output of `variants splice`.
type variantSpliceReport struct {
	Model     string         `json:"model"`
	Reference string         `json:"reference"`
	Input     string         `json:"input"`
	Genes     string         `json:"genes"`
	Out       string         `json:"out"`
	Field     string         `json:"field"`
	Distance  int            `json:"distance"`
	Context   int            `json:"context"`
	Mask      bool           `json:"mask,omitempty"`
	Region    string         `json:"region,omitempty"`
	Placed    int            `json:"genes_placed"`             // on the reference
	LeftOut   map[string]int `json:"genes_left_out,omitempty"` // transcripts on contigs that the reference does not have
	score.Report
	Seconds float64  `json:"seconds"`
	Notes   []string `json:"notes,omitempty"`
}

// variantSpliceOptions are the flags of `variants splice`.
type variantSpliceOptions struct {
	rowFlags
	genes, as         string
	distance, context int
	mask              bool
}

func newVariantsSplice(o *output) *cobra.Command {
	var v variantSpliceOptions
	c := &cobra.Command{
		Use:   "splice [MODEL] -R REFERENCE -I VCF --genes FILE -O FILE",
		Short: "Say what variants do to the splice sites of genes",
		Long: `Score each alternate allele of a VCF by a model of splice sites: how much the probability of an acceptor or a donor near the allele
grows or falls, between 0 and 1. The sense strand of each gene at the allele is read. Without MODEL it is splice, a model in the program
('longspan models' shows its card); examples/splice.yaml trains others.

  longspan variants splice -R GRCh37.fa.gz -I calls.vcf.gz --genes gencode.gtf.gz -O scored.vcf.gz
  longspan variants splice runs/splice -R 20.fa.gz -I calls.vcf.gz --genes refFlat.txt.gz -O scores.tsv --distance 200 --mask

The field LongspanSplice has the ten sub-fields of SpliceAI, for each gene of each allele:
` + "  ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL" + `
DS are the scores of acceptor gain, acceptor loss, donor gain and donor loss, DP their places, in bases from POS. --as SpliceAI writes the
field SpliceAI, with two digits, for tools that read it. The scores are not those of the program SpliceAI. LongspanSpliceSkip says why an
allele was not scored. A name that ends in .tsv has a table with a line for each gene of each allele.

A score has the same bits in any order of rows, part of the file and region, at any number of threads. It is no statement about health.`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := v.run(o, modelOr(args, defaultSpliceModel))
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	v.addRows(c, ".vcf or .tsv", "16384")
	f := c.Flags()
	f.StringVar(&v.genes, "genes", "", "gene models: GTF, GFF3, refFlat, genePred or SpliceAI's table, plain, gzip or bgzip")
	f.StringVar(&v.as, "as", splice.Field, "INFO field: "+splice.Field+" or "+splice.SpliceAI)
	f.IntVar(&v.distance, "distance", 50, "changes are sought so many bases on each side of an allele")
	f.IntVar(&v.context, "context", 0, "bases on each side of a base that its probabilities depend on (default: what the layers reach)")
	f.BoolVar(&v.mask, "mask", false, "leave out gains of sites that the genes have, and losses of others")
	return c
}

// spliceForm makes the writer of a form.
type spliceForm func(w io.Writer, field, line string) splice.Writer

var spliceForms = map[string]spliceForm{
	".vcf": func(w io.Writer, field, line string) splice.Writer { return splice.NewVCF(w, field, line) },
	".tsv": func(w io.Writer, _, _ string) splice.Writer { return splice.NewTSV(w) },
}

// variantSpliceWork is the work of `variants splice`.
type variantSpliceWork struct {
	*variantSpliceOptions
	form   spliceForm
	report *variantSpliceReport
	scorer *splice.Scorer
}

func (v *variantSpliceOptions) run(o *output, name string) (r variantSpliceReport, err error) {
	began := time.Now()
	form, err := formOf(v.out, spliceForms)
	switch {
	case err != nil:
	case v.genes == "":
		err = errors.New("found no --genes, expected a file of gene models, such as GTF")
	case v.as != splice.Field && v.as != splice.SpliceAI:
		err = fmt.Errorf("found --as %q, expected %s or %s", v.as, splice.Field, splice.SpliceAI)
	}
	if err != nil {
		return r, usage(err)
	}
	err = v.rowFlags.run(o, name, &variantSpliceWork{variantSpliceOptions: v, form: form, report: &r})
	r.Reference, r.Input, r.Genes, r.Out, r.Field, r.Region = v.reference, v.input, v.genes, v.out, v.as, v.region
	r.Seconds = time.Since(began).Seconds()
	return r, err
}

func (w *variantSpliceWork) open(ref *fasta.Reference, m *model.Model, path string) (err error) {
	w.report.Model, w.report.Notes = path, ref.Notes()
	o := splice.Options{Distance: w.distance, Mask: w.mask, Context: w.context, Batch: w.batch}
	w.scorer, err = openSplice(ref, m, o, w.modelFlags, w.index)
	return err
}

// openSplice refuses a model that does not suit, and windows that do not fit the memory. Only then it asks for the genes.
func openSplice(ref *fasta.Reference, m *model.Model, o splice.Options, f modelFlags,
	index func(*fasta.Reference) (*splice.Index, error)) (*splice.Scorer, error) {
	o, err := o.For(m)
	if err != nil {
		return nil, usage(err)
	}
	need, err := plan.Predictions(*m.Spec(), o.Lengths(), f.threads)
	if err != nil {
		return nil, usage(err)
	}
	if err := fits(need.Bytes, f.memory, fmt.Sprintf("a context of %d bases", o.Context), "use --context, such as 1000"); err != nil {
		return nil, err
	}
	genes, err := index(ref)
	if err != nil {
		return nil, usage(err)
	}
	return splice.New(ref, genes, m.NewSession(tensor.Exec{Threads: f.threads, Pool: reservedPool(need.Bytes)}), o)
}

// index places the genes on the reference.
func (w *variantSpliceWork) index(ref *fasta.Reference) (*splice.Index, error) {
	set, err := annotation.Load(w.genes)
	if err != nil {
		return nil, err
	}
	genes, err := splice.NewIndex(ref, set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.genes, err)
	}
	if genes.Genes == 0 {
		return nil, fmt.Errorf("found no gene of %s on the contigs of %s, expected gene models of the same assembly", w.genes, w.reference)
	}
	w.report.Placed, w.report.LeftOut, w.report.Notes = genes.Genes, genes.Skipped, append(w.report.Notes, set.Notes...)
	return genes, nil
}

func (w *variantSpliceWork) score(j *rowJob, in io.Reader) error {
	o, r := w.scorer.Options(), w.report
	r.Distance, r.Context, r.Mask = o.Distance, o.Context, o.Mask
	line := fmt.Sprintf("##longspanSplice=distance=%d;context=%d;mask=%t;genes=%s;model=%s", o.Distance, o.Context, o.Mask, oneLine(w.genes),
		oneLine(r.Model))
	facts, err := j.facts(w.scorer.Model(), map[string]string{"genes": w.genes},
		resume.Fact{What: "--distance", Value: strconv.Itoa(o.Distance)}, resume.Fact{What: "--context", Value: strconv.Itoa(o.Context)},
		resume.Fact{What: "--mask", Value: strconv.FormatBool(o.Mask)}, resume.Fact{What: "--as", Value: w.as},
		resume.Fact{What: "line of the header", Value: line})
	if err != nil {
		return err
	}
	form := func(to io.Writer) rowWriter[splice.Score] { return w.form(to, w.as, line) }
	r.Report, err = writeRows(j, w.scorer.RowScorer(), in, facts, form)
	return err
}

func (r variantSpliceReport) write(w io.Writer) {
	fmt.Fprintf(w, "%s: %d rows, %d alleles, %d scored, distance %d, context %d bases: %s\n", r.Input, r.Rows, r.Alleles, r.Scored, r.Distance,
		r.Context, r.Out)
	left := 0
	for _, n := range r.LeftOut {
		left += n
	}
	fmt.Fprintf(w, "%s: %d genes; %d transcripts on contigs that the reference does not have\n", r.Genes, r.Placed, left)
	writeRowReport(w, &r.Report)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintf(w, "%.1f s, %.3g alleles a second\n", r.Seconds, float64(r.Scored)/r.Seconds)
}
