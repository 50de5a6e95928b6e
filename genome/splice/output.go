package splice

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
)

// The INFO fields.
const (
	Field     = "LongspanSplice"
	FieldSkip = "LongspanSpliceSkip"
	SpliceAI  = "SpliceAI" // the field of the program of this name, for tools that read it
)

// subFields are those of SpliceAI, in its order.
const subFields = "ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL"

// changes are the changes of a delta in the order of the sub-fields.
func (d *Delta) changes() [4]Change {
	return [4]Change{d.AcceptorGain, d.AcceptorLoss, d.DonorGain, d.DonorLoss}
}

// Writer writes rows with their scores.
type Writer interface {
	Header(h *vcf.Header) error
	Row(rec *vcf.Record, scores []Score) error
	Flush() error
}

// NewVCF writes a VCF: that which was read, byte for byte, with an INFO field of the given name behind the others. Its values have the ten
// sub-fields of SpliceAI, for each gene of each allele that was scored. Scores have four digits, or two in the field SpliceAI. lines are
// added to the header.
func NewVCF(w io.Writer, field string, lines ...string) Writer {
	digits := 4
	if field == SpliceAI {
		digits = 2
	}
	return &toVCF{w: w, field: field, digits: digits, lines: lines}
}

type toVCF struct {
	w      io.Writer
	field  string
	digits int
	lines  []string
	rows   *vcf.Writer
}

func (t *toVCF) Header(h *vcf.Header) (err error) {
	const text = "Longspan's delta scores (DS) and positions (DP) of splice sites: acceptor gain (AG), acceptor loss (AL), donor gain (DG), " +
		"donor loss (DL). These are no scores of the program SpliceAI. Format: " + subFields
	t.rows, err = vcf.NewWriter(t.w, h, vcf.Added{Lines: t.lines, Infos: []vcf.Definition{
		{ID: t.field, Number: ".", Type: "String", Description: text},
		{ID: FieldSkip, Number: ".", Type: "String", Description: score.SkipText}}})
	return err
}

func (t *toVCF) Row(rec *vcf.Record, scores []Score) error {
	if err := score.Fresh(rec, t.field, FieldSkip); err != nil {
		return err
	}
	var values []byte
	why := make([]genome.Skip, len(scores))
	for i := range scores {
		why[i] = scores[i].Skip
		for j := range scores[i].Deltas {
			if len(values) > 0 {
				values = append(values, ',')
			}
			values = append(append(append(values, rec.Alts[i]...), '|'), escape(scores[i].Deltas[j].Gene)...)
			values = scores[i].Deltas[j].append(values, '|', t.digits)
		}
	}
	if len(values) > 0 {
		if err := rec.SetInfo(t.field, string(values)); err != nil {
			return err
		}
	}
	if err := score.SetSkip(rec, FieldSkip, why); err != nil {
		return err
	}
	return t.rows.Write(rec)
}

func (t *toVCF) Flush() error { return nil }

// append appends the four scores and the four positions, each behind a separator.
func (d *Delta) append(b []byte, separator byte, digits int) []byte {
	for _, c := range d.changes() {
		b = strconv.AppendFloat(append(b, separator), c.Score, 'f', digits, 64)
	}
	for _, c := range d.changes() {
		b = strconv.AppendInt(append(b, separator), int64(c.At), 10)
	}
	return b
}

// escape writes what cannot stand in a sub-field as VCF does (VCFv4.3, section 1.2): a percent sign and the byte's number.
func escape(name string) string {
	if !strings.ContainsAny(name, "%,;=| \t\r\n") {
		return name
	}
	var b strings.Builder
	for _, c := range []byte(name) {
		if strings.IndexByte("%,;=| \t\r\n", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// NewTSV writes a table with a line of names, and a line for each gene of each alternate allele. What is missing is a dot.
func NewTSV(w io.Writer) Writer { return &toTSV{w: bufio.NewWriter(w)} }

type toTSV struct {
	w   *bufio.Writer
	buf []byte
}

func (t *toTSV) Header(*vcf.Header) error {
	names := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(subFields, "ALLELE|SYMBOL|"), "|", "\t"))
	_, err := fmt.Fprintf(t.w, "chrom\tpos\tid\tref\talt\tgene\t%s\tskip\n", names)
	return err
}

func (t *toTSV) Row(rec *vcf.Record, scores []Score) error {
	for i := range scores {
		alt := "."
		if len(rec.Alts) > 0 {
			alt = rec.Alts[i]
		}
		head := fmt.Sprintf("%s\t%d\t%s\t%s\t%s\t", rec.Chrom, rec.Pos, rec.ID(), rec.Ref, alt)
		if scores[i].Skip != genome.Used {
			if _, err := fmt.Fprintf(t.w, "%s.%s\t%s\n", head, strings.Repeat("\t.", 8), scores[i].Skip); err != nil {
				return err
			}
		}
		for j := range scores[i].Deltas {
			t.buf = append(append(t.buf[:0], head...), escape(scores[i].Deltas[j].Gene)...)
			t.buf = append(scores[i].Deltas[j].append(t.buf, '\t', 4), "\t.\n"...)
			if _, err := t.w.Write(t.buf); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *toTSV) Flush() error { return t.w.Flush() }
