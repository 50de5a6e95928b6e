package score

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// sitesOf are the sites of a span.
func sitesOf(t testing.TB, s *Scorer, contig string, span dna.Span) (all []Site) {
	t.Helper()
	err := s.Sites(context.Background(), contig, span, func(site Site) error {
		all = append(all, site)
		return nil
	})
	if err != nil || len(all) != span.Len() {
		t.Fatal(len(all), err)
	}
	return all
}

// logOf is log p of a base behind others, by a score of the text.
func logOf(t *testing.T, m *model.Model, before string, base byte) float32 {
	t.Helper()
	all, err := m.Score(context.Background(), before+string(base), model.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(before) == 1 {
		return float32(-all.Nats)
	}
	part, err := m.Score(context.Background(), before, model.ScoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return float32(part.Nats - all.Nats)
}

// A site has the log-probabilities of the four bases behind the bases before it, on each strand, whatever chunk it is in.
func TestSitesAreThePredictionsOfWhatIsBefore(t *testing.T) {
	m := tiny(t, model.LM)
	ref, bases := made(t)
	s := newScorer(t, m, ref, Options{Window: 100}, 0)
	if s.grid != (grid{chunk: 71, context: 29}) {
		t.Fatalf("found %+v", s.grid)
	}
	all := sitesOf(t, s, "chr1", dna.Span{Start: 0, End: 3000})
	for _, pos := range []int{1, 2, 70, 71, 142, 700, 1499, 1505, 2998, 2981} {
		var want [2]logs
		before := bases[max(0, pos-29):pos]
		before = before[strings.LastIndexByte(before, 'N')+1:]
		behind := bases[pos+1 : min(3000, pos+30)]
		if i := strings.IndexByte(behind, 'N'); i >= 0 {
			behind = behind[:i]
		}
		for i, c := range []byte("ACGT") {
			want[0][i], want[1][i] = unknown[0], unknown[0]
			if before != "" {
				want[0][i] = logOf(t, m, before, c)
			}
			if behind != "" {
				want[1][i] = logOf(t, m, string(complement(nil, []byte(behind))), "TGCA"[i])
			}
		}
		for i := range 4 {
			got := all[pos]
			if !near(got.Forward[i], want[0][i]) || !near(got.Reverse[i], want[1][i]) || got.Ref != bases[pos] || got.Pos != pos {
				t.Errorf("base %d, %c: found %+v, want %v", pos, "ACGT"[i], got, want)
			}
		}
	}
	for _, pos := range []int{0, 1503} {
		if !isUnknown(all[pos].Forward) || isUnknown(all[pos].Reverse) {
			t.Errorf("base %d: found %+v, want no forward strand", pos, all[pos])
		}
	}
	for _, pos := range []int{2999, 1499} {
		if isUnknown(all[pos].Forward) || !isUnknown(all[pos].Reverse) {
			t.Errorf("base %d: found %+v, want no reverse strand", pos, all[pos])
		}
	}
	if n := all[1501]; n.Ref != 'N' || !isUnknown(n.Forward) || !isUnknown(n.Reverse) {
		t.Errorf("N: found %+v", n)
	}
}

func near(got, want float32) bool {
	return math.Abs(float64(got-want)) < 2e-5 || got != got && want != want
}

func isUnknown(l logs) bool { return l[0] != l[0] && l[1] != l[1] && l[2] != l[2] && l[3] != l[3] }

// A site has the same bits in any span, after any other, at any batch and number of threads.
func TestSitesDependOnThePlaceAlone(t *testing.T) {
	ref, _ := made(t)
	for _, m := range []*model.Model{tiny(t, model.LM), shaped(t)} {
		want := sitesOf(t, newScorer(t, m, ref, Options{Window: 700}, 1), "1", dna.Span{Start: 0, End: 3000})
		for _, o := range []Options{{Window: 700, Batch: 1}, {Window: 700, Batch: 5000}} {
			s := newScorer(t, m, ref, o, 2)
			for _, span := range []dna.Span{{Start: 2900, End: 3000}, {Start: 17, End: 18}, {Start: 1490, End: 1600}, {}, {End: 1}} {
				if got := sitesOf(t, s, "1", span); !slices.EqualFunc(got, want[span.Start:span.End], sameSite) {
					t.Errorf("%+v: %v differs", o, span)
				}
			}
		}
	}
}

func sameSite(a, b Site) bool {
	same := a.Pos == b.Pos && a.Ref == b.Ref
	for i := range 4 {
		same = same && math.Float32bits(a.Forward[i]) == math.Float32bits(b.Forward[i])
		same = same && math.Float32bits(a.Reverse[i]) == math.Float32bits(b.Reverse[i])
	}
	return same
}

func TestGrids(t *testing.T) {
	bounded := tiny(t, model.LM)
	full, err := model.New(model.Config{Kind: model.Decoder, Vocab: 5, Width: 16, Layers: 1, Heads: 2}, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m      *model.Model
		window int
		want   grid
	}{
		{bounded, 16384, grid{chunk: 4096, context: 29}}, {bounded, 64, grid{chunk: 35, context: 29}},
		{bounded, 40, grid{chunk: 20, context: 20}}, {bounded, 3, grid{chunk: 2, context: 1}},
		{full, 16384, grid{chunk: 8192, context: 8192}}, {full, 5000, grid{chunk: 2500, context: 2500}},
	} {
		if got := newGrid(c.m, c.window); got != c.want {
			t.Errorf("%d: found %+v, want %+v", c.window, got, c.want)
		}
	}
}

// The cache keeps the chunks that were used last.
func TestCache(t *testing.T) {
	var c cache
	key := func(n int) chunkKey { return chunkKey{"1", n} }
	for n := range 3 {
		c.put(&chunk{key: key(n)}, 3)
	}
	c.get(key(0))
	c.put(&chunk{key: key(3)}, 3)
	for n, want := range []bool{true, false, true, true} {
		if got := c.get(key(n)) != nil; got != want {
			t.Errorf("chunk %d is kept: %v", n, got)
		}
	}
}

func TestSitesRefuses(t *testing.T) {
	ref, _ := made(t)
	s := newScorer(t, tiny(t, model.LM), ref, Options{Strand: Forward}, 0)
	none := func(Site) error { return nil }
	for _, c := range []struct {
		s      *Scorer
		contig string
		span   dna.Span
		want   string
	}{
		{newScorer(t, tiny(t, model.MaskedLM), ref, Options{}, 0), "1", dna.Span{}, "found a model that reads a window for each site"},
		{s, "7", dna.Span{}, `no contig "7"`},
		{s, "1", dna.Span{Start: 2, End: 3001}, "found the bases 2 to 3001 of contig 1, expected a part of 0 to 3000"},
	} {
		if err := c.s.Sites(context.Background(), c.contig, c.span, none); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, want %s", err, c.want)
		}
	}
	if site := sitesOf(t, s, "1", dna.Span{Start: 5, End: 6})[0]; isUnknown(site.Forward) || !isUnknown(site.Reverse) {
		t.Errorf("found %+v, want the forward strand alone", site)
	}
}

// shaped is a model of the shape of examples/ecoli.yaml, in bf16.
func shaped(b testing.TB) *model.Model {
	b.Helper()
	m, err := model.New(model.Config{Kind: model.Decoder, Vocab: 5, Width: 128, Layers: 4, Heads: 4, Norm: "rms", Activation: "swiglu",
		Hidden: 256, Attention: []string{"window(4)", "window(64)", "window(16)", "window(512)"}, RotaryBase: 1000, Precision: "bf16"},
		model.Options{Tokenizer: tokenizer.DNA(), Answers: data.Answers{Tokens: 16384}})
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// BenchmarkSites reads 32,768 bases on both strands.
func BenchmarkSites(b *testing.B) {
	const n = 32768
	text := strings.Repeat("ACGTTGCATTAGCCAA", n/16)
	ref, err := fasta.OpenReader(strings.NewReader(">1\n"+text+"\n"), n+4, "made.fa")
	if err != nil {
		b.Fatal(err)
	}
	session := shaped(b).NewSession(tensor.Exec{Pool: tensor.NewPool()})
	for b.Loop() {
		s, err := New(ref, session, Options{})
		if err == nil {
			err = s.Sites(context.Background(), "1", dna.Span{End: n}, func(Site) error { return nil })
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "bases/s")
}
