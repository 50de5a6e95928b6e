package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/data/bgzip"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/internal/durable"
)

// haplotypesReport is the output of `variants haplotypes`.
type haplotypesReport struct {
	Sample     string            `json:"sample"`
	Region     string            `json:"region,omitempty"`
	Rows       int               `json:"rows"`
	Missing    int               `json:"missing"`
	OneAllele  int               `json:"one_allele"`
	Unphased   int               `json:"unphased"`
	Ref        genome.RefCheck   `json:"ref"`
	Aliases    map[string]string `json:"aliases,omitempty"`
	Haplotypes []haplotypeFile   `json:"haplotypes"`
	Notes      []string          `json:"notes,omitempty"`
}

// haplotypeFile is a haplotype and where it is.
type haplotypeFile struct {
	File string `json:"file"`
	genome.HaplotypeReport
}

// haplotypesOptions are the flags of `variants haplotypes`.
type haplotypesOptions struct {
	variantFlags
	region, out string
	haplotype   int
}

func newVariantsHaplotypes(o *output) *cobra.Command {
	var v haplotypesOptions
	c := &cobra.Command{
		Use:   "haplotypes -R REFERENCE -I VCF --sample SAMPLE -O FASTA",
		Short: "Write the two haplotypes of a sample as FASTA",
		Long: `Put the alleles of a sample into the reference, and write its haplotypes: the bytes of 'bcftools consensus -H 1' and '-H 2'.

  longspan variants haplotypes -R chr20.fa.gz -I calls.vcf.gz --sample NA12878 -O NA12878.fa        # NA12878.hap1.fa, NA12878.hap2.fa
  longspan variants haplotypes -R chr20.fa.gz -I calls.vcf.gz --sample NA12878 --region 20:1000001-2000000 --haplotype 1 -O one.fa.gz

Alleles that overlap an allele before them are skipped and listed, as bcftools does. So are alleles that are no bases: *, breakends and
symbolic alleles other than <DEL>, <*> and <NON_REF>, at some of which bcftools stops. The VCF is read from its beginning; an index is
not used. A name that ends in .gz is packed by bgzip.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			report, err := v.run()
			if err != nil {
				return err
			}
			return o.print(report, report.write)
		},
	}
	v.add(c, "name of the sample (may be left out if the VCF has one)")
	f := c.Flags()
	f.StringVar(&v.region, "region", "", "part of the reference, such as 20 or 20:1000001-2000000")
	f.StringVarP(&v.out, "out", "O", "", "FASTA to write")
	f.IntVar(&v.haplotype, "haplotype", 0, "1 or 2: write one haplotype, to the file of this name (default: both)")
	return c
}

func (v *haplotypesOptions) run() (report haplotypesReport, err error) {
	if err := v.check(); err != nil {
		return report, usage(err)
	}
	var unwritten error
	err = v.with(func(ref *fasta.Reference, in io.Reader) error {
		sites, err := v.read(ref, in)
		if err != nil {
			return err
		}
		report.describe(sites, ref.Notes())
		report.Haplotypes, unwritten = v.write(sites)
		return nil
	})
	return report, errors.Join(usage(err), unwritten)
}

// read reads the sample's alleles.
func (v *haplotypesOptions) read(ref *fasta.Reference, in io.Reader) (*genome.Sites, error) {
	options := genome.SampleOptions{Sample: v.sample}
	if v.region != "" {
		region, err := genome.ParseRegion(ref, v.region)
		if err != nil {
			return nil, err
		}
		options.Region = &region
	}
	return genome.ReadSites(ref, in, v.input, options)
}

// write writes the files. An error of the system, such as a full disk, is a failure. Others are of the reference, whose other parts are
// read here for the first time.
func (v *haplotypesOptions) write(sites *genome.Sites) (files []haplotypeFile, err error) {
	for _, haplotype := range v.haplotypes() {
		file := haplotypeFile{File: v.file(haplotype)}
		err := durable.Write(file.File, func(w io.Writer) (err error) {
			file.HaplotypeReport, err = writeHaplotype(w, sites, haplotype, strings.HasSuffix(v.out, ".gz"))
			return err
		})
		if errors.As(err, new(*fs.PathError)) || errors.As(err, new(*os.LinkError)) {
			return nil, err
		}
		if err != nil {
			return nil, usage(err)
		}
		files = append(files, file)
	}
	return files, nil
}

// haplotypes are those that are written.
func (v *haplotypesOptions) haplotypes() []int {
	if v.haplotype != 0 {
		return []int{v.haplotype}
	}
	return []int{1, 2}
}

// check checks what can be known before the files are read.
func (v *haplotypesOptions) check() error {
	if v.haplotype < 0 || v.haplotype > 2 {
		return fmt.Errorf("found --haplotype %d, expected 1 or 2", v.haplotype)
	}
	if v.out == "" || v.out == "-" || strings.HasSuffix(v.out, string(filepath.Separator)) {
		return fmt.Errorf("found --out (-O) %q, expected the name of a FASTA file to write", v.out)
	}
	for _, h := range v.haplotypes() {
		if err := checkFile("--out "+v.out, v.file(h), v.reference, v.input); err != nil {
			return err
		}
	}
	return nil
}

// file is the name of a haplotype's file: that of --out for one haplotype, else with hap1 or hap2 before its extensions.
func (v *haplotypesOptions) file(haplotype int) string {
	if v.haplotype != 0 {
		return v.out
	}
	base, packed := strings.CutSuffix(v.out, ".gz")
	extension := filepath.Ext(base)
	name := fmt.Sprintf("%s.hap%d%s", strings.TrimSuffix(base, extension), haplotype, extension)
	if packed {
		name += ".gz"
	}
	return name
}

func writeHaplotype(w io.Writer, sites *genome.Sites, haplotype int, packed bool) (genome.HaplotypeReport, error) {
	if !packed {
		return sites.WriteHaplotype(w, haplotype)
	}
	z := bgzip.NewWriter(w)
	report, err := sites.WriteHaplotype(z, haplotype)
	return report, errors.Join(err, z.Close())
}

func (r *haplotypesReport) describe(s *genome.Sites, notes []string) {
	r.Sample, r.Rows, r.Missing, r.OneAllele, r.Unphased = s.Sample, s.Rows, s.Missing, s.OneAllele, s.Unphased
	if s.Region != nil {
		r.Region = s.Region.String()
	}
	r.Ref, r.Aliases, r.Notes = s.Placer.Check, s.Placer.Aliases, append(notes[:len(notes):len(notes)], s.Notes()...)
	if s.Unsorted {
		r.Notes = append(r.Notes, "the rows are not in the order of their positions: they were sorted")
	}
}

func (r haplotypesReport) write(w io.Writer) {
	where := ""
	if r.Region != "" {
		where = ", " + r.Region
	}
	fmt.Fprintf(w, "sample %s%s: %d rows, %d REF alleles compared, %d differ\n", r.Sample, where, r.Rows, r.Ref.Rows, r.Ref.Mismatches)
	for _, m := range r.Ref.Examples {
		fmt.Fprintf(w, "  %s\n", m)
	}
	for _, h := range r.Haplotypes {
		fmt.Fprintf(w, "haplotype %d: %d bases, %d alleles applied, %d skipped: %s\n", h.Haplotype, h.Bases, h.Applied, len(h.Skipped), h.File)
		for _, s := range append(h.Skipped[:len(h.Skipped):len(h.Skipped)], h.Trimmed...) {
			fmt.Fprintf(w, "  %s  line %d, %s:%d %s>%s\n", s.Why, s.Line, s.Contig, s.Pos, s.Ref, s.Alt)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
}
