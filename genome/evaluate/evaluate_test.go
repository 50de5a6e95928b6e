package evaluate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/bed"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	ecoli "github.com/longspan/longspan/data/genome"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/score"
	"github.com/longspan/longspan/internal/random"
)

// made is a reference of 200,000 bases of E. coli, with SNVs that are made: transitions of CpG are ten times as frequent as other
// substitutions, and places that hidden tells of are three times as frequent as others. People have an SNV more often there too.
type made struct {
	ref   *fasta.Reference
	bases []dna.Base
	vcf   string
}

const madeLength = 200_000

// hidden is what no baseline can know of a place.
func hidden(pos int) bool { return random.Mix(uint64(pos))%2 == 0 }

const madeHead = "##fileformat=VCFv4.2\n##contig=<ID=1>\n" +
	"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc\td\te\tf\tg\th\ti\tj\tk\tl\n"

func newMade(t testing.TB) *made {
	t.Helper()
	s := ecoli.EColi()
	m := &made{bases: make([]dna.Base, madeLength)}
	s.Bases(m.bases, 1_000_000)
	letters := s.String(1_000_000, 1_000_000+madeLength)
	var err error
	m.ref, err = fasta.OpenReader(strings.NewReader(">1\n"+letters+"\n"), madeLength+4, "made.fa")
	if err != nil {
		t.Fatal(err)
	}
	r := random.NewSplitMix(1)
	var b strings.Builder
	b.WriteString(madeHead)
	for pos := 1; pos < madeLength-1; pos++ {
		ref := m.bases[pos]
		alt := (ref + dna.Base(1+r.Below(3))) & 3
		rate := 6
		if ref == dna.C && m.bases[pos+1] == dna.G && alt == dna.T || ref == dna.G && m.bases[pos-1] == dna.C && alt == dna.A {
			rate = 60
		}
		if hidden(pos) {
			rate *= 3
		}
		if r.Below(1000) >= rate {
			continue
		}
		carriers := 1 // of twelve people
		if r.Below(2) == 0 {
			carriers = 3
		}
		fmt.Fprintf(&b, "1\t%d\t.\t%c\t%c\t.\t.\tAC=%d;AN=24\tGT", pos+1, ref.Letter(), alt.Letter(), carriers)
		for i := range 12 {
			b.WriteString("\t0|" + string('0'+rune(max(0, min(1, carriers-i)))))
		}
		b.WriteString("\n")
	}
	m.vcf = b.String()
	return m
}

// oracle is a model that knows hidden places: SNVs are likelier there.
type oracle struct{ bases []dna.Base }

func (o oracle) Sites(ctx context.Context, _ string, span dna.Span, use func(score.Site) error) error {
	for pos := span.Start; pos < span.End; pos++ {
		p := [4]float32{}
		for b := range p {
			p[b] = float32(math.Log(0.05))
			if hidden(pos) {
				p[b] = float32(math.Log(0.2))
			}
		}
		p[o.bases[pos]] = float32(math.Log(0.85))
		if hidden(pos) {
			p[o.bases[pos]] = float32(math.Log(0.4))
		}
		if err := use(score.Site{Pos: pos, Ref: o.bases[pos].Letter(), Forward: p, Reverse: p}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m *made) region(t testing.TB, text string) genome.Region {
	t.Helper()
	r, err := genome.ParseRegion(m.ref, text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (m *made) options(t testing.TB) Options {
	return Options{Region: m.region(t, "1:100001-200000"), Fit: m.region(t, "1:1-100000"), Block: 10_000, Resamples: 100, Seed: 1}
}

func (m *made) panel(t testing.TB, counting Counting) *Panel {
	t.Helper()
	o := m.options(t)
	p, err := ReadPanel(m.ref, []Source{{"made.vcf", strings.NewReader(m.vcf)}}, counting, o.Region, o.Fit)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// of finds a score.
func of(t *testing.T, e *Evaluation, contrast, name string) AUROC {
	t.Helper()
	for _, s := range e.Scores {
		if s.Contrast == contrast && s.Score == name {
			return s
		}
	}
	t.Fatalf("no %s of %s in %+v", name, contrast, e.Scores)
	return AUROC{}
}

func TestWhatIsMadeIsFound(t *testing.T) {
	m := newMade(t)
	e, err := Run(t.Context(), m.ref, m.panel(t, ""), oracle{m.bases}, m.options(t))
	if err != nil {
		t.Fatal(err)
	}
	rule, three := of(t, e, AgainstRandom, nameRule), of(t, e, AgainstRandom, rateNames[3])
	if rule.Value < 0.6 || three.Value < rule.Value-0.01 {
		t.Errorf("against random: the rule has %.3f, 3-mers %.3f", rule.Value, three.Value)
	}
	for _, name := range []string{nameRule, rateNames[3]} { // matching leaves nothing of them
		if got := of(t, e, AgainstMatched, name); got.Value != 0.5 || got.Low != 0.5 || got.High != 0.5 {
			t.Errorf("matched: %s has %+v", name, got)
		}
	}
	// Three of four SNVs are at hidden places, and half of the others: P = 3/4·1/2 + (3/4·1/2 + 1/4·1/2)/2.
	if got := of(t, e, AgainstMatched, nameModel); math.Abs(got.Value-0.625) > 0.03 || got.Low < 0.57 {
		t.Errorf("matched: the model has %+v, want 0.625", got)
	}
	with, without := of(t, e, AgainstRandom, nameHead), of(t, e, AgainstRandom, nameWithout)
	if with.Value < without.Value+0.03 || without.Value < rule.Value-0.02 {
		t.Errorf("heads: %.3f with the model, %.3f without, the rule %.3f", with.Value, without.Value, rule.Value)
	}
	if c := of(t, e, CommonSingle, nameModel); c.Low > 0.5 || c.High < 0.5 { // carriers were drawn without a look at the place
		t.Errorf("common: %+v", c)
	}
	if b := e.Bits[0]; len(e.Bits) != 1 || math.Abs(b.Region-(-math.Log2(0.85)-math.Log2(0.4))/2) > 0.01 {
		t.Errorf("bits %+v", e.Bits)
	}
	n := 0
	for _, c := range e.Spectrum {
		n += c.SNVs
	}
	seen := 0
	for _, k := range e.Density.Seen {
		seen += k
	}
	if n != e.Tested.SNVs || seen != n || len(e.Spectrum) != 96 || len(e.Density.Seen) != 20 {
		t.Errorf("%d SNVs of %d classes, %d of %d windows; %+v", n, len(e.Spectrum), seen, len(e.Density.Seen), e.Tested)
	}
}

// Equal input gives equal bits, also by AC and AN, and by rows in another order.
func TestSameBits(t *testing.T) {
	m := newMade(t)
	run := func(counting Counting) string {
		p := m.panel(t, counting)
		p.Counting = ""
		e, err := Run(t.Context(), m.ref, p, nil, m.options(t))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(e.Report)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first := run(ByGenotypes)
	rows := strings.SplitAfter(strings.TrimPrefix(m.vcf, madeHead), "\n")
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i]
	}
	m.vcf = madeHead + strings.Join(rows, "")
	if again := run(ByInfo); again != first {
		t.Errorf("other bits:\n%s\n%s", first, again)
	}
}

// Annotation, Markov models and splice deltas.
func TestPlacesAndMarkov(t *testing.T) {
	m := newMade(t)
	o := m.options(t)
	o.Markov = 3
	o.Region, o.Fit = m.region(t, "1:150001-200000"), m.region(t, "1:100001-150000")
	o.Block, o.HeldOut = 5000, []genome.Region{m.region(t, "1:90001-100000")}
	span := dna.Span{Start: 150_000, End: 153_000}
	var err error
	if o.Genes, err = annotation.NewSet([]annotation.Transcript{{Gene: "g", Contig: "chr1", Span: span, Exons: []dna.Span{span},
		CDS: []dna.Span{{Start: 150_300, End: 152_700}}}}); err != nil {
		t.Fatal(err)
	}
	island, err := bed.Read(strings.NewReader("1\t152000\t160000\n"), "a.bed")
	if err != nil {
		t.Fatal(err)
	}
	o.Places = []Named{{"island", island}}
	e, err := Run(t.Context(), m.ref, m.panel(t, ""), nil, o)
	if err != nil {
		t.Fatal(err)
	}
	bases := map[string]int{inCDS: 2400, inUTR: 600, inExon: 0, inIntron: 0, "island": 8000, inOther: 40_000}
	for _, p := range e.Places {
		if p.Bases != bases[p.Place] || p.Bases > 5000 && math.Abs(p.Expected/float64(p.SNVs)-1) > 0.3 {
			t.Errorf("%+v, want %d bases", p, bases[p.Place])
		}
	}
	coding := 0
	for _, c := range e.Coding {
		coding += c.SNVs
	}
	if len(e.Places) != 6 || coding != e.Places[0].SNVs {
		t.Errorf("%d coding SNVs, places %+v", coding, e.Places)
	}
	if len(e.Bits) != 2 || e.Bits[0].Of != "Markov, order 3 alone" || e.Bits[1].Region > 2 || e.Bits[1].Region < 1.9 {
		t.Errorf("bits %+v", e.Bits)
	}
	if s := of(t, e, AgainstMatched, nameSequence); s.Value < 0.4 || s.Value > 0.6 {
		t.Errorf("%+v", s)
	}
	err = e.AddSplice(func(s Substitution) (float64, bool, error) { return 0.6, s.Pos < 190_000, nil })
	all := e.Splice[6]
	if err != nil || len(e.Splice) != 9 || e.Splice[0].Ratio.Value != 1 || e.Splice[2].Ratio != nil || all.Observed != all.SNVs {
		t.Errorf("splice %v, %v", e.Splice, err)
	}
	if got := len(e.SpliceSites()); got != 2*e.Tested.SNVs {
		t.Errorf("%d sites of %d SNVs", got, e.Tested.SNVs)
	}
}

func TestRefusals(t *testing.T) {
	m := newMade(t)
	p := m.panel(t, "")
	change := func(f func(*Options)) Options {
		o := m.options(t)
		f(&o)
		return o
	}
	few := *p
	few.SNVs = p.SNVs[:150]
	for _, c := range []struct {
		panel *Panel
		o     Options
		want  string
	}{
		{p, change(func(o *Options) { o.Fit = m.region(t, "1:1-100001") }), "which overlap"},
		{p, change(func(o *Options) { o.Block = 25_000 }), "found blocks of 25000 bases in regions of 100000 and 100000, expected 5 blocks"},
		{p, change(func(o *Options) { o.Markov = 99 }), "expected 1 to 18, or 0 for none"},
		{p, change(func(o *Options) { o.Resamples = 7 }), "found 7 resamples"},
		{&few, m.options(t), "found 0 SNVs of the panel in 1:100001-200000, expected at least 100"},
		{p, change(func(o *Options) { o.Markov, o.Resamples = 2, 100 }), "outside of what is held out"},
	} {
		if _, err := Run(t.Context(), m.ref, c.panel, nil, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Run(ctx, m.ref, p, nil, m.options(t)); err != context.Canceled {
		t.Errorf("after a stop: %v", err)
	}
	nan := brokenReader{}
	_, err := Run(t.Context(), m.ref, p, nan, m.options(t))
	if err == nil || !strings.Contains(err.Error(), "the model has no probabilities at 1:") {
		t.Errorf("a model without numbers: %v", err)
	}
}

// brokenReader says nothing.
type brokenReader struct{}

func (brokenReader) Sites(_ context.Context, _ string, span dna.Span, use func(score.Site) error) error {
	return use(score.Site{Pos: span.Start, Ref: 'A'})
}
