package score

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
)

// The INFO fields.
const (
	FieldLLR     = "LS_LLR"
	FieldForward = "LS_LLR_F"
	FieldReverse = "LS_LLR_R"
	FieldFlank   = "LS_FLANK"
	FieldBits    = "LS_BITS"
	FieldSkip    = "LS_SKIP"
	FieldFirst   = "LS_LLR_H1"
	FieldSecond  = "LS_LLR_H2"
)

// field is an INFO field of numbers, and its column of a table.
type field struct {
	id, column, text string
	value            func(*Score) float64
}

// fields are those that options fill.
func (o Options) fields() []field {
	place := map[Method]string{BySequence: "of the window", BySite: "of the site", Auto: "of the site (SNV) or the window (others)"}[o.By]
	strands := map[Strand]string{Both: "mean of both strands", Forward: "forward strand", Reverse: "reverse strand"}[o.Strand]
	text := fmt.Sprintf("log p(ALT) - log p(REF) %s in nats, %s", place, strands)
	if o.Sample != "" {
		text += "; " + o.haplotypeText()
	}
	all := []field{{FieldLLR, "llr", text, func(s *Score) float64 { return s.LLR }}}
	if o.Strand == Both {
		all = append(all,
			field{FieldForward, "llr_f", "LS_LLR of the forward strand", func(s *Score) float64 { return s.Forward }},
			field{FieldReverse, "llr_r", "LS_LLR of the reverse strand", func(s *Score) float64 { return s.Reverse }})
	}
	if o.By != BySite {
		all = append(all, field{FieldFlank, "flank", "part of LS_LLR of the bases behind the allele; a dot for a SNV by site", flankOf})
	}
	all = append(all, field{FieldBits, "bits", "-log2 p(REF) of the bases of REF", func(s *Score) float64 { return s.Bits }})
	if o.Sample != "" && o.Haplotype == 0 {
		const text = "LS_LLR on haplotype %d of the sample; a dot where it does not have ALT"
		all = append(all,
			field{FieldFirst, "llr_h1", fmt.Sprintf(text, 1), func(s *Score) float64 { return s.on(1) }},
			field{FieldSecond, "llr_h2", fmt.Sprintf(text, 2), func(s *Score) float64 { return s.on(2) }})
	}
	return all
}

// haplotypeText says on what alleles of a sample are scored.
func (o Options) haplotypeText() string {
	const apart = "the window has the sample's other alleles, and differs in this one alone"
	if o.Haplotype != 0 {
		return fmt.Sprintf("on haplotype %d of the sample: %s", o.Haplotype, apart)
	}
	return "on the haplotypes of the sample that have ALT, their mean: " + apart
}

// on is the LLR on a haplotype, NaN where it has none.
func (r *Score) on(haplotype int) float64 {
	if !r.Has[haplotype-1] {
		return math.NaN()
	}
	return r.On[haplotype-1]
}

// flankOf is NaN by site.
func flankOf(s *Score) float64 {
	if s.By == BySite {
		return math.NaN()
	}
	return s.Flank
}

// SkipText describes a field of reasons in the header of a VCF.
const SkipText = "Why an allele was not scored, one word for each ALT; a dot is an allele that was"

// Fresh refuses a row that has one of some INFO fields: what they would say of an allele that is not scored now is old.
func Fresh(rec *vcf.Record, ids ...string) error {
	for _, id := range ids {
		if _, ok := rec.Info(id); ok {
			return fmt.Errorf("line %d: the row has INFO %s already; take the fields of an earlier score out first "+
				"(bcftools annotate -x INFO/%s,…)", rec.Line, id, id)
		}
	}
	return nil
}

// SetSkip sets an INFO field to the reasons of the alleles of a row, with a dot for an allele that was scored. It sets nothing where all
// were.
func SetSkip(rec *vcf.Record, id string, why []genome.Skip) error {
	words, any := make([]string, len(why)), false
	for i, w := range why {
		if words[i] = "."; w != genome.Used {
			words[i], any = string(w), true
		}
	}
	if !any {
		return nil
	}
	return rec.SetInfo(id, strings.Join(words, ","))
}

// Writer writes rows with their scores.
type Writer interface {
	Header(h *vcf.Header) error
	Row(rec *vcf.Record, scores []Score) error
	Flush() error
}

// NewVCF writes a VCF: that which was read, byte for byte, with the INFO fields of the scores behind the others and their lines in the
// header. lines are added to the header too.
func NewVCF(w io.Writer, o Options, lines ...string) Writer {
	return &toVCF{w: w, fields: o.fields(), lines: lines}
}

type toVCF struct {
	w      io.Writer
	fields []field
	lines  []string
	rows   *vcf.Writer
}

func (t *toVCF) Header(h *vcf.Header) (err error) {
	var infos []vcf.Definition
	for _, f := range t.fields {
		infos = append(infos, vcf.Definition{ID: f.id, Number: "A", Type: "Float", Description: f.text})
	}
	infos = append(infos, vcf.Definition{ID: FieldSkip, Number: ".", Type: "String", Description: SkipText})
	t.rows, err = vcf.NewWriter(t.w, h, vcf.Added{Infos: infos, Lines: t.lines})
	return err
}

func (t *toVCF) Row(rec *vcf.Record, scores []Score) error {
	if err := Fresh(rec, FieldLLR, FieldForward, FieldReverse, FieldFlank, FieldBits, FieldSkip, FieldFirst, FieldSecond); err != nil {
		return err
	}
	why := make([]genome.Skip, len(scores))
	for i := range scores {
		why[i] = scores[i].Skip
	}
	for _, f := range t.fields {
		values, any := f.list(scores)
		if !any {
			continue
		}
		if err := rec.SetInfo(f.id, values); err != nil {
			return err
		}
	}
	if err := SetSkip(rec, FieldSkip, why); err != nil {
		return err
	}
	return t.rows.Write(rec)
}

func (t *toVCF) Flush() error { return nil }

// list is the values of alleles, with a dot for one that has none. It reports whether any has one.
func (f field) list(scores []Score) (values string, any bool) {
	var b []byte
	for i := range scores {
		if i > 0 {
			b = append(b, ',')
		}
		n := len(b)
		b = f.append(b, &scores[i])
		any = any || string(b[n:]) != "."
	}
	return string(b), any
}

func (f field) append(b []byte, s *Score) []byte {
	if s.Skip != genome.Used || math.IsNaN(f.value(s)) {
		return append(b, '.')
	}
	return appendNumber(b, f.value(s))
}

// appendNumber writes six digits: more than the precision of a model.
func appendNumber(b []byte, v float64) []byte {
	return strconv.AppendFloat(b, v+0, 'g', 6, 64) // −0 + 0 is 0
}

// NewTSV writes a table with a line of names, and a line for each alternate allele, as the VCF has it. What is missing is a dot.
func NewTSV(w io.Writer, o Options) Writer { return &toTSV{w: bufio.NewWriter(w), fields: o.fields()} }

type toTSV struct {
	w      *bufio.Writer
	fields []field
	buf    []byte
}

func (t *toTSV) Header(*vcf.Header) error {
	names := []string{"chrom", "pos", "id", "ref", "alt"}
	for _, f := range t.fields {
		names = append(names, f.column)
	}
	_, err := fmt.Fprintln(t.w, strings.Join(append(names, "skip"), "\t"))
	return err
}

func (t *toTSV) Row(rec *vcf.Record, scores []Score) error {
	for i := range scores {
		alt, skip := ".", "."
		if len(rec.Alts) > 0 {
			alt = rec.Alts[i]
		}
		if scores[i].Skip != genome.Used {
			skip = string(scores[i].Skip)
		}
		b := fmt.Appendf(t.buf[:0], "%s\t%d\t%s\t%s\t%s\t", rec.Chrom, rec.Pos, rec.ID(), rec.Ref, alt)
		for _, f := range t.fields {
			b = append(f.append(b, &scores[i]), '\t')
		}
		t.buf = append(append(b, skip...), '\n')
		if _, err := t.w.Write(t.buf); err != nil {
			return err
		}
	}
	return nil
}

func (t *toTSV) Flush() error { return t.w.Flush() }

// NewBedGraph writes a line for each row of which an allele was scored: the bases of REF, from 0, and the lowest LLR of its alleles. Rows
// that were not scored have no line. Names of contigs are those of the VCF.
func NewBedGraph(w io.Writer) Writer { return &toBedGraph{w: bufio.NewWriter(w)} }

type toBedGraph struct {
	w   *bufio.Writer
	buf []byte
}

func (t *toBedGraph) Header(*vcf.Header) error { return nil }

func (t *toBedGraph) Row(rec *vcf.Record, scores []Score) error {
	var lowest *Score
	for i := range scores {
		if s := &scores[i]; s.Skip == genome.Used && (lowest == nil || s.LLR < lowest.LLR) {
			lowest = s
		}
	}
	if lowest == nil {
		return nil
	}
	b := fmt.Appendf(t.buf[:0], "%s\t%d\t%d\t", rec.Chrom, rec.Pos-1, rec.Pos-1+len(rec.Ref))
	t.buf = append(appendNumber(b, lowest.LLR), '\n')
	_, err := t.w.Write(t.buf)
	return err
}

func (t *toBedGraph) Flush() error { return t.w.Flush() }
