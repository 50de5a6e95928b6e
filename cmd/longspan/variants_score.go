package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/genome/score"
)

// variantScoreReport is the output of `variants score`.
type variantScoreReport struct {
	Model     string       `json:"model"`
	Reference string       `json:"reference"`
	Input     string       `json:"input"`
	Out       string       `json:"out"`
	By        score.Method `json:"by"`
	Strand    score.Strand `json:"strand"`
	Window    int          `json:"window"`
	Region    string       `json:"region,omitempty"`
	score.Report
	Seconds float64  `json:"seconds"`
	Notes   []string `json:"notes,omitempty"`
}

// variantScoreOptions are the flags of `variants score`.
type variantScoreOptions struct {
	rowFlags
	by, strand        string
	window, haplotype int
}

func newVariantsScore(o *output) *cobra.Command {
	var v variantScoreOptions
	c := &cobra.Command{
		Use:   "score [MODEL] -R REFERENCE -I VCF -O FILE",
		Short: "Score variants by a language model of DNA",
		Long: `Score each alternate allele of a VCF by a language model that reads one base a token: log p(ALT) − log p(REF), in nats, in its
place. Below 0 the model finds ALT less probable than REF.

  longspan variants score -R GRCh37.fa.gz -I calls.vcf.gz -O scored.vcf.gz
  longspan variants score runs/ecoli -R ecoli.fa -I calls.vcf.gz -O scores.tsv --window 2048 --region NC_000913.3:1000001-2000000

Without MODEL it is human, a model in the program ('longspan models' shows its card). A model of the next base (head lm) scores SNVs by
site: it reads the reference once, and says how probable each base is in each place. MNVs and indels are scored by sequence: by the
probabilities of the window with ALT and with REF. --by sequence scores SNVs so too, and takes longer. A masked model (head mlm) scores
SNVs alone, by a window in which the site is hidden. Both strands are read, and their mean is the score.

With --sample the alleles that a sample has are scored on its own haplotypes, by sequence: the haplotype as it is, less the haplotype with
this one allele put back to REF. The other alleles of the sample stay in place, as 'variants haplotypes' writes them. LS_LLR is the mean
over the haplotypes that have the allele, LS_LLR_H1 and LS_LLR_H2 are those of each; --haplotype scores one. The rows must be sorted.

  longspan variants score -R GRCh37.fa.gz -I calls.vcf.gz -O NA12878.vcf.gz --sample NA12878

The name says the form: .vcf keeps the file byte for byte and adds the INFO fields LS_…; .tsv has a line for each allele; .bedgraph has
the lowest score of each row. With .gz behind it the file is packed by bgzip. LS_SKIP says why an allele was not scored.

A run that was stopped leaves FILE.partial and FILE.state. The same command with --resume goes on, and the file has the same bytes as if
it had not stopped.

A score has the same bits in any order of rows, part of the file and region, at any number of threads. With --sample it depends on the
alleles beside it too, so that a file which was cut has other scores beside the cut. It is no statement about health.`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := v.run(o, modelOr(args, defaultVariantModel))
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	v.addRows(c, ".vcf, .tsv or .bedgraph", "4096")
	f := c.Flags()
	f.StringVar(&v.sample, "sample", "", "score the alleles of this sample on its own haplotypes (default: all alleles, on the reference)")
	f.IntVar(&v.haplotype, "haplotype", 0, "1 or 2: score one haplotype of the sample (default: both)")
	f.StringVar(&v.by, "by", "", "auto (SNVs by site, others by sequence), site or sequence (default: auto, as far as the model can)")
	f.StringVar(&v.strand, "strand", "", "both, forward or reverse (default: both)")
	f.IntVar(&v.window, "window", 0, "bases of a window with the longer allele (default: what the model was made to read)")
	return c
}

// scoreForm makes the writer of a form.
type scoreForm func(w io.Writer, o score.Options, line string) score.Writer

// forms are the forms of output, by the end of a name.
var forms = map[string]scoreForm{
	".vcf":      func(w io.Writer, o score.Options, line string) score.Writer { return score.NewVCF(w, o, line) },
	".tsv":      func(w io.Writer, o score.Options, _ string) score.Writer { return score.NewTSV(w, o) },
	".bedgraph": func(w io.Writer, _ score.Options, _ string) score.Writer { return score.NewBedGraph(w) },
}

func (r variantScoreReport) write(w io.Writer) {
	by := string(r.By)
	if r.By == score.Auto {
		by = "site (SNVs) and sequence (others)"
	}
	if s := r.Report.Sample; s != nil {
		by += " on " + haplotypesOf(s)
	}
	fmt.Fprintf(w, "%s: %d rows, %d alleles, %d scored by %s, strand %s, window %d bases: %s\n", r.Input, r.Rows, r.Alleles, r.Scored, by,
		r.Strand, r.Window, r.Out)
	writeRowReport(w, &r.Report)
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintf(w, "%.1f s, %.3g alleles a second\n", r.Seconds, float64(r.Scored)/r.Seconds)
}

// haplotypesOf names the haplotypes that were scored.
func haplotypesOf(s *score.SampleReport) string {
	if s.Haplotype != 0 {
		return fmt.Sprintf("haplotype %d of %s", s.Haplotype, s.Name)
	}
	return "the haplotypes of " + s.Name
}
