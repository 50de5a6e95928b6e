package main

import (
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
)

func newVariants(o *output) *cobra.Command {
	return family(&cobra.Command{
		Use:   "variants",
		Short: "Check the variants of a VCF against a reference, write haplotypes, score variants by models, and evaluate scores",
	}, newVariantsCheck(o), newVariantsHaplotypes(o), newVariantsScore(o), newVariantsMap(o),
		newVariantsEvaluate(o), newVariantsSplice(o), newVariantsSites(o))
}

// variantFlags are the flags of commands on variants.
type variantFlags struct{ reference, input, sample string }

func (f *variantFlags) add(c *cobra.Command, sample string) {
	f.files(c)
	c.Flags().StringVar(&f.sample, "sample", "", sample)
}

// files adds the flags of the two files.
func (f *variantFlags) files(c *cobra.Command) {
	c.Flags().StringVarP(&f.reference, "reference", "R", "", "FASTA of the reference: plain, bgzip or gzip")
	c.Flags().StringVarP(&f.input, "input", "I", "", "VCF: plain, bgzip or gzip; - is standard input")
}

// with opens the two files for use.
func (f *variantFlags) with(use func(ref *fasta.Reference, in io.Reader) error) (err error) {
	if err := given(neededFlag{"--reference (-R)", f.reference != ""}, neededFlag{"--input (-I)", f.input != ""}); err != nil {
		return err
	}
	ref, err := fasta.Open(f.reference)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ref.Close()) }()
	if f.input == "-" {
		return use(ref, os.Stdin)
	}
	in, err := os.Open(f.input)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return use(ref, in)
}

// neededFlag is a flag without which a command cannot run.
type neededFlag struct {
	flag  string
	given bool
}

// given names the flags that were left out.
func given(all ...neededFlag) error {
	var names, lacking []string
	for _, n := range all {
		names = append(names, n.flag)
		if !n.given {
			lacking = append(lacking, n.flag)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return fmt.Errorf("found no %s, expected %s", either(lacking), strings.Join(names, ", "))
}

// checkReport is the output of `variants check`.
type checkReport struct {
	Reference string `json:"reference"`
	Input     string `json:"input"`
	*genome.Survey
}

func newVariantsCheck(o *output) *cobra.Command {
	var v variantFlags
	c := &cobra.Command{
		Use:   "check -R REFERENCE -I VCF",
		Short: "Say what a VCF holds, and what of it does not fit the reference",
		Long: `Read a VCF and compare it with a reference: alleles by kind, REF alleles that differ, rows that are not left-aligned and trimmed,
rows out of order, and the alleles that other commands would skip, with the word that they give as the reason (LS_SKIP).

  longspan variants check -R GRCh37.fa.gz -I calls.vcf.gz
  longspan variants check -R chr20.fa.gz -I calls.vcf.gz --sample NA12878 --json

chr20, 20 and NC_000020.11 name the same contig. A contig whose length in the VCF's header is not that of the reference, and more than
1 % of REF alleles that differ (of 20 or more), end with status 2: the variants are of another build.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			var report checkReport
			err := v.with(func(ref *fasta.Reference, in io.Reader) error {
				s, err := genome.NewSurvey(ref, in, v.input, v.sample)
				report = checkReport{v.reference, v.input, s}
				return err
			})
			if err == nil {
				err = report.Ref.Err()
			}
			if err != nil {
				return usage(err)
			}
			return o.print(report, report.write)
		},
	}
	v.add(c, "count the genotypes of this sample too")
	return c
}

func (r checkReport) write(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-10s  %s\n", name, fmt.Sprintf(format, args...))
	}
	looks := ""
	if r.Build != "" {
		looks = ", which looks like " + r.Build
	}
	line("reference", "%s%s", r.Reference, looks)
	line("file", "%s: VCF %s, %d rows, %d samples", r.Input, r.Version, r.Rows, r.Samples)
	var kinds []string
	for _, k := range vcf.Kinds() {
		if n := r.Kinds[k.String()]; n > 0 {
			kinds = append(kinds, fmt.Sprintf("%d %s", n, k))
		}
	}
	line("alleles", "%d: %s", r.Alleles, strings.Join(kinds, ", "))
	line("rows", "%d with several alternate alleles, %d not left-aligned and trimmed, %d out of order, %d there twice", r.MultiAllelic,
		r.NotNormal, r.Unsorted, r.Duplicates)
	for _, n := range r.Normalized[:min(3, len(r.Normalized))] {
		line("", "line %d: %s is %s", n.Line, n.From, n.To)
	}
	line("REF", "%d compared, %d differ", r.Ref.Rows, r.Ref.Mismatches)
	for _, m := range r.Ref.Examples {
		line("", "%s", m)
	}
	line("usable", "%d alleles", r.Usable)
	for _, e := range r.Examples {
		line("skipped", "%d %s, first in line %d: %s", r.Skipped[e.Why], e.Why, e.Line, e.Row)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Aliases)) {
		line("contig", "%s of the VCF is %s of the reference", name, r.Aliases[name])
	}
	if len(r.Unknown) > 0 {
		line("contig", "the reference has no %s", listed(r.Unknown))
	}
	if g := r.Genotypes; g != nil {
		line("sample", "%s: %d rows like the reference, %d homozygous, %d heterozygous and phased, %d unphased, %d with a missing allele, "+
			"%d of one allele, %d without a genotype", g.Sample, g.Reference, g.Homozygous, g.Heterozygous, g.Unphased, g.Missing, g.OneAllele,
			g.None)
	}
	for _, n := range r.Notes {
		line("note", "%s", n)
	}
}

// The models in the program that variants commands use where none is named.
const (
	defaultVariantModel = "human"
	defaultSpliceModel  = "splice"
)

// modelOr is the model that the arguments name, or else the default.
func modelOr(args []string, or string) string {
	if len(args) == 0 {
		return or
	}
	return args[0]
}
