package splice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// place of the repeat of the made reference, in the first gene.
const repeatAt = 420

// reference is the made contig as a FASTA file with a repeat of CA, and its genes.
func reference(t testing.TB) (ref *fasta.Reference, bases string, x *Index) {
	t.Helper()
	s, transcripts := made(t, 4)
	letters := []byte(s.String(0, s.Len()))
	copy(letters[repeatAt:], "TCACACACACACG")
	path := filepath.Join(t.TempDir(), "ref.fa")
	if err := os.WriteFile(path, fmt.Appendf(nil, ">chr1\n%s\n>chr2\nACGTACGTAC\n", letters), 0o600); err != nil {
		t.Fatal(err)
	}
	ref, err := fasta.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ref.Close(); err != nil {
			t.Error(err)
		}
	})
	// A second gene on the other strand of the first, and one on a contig that is not there.
	transcripts = append(transcripts, annotation.Transcript{Gene: "anti|sense", Contig: "1", Reverse: true,
		Span: dna.Span{Start: 150, End: 650}, Exons: exons(150, 300, 500, 650)},
		annotation.Transcript{Gene: "far", Contig: "9", Span: dna.Span{Start: 0, End: 5}, Exons: exons(0, 5)})
	set, err := annotation.NewSet(transcripts)
	if err != nil {
		t.Fatal(err)
	}
	if x, err = NewIndex(ref, set); err != nil {
		t.Fatal(err)
	}
	return ref, string(letters), x
}

// sharp is a tiny model whose probabilities change much from base to base.
func sharp(t testing.TB, threads int) *model.Session {
	t.Helper()
	m := tiny(t, model.Config{}).Model()
	for _, p := range m.Params() {
		for i := range p.Value.F32 {
			p.Value.F32[i] *= 4
		}
	}
	return m.NewSession(tensor.Exec{Threads: threads})
}

func newScorer(t testing.TB, ref *fasta.Reference, x *Index, session *model.Session, o Options) *Scorer {
	t.Helper()
	s, err := New(ref, x, session, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func other(letter byte) string { return string("ACGT"[(strings.IndexByte("ACGT", letter)+1)%4]) }

// scoreOne scores a variant on chr1.
func scoreOne(t testing.TB, s *Scorer, pos int, ref, alt string) Score {
	t.Helper()
	c, err := s.ref.Find("1")
	if err != nil {
		t.Fatal(err)
	}
	var got Score
	v := genome.Variant{Contig: c.Name, Pos: pos, Ref: ref, Alts: []string{alt}}
	if err := s.Score(context.Background(), []Allele{{Contig: c, Variant: v, Score: &got}}); err != nil {
		t.Fatal(err)
	}
	return got
}

// naive is the sites of a whole contig by one window.
func naive(t testing.TB, session *model.Session, letters string, strand dna.Strand) [][2]float32 {
	t.Helper()
	if strand == dna.Reverse {
		letters = reversed(t, letters)
	}
	s := sequenceOf(t, letters)
	w := window{tokens: make([]int32, len(letters))}
	s.Tokens(w.tokens, 0, dna.Forward)
	rows, err := session.Predict(&data.Batch{Tokens: w.tokens, Lengths: []int{len(letters)}}, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.take(func(i int) (Probabilities, error) {
		p, _ := softmax(rows.Row(i))
		return p, nil
	}, strand); err != nil {
		t.Fatal(err)
	}
	return w.sites
}

// Deltas are those of whole contigs with REF and with ALT.
func TestDeltasAreTheDifferencesOfContigs(t *testing.T) {
	ref, bases, x := reference(t)
	session := sharp(t, 0)
	s := newScorer(t, ref, x, session, Options{Distance: 30})
	changed := 0
	refs := map[dna.Strand][][2]float32{dna.Forward: naive(t, session, bases, dna.Forward), dna.Reverse: naive(t, session, bases, dna.Reverse)}
	for _, v := range []struct {
		pos      int
		ref, alt string
	}{
		{300, bases[299:300], other(bases[299])},
		{1300, bases[1299:1300], other(bases[1299])},
		{455, bases[454:455], bases[454:455] + "AGGTAAG"},
		{1455, bases[1454:1462], bases[1454:1455]},
		{660, bases[659:702], bases[659:660]}, // longer than the distance
		{700, bases[699:702], other(bases[699]) + bases[700:701] + other(bases[701])},
		{700, bases[699:702], other(bases[699]) + other(bases[701])},
		{201, bases[200:201], other(bases[200])},
	} {
		got := scoreOne(t, s, v.pos, v.ref, v.alt)
		genes, _ := x.At("chr1", v.pos-1)
		if got.Skip != genome.Used || len(got.Deltas) != len(genes) || len(genes) == 0 {
			t.Fatalf("%+v: found %+v in %d genes", v, got, len(genes))
		}
		at := v.pos - 1
		letters := bases[:at] + v.alt + bases[at+len(v.ref):]
		for i, g := range genes {
			c := change{at, len(v.ref), len(v.alt)}
			want := c.compare(g, 0, refs[g.Strand], naive(t, session, letters, g.Strand), max(0, at-30), at+31, at)
			for j, w := range want.changes() {
				if found := got.Deltas[i].changes()[j]; math.Abs(found.Score-w.Score) > 1e-4 || found.At != w.At && w.Score > 1e-3 {
					t.Errorf("%+v in %s: change %d is %+v, want %+v", v, g.Name, j, found, w)
				}
			}
			if got.Deltas[i].Largest() > 0 {
				changed++
			}
		}
	}
	if changed < 6 {
		t.Errorf("%d deltas are above 0, want most", changed)
	}
}

// The bases of REF and ALT belong together as in SpliceAI 1.3.1, which scores alleles of which one has one base.
func TestAlternateFollowsTheReference(t *testing.T) {
	p := func(values ...float32) (all [][2]float32) {
		for _, v := range values {
			all = append(all, [2]float32{v, -v})
		}
		return all
	}
	for name, c := range map[string]struct {
		change change
		alt    [][2]float32
		want   []float32
	}{
		"SNV":               {change{2, 1, 1}, p(1, 2, 3, 4, 5), []float32{1, 2, 3, 4, 5}},
		"deletion":          {change{1, 3, 1}, p(1, 2, 5), []float32{1, 2, 0, 0, 5}},
		"insertion":         {change{1, 1, 3}, p(1, 2, 9, 4, 5, 6, 7), []float32{1, 9, 5, 6, 7}},
		"MNV":               {change{1, 2, 2}, p(1, 2, 3, 4, 5), []float32{1, 2, 3, 4, 5}},
		"complex, shorter":  {change{1, 3, 2}, p(1, 2, 3, 5), []float32{1, 2, 3, 0, 5}},
		"complex, longer":   {change{1, 2, 4}, p(1, 2, 3, 8, 4, 5, 6), []float32{1, 2, 8, 5, 6}},
		"at the first base": {change{0, 2, 1}, p(1, 3, 4, 5), []float32{1, 0, 3, 4, 5}},
	} {
		var got []float32
		for i := range c.want {
			got = append(got, c.change.alternate(c.alt, i)[0])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: found %v, want %v", name, got, c.want)
		}
	}
	if got := (change{1, 1, 3}).alternate(p(1, 2, 9, 4), 1); got[1] != -2 {
		t.Errorf("the donor is %g, want its own largest, -2", got[1])
	}
}

func TestMaskLeavesWhatTheAnnotationDoesNotSay(t *testing.T) {
	g := &Gene{Span: dna.Span{Start: 100, End: 200}, Strand: dna.Reverse, Donors: []int{9}, Acceptors: []int{29}}
	full := Delta{AcceptorGain: Change{1, 0}, AcceptorLoss: Change{1, 0}, DonorGain: Change{1, -20}, DonorLoss: Change{1, 20}}
	d := full
	d.mask(g, 170) // the acceptor is at 170, the donor at 190
	want := Delta{AcceptorGain: Change{0, 0}, AcceptorLoss: Change{1, 0}, DonorGain: Change{1, -20}, DonorLoss: Change{1, 20}}
	if d != want {
		t.Errorf("found %+v", d)
	}
	d = full
	d.mask(g, 175)
	if d.AcceptorLoss.Score != 0 || d.DonorLoss.Score != 0 || d.AcceptorGain.Score != 1 || d.DonorGain.Score != 1 {
		t.Errorf("found %+v", d)
	}
}

const head = "##fileformat=VCFv4.2\n##contig=<ID=1,length=3400>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"

// someRows are SNVs, indels and rows of several alleles, in and between genes.
func someRows(bases string) (rows []string) {
	for pos := 205; pos < 1800; pos += 97 {
		b := bases[pos-1 : pos+9]
		for _, alleles := range []string{b[:1] + "\t" + other(b[0]), b[:4] + "\t" + b[:1], b[:1] + "\t" + b[:1] + "GATTACA," + other(b[0])} {
			rows = append(rows, fmt.Sprintf("1\t%d\t.\t%s\t.\tPASS\tAC=1\n", pos, alleles))
		}
	}
	return rows
}

// scoreText is the rows with their scores.
func scoreText(t testing.TB, s *Scorer, rows []string, region *genome.Region) []string {
	t.Helper()
	var out bytes.Buffer
	w := NewVCF(&out, Field)
	_, err := s.RowScorer().Rows(context.Background(), strings.NewReader(head+strings.Join(rows, "")), "in.vcf",
		score.RowOptionsOf[Score]{Region: region, Header: w.Header, Row: w.Row})
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(out.String(), "#CHROM")
	lines := strings.SplitAfter(text, "\n")
	return lines[1 : len(lines)-1]
}

// A row has the same bytes whatever the batch, threads, order, region and part of the file.
func TestScoresDependOnTheVariantAlone(t *testing.T) {
	ref, bases, x := reference(t)
	rows := someRows(bases)
	want := scoreText(t, newScorer(t, ref, x, sharp(t, 1), Options{}), rows, nil)
	if scored := strings.Count(strings.Join(want, ""), Field+"="); len(want) != len(rows) || scored < len(rows)/2 || scored == len(rows) {
		t.Fatalf("%d of %d rows, %d scored", len(want), len(rows), scored)
	}
	same := func(what string, got, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	other := newScorer(t, ref, x, sharp(t, 3), Options{Batch: 1})
	same("threads and batch", scoreText(t, other, rows, nil), want)
	half := len(rows)/2 + 1
	same("two parts", append(scoreText(t, other, rows[:half], nil), scoreText(t, other, rows[half:], nil)...), want)
	backward := slices.Clone(rows)
	slices.Reverse(backward)
	got := scoreText(t, other, backward, nil)
	slices.Reverse(got)
	same("order", got, want)
	region, err := genome.ParseRegion(ref, "1:600-900")
	if err != nil {
		t.Fatal(err)
	}
	part := scoreText(t, other, rows, &region)
	first := slices.Index(want, part[0])
	if first < 0 || len(part) < 6 {
		t.Fatalf("%d rows of the region", len(part))
	}
	same("region", part, want[first:first+len(part)])
}

// All ways to write an indel of a repeat have one score, and one place on the contig.
func TestEquivalentPlacementsHaveOneScore(t *testing.T) {
	ref, _, x := reference(t)
	s := newScorer(t, ref, x, sharp(t, 0), Options{})
	first := scoreOne(t, s, repeatAt+1, "TCA", "T")
	if first.Deltas[0].Largest() == 0 {
		t.Error("the deletion changes nothing")
	}
	again := scoreOne(t, s, repeatAt+5, "ACA", "A")
	for i, d := range first.Deltas {
		for j, c := range d.changes() {
			if found := again.Deltas[i].changes()[j]; found.Score != c.Score || c.Score > 0 && found.At+4 != c.At {
				t.Errorf("found %+v at the left and %+v four bases behind", c, found)
			}
		}
	}
}

func TestSkips(t *testing.T) {
	ref, bases, x := reference(t)
	row := func(chrom string, pos int, alleles string) string {
		return fmt.Sprintf("%s\t%d\t.\t%s\t.\t.\t.\n", chrom, pos, alleles)
	}
	b := bases[299:300]
	rows := []string{
		row("1", 300, b+"\t*,"+other(b[0])+",<DEL>"),
		row("chr1", 100, bases[99:100]+"\t"+other(bases[99])),
		row("2", 3, "G\tC"),
		row("7", 3, "G\tC"),
		row("1", 300, other(b[0])+"\t"+b),
		row("1", 300, bases[299:402]+"\t"+b),
		row("1", 300, b+"\t"+b+strings.Repeat("ACGT", 1025)),
		row("1", 300, b+"\t."),
	}
	want := []string{"star,.,symbolic", "no_gene", "contig_without_genes", "contig_unknown", "ref_mismatch", "too_long", "too_long", "no_alt"}
	s := newScorer(t, ref, x, sharp(t, 0), Options{})
	for i, got := range scoreText(t, s, rows, nil) {
		if !strings.HasSuffix(got, FieldSkip+"="+want[i]+"\n") || (i == 0) != strings.Contains(got, Field+"=") {
			t.Errorf("found %q, want %s", got, want[i])
		}
	}
	if x.Skipped["9"] != 1 || x.Genes != 5 {
		t.Errorf("found %+v", x)
	}
}

func TestAnotherAssembly(t *testing.T) {
	ref, _, _ := reference(t)
	set, err := annotation.NewSet([]annotation.Transcript{{Gene: "g", ID: "t", Contig: "2", Span: dna.Span{Start: 5, End: 50},
		Exons: exons(5, 50)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewIndex(ref, set); err == nil || !strings.Contains(err.Error(), "expected an annotation of the same assembly") {
		t.Errorf("found %v", err)
	}
}

func TestStopped(t *testing.T) {
	ref, bases, x := reference(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	text := head + strings.Join(someRows(bases), "")
	s := newScorer(t, ref, x, sharp(t, 0), Options{}).RowScorer()
	_, err := s.Rows(ctx, strings.NewReader(text), "in.vcf", score.RowOptionsOf[Score]{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("found %v", err)
	}
}
