package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/internal/resume"
)

// variantMapReport is the output of `variants map`.
type variantMapReport struct {
	Model     string       `json:"model"`
	Reference string       `json:"reference"`
	Out       string       `json:"out"`
	Strand    score.Strand `json:"strand"`
	Window    int          `json:"window"`
	Region    string       `json:"region,omitempty"`
	Contigs   int          `json:"contigs"`
	score.MapReport
	Resumed int      `json:"resumed,omitempty"` // bases that were done before
	Seconds float64  `json:"seconds"`           // of this run
	Notes   []string `json:"notes,omitempty"`
}

// variantMapOptions are the flags of `variants map`.
type variantMapOptions struct {
	modelFlags
	mechanismFlags
	reference, out, region, strand string
	window, batch                  int
	resume                         bool
}

func newVariantsMap(o *output) *cobra.Command {
	var v variantMapOptions
	c := &cobra.Command{
		Use:   "map [MODEL] -R REFERENCE -O FILE",
		Short: "Score every substitution of a region or of a reference",
		Long: `Score the three substitutions of each base of a region, or of all contigs, by a model of the next base (head lm). A score is that
of 'variants score' for the SNV: log p(ALT) − log p(REF) in nats, the mean of both strands. The reference is read once on each strand.
Without MODEL it is human, a model in the program ('longspan models' shows its card).

  longspan variants map -R GRCh37.fa.gz -O GRCh37.map.tsv.gz
  longspan variants map runs/mine -R 20.fa.gz -O region.bedgraph --region 20:1000001-4000000

The name says the form: .tsv has a line for each base, with the scores of A, C, G and T and a dot for REF; .bedgraph has the lowest of the
three. With .gz behind it the file is packed by bgzip. A base has no line where its letter stands for several bases, such as N, and where
such a letter or an end of the contig is beside it, so that nothing predicts it on a strand.

Memory does not grow with the region. A run that was stopped leaves FILE.partial and FILE.state. The same command with --resume goes on,
and the file has the same bytes as if it had not stopped.`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := v.run(o, modelOr(args, defaultVariantModel))
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	f := c.Flags()
	f.StringVarP(&v.reference, "reference", "R", "", "FASTA of the reference: plain, bgzip or gzip")
	f.StringVarP(&v.out, "out", "O", "", "file to write: .tsv or .bedgraph, with .gz behind it or not")
	f.StringVar(&v.region, "region", "", "part of the reference, such as 20 or 20:1000001-4000000 (default: all contigs)")
	f.StringVar(&v.strand, "strand", "", "both, forward or reverse (default: both)")
	f.IntVar(&v.window, "window", 0, "bases that are read at once, at most half as context (default: what the model was made to read)")
	f.IntVar(&v.batch, "batch", 0, "bases that are computed together (default 4096); scores do not depend on it")
	f.BoolVar(&v.resume, "resume", false, "go on with an output that was stopped; begin where there is none")
	v.mechanismFlags.add(c)
	v.modelFlags.add(c)
	v.addPrecision(c)
	return c
}

// mapForms are the forms of a map, by the end of a name.
var mapForms = map[string]func(w io.Writer) score.MapWriter{".tsv": score.NewMapTSV, ".bedgraph": score.NewMapBedGraph}

func (v *variantMapOptions) run(o *output, name string) (r variantMapReport, err error) {
	began := time.Now()
	form, err := formOf(v.out, mapForms)
	if err != nil {
		return r, usage(err)
	}
	if v.reference == "" {
		return r, usage(errors.New("found no --reference (-R), expected a FASTA file"))
	}
	ctx, end := untilStopped()
	defer end()
	ref, err := fasta.Open(v.reference)
	if err != nil {
		return r, usage(err)
	}
	defer func() { err = errors.Join(err, ref.Close()) }()
	if err := checkGrowing(v.out, v.reference); err != nil {
		return r, usage(err)
	}
	regions, err := v.regions(ref)
	if err != nil {
		return r, usage(err)
	}
	m, path, err := openModel(o, name, v.modelFlags, v.mechanismFlags)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	options := score.Options{By: score.BySite, Strand: score.Strand(v.strand), Window: v.window, Batch: v.batch}
	s, err := openScorer(ref, m, options, v.modelFlags)
	if err != nil {
		return r, err
	}
	r = variantMapReport{Model: path, Reference: v.reference, Out: v.out, Strand: s.Options().Strand, Window: s.Options().Window,
		Region: v.region, Contigs: len(regions), Notes: append(ref.Notes(), beyond(m, s.Options().Window)...)}
	err = v.score(ctx, o, s, regions, form, &r)
	r.Seconds = time.Since(began).Seconds()
	if err != nil && ctx.Err() != nil {
		return r, interrupted(v.out)
	}
	return r, usage(err)
}

// regions are the one of --region, or all contigs.
func (v *variantMapOptions) regions(ref *fasta.Reference) (all []genome.Region, err error) {
	if v.region != "" {
		part, err := genome.ParseRegion(ref, v.region)
		return []genome.Region{part}, err
	}
	for _, c := range ref.Contigs() {
		all = append(all, genome.Region{Contig: c, End: c.Length})
	}
	return all, nil
}

// score writes the map.
func (v *variantMapOptions) score(ctx context.Context, o *output, s *score.Scorer, regions []genome.Region,
	form func(io.Writer) score.MapWriter, r *variantMapReport) error {
	facts, err := outputFacts(s.Model(), map[string]string{"reference": v.reference},
		append(scoreFacts(s.Options()), resume.Fact{What: "--region", Value: v.region})...)
	if err != nil {
		return err
	}
	var from score.MapReport
	g, err := grow(o, v.out, facts, v.resume, &from)
	if err != nil {
		return err
	}
	all := 0
	for _, r := range regions {
		all += r.End - r.Start
	}
	out := form(g)
	bar := o.progress("bases")
	defer bar.finish()
	r.Resumed = from.Bases
	if err = g.head(out.Header, out.Flush); err == nil {
		r.MapReport, err = s.Map(ctx, score.MapOptions{Regions: regions, From: from, Base: out.Base, Chunk: func(done score.MapReport) error {
			bar.step(done.Bases-from.Bases, all-from.Bases)
			if err := out.Flush(); err != nil {
				return err
			}
			return g.save(done)
		}})
	}
	return g.end(errors.Join(err, out.Flush()), ctx.Err() != nil)
}

func (r variantMapReport) write(w io.Writer) {
	fmt.Fprintf(w, "%s: %d bases, %d mapped, strand %s, window %d bases: %s\n", r.Reference, r.Bases, r.Mapped, r.Strand, r.Window, r.Out)
	if r.Letters+r.Alone > 0 {
		fmt.Fprintf(w, "left out: %d letters that stand for several bases, %d bases beside them or an end\n", r.Letters, r.Alone)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	fmt.Fprintf(w, "%.1f s, %.3g bases a second\n", r.Seconds, float64(r.Bases-r.Resumed)/r.Seconds)
}
