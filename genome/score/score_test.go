package score

import (
	"bytes"
	"context"
	"errors"
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
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// tiny is a model drawn by its seed.
func tiny(t testing.TB, head string) *model.Model {
	t.Helper()
	c := model.Config{Kind: model.Decoder, Head: head, Vocab: 5, Width: 32, Layers: 2, Heads: 2,
		Attention: []string{"window(8)", "window(20)"}}
	if head == model.MaskedLM {
		c.Kind = model.Encoder
	}
	m, err := model.New(c, model.Options{Tokenizer: tokenizer.DNA(), Answers: data.Answers{Tokens: 64}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range m.Params() { // weights as drawn are small: larger ones tell bases apart
		for i := range p.Value.F32 {
			p.Value.F32[i] *= 4
		}
	}
	return m
}

// made is a reference of 3,000 bases with a repeat at 501, N at 1,501 to 1,503, and a short contig.
func made(t testing.TB) (ref *fasta.Reference, bases string) {
	t.Helper()
	r := data.NewRandom(7, 0)
	b := make([]byte, 3000)
	for i := range b {
		b[i] = "ACGTacgt"[r.IntN(8)]
	}
	copy(b[499:], "TCACACACACACAG")
	copy(b[1500:], "NNN")
	path := filepath.Join(t.TempDir(), "ref.fa")
	if err := os.WriteFile(path, fmt.Appendf(nil, ">1\n%s\n>2\nACGTACGTAC\n", b), 0o600); err != nil {
		t.Fatal(err)
	}
	ref, err := fasta.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ref.Close() })
	return ref, strings.ToUpper(string(b))
}

func newScorer(t testing.TB, m *model.Model, ref *fasta.Reference, o Options, threads int) *Scorer {
	t.Helper()
	s, err := New(ref, m.NewSession(tensor.Exec{Threads: threads}), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const head = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=3000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"

// other is the base after b.
func other(b byte) string { return string("ACGT"[(strings.IndexByte("ACGT", b)+1)%4]) }

// someRows are SNVs, MNVs, indels and rows of several alleles, all over contig 1.
func someRows(bases string) (rows []string) {
	add := func(pos int, ref, alt string) {
		rows = append(rows, fmt.Sprintf("chr1\t%d\tid\t%s\t%s\t.\tPASS\tAC=1\n", pos, ref, alt))
	}
	for pos := 2; pos < 2990; pos += 127 {
		at := bases[pos-1 : pos+9]
		if strings.Contains(at, "N") {
			continue
		}
		add(pos, at[:1], other(at[0]))
		add(pos, at[:1], at[:1]+"GATTACA,"+other(at[0]))
		add(pos, at[:4], at[:1])
		add(pos, at[:2], other(at[0])+other(at[1]))
	}
	return rows
}

// scoreText scores rows, and returns the VCF without its header.
func scoreText(t testing.TB, s *Scorer, rows []string, region *genome.Region) []string {
	t.Helper()
	var out bytes.Buffer
	w := NewVCF(&out, s.Options())
	_, err := s.Rows(context.Background(), strings.NewReader(head+strings.Join(rows, "")), "in.vcf",
		RowOptions{Region: region, Header: w.Header, Row: w.Row})
	if err != nil {
		t.Fatal(err)
	}
	text := out.String()
	_, text, _ = strings.Cut(text, "#CHROM")
	lines := strings.SplitAfter(text, "\n")
	return lines[1 : len(lines)-1]
}

// naive scores one window after the other, by the whole windows.
func naive(t *testing.T, m *model.Model, bases string, v genome.Variant, window int) (llr [2]float64) {
	t.Helper()
	ref, alt := v.Ref, v.Alts[0]
	left, right := flanks(window, len(bases), v.Pos-1, len(ref), len(alt))
	before, behind := bases[v.Pos-1-left:v.Pos-1], bases[v.Pos-1+len(ref):v.Pos-1+len(ref)+right]
	for strand := range llr {
		for i, text := range []string{before + alt + behind, before + ref + behind} {
			if strand == 1 {
				text = string(complement(nil, []byte(text)))
			}
			s, err := m.Score(context.Background(), text, model.ScoreOptions{})
			if err != nil {
				t.Fatal(err)
			}
			llr[strand] += []float64{-s.Nats, s.Nats}[i]
		}
	}
	return llr
}

func TestBySequenceIsTheDifferenceOfWindows(t *testing.T) {
	m := tiny(t, model.LM)
	ref, bases := made(t)
	s := newScorer(t, m, ref, Options{By: BySequence, Window: 50}, 0)
	for _, v := range []genome.Variant{
		{Contig: "1", Pos: 700, Ref: bases[699:700], Alts: []string{other(bases[699])}},
		{Contig: "1", Pos: 2, Ref: bases[1:2], Alts: []string{other(bases[1])}},
		{Contig: "1", Pos: 2999, Ref: bases[2998:2999], Alts: []string{other(bases[2998])}},
		{Contig: "1", Pos: 900, Ref: bases[899:900], Alts: []string{bases[899:900] + "GATTACA"}},
		{Contig: "1", Pos: 900, Ref: bases[899:905], Alts: []string{bases[899:900]}},
		{Contig: "1", Pos: 900, Ref: bases[899:902], Alts: []string{other(bases[899]) + bases[900:901] + other(bases[901])}},
		{Contig: "1", Pos: 900, Ref: bases[899:902], Alts: []string{other(bases[899]) + other(bases[901])}},
	} {
		normal, err := genome.Normalize(ref, v)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := ref.Find("1")
		var got Score
		if err := s.Score(context.Background(), []Allele{{c, v, &got}}); err != nil || got.Skip != genome.Used {
			t.Fatal(v, got.Skip, err)
		}
		want := naive(t, m, bases, normal, 50)
		// Windows as far as the layers reach have other positions than whole ones, so their losses are rounded otherwise. A loss of 2 to 4 nats
		// in float32 has steps of 2.4e-7; the difference of two windows adds up to 2·57 of them, and 2·57·2.4e-7 is 2.7e-5.
		const tolerance = 2.7e-5
		if math.Abs(got.Forward-want[0]) > tolerance || math.Abs(got.Reverse-want[1]) > tolerance ||
			math.Abs(got.LLR-(want[0]+want[1])/2) > tolerance {
			t.Errorf("%v: found %+v, want %v", v, got, want)
		}
		if math.Abs(got.LLR) < 1e-3 || got.Flank == 0 || got.Bits <= 0 {
			t.Errorf("%v: %+v says nothing", v, got)
		}
	}
}

func TestBySiteIsTheDifferenceAtTheMask(t *testing.T) {
	m := tiny(t, model.MaskedLM)
	ref, bases := made(t)
	s := newScorer(t, m, ref, Options{}, 0) // the model's 64 bases
	c, _ := ref.Find("1")
	alt := other(bases[699])
	var got Score
	v := genome.Variant{Contig: "1", Pos: 700, Ref: bases[699:700], Alts: []string{alt}}
	if err := s.Score(context.Background(), []Allele{{c, v, &got}}); err != nil {
		t.Fatal(err)
	}
	text := bases[699-29:699] + "[MASK]" + bases[700:700+29] // what the layers reach, and a base
	filled, err := m.NewSession(tensor.Exec{}).Fill(context.Background(), []string{text}, model.FillOptions{Top: 5})
	if err != nil {
		t.Fatal(err)
	}
	p := map[string]float64{}
	for _, g := range filled[0].Masks[0].Guesses {
		p[g.Token] = g.Probability
	}
	want := math.Log(p[alt]) - math.Log(p[bases[699:700]])
	if math.Abs(got.Forward-want) > 1e-12 || got.Reverse == 0 || got.LLR != (got.Forward+got.Reverse)/2 || got.Flank != 0 || got.Bits <= 0 {
		t.Errorf("found %+v, want %g", got, want)
	}
}

// A SNV is scored at its site by default, by the probabilities of the two bases there. Other alleles are scored by sequence.
func TestAutoScoresSNVsBySite(t *testing.T) {
	m := tiny(t, model.LM)
	ref, bases := made(t)
	s, sequence := newScorer(t, m, ref, Options{}, 0), newScorer(t, m, ref, Options{By: BySequence}, 0)
	c, _ := ref.Find("1")
	r, alt := bases[699], other(bases[699])
	site := sitesOf(t, s, "1", dna.Span{Start: 699, End: 700})[0]
	i, j := strings.IndexByte("ACGT", r), strings.Index("ACGT", alt)
	forward, reverse := float64(site.Forward[j])-float64(site.Forward[i]), float64(site.Reverse[j])-float64(site.Reverse[i])
	want := Score{By: BySite, LLR: forward/2 + reverse/2, Forward: forward, Reverse: reverse,
		Bits: -(float64(site.Forward[i]) + float64(site.Reverse[i])) / 2 / math.Ln2}
	for _, v := range []genome.Variant{
		{Contig: "1", Pos: 700, Ref: string(r), Alts: []string{alt}},
		{Contig: "1", Pos: 699, Ref: bases[698:700], Alts: []string{bases[698:699] + alt}},
	} {
		var got Score
		if err := s.Score(context.Background(), []Allele{{c, v, &got}}); err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Bits-want.Bits) > 1e-12 {
			t.Errorf("%v: found %+v, want %+v", v, got, want)
		}
		if got.Bits = want.Bits; got != want {
			t.Errorf("%v: found %+v, want %+v", v, got, want)
		}
	}
	v := genome.Variant{Contig: "1", Pos: 700, Ref: string(r), Alts: []string{string(r) + "GATTACA"}}
	var got, other Score
	err := errors.Join(s.Score(context.Background(), []Allele{{c, v, &got}}), sequence.Score(context.Background(), []Allele{{c, v, &other}}))
	if err != nil || got != other || got.By != BySequence || got.Flank == 0 {
		t.Errorf("found %+v, want %+v, %v", got, other, err)
	}
}

// Windows that are cut to what the layers reach have the score of whole ones, but for the rounding of some hundred losses.
func TestWindowsReachAsFarAsTheLayers(t *testing.T) {
	m := tiny(t, model.LM)
	ref, bases := made(t)
	s := newScorer(t, m, ref, Options{By: BySequence, Window: 400}, 0)
	c, _ := ref.Find("1")
	for _, v := range []genome.Variant{
		{Contig: "1", Pos: 700, Ref: bases[699:700], Alts: []string{other(bases[699])}},
		{Contig: "1", Pos: 900, Ref: bases[899:900], Alts: []string{bases[899:900] + "GATTACA"}},
		{Contig: "1", Pos: 2990, Ref: bases[2989:2996], Alts: []string{bases[2989:2990]}},
	} {
		normal, err := genome.Normalize(ref, v)
		if err != nil {
			t.Fatal(err)
		}
		var got Score
		if err := s.Score(context.Background(), []Allele{{c, v, &got}}); err != nil || got.Skip != genome.Used {
			t.Fatal(v, got.Skip, err)
		}
		if want := naive(t, m, bases, normal, 400); math.Abs(got.Forward-want[0]) > 1e-3 || math.Abs(got.Reverse-want[1]) > 1e-3 {
			t.Errorf("%v: found %+v, want %v", v, got, want)
		}
		if allele := []byte(normal.Ref); s.reads(normal.Ref, normal.Alts[0]) != 2*29+len(allele)+len(normal.Alts[0]) {
			t.Errorf("%v: %d bases are read", v, s.reads(normal.Ref, normal.Alts[0]))
		}
	}
}

// A row has the same bytes whatever the batch, threads, order, region and part of the file.
func TestScoresDependOnTheVariantAlone(t *testing.T) {
	ref, bases := made(t)
	rows := someRows(bases)
	for _, h := range []string{model.LM, model.MaskedLM} {
		m := tiny(t, h)
		want := scoreText(t, newScorer(t, m, ref, Options{}, 1), rows, nil)
		if len(want) != len(rows) {
			t.Fatalf("%s: %d rows became %d", h, len(rows), len(want))
		}
		same := func(what string, got, want []string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s: scores differ", h, what)
			}
		}
		same("threads and batch", scoreText(t, newScorer(t, m, ref, Options{Batch: 1}, 3), rows, nil), want)
		half := len(rows)/2 + 1
		two := newScorer(t, m, ref, Options{Batch: 1000}, 2)
		same("two parts", append(scoreText(t, two, rows[:half], nil), scoreText(t, two, rows[half:], nil)...), want)
		backward := slices.Clone(rows)
		slices.Reverse(backward)
		got := scoreText(t, two, backward, nil)
		slices.Reverse(got)
		same("order", got, want)
		region, err := genome.ParseRegion(ref, "chr1:800-1400")
		if err != nil {
			t.Fatal(err)
		}
		part := scoreText(t, two, rows, &region)
		first := slices.Index(want, part[0])
		if len(part) < 12 || first < 0 {
			t.Fatalf("%s: %d rows of the region", h, len(part))
		}
		same("region", part, want[first:first+len(part)])
	}
}

// A score that goes on after a stop has the rows and the counts of one that was not stopped.
func TestRowsGoOn(t *testing.T) {
	ref, bases := made(t)
	row := fmt.Sprintf("chr1\t700\t.\t%s\t%s,*\t.\t.\t.\n", bases[699:700], other(bases[699]))
	file := head + strings.Repeat(row, 2*SaveRows+10) + "7\t5\t.\tA\tC\t.\t.\t.\n"
	s := newScorer(t, tiny(t, model.LM), ref, Options{}, 0)
	var saved []Report
	rows := 0
	o := RowOptions{Row: func(*vcf.Record, []Score) error { rows++; return nil }, Save: func(r *Report) error {
		copied := *r
		copied.Skipped = maps.Clone(r.Skipped)
		saved = append(saved, copied)
		return nil
	}}
	want, err := s.Rows(context.Background(), strings.NewReader(file), "in.vcf", o)
	if err != nil || len(saved) != 2 || rows != want.Rows {
		t.Fatal(len(saved), rows, err)
	}
	for _, o.From = range saved {
		rows, o.Save = 0, nil
		got, err := s.Rows(context.Background(), strings.NewReader(file), "in.vcf", o)
		if err != nil || !reflect.DeepEqual(got, want) || rows != want.Rows-o.From.Rows {
			t.Errorf("%d rows, %v, found %+v, want %+v", rows, err, got, want)
		}
	}
	_, err = s.Rows(context.Background(), strings.NewReader(head+row), "in.vcf", o)
	if err == nil || !strings.Contains(err.Error(), "found 2047 rows fewer than were done before the stop") {
		t.Errorf("found %v", err)
	}
}

// Rows that take long are saved more often, in places that do not depend on where a run was stopped.
func TestLongRowsAreSaved(t *testing.T) {
	defer func(old int) { saveBases = old }(saveBases)
	saveBases = 600
	ref, bases := made(t)
	file := head + strings.Join(someRows(bases), "")
	s := newScorer(t, tiny(t, model.LM), ref, Options{}, 0)
	places := func(from Report) (reports []Report) {
		o := RowOptions{From: from, Save: func(r *Report) error {
			copied := *r
			copied.Skipped = maps.Clone(r.Skipped)
			reports = append(reports, copied)
			return nil
		}}
		if _, err := s.Rows(context.Background(), strings.NewReader(file), "in.vcf", o); err != nil {
			t.Fatal(err)
		}
		return reports
	}
	all := places(Report{})
	if len(all) < 5 {
		t.Fatalf("saved %d times", len(all))
	}
	for i, from := range all {
		later := places(from)
		if len(later) != len(all)-i-1 {
			t.Fatalf("after %d rows: saved %d times, want %d", from.Rows, len(later), len(all)-i-1)
		}
		for j, r := range later {
			if r.Rows != all[i+1+j].Rows {
				t.Errorf("after %d rows: saved at %d, want %d", from.Rows, r.Rows, all[i+1+j].Rows)
			}
		}
	}
}

// The memory of a large row is not kept for the next one, and many alleles end a group.
func TestLargeRowsAreReleased(t *testing.T) {
	ref, bases := made(t)
	s := newScorer(t, tiny(t, model.LM), ref, Options{}, 0)
	row := fmt.Sprintf("chr1\t700\t.\t%s\t%s*\t.\t.\t.\n", bases[699:700], strings.Repeat(other(bases[699])+",", 40000))
	w := &rows[Score]{scorer: s.RowScorer(), placer: genome.NewPlacer(ref, &vcf.Header{}), Report: Report{Skipped: map[genome.Skip]int{}}}
	r, err := vcf.NewReader(strings.NewReader(head+strings.Repeat(row, 2)), "in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	w.held = make([]heldRow[Score], 2)
	for i, held := range []int{1, 0} {
		if err := errors.Join(r.Next(&w.held[w.n].rec), w.row(context.Background())); err != nil || w.n != held {
			t.Fatalf("row %d: %d rows are held, %v", i, w.n, err)
		}
	}
	for i, h := range w.held {
		if cap(h.scores) > 0 || cap(h.rec.Alts) > 0 {
			t.Errorf("row %d has the memory of %d scores and %d alleles", i, cap(h.scores), cap(h.rec.Alts))
		}
	}
}

// Alleles of one row have the scores that they have in rows of their own.
func TestAllelesAreScoredOneByOne(t *testing.T) {
	ref, bases := made(t)
	s := newScorer(t, tiny(t, model.LM), ref, Options{}, 0)
	c, _ := ref.Find("1")
	r := bases[699:700]
	var together [2]Score
	var alone [2]Score
	var all []Allele
	for i, alt := range []string{other(r[0]), r + "GG"} {
		v := genome.Variant{Contig: "1", Pos: 700, Ref: r, Alts: []string{alt}}
		all = append(all, Allele{c, v, &together[i]})
		if err := s.Score(context.Background(), []Allele{{c, v, &alone[i]}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Score(context.Background(), all); err != nil || together != alone {
		t.Errorf("found %v, want %v, %v", together, alone, err)
	}
}

// Every place of an indel in a repeat has one score, bit for bit.
func TestEquivalentPlacementsHaveOneScore(t *testing.T) {
	ref, _ := made(t)
	s := newScorer(t, tiny(t, model.LM), ref, Options{}, 0)
	c, _ := ref.Find("1")
	for _, group := range [][]genome.Variant{
		{{Contig: "1", Pos: 500, Ref: "T", Alts: []string{"TCA"}}, {Contig: "1", Pos: 502, Ref: "A", Alts: []string{"ACA"}},
			{Contig: "1", Pos: 501, Ref: "CACA", Alts: []string{"CACACA"}}, {Contig: "1", Pos: 512, Ref: "a", Alts: []string{"aca"}}},
		{{Contig: "1", Pos: 500, Ref: "TCA", Alts: []string{"T"}}, {Contig: "1", Pos: 508, Ref: "ACA", Alts: []string{"A"}},
			{Contig: "1", Pos: 503, Ref: "CAC", Alts: []string{"C"}}},
	} {
		scores := make([]Score, len(group))
		for i, v := range group {
			if err := s.Score(context.Background(), []Allele{{c, v, &scores[i]}}); err != nil || scores[i].Skip != genome.Used {
				t.Fatal(v, scores[i].Skip, err)
			}
			if scores[i] != scores[0] {
				t.Errorf("%v has %+v, %v has %+v", v, scores[i], group[0], scores[0])
			}
		}
	}
}

func TestSkips(t *testing.T) {
	ref, bases := made(t)
	row := func(chrom string, pos int, r, alt string) string {
		return fmt.Sprintf("%s\t%d\t.\t%s\t%s\t.\t.\t.\n", chrom, pos, r, alt)
	}
	b := bases[699:700]
	rows := []string{
		row("chr1", 700, b, "*,"+other(b[0])+",<DEL>"),
		row("7", 5, "A", "C"),
		row("chr1", 700, other(b[0]), b),
		row("chr1", 700, b, "."),
		row("chr1", 700, b, "N"),
		row("chr1", 1490, bases[1489:1490], other(bases[1489])), // within reach of N
		row("chr1", 700, b, b+strings.Repeat("GATC", 10)),
		row("chr1", 1, bases[:1], other(bases[0])),
		row("2", 10, "C", "G"),
		row("chr1", 0, "N", "A"),
		row("2", 9, "ACG", "A"),
		row("chr1", 700, b, b),
	}
	want := []string{"star,.,symbolic", "contig_unknown", "ref_mismatch", "no_alt", "ambiguous", "n_in_window", "too_long", "no_flank",
		"no_flank", "telomere", "beyond_contig", "same_as_ref"}
	s := newScorer(t, tiny(t, model.LM), ref, Options{By: BySequence}, 0)
	for i, got := range scoreText(t, s, rows, nil) {
		if !strings.HasSuffix(got, "LS_SKIP="+want[i]+"\n") {
			t.Errorf("found %q, want %s", got, want[i])
		}
		if scored := i == 0; scored != strings.Contains(got, "LS_LLR=") {
			t.Errorf("found %q", got)
		}
	}
	site := newScorer(t, tiny(t, model.LM), ref, Options{By: BySite}, 0)
	beside := []string{row("chr1", 1500, bases[1499:1500], other(bases[1499])), rows[5], rows[7], row("chr1", 700, b, b+"G"), rows[8]}
	for i, got := range scoreText(t, site, beside, nil) {
		want := []string{"LS_SKIP=n_in_window", "LS_BITS=", "LS_SKIP=no_flank", "LS_SKIP=not_snv", "LS_SKIP=no_flank"}[i]
		if !strings.Contains(got, want) || strings.Contains(got, "LS_FLANK") {
			t.Errorf("found %q, want %s", got, want)
		}
	}
	masked := newScorer(t, tiny(t, model.MaskedLM), ref, Options{}, 0)
	got := scoreText(t, masked, []string{row("chr1", 700, b, b+"G"), row("chr1", 1, bases[:1], other(bases[0]))}, nil)
	if !strings.Contains(got[0], "LS_SKIP=not_snv") || !strings.Contains(got[1], "LS_LLR=") {
		t.Errorf("found %q", got)
	}
	report, err := s.Rows(context.Background(), strings.NewReader(head+strings.Join(rows, "")), "in.vcf", RowOptions{})
	if err != nil || report.Rows != 12 || report.Alleles != 14 || report.Scored != 1 || report.Skipped["no_flank"] != 2 ||
		report.Ref.Mismatches != 1 || len(report.Examples) != 12 || report.Aliases["chr1"] != "1" {
		t.Errorf("%+v, %v", report, err)
	}
}

// An indel of a run behind a lone N moves to the N, which then is the base in front of it.
func TestIndelBehindUnknownBase(t *testing.T) {
	side := strings.Repeat("GATTACAGT", 5)
	text := ">1\n" + side + "NAAAA" + side + "\n"
	ref, err := fasta.OpenReader(strings.NewReader(text), int64(len(text)), "n.fa")
	if err != nil {
		t.Fatal(err)
	}
	s := newScorer(t, tiny(t, model.LM), ref, Options{}, 0)
	rows := []string{"1\t47\t.\tAA\tA\t.\t.\t.\n", "1\t49\t.\tA\tAA\t.\t.\t.\n"}
	for _, got := range scoreText(t, s, rows, nil) {
		if !strings.Contains(got, "LS_SKIP=n_in_window") {
			t.Errorf("found %q", got)
		}
	}
}

func TestFlanks(t *testing.T) {
	for _, c := range []struct{ window, contig, pos, ref, alt, left, right int }{
		{10, 100, 50, 1, 1, 4, 5}, {10, 100, 1, 1, 1, 1, 8}, {10, 100, 98, 1, 1, 8, 1}, {10, 100, 50, 1, 4, 3, 3}, {10, 5, 2, 1, 1, 2, 2},
		{10, 100, 0, 3, 1, 0, 7}, {10, 100, 97, 3, 1, 7, 0},
	} {
		if left, right := flanks(c.window, c.contig, c.pos, c.ref, c.alt); left != c.left || right != c.right {
			t.Errorf("%+v: found %d and %d", c, left, right)
		}
	}
}

func TestRefusals(t *testing.T) {
	lm, masked := tiny(t, model.LM), tiny(t, model.MaskedLM)
	with := func(c model.Config, o model.Options) *model.Model {
		m, err := model.New(c, o)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	small := model.Config{Kind: model.Decoder, Vocab: 300, Width: 8, Layers: 1, Heads: 1}
	words, unknown := small, small
	tagger := model.Config{Kind: model.Encoder, Head: model.Tag, Classes: 2, Vocab: 5, Width: 8, Layers: 1, Heads: 1}
	lengths := model.Config{Kind: model.Decoder, Vocab: 5, Width: 8, Layers: 1, Heads: 1, Position: "learned", MaxTokens: 16}
	counts := model.Config{Kind: model.Decoder, Vocab: 5, Width: 8, Layers: 1, Heads: 1, Prior: true}
	longer := model.Config{Kind: model.TransformerXL, Vocab: 5, Width: 8, Layers: 1, Heads: 1, Memory: 8}
	unknown.Vocab = 5
	for _, c := range []struct {
		m    *model.Model
		o    Options
		want string
	}{
		{with(tagger, model.Options{Tokenizer: tokenizer.DNA()}), Options{}, "found a model with the head tag, expected lm or mlm"},
		{with(longer, model.Options{Tokenizer: tokenizer.DNA()}), Options{By: BySite},
			"found the method site for a model of kind transformer-xl with the head lm, expected sequence"},
		{with(counts, model.Options{Tokenizer: tokenizer.DNA()}), Options{}, "found a model that corrects counts of its training data"},
		{masked, Options{By: BySequence}, "found the method sequence for a model of kind encoder with the head mlm, expected site"},
		{lm, Options{By: "bits"}, `found the method "bits", expected auto, site or sequence`},
		{lm, Options{Strand: "left"}, `found the strand "left", expected both, forward or reverse`},
		{lm, Options{Window: 2}, "found a window of 2 bases, expected at least 3"},
		{lm, Options{Window: 1 << 30}, "expected at most 16777216"},
		{lm, Options{Batch: -1}, "found a batch of -1 bases"},
		{lm, Options{Batch: math.MaxInt}, "expected 1 to 16777216"},
		{with(words, model.Options{}), Options{}, "found a model without a tokenizer"},
		{with(unknown, model.Options{Tokenizer: tokenizer.DNA()}), Options{}, "give a window, such as 4096"},
		{with(lengths, model.Options{Tokenizer: tokenizer.DNA()}), Options{Window: 17}, "found a window of 17 bases, expected at most 16"},
	} {
		if _, err := New(nil, c.m.NewSession(tensor.Exec{}), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %s", err, c.want)
		}
	}
}

// Files of another build end before the work, where the file can be read twice, and after it.
func TestAnotherBuild(t *testing.T) {
	ref, bases := made(t)
	var rows strings.Builder
	for i := range 20 {
		fmt.Fprintf(&rows, "chr1\t%d\t.\t%s\tA\t.\t.\t.\n", 701+i, other(bases[700+i]))
	}
	const want = "found 20 of 20 REF alleles that differ from the reference"
	if _, err := CheckRows(ref, strings.NewReader(head+rows.String()), "in.vcf", nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("found %v", err)
	}
	s := newScorer(t, tiny(t, model.LM), ref, Options{}, 0)
	if _, err := s.Rows(context.Background(), strings.NewReader(head+rows.String()), "in.vcf", RowOptions{}); err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("found %v", err)
	}
	n, err := CheckRows(ref, strings.NewReader(head+strings.Join(someRows(bases), "")), "in.vcf", nil)
	if err != nil || n != len(someRows(bases)) {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestStopped(t *testing.T) {
	ref, bases := made(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, h := range []string{model.LM, model.MaskedLM} {
		s := newScorer(t, tiny(t, h), ref, Options{}, 0)
		_, err := s.Rows(ctx, strings.NewReader(head+strings.Join(someRows(bases), "")), "in.vcf", RowOptions{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: found %v", h, err)
		}
	}
}

func TestFormats(t *testing.T) {
	scores := [][]Score{
		{{By: BySequence, LLR: -1.5, Forward: -1, Reverse: -2, Flank: 0.25, Bits: 2}, {Skip: "star"}, {By: BySite, LLR: -2}},
		{{Skip: "symbolic"}},
	}
	const file = "##fileformat=VCFv4.2\r\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\r\n" +
		"1\t5\trs1\tAC\tG,*,T\t.\t.\tAC=1\tGT\t0|1\r\n1\t9\t.\tA\t<DEL>\t.\t.\t.\tGT\t0|1\n"
	write := func(w Writer, out *bytes.Buffer) string {
		r, err := vcf.NewReader(strings.NewReader(file), "in.vcf")
		if err == nil {
			err = w.Header(r.Header())
		}
		for i := 0; i < 2 && err == nil; i++ {
			var rec vcf.Record
			if err = r.Next(&rec); err == nil {
				err = w.Row(&rec, scores[i])
			}
		}
		if err := errors.Join(err, w.Flush()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	both := Options{By: Auto, Strand: Both}
	var out bytes.Buffer
	got := write(NewVCF(&out, both, "##a=b"), &out)
	rows := "AC=1;LS_LLR=-1.5,.,-2;LS_LLR_F=-1,.,0;LS_LLR_R=-2,.,0;LS_FLANK=0.25,.,.;LS_BITS=2,.,0;LS_SKIP=.,star,.\tGT\t0|1\r\n" +
		"1\t9\t.\tA\t<DEL>\t.\t.\tLS_SKIP=symbolic\tGT\t0|1\n"
	if !strings.HasSuffix(got, rows) || strings.Count(got, "##INFO=<ID=LS_") != 6 || !strings.Contains(got, "##a=b\r\n") ||
		!strings.Contains(got, `##INFO=<ID=LS_LLR,Number=A,Type=Float,Description="log p(ALT) - log p(REF) of the site (SNV) `) {
		t.Errorf("found %s", got)
	}
	err := NewVCF(&out, both).Row(nextRow(t, got), scores[0])
	if err == nil || !strings.Contains(err.Error(), "the row has INFO LS_LLR already") {
		t.Errorf("found %v", err)
	}
	out.Reset()
	table := "chrom\tpos\tid\tref\talt\tllr\tbits\tskip\n" +
		"1\t5\trs1\tAC\tG\t-1.5\t2\t.\n1\t5\trs1\tAC\t*\t.\t.\tstar\n1\t5\trs1\tAC\tT\t-2\t0\t.\n" +
		"1\t9\t.\tA\t<DEL>\t.\t.\tsymbolic\n"
	if got := write(NewTSV(&out, Options{By: BySite, Strand: Forward}), &out); got != table {
		t.Errorf("found %s", got)
	}
	out.Reset()
	if got := write(NewBedGraph(&out), &out); got != "1\t4\t6\t-2\n" {
		t.Errorf("found %s", got)
	}
}

// nextRow is the first row of a VCF.
func nextRow(t *testing.T, file string) *vcf.Record {
	t.Helper()
	r, err := vcf.NewReader(strings.NewReader(file), "in.vcf")
	var rec vcf.Record
	if err == nil {
		err = r.Next(&rec)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &rec
}

func TestLengths(t *testing.T) {
	o, err := Options{Window: 16, Batch: 40}.For(tiny(t, model.LM))
	if err != nil || !reflect.DeepEqual(o.Lengths(tiny(t, model.LM)), []int{16, 16}) {
		t.Errorf("%+v, %v", o, err)
	}
}
