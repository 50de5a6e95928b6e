package evaluate

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/coding"
	"github.com/longspan/longspan/genome/evaluate/stats"
	"github.com/longspan/longspan/internal/random"
)

func text(t testing.TB, letters string) *fasta.Reference {
	t.Helper()
	fa := ">1\n" + letters + "\n"
	ref, err := fasta.OpenReader(strings.NewReader(fa), int64(len(fa)), "ref.fa")
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

const panelHead = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"

func TestReadPanel(t *testing.T) {
	ref := text(t, strings.Repeat("ACGT", 25))
	region, err := genome.ParseRegion(ref, "1:1-50")
	if err != nil {
		t.Fatal(err)
	}
	one := panelHead + "\tFORMAT\ta\tb\n" +
		"chr1\t5\t.\tA\tC,G\t.\t.\t.\tGT\t0|1\t2|2\n" +
		"chr1\t5\t.\tA\tC\t.\t.\t.\tGT\t1|1\t1|1\n" + // again
		"chr1\t6\t.\tC\tT\t.\t.\t.\tGT\t0|0\t0|0\n" + // unseen
		"chr1\t7\t.\tGT\tGA\t.\t.\t.\tGT\t0|1\t.|.\n" + // 8 T>A
		"chr1\t9\t.\tA\tAC,*,<DEL>\t.\t.\t.\tGT\t0|1\t0|2\n" +
		"chr1\t9\t.\tA\tN\t.\t.\t.\tGT\t0|1\t0|0\n" +
		"chr1\t60\t.\tT\tA\t.\t.\t.\tGT\t0|1\t0|0\n" +
		"2\t60\t.\tT\tA\t.\t.\t.\tGT\t0|1\t0|0\n"
	two := panelHead + "\tFORMAT\tc\n1\t8\t.\tT\tA\t.\t.\t.\tGT\t1|1\n"
	p, err := ReadPanel(ref, []Source{{"one", strings.NewReader(one)}, {"two", strings.NewReader(two)}}, "", region)
	if err != nil {
		t.Fatal(err)
	}
	want := "[{{4 0 1} 1 4} {{4 0 2} 2 4} {{7 3 0} 3 4}]"
	if got := fmt.Sprint(p.SNVs); got != want {
		t.Errorf("SNVs %s, want %s", got, want)
	}
	counts := fmt.Sprint(p.Samples, p.Alleles, p.Rows, p.NotSNV, p.Unseen, p.Repeated, p.Skipped, len(p.Notes))
	if counts != "3 4 7 3 1 1 1 2" {
		t.Errorf("%+v", p)
	}
	for info, want := range map[string]string{"AC=1,9;AN=40": "[{{4 0 1} 1 40} {{4 0 2} 9 40}]", ".": "[{{4 0 1} 0 0} {{4 0 2} 0 0}]"} {
		file := panelHead + "\n1\t5\t.\tA\tC,G\t.\t.\t" + info + "\n"
		p, err := ReadPanel(ref, []Source{{"info", strings.NewReader(file)}}, "", region)
		if err != nil || fmt.Sprint(p.SNVs) != want || p.Counting != ByInfo {
			t.Errorf("%s: %+v, %v", info, p, err)
		}
	}
	for info, want := range map[string]string{"AC=1;AN=40": "expected a number for each of 2", "AC=1,x;AN=2": "numbers from 0 to AN",
		"AC=1,3;AN=2": "numbers from 0 to AN", "AC=1,2;AN=x": "expected a number for each"} {
		file := panelHead + "\n1\t5\t.\tA\tC,G\t.\t.\t" + info + "\n"
		_, err := ReadPanel(ref, []Source{{"info", strings.NewReader(file)}}, "", region)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", info, err, want)
		}
	}
	if _, err := ReadPanel(ref, []Source{{"x", strings.NewReader(panelHead + "\n")}}, ByGenotypes, region); err == nil ||
		!strings.Contains(err.Error(), "x has no samples") {
		t.Error(err)
	}
	if _, err := ReadPanel(ref, nil, "", region); err == nil {
		t.Error("no VCF was taken")
	}
	if _, err := ReadPanel(ref, []Source{{"x", nil}}, "AF", region); err == nil || !strings.Contains(err.Error(), `found the counting "AF"`) {
		t.Error(err)
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		s              SNV
		single, common bool
	}{
		{SNV{Count: 1, Total: 20}, true, false}, {SNV{Count: 1, Total: 21}, true, false}, {SNV{Count: 2, Total: 40}, false, true},
		{SNV{Count: 2, Total: 41}, false, false}, {SNV{}, false, false},
	} {
		if c.s.Singleton() != c.single || c.s.Common() != c.common {
			t.Errorf("%+v: singleton %v, common %v", c.s, c.s.Singleton(), c.s.Common())
		}
	}
}

// A k-mer and its other strand are folded to one.
func TestFolded(t *testing.T) {
	r := random.NewSplitMix(3)
	for range 200 {
		k := 1 + 2*r.Below(4)
		letters := make([]dna.Base, k)
		for i := range letters {
			letters[i] = dna.Base(r.Below(4))
		}
		code := func() (c int) {
			for _, b := range letters {
				c = c<<2 | int(b)
			}
			return c
		}
		alt := dna.Base(r.Below(4))
		one, altOne := folded(code(), k, alt)
		dna.ReverseComplement(letters)
		other, altOther := folded(code(), k, alt.Complement())
		if middle := dna.Base(one >> (2 * (k / 2)) & 3); one != other || altOne != altOther || middle != dna.C && middle != dna.T {
			t.Fatalf("%v: %d %d and %d %d", letters, one, altOne, other, altOther)
		}
	}
}

// Without a prior a rate is SNVs over places; a 7-mer that was never seen has the rate of its middle.
func TestRates(t *testing.T) {
	all := newTally()
	seven := func(letters string) (code int) {
		bases, _ := dna.ParseString(letters)
		for _, b := range bases {
			code = code<<2 | int(b)
		}
		return code
	}
	a, b := seven("AAACGAA"), seven("GGACGGG") // the middle three are equal
	all.places[a], all.places[b] = 100, 300
	all.snvs[4*a+int(dna.T)] = 40
	r := newRates(all, 1e-9)
	for code, want := range map[int]float64{a: 0.4, b: 0, seven("TTACGTT"): 0.1} {
		if got := r.by[7][4*code+int(dna.T)]; math.Abs(got-want) > 1e-6 {
			t.Errorf("%d has the rate %g, want %g", code, got, want)
		}
	}
	if got := r.by[1][4*int(dna.C)+int(dna.T)]; math.Abs(got-0.1) > 1e-9 {
		t.Errorf("C>T has the rate %g", got)
	}
	r = newRates(all, 100) // half-way between its own and that of its middle
	lower := r.by[5][4*(a>>2&0x3ff)+int(dna.T)]
	if got := r.by[7][4*a+int(dna.T)]; math.Abs(got-(40+100*lower)/200) > 1e-12 {
		t.Errorf("drawn to its middle: %g of %g", got, lower)
	}
	_, without := fitRates([]*tally{all, newTally()})
	if len(without) != 2 || without[0].by[7][4*a+int(dna.T)] > 0.01 || without[1].by[7][4*a+int(dna.T)] < 0.1 {
		t.Error("the rates without a fold have the fold")
	}
}

// The scores of the Markov model are differences of log-probabilities of whole windows.
func TestMarkovScores(t *testing.T) {
	m := newMade(t)
	s, err := contig(m.ref, m.region(t, "1").Contig)
	if err != nil {
		t.Fatal(err)
	}
	spans := outside(m.region(t, "1").Contig, []genome.Region{m.region(t, "1:50001-60000"), m.region(t, "1:55001-70000")})
	if fmt.Sprint(spans) != "[{0 50000} {70000 200000}]" {
		t.Fatal(spans)
	}
	c := countSites(s, spans)
	total := 0
	for _, n := range c {
		total += int(n)
	}
	if want := 2 * (50_000 + 130_000 - 2*siteOrder); total != want {
		t.Errorf("counted %d, want %d", total, want)
	}
	chart, err := newChart(m.ref, m.region(t, "1:50001-60000"))
	if err != nil {
		t.Fatal(err)
	}
	log := func(bases []dna.Base) (sum float64) {
		for i := siteOrder; i < len(bases); i++ {
			sum += c.log(bases[i-siteOrder : i+1])
		}
		return sum
	}
	for pos := 50_100; pos < 50_120; pos++ {
		ref := m.bases[pos]
		alt := (ref + 1) & 3
		window := append([]dna.Base(nil), m.bases[pos-50:pos+51]...)
		want := -log(window)
		window[50] = alt
		want += log(window)
		dna.ReverseComplement(window)
		want += log(window)
		window[50] = ref.Complement()
		want -= log(window)
		if _, got := c.scores(chart, Substitution{pos, ref, alt}); math.Abs(got-want) > 1e-9 {
			t.Errorf("%d: %g, want %g", pos, got, want)
		}
	}
}

// Consequences are those of the proteins, on both strands and over an intron.
func TestConsequences(t *testing.T) {
	bases, _ := dna.ParseString("ATGTGGTAA") // M W stop
	f := frame{annotation.Transcript{CDS: []dna.Span{{Start: 10, End: 15}, {Start: 20, End: 24}}}, bases}
	for _, c := range []struct {
		pos      int
		ref, alt dna.Base
		want     coding.Consequence
	}{
		{10, dna.A, dna.G, coding.StartLost}, {12, dna.G, dna.A, coding.StartLost}, {13, dna.T, dna.A, coding.Missense},
		{14, dna.G, dna.A, coding.StopGained},
		{15, dna.A, dna.C, coding.None}, {20, dna.G, dna.A, coding.StopGained}, {20, dna.G, dna.T, coding.Missense},
		{21, dna.T, dna.C, coding.StopLost},
		{23, dna.A, dna.G, coding.Synonymous}, {24, dna.A, dna.G, coding.None},
	} {
		if got := f.of(Substitution{c.pos, c.ref, c.alt}); got != c.want {
			t.Errorf("%d %v>%v is %v, want %v", c.pos, c.ref, c.alt, got, c.want)
		}
		// The same gene on the other strand of a contig of 40 bases.
		g := frame{annotation.Transcript{Reverse: true, CDS: []dna.Span{{Start: 16, End: 20}, {Start: 25, End: 30}}}, bases}
		if got := g.of(Substitution{39 - c.pos, c.ref.Complement(), c.alt.Complement()}); got != c.want {
			t.Errorf("reverse: %d is %v, want %v", c.pos, got, c.want)
		}
	}
}

// The sums of surroundings are those of counting.
func TestSurroundings(t *testing.T) {
	m := newMade(t)
	c, err := newChart(m.ref, m.region(t, "1:100001-101000"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSurroundings(c, nil)
	got := s.of(100_500)
	cpg, cs, gs := 0.0, 0.0, 0.0
	for pos := 100_400; pos < 100_600; pos++ {
		if b := m.bases[pos]; b == dna.C {
			cs++
			if m.bases[pos+1] == dna.G {
				cpg++
			}
		} else if b == dna.G {
			gs++
		}
	}
	gc := (cs + gs) / 200
	if want := (cpg + 0.5) * 200 / (cs*gs + 100); math.Abs(got[0]-gc) > 1e-12 || math.Abs(got[1]-want) > 1e-12 || len(got) != 6 {
		t.Errorf("%v, want %g and %g", got, gc, want)
	}
	if edge, err := newChart(m.ref, m.region(t, "1:1-1000")); err != nil || edge.known(5) || !edge.known(10) {
		t.Errorf("the contig's beginning: %v", err)
	}
}

func TestSpliceRow(t *testing.T) {
	resamples, err := stats.NewResamples(5, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	sums := make([][4]float64, 5)
	for i := range sums {
		sums[i] = [4]float64{100, 2, 200, 8}
	}
	row := spliceRow("common", 0.5, sums, resamples)
	if row.SNVs != 500 || row.Observed != 10 || row.Expected != 20 || *row.Ratio != (stats.Interval{Value: 0.5, Low: 0.5, High: 0.5}) {
		t.Errorf("%+v", row)
	}
	if got := row.String(); got != "common SNVs at 0.5: 10 of 500, expected 20.0" {
		t.Error(got)
	}
}

// An SNV of a panel is one of the reference's bases, in the region, with no more alternate alleles than alleles.
func FuzzReadPanel(f *testing.F) {
	const letters = "ACGTNRACGTACGTACGTACGT"
	f.Add(panelHead + "\n1\t5\t.\tN\tC,G\t.\t.\tAC=1,9;AN=40\n1\t7\t.\tACG\tATG\t.\t.\tAC=2;AN=4\n")
	f.Add(panelHead + "\tFORMAT\ta\tb\n1\t8\t.\tC\tA,*\t.\t.\t.\tGT\t0|1\t2|.\n1\t6\t.\tA\tC\t.\t.\t.\tGT\t1|1\t.\n")
	f.Fuzz(func(t *testing.T, file string) {
		ref := text(t, letters)
		region, err := genome.ParseRegion(ref, "1")
		if err != nil {
			t.Fatal(err)
		}
		for _, counting := range []Counting{"", ByInfo, ByGenotypes} {
			p, err := ReadPanel(ref, []Source{{"a", strings.NewReader(file)}, {"b", strings.NewReader(file)}}, counting, region)
			if err != nil {
				continue
			}
			for _, s := range p.SNVs {
				if s.Ref == s.Alt || max(s.Ref, s.Alt) > dna.T || s.Count > s.Total || s.Pos < 0 || s.Pos >= len(letters) ||
					letters[s.Pos] != s.Ref.Letter() && letters[s.Pos] != 'R' {
					t.Errorf("%+v", s)
				}
			}
		}
	})
}
