package score

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/model"
)

const sampleHead = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\n"

func sampleRowOf(pos int, ref, alt, genotype string) string {
	return fmt.Sprintf("chr1\t%d\t.\t%s\t%s\t.\t.\t.\tGT\t%s\n", pos, ref, alt, genotype)
}

// crowded are rows of a sample over contig 1, from a base on, with so many bases from one to the next.
func crowded(bases string, from, to, step int, genotypes ...string) (rows []string) {
	r := data.NewRandom(11, 0)
	for pos := from; pos < to; pos += 1 + r.IntN(2*step-1) {
		at := bases[pos-1 : pos+5]
		if strings.Contains(at, "N") {
			continue
		}
		ref, alt := at[:1], other(at[0])
		switch len(rows) % 6 {
		case 1:
			alt = at[:1] + "GATTACA"[:1+r.IntN(6)]
		case 3:
			ref, alt = at[:2+r.IntN(3)], at[:1]
		case 4:
			ref, alt = at[:2], other(at[0])+other(at[1])
		case 5:
			alt += "," + at[:1] + "CC"
		}
		rows = append(rows, sampleRowOf(pos, ref, alt, genotypes[len(rows)%len(genotypes)]))
	}
	return rows
}

// scored are rows with their scores.
func scored(t testing.TB, s *Scorer, rows []string, o RowOptions) (all [][]Score, report Report) {
	t.Helper()
	o.Row = func(_ *vcf.Record, scores []Score) error {
		all = append(all, slices.Clone(scores))
		return nil
	}
	report, err := s.Rows(context.Background(), strings.NewReader(sampleHead+strings.Join(rows, "")), "in.vcf", o)
	if err != nil {
		t.Fatal(err)
	}
	return all, report
}

// haplotypeOf is what the sample's haplotype is, as FASTA has it, and the lines of the rows that it skips.
func haplotypeOf(t *testing.T, ref *fasta.Reference, rows []string, haplotype int) (text string, skipped map[int]bool) {
	t.Helper()
	s, err := genome.ReadSites(ref, strings.NewReader(sampleHead+strings.Join(rows, "")), "in.vcf", genome.SampleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	report, err := s.WriteHaplotype(&out, haplotype)
	if err != nil {
		t.Fatal(err)
	}
	skipped = map[int]bool{}
	for _, k := range report.Skipped {
		skipped[k.Line] = true
	}
	_, text, _ = strings.Cut(strings.Split(out.String(), ">2")[0], "\n")
	return strings.ToUpper(strings.ReplaceAll(text, "\n", "")), skipped
}

// nats is −log p of a whole sequence, on a strand.
func nats(t *testing.T, m *model.Model, text string, strand int) float64 {
	t.Helper()
	if strand == 1 {
		text = string(complement(nil, []byte(text)))
	}
	s, err := m.Score(context.Background(), text, model.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Nats
}

// smallReference is a reference of 110 bases, so that whole sequences are read fast.
func smallReference(t *testing.T) (*fasta.Reference, string) {
	t.Helper()
	_, bases := made(t)
	path := filepath.Join(t.TempDir(), "small.fa")
	if err := os.WriteFile(path, []byte(">1\n"+bases[:110]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ref, err := fasta.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ref.Close() })
	return ref, bases[:110]
}

// A score is the difference of two whole haplotypes that were written as FASTA: the sample's, and that without one of its alleles.
func TestSampleScoresAreDifferencesOfHaplotypes(t *testing.T) {
	m := tiny(t, model.LM)
	ref, bases := smallReference(t)
	rows := crowded(bases, 2, 100, 3, "1|1", "1|0", "0|1", "1|1")
	got, _ := scored(t, newScorer(t, m, ref, Options{Sample: "one", Window: 500}, 0), rows, RowOptions{})
	compared, large, overlaps := 0, 0, 0
	for h := range 2 {
		whole, skipped := haplotypeOf(t, ref, rows, h+1)
		var applied []string // so that none takes the place of one that is taken out
		for i, row := range rows {
			if !skipped[i+3] {
				applied = append(applied, row)
			}
		}
		for i, row := range rows {
			if has := strings.Split(strings.TrimSpace(row[strings.LastIndex(row, "\t"):]), "|")[h] == "1"; !has || skipped[i+3] {
				if got[i][0].Has[h] {
					t.Errorf("%s: haplotype %d: found %+v", row, h+1, got[i][0])
				}
				overlaps += len(got[i][0].Skip) / len(genome.Overlap)
				continue
			}
			place := slices.Index(applied, row)
			without, _ := haplotypeOf(t, ref, slices.Delete(slices.Clone(applied), place, place+1), h+1)
			want := 0.0
			for strand := range 2 {
				want += (nats(t, m, without, strand) - nats(t, m, whole, strand)) / 2
			}
			if s := got[i][0]; !s.Has[h] || math.Abs(s.On[h]-want) > 1e-3 {
				t.Errorf("%s: haplotype %d: found %+v, want %g", row, h+1, s, want)
			}
			if compared++; math.Abs(want) > 0.1 {
				large++
			}
		}
	}
	if compared < 20 || large < 20 || overlaps == 0 {
		t.Errorf("%d compared, %d large, %d overlaps", compared, large, overlaps)
	}
}

// An allele without neighbours has the score by sequence, bit for bit.
func TestAloneOnAHaplotype(t *testing.T) {
	m := tiny(t, model.LM)
	ref, bases := made(t)
	rows := slices.Concat(crowded(bases, 2, 4, 1, "1|1"), crowded(bases, 900, 918, 2, "1|1"), crowded(bases, 2984, 2994, 1, "1|1"))
	for _, window := range []int{20, 45, 300} {
		sample := newScorer(t, m, ref, Options{Sample: "one", Window: window}, 0)
		sequence := newScorer(t, m, ref, Options{By: BySequence, Window: window}, 0)
		for i := range rows { // each alone
			got, _ := scored(t, sample, rows[i:i+1], RowOptions{})
			want, _ := scored(t, sequence, rows[i:i+1], RowOptions{})
			g, w := got[0][0], want[0][0]
			if w.Skip == genome.Used {
				w.On, w.Has = [2]float64{w.LLR, w.LLR}, [2]bool{true, true}
			} else {
				w.By = g.By
			}
			if g != w {
				t.Errorf("%s: window %d: found %+v, want %+v", rows[i], window, g, w)
			}
		}
	}
}

// Every place of an indel in a repeat has one score, bit for bit, whatever alleles are beside the repeat.
func TestEquivalentPlacementsOnAHaplotype(t *testing.T) {
	ref, bases := made(t) // TCACACACACACAG at 500
	m := tiny(t, model.LM)
	before := []string{sampleRowOf(490, bases[489:490], other(bases[489]), "1|0"),
		sampleRowOf(495, bases[494:495], bases[494:495]+"GG", "1|1")}
	behind := []string{sampleRowOf(513, "G", "T", "0|1"), sampleRowOf(517, bases[516:519], bases[516:517], "1|1")}
	s := newScorer(t, m, ref, Options{Sample: "one"}, 0)
	for _, group := range [][]string{
		{sampleRowOf(500, "T", "TCA", "1|1"), sampleRowOf(502, "A", "ACA", "1|1"), sampleRowOf(501, "CACA", "CACACA", "1|1"),
			sampleRowOf(512, "A", "ACA", "1|1")},
		{sampleRowOf(500, "TCA", "T", "1|1"), sampleRowOf(508, "ACA", "A", "1|1"), sampleRowOf(503, "CAC", "C", "1|1"),
			sampleRowOf(510, "ACA", "A", "1|1")},
	} {
		var want Score
		for i, row := range group {
			all, _ := scored(t, s, slices.Concat(before, []string{row}, behind), RowOptions{})
			got := all[2][0]
			if i == 0 {
				want = got
			}
			if got != want || got.Skip != genome.Used || got.On[0] == got.On[1] {
				t.Errorf("%s: found %+v, want %+v", row, got, want)
			}
		}
	}
}

// Rows have the same bytes at any batch and number of threads, in a region and after a stop. Rows beside a region count.
func TestSampleScoresDependOnTheRowsAlone(t *testing.T) {
	ref, bases := made(t)
	m := tiny(t, model.LM)
	rows := crowded(bases, 800, 1200, 6, "1|1", "0|1", "1/0", "0|0", "2|1", ".|1", "1")
	for i, row := range rows {
		if !strings.Contains(row, ",") {
			rows[i] = strings.Replace(row, "2|1", "1|1", 1)
		}
	}
	rows = append(rows, strings.ReplaceAll(sampleRowOf(5, "A", "C", "1|0"), "chr1", "2"), "7\t5\t.\tA\tC\t.\t.\t.\tGT\t1|0\n")
	want, report := scored(t, newScorer(t, m, ref, Options{Sample: "one"}, 1), rows, RowOptions{})
	if len(want) != len(rows) || report.Scored < 30 || report.Skipped[NotOnHaplotype] < 10 || report.Skipped["contig_unknown"] != 1 {
		t.Fatalf("%d rows became %d: %+v", len(rows), len(want), report)
	}
	if s := report.Sample; s.Name != "one" || s.Haplotype != 0 || s.Unphased == 0 || s.Missing == 0 || s.OneAllele == 0 {
		t.Errorf("found %+v", s)
	}
	other := newScorer(t, m, ref, Options{Sample: "one", Batch: 1}, 3)
	if got, again := scored(t, other, rows, RowOptions{}); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(again, report) {
		t.Error("threads and batch: scores differ")
	}
	region, err := genome.ParseRegion(ref, "chr1:900-1100")
	if err != nil {
		t.Fatal(err)
	}
	part, _ := scored(t, other, rows, RowOptions{Region: &region})
	first := slices.IndexFunc(rows, func(row string) bool { return recordOf(t, row).Pos >= 900 })
	if len(part) < 20 || first < 0 || !reflect.DeepEqual(part, want[first:first+len(part)]) {
		t.Errorf("%d rows of the region, from %d: scores differ", len(part), first)
	}
	for _, n := range []int{30} {
		half := Report{}
		one := newScorer(t, m, ref, Options{Sample: "one"}, 0)
		for i, s := range want[:n] {
			half.Rows++
			if half.Skipped == nil {
				half.Skipped = map[genome.Skip]int{}
			}
			for k := range s {
				half.count(recordOf(t, rows[i]), k, s[k].Skip)
			}
		}
		for i := range half.Examples {
			half.Examples[i].Line = report.Examples[i].Line
		}
		got, again := scored(t, one, rows, RowOptions{From: half})
		if !reflect.DeepEqual(got, want[n:]) || !reflect.DeepEqual(again, report) {
			t.Errorf("after %d rows: scores differ, or %+v is not %+v", n, again, report)
		}
	}
}

// Scores that go on after a save have the rows and the counts of those that were not stopped, the alleles of rows before in place.
func TestSampleRowsGoOn(t *testing.T) {
	ref, bases := made(t)
	var rows []string
	for i := range 2*SaveRows + 10 {
		pos, genotype := 600+i/10, "0|0"
		if i%10 == 0 && i%SaveRows < 40 {
			genotype = "1/1"
		}
		rows = append(rows, sampleRowOf(pos, bases[pos-1:pos], other(bases[pos-1]), genotype))
	}
	s := newScorer(t, tiny(t, model.LM), ref, Options{Sample: "one"}, 0)
	var saved []Report
	all, want := scored(t, s, rows, RowOptions{Save: func(r *Report) error {
		copied := *r
		copied.Skipped = maps.Clone(r.Skipped)
		saved = append(saved, copied)
		return nil
	}})
	if len(saved) != 2 || want.Scored != 9 {
		t.Fatalf("%d saves, %+v", len(saved), want)
	}
	for _, from := range saved {
		got, report := scored(t, s, rows, RowOptions{From: from})
		if !reflect.DeepEqual(got, all[from.Rows:]) || !reflect.DeepEqual(report, want) {
			t.Errorf("after %d rows: scores differ, or %+v is not %+v", from.Rows, report, want)
		}
	}
	file := sampleHead + rows[0]
	_, err := s.Rows(context.Background(), strings.NewReader(file), "in.vcf", RowOptions{From: saved[0]})
	if err == nil || !strings.Contains(err.Error(), "found 1023 rows fewer than were done before the stop") {
		t.Errorf("found %v", err)
	}
}

// Rows that wait for others are bounded.
func TestRowsThatWaitAreBounded(t *testing.T) {
	ref, bases := made(t)
	s := newScorer(t, tiny(t, model.LM), ref, Options{Sample: "one"}, 0)
	r, err := vcf.NewReader(strings.NewReader(sampleHead+sampleRowOf(700, bases[699:700], other(bases[699]), "0|1")), "in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	f, err := newFollower(ref, r.Header(), s.options, s.flank)
	if err != nil {
		t.Fatal(err)
	}
	w := &sampleRows{scorer: s, follower: f, placer: newSamplePlacer(ref, r.Header(), nil), bytes: maxHeld}
	var row sampleRow
	if err := r.Next(&row.rec); err != nil {
		t.Fatal(err)
	}
	err = w.row(context.Background(), &row)
	const want = "line 3: found more than 512 MiB of rows from an allele to the last of the 29 bases behind it; take other samples out first " +
		"(bcftools view -s one)"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found %v, want %s", err, want)
	}
}

// recordOf reads a row.
func recordOf(t *testing.T, row string) *vcf.Record { return nextRow(t, sampleHead+row) }

// One haplotype has the scores that it has beside the other.
func TestOneHaplotype(t *testing.T) {
	ref, bases := made(t)
	m := tiny(t, model.LM)
	rows := crowded(bases, 600, 900, 5, "1|1", "0|1", "1|0")
	both, _ := scored(t, newScorer(t, m, ref, Options{Sample: "one"}, 0), rows, RowOptions{})
	for h := range 2 {
		one, report := scored(t, newScorer(t, m, ref, Options{Sample: "one", Haplotype: h + 1}, 0), rows, RowOptions{})
		if report.Sample.Haplotype != h+1 {
			t.Errorf("found %+v", report.Sample)
		}
		n := 0
		for i := range one {
			got, want := one[i][0], both[i][0]
			if got.Has[h] != want.Has[h] || got.On[h] != want.On[h] || got.Has[1-h] || got.LLR != got.On[h] {
				t.Errorf("%s: haplotype %d: found %+v, want %+v", rows[i], h+1, got, want)
			}
			if want.Has[0] && want.Has[1] {
				if n++; want.LLR != want.On[0]/2+want.On[1]/2 {
					t.Errorf("found %+v", want)
				}
			}
		}
		if n < 5 {
			t.Errorf("%d homozygous rows", n)
		}
	}
}

func TestSkipsOfASample(t *testing.T) {
	ref, bases := made(t)
	b := bases[699:720]
	rows := []string{
		sampleRowOf(1, bases[:1], other(bases[0]), "1|1"),
		sampleRowOf(700, b[:1], other(b[0]), "0|0"),
		sampleRowOf(701, b[1:5], b[1:2], "1|0"),
		sampleRowOf(703, b[3:4], other(b[3])+","+b[3:4]+"T", "1|2"),
		sampleRowOf(704, b[4:5], "*,<DEL>", "1|2"),
		sampleRowOf(706, other(b[6]), b[6:7], "1|1"),
		sampleRowOf(760, bases[759:760], "N", "1|1"),
		sampleRowOf(763, bases[762:763], other(bases[762]), "1|1"),
		sampleRowOf(900, bases[899:900], bases[899:900]+strings.Repeat("GATC", 10), "1|1"),
		sampleRowOf(1490, bases[1489:1490], other(bases[1489]), "0/1"),
		strings.ReplaceAll(sampleRowOf(11, "A", "C", "0/1"), "chr1", "2"),
	}
	want := [][]genome.Skip{{"no_flank"}, {"not_on_haplotype"}, {""}, {"overlap", ""}, {"star", "symbolic"}, {"ref_mismatch"}, {"ambiguous"},
		{"n_in_window"}, {"too_long"}, {"n_in_window"}, {"telomere"}}
	got, report := scored(t, newScorer(t, tiny(t, model.LM), ref, Options{Sample: "one"}, 0), rows, RowOptions{})
	for i, row := range rows {
		var words []genome.Skip
		for _, s := range got[i] {
			words = append(words, s.Skip)
		}
		if !slices.Equal(words, want[i]) {
			t.Errorf("%s: found %q, want %q", row, words, want[i])
		}
	}
	if report.Scored != 2 || report.Alleles != 13 || report.Sample.Unphased != 2 {
		t.Errorf("found %+v", report)
	}
}

func TestSampleRefusals(t *testing.T) {
	ref, bases := made(t)
	lm := tiny(t, model.LM)
	for _, c := range []struct {
		m    *model.Model
		o    Options
		want string
	}{
		{lm, Options{Haplotype: 1}, "found the haplotype 1 without a sample"},
		{lm, Options{Haplotype: 3, Sample: "one"}, "found the haplotype 3, expected 1 or 2, or 0 for both"},
		{lm, Options{By: BySite, Sample: "one"}, "found the method site for a sample, expected sequence"},
		{tiny(t, model.MaskedLM), Options{Sample: "one"}, "found a sample for a model with the head mlm, expected one with the head lm"},
	} {
		if _, err := c.o.For(c.m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %s", err, c.want)
		}
	}
	row := func(pos int) string { return sampleRowOf(pos, bases[pos-1:pos], other(bases[pos-1]), "1|1") }
	elsewhere := strings.ReplaceAll(sampleRowOf(5, "A", "C", "1|0"), "chr1", "2")
	region, err := genome.ParseRegion(ref, "chr1:900-1100")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rows   []string
		sample string
		region *genome.Region
		want   string
	}{
		{[]string{row(700), row(699)}, "one", nil, "in.vcf: line 4: found chr1:699 behind chr1:700, expected rows in the order of contigs and "},
		{[]string{row(700), row(699)}, "one", &region, "line 4: found chr1:699 behind chr1:700"},
		{[]string{row(700), elsewhere, row(701)}, "one", nil, "line 5: found chr1:701 behind 2:5"},
		{[]string{sampleRowOf(700, bases[699:700], other(bases[699]), "1|2")}, "one", nil, "found GT \"1|2\""},
		{nil, "two", nil, `"two"`},
	} {
		file := sampleHead + strings.Join(c.rows, "")
		s := newScorer(t, lm, ref, Options{Sample: c.sample}, 0)
		_, err := s.Rows(context.Background(), strings.NewReader(file), "in.vcf", RowOptions{Region: c.region})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %s", err, c.want)
		}
		_, early := CheckSample(ref, strings.NewReader(file), "in.vcf", c.region, c.sample)
		if early == nil || !strings.Contains(early.Error(), c.want) {
			t.Errorf("before the work: found %v, want %s", early, c.want)
		}
	}
	file := sampleHead + row(700) + elsewhere + row(900)
	if n, err := CheckSample(ref, strings.NewReader(file), "in.vcf", &region, "one"); n != 1 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// Rows that differ from the reference end the work, as they do without a sample; those beside the region do not count.
func TestSampleOfAnotherBuild(t *testing.T) {
	ref, bases := made(t)
	var rows []string
	for i := range 20 {
		rows = append(rows, sampleRowOf(701+i, other(bases[700+i]), bases[700+i:701+i], "1|1"))
	}
	file := sampleHead + strings.Join(rows, "")
	region, err := genome.ParseRegion(ref, "chr1:900-1100")
	if err != nil {
		t.Fatal(err)
	}
	s := newScorer(t, tiny(t, model.LM), ref, Options{Sample: "one"}, 0)
	for _, check := range []func(o RowOptions) error{
		func(o RowOptions) error {
			_, err := s.Rows(context.Background(), strings.NewReader(file), "in.vcf", o)
			return err
		},
		func(o RowOptions) error {
			_, err := CheckSample(ref, strings.NewReader(file), "in.vcf", o.Region, "one")
			return err
		},
	} {
		if err := check(RowOptions{}); err == nil || !strings.Contains(err.Error(), "found 20 of 20 REF alleles that differ") {
			t.Errorf("found %v", err)
		}
		if err := check(RowOptions{Region: &region}); err != nil {
			t.Errorf("found %v", err)
		}
	}
}

func TestFormatsOfASample(t *testing.T) {
	scores := []Score{{LLR: -1.5, On: [2]float64{-1, -2}, Has: [2]bool{true, true}},
		{LLR: 3, On: [2]float64{0, 3}, Has: [2]bool{false, true}}, {Skip: NotOnHaplotype}}
	row := sampleRowOf(5, "A", "C,G,T", "1|2")
	both := Options{By: BySequence, Strand: Forward, Sample: "one"}
	var out bytes.Buffer
	write := func(w Writer) string {
		out.Reset()
		r, err := vcf.NewReader(strings.NewReader(sampleHead+row), "in.vcf")
		if err == nil {
			err = w.Header(r.Header())
		}
		if err == nil {
			err = w.Row(recordOf(t, row), scores)
		}
		if err == nil {
			err = w.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	got := write(NewVCF(&out, both))
	for _, want := range []string{
		"LS_LLR=-1.5,3,.;LS_FLANK=0,0,.;LS_BITS=0,0,.;LS_LLR_H1=-1,.,.;LS_LLR_H2=-2,3,.;LS_SKIP=.,.,not_on_haplotype\t",
		`##INFO=<ID=LS_LLR_H2,Number=A,Type=Float,Description="LS_LLR on haplotype 2 of the sample; a dot where it does not have ALT">`,
		`forward strand; on the haplotypes of the sample that have ALT, their mean: the window has the sample's other alleles, and`} {
		if !strings.Contains(got, want) {
			t.Errorf("found %s, want %s", got, want)
		}
	}
	old := strings.ReplaceAll(got, "LS_LLR=-1.5,3,.;LS_FLANK=0,0,.;LS_BITS=0,0,.;", "")
	err := NewVCF(&out, both).Row(nextRow(t, old), scores)
	if err == nil || !strings.Contains(err.Error(), "the row has INFO LS_SKIP already") {
		t.Errorf("found %v", err)
	}
	got = write(NewTSV(&out, both))
	if !strings.HasPrefix(got, "chrom\tpos\tid\tref\talt\tllr\tflank\tbits\tllr_h1\tllr_h2\tskip\n") ||
		!strings.HasSuffix(got, "\tG\t3\t0\t0\t.\t3\t.\nchr1\t5\t.\tA\tT\t.\t.\t.\t.\t.\tnot_on_haplotype\n") {
		t.Errorf("found %s", got)
	}
	both.Haplotype = 2
	got = write(NewVCF(&out, both))
	if strings.Contains(got, "LS_LLR_H") || !strings.Contains(got, "on haplotype 2 of the sample: the window") {
		t.Errorf("found %s", got)
	}
}
