package genome

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

func TestEColiIsExact(t *testing.T) {
	s := EColi()
	if s.Len() != 4639675 || s.Unknown(0, s.Len()) != 0 {
		t.Fatalf("the genome has %d bases and %d N, want 4639675 and none", s.Len(), s.Unknown(0, s.Len()))
	}
	// The sum of the bases as upper-case letters without line ends. The same comes from NC_000913.gbk.gz of
	// Debian's cct-examples and from MG1655-K12.fasta.gz of ragout-examples.
	const want = "b1d61ce0fac63311a301966a65d052c8061b6747afc537f879192027f14308f1"
	sum := sha256.Sum256([]byte(s.String(0, s.Len())))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the sha256 of its letters is %s, want %s", got, want)
	}
}

func TestEColiGenes(t *testing.T) {
	genes := EColiGenes()
	if len(genes) != 4411 {
		t.Fatalf("found %d rows, want 4411", len(genes))
	}
	want := Gene{336, 2799, false, "thrA", "b0002", "CDS",
		"bifunctional: aspartokinase I (N-terminal); homoserine dehydrogenase I (C-terminal)"}
	if diff := cmp.Diff(want, genes[1]); diff != "" {
		t.Errorf("the second gene (-want +got):\n%s", diff)
	}
	// A gene that makes a protein begins with a start codon, on its own strand: this ties table, strands and
	// sequence together.
	s, starts, proteins := EColi(), 0, 0
	for _, g := range genes {
		if g.Kind != "CDS" {
			continue
		}
		tokens := make([]int32, g.End-g.Start)
		s.Tokens(tokens, g.Start, dna.Strand(g.Reverse))
		proteins++
		if tokens[1] == int32(dna.T) && tokens[2] == int32(dna.G) { // ATG, GTG, TTG or CTG
			starts++
		}
	}
	if proteins != 4243 || starts < 4230 {
		t.Errorf("%d of %d rows of proteins begin with a start codon, want nearly all of 4243", starts, proteins)
	}
}

func TestReadGenesNamesWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"1\t2\t+\ta\tb\tCDS\n":                              "line 1: found 6 columns",
		"x\t2\t+\ta\tb\tCDS\t\n":                            `start "x"`,
		"1\ty\t+\ta\tb\tCDS\t\n":                            `end "y"`,
		"1\t2\t*\ta\tb\tCDS\t\n":                            `strand is "*"`,
		"1\t99\t+\ta\tb\tCDS\t\n":                           "at most 50",
		"5\t9\t+\ta\tb\tCDS\t\n1\t3\t+" + "\ta\tb\tCDS\t\n": "line 2",
	} {
		if _, err := ReadGenes(strings.NewReader(text), "t.tsv", 50); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want an error that says %q", text, err, want)
		}
	}
}

func TestSplit(t *testing.T) {
	want := Split{dna.Span{Start: 0, End: 3943725}, dna.Span{Start: 3943725, End: 4175708}, dna.Span{Start: 4175708, End: 4639675}}
	if got := SplitOf(EColiLen); got != want {
		t.Errorf("the split is %v, want %v", got, want)
	}
}

// example is 3 contigs of 5, 1 and 250 bases between gaps, with a single N in the last.
func example() *dna.Sequence {
	r := data.NewRandom(7, 0)
	s := &dna.Sequence{Name: "example"}
	unknown := make([]dna.Base, 150)
	for i := range unknown {
		unknown[i] = dna.N
	}
	for _, n := range []int{5, 1, 250} {
		bases := make([]dna.Base, n)
		for i := range bases {
			bases[i] = dna.Base(r.IntN(4))
		}
		if n == 250 {
			bases[100] = dna.N
		}
		s.Append(bases)
		s.Append(unknown)
	}
	return s
}

func TestWindowsCoverContigs(t *testing.T) {
	s := example()
	w, err := NewWindows([]*dna.Sequence{s}, WindowConfig{Tokens: 64})
	if err != nil {
		t.Fatal(err)
	}
	var spans []dna.Span
	for i := range w.Len() {
		_, span, reverse := w.Place(0, i)
		if reverse {
			t.Errorf("window %d is reversed, and was not asked to be", i)
		}
		spans = append(spans, span)
	}
	want := []dna.Span{{Start: 0, End: 5}, {Start: 306, End: 370}, {Start: 370, End: 434}, {Start: 434, End: 498}, {Start: 492, End: 556}}
	if diff := cmp.Diff(want, spans); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
}

func TestWindowsPredictTheNextBase(t *testing.T) {
	s := example()
	w, err := NewWindows([]*dna.Sequence{s, EColi()}, WindowConfig{Tokens: 64, BothStrands: true, Move: true, Seed: 3,
		Regions: []dna.Span{{Start: 0, End: s.Len()}, {Start: 1000, End: 4000}}})
	if err != nil {
		t.Fatal(err)
	}
	var b data.Batch
	forward, starts := 0, map[int]bool{}
	for epoch := range 20 {
		for i := range w.Len() {
			b.Reset()
			if err := w.Append(&b, epoch, i); err != nil {
				t.Fatal(err)
			}
			if err := b.Check(w.Vocab()); err != nil {
				t.Fatal(err)
			}
			from, span, strand := w.Place(epoch, i)
			want := make([]int32, span.Len())
			from.Tokens(want, span.Start, strand)
			if diff := cmp.Diff(want, b.Tokens); diff != "" {
				t.Fatalf("window %d (-want +got):\n%s", i, diff)
			}
			for j, target := range b.Targets {
				if j+1 < len(want) && want[j+1] < 4 && target != want[j+1] || (j+1 == len(want) || want[j+1] == 4) && target != data.Ignore {
					t.Fatalf("window %d: token %d has the target %d", i, j, target)
				}
			}
			starts[span.Start] = true
			if strand == dna.Forward {
				forward++
			}
		}
	}
	if total := 20 * w.Len(); forward < total*2/5 || forward > total*3/5 {
		t.Errorf("%d of %d windows are from the given strand, want about half", forward, total)
	}
	if len(starts) < 10*w.Len() {
		t.Errorf("20 epochs begin their %d windows at %d places only; they should move", w.Len(), len(starts))
	}
}

func TestEvaluationScoresEveryBaseOnce(t *testing.T) {
	s := example()
	for _, c := range []EvaluationConfig{
		{Tokens: 64, Regions: []dna.Span{dna.Span{Start: 0, End: s.Len()}}},
		{Tokens: 64, Stride: 64, Regions: []dna.Span{dna.Span{Start: 310, End: 555}}},
		{Tokens: 1, Regions: []dna.Span{dna.Span{Start: 300, End: 420}}},
		{Tokens: 7, Stride: 3, Regions: []dna.Span{dna.Span{Start: 0, End: 6}}},
		{Tokens: 5000, Stride: 10, Regions: []dna.Span{dna.Span{Start: 400, End: 500}}},
	} {
		e, err := NewEvaluation([]*dna.Sequence{s}, c)
		if err != nil {
			t.Fatal(err)
		}
		scored := make([]int, s.Len())
		var b data.Batch
		for i := range e.Len() {
			b.Reset()
			if err := e.Append(&b, 0, i); err != nil {
				t.Fatal(err)
			}
			if err := b.Check(e.Vocab()); err != nil {
				t.Fatal(err)
			}
			_, _, fed := e.Place(i)
			if len(b.Tokens) > c.Tokens {
				t.Fatalf("%+v: window %d feeds %d bases", c, i, len(b.Tokens))
			}
			base := make([]int32, fed.Len()+1)
			s.Tokens(base, fed.Start, dna.Forward)
			for j, target := range b.Targets {
				if target == data.Ignore {
					continue
				}
				if target != base[j+1] || b.Tokens[j] != base[j] {
					t.Fatalf("%+v: window %d predicts %d at its base %d, want %d", c, i, target, j, base[j+1])
				}
				if scored[fed.Start+j+1]++; fed.Start > 0 && j+1 < c.Tokens-e.config.Stride {
					t.Fatalf("%+v: base %d is predicted from %d bases", c, fed.Start+j+1, j+1)
				}
			}
		}
		for i, n := range scored {
			want := 0
			if i >= max(1, c.Regions[0].Start) && i < c.Regions[0].End && s.Unknown(i, i+1) == 0 {
				want = 1
			}
			if n != want {
				t.Fatalf("%+v: base %d is scored %d times, want %d", c, i, n, want)
			}
		}
	}
}

// Windows of several sequences come one after the other; regions without a base to score have none.
func TestEvaluationOfSequences(t *testing.T) {
	a, b := randomSequence(50, 1), randomSequence(40, 2)
	e, err := NewEvaluation([]*dna.Sequence{a, b, a, b}, EvaluationConfig{Tokens: 8, Stride: 8,
		Regions: []dna.Span{{Start: 30, End: 50}, {Start: 0, End: 1}, {Start: 5, End: 5}, {Start: 30, End: 40}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range e.Len() {
		s, scored, fed := e.Place(i)
		got = append(got, fmt.Sprint(s == a, scored, fed))
	}
	want := []string{"true {30 38} {29 37}", "true {38 46} {37 45}", "true {46 50} {41 49}", "false {30 38} {29 37}", "false {38 40} {31 39}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
}

func TestDigest(t *testing.T) {
	a, b := randomSequence(50, 1), randomSequence(40, 2)
	both := randomSequence(50, 1)
	rest := make([]dna.Base, 40)
	b.Bases(rest, 0)
	both.Append(rest)
	unknown := randomSequence(49, 1)
	unknown.Append([]dna.Base{dna.N})
	adenine := randomSequence(49, 1)
	adenine.Append([]dna.Base{dna.A})
	genes := []*Annotation{NewAnnotation([]Gene{{Start: 1, End: 5, Kind: "CDS"}})}
	digests := map[string]string{}
	for name, digest := range map[string]string{
		"a": Digest([]*dna.Sequence{a}, nil), "b": Digest([]*dna.Sequence{b}, nil), "a, b": Digest([]*dna.Sequence{a, b}, nil),
		"b, a": Digest([]*dna.Sequence{b, a}, nil), "joined": Digest([]*dna.Sequence{both}, nil), "N": Digest([]*dna.Sequence{unknown}, nil),
		"A": Digest([]*dna.Sequence{adenine}, nil), "genes": Digest([]*dna.Sequence{a}, genes),
		"other genes": Digest([]*dna.Sequence{a}, []*Annotation{NewAnnotation([]Gene{{Start: 1, End: 5, Kind: "CDS", Reverse: true}})}),
	} {
		if other, ok := digests[digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		digests[digest] = name
	}
	lower := &dna.Sequence{Name: "other"}
	lower.Append([]dna.Base{dna.A | dna.SoftMask, dna.C})
	upper := &dna.Sequence{Name: "name"}
	upper.Append([]dna.Base{dna.A, dna.C})
	if Digest([]*dna.Sequence{lower}, nil) != Digest([]*dna.Sequence{upper}, nil) {
		t.Error("names or case change the digest")
	}
}

func TestConfigsAreChecked(t *testing.T) {
	s := example()
	all := []*dna.Sequence{s}
	for want, c := range map[string]WindowConfig{
		"at least 2": {Tokens: 1}, "2 regions for 1": {Tokens: 9, Regions: make([]dna.Span, 2)},
		"not within":   {Tokens: 9, Regions: []dna.Span{{Start: 0, End: 1 << 20}}},
		"no two bases": {Tokens: 9, Regions: []dna.Span{{Start: 20, End: 40}}},
	} {
		if _, err := NewWindows(all, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v, want an error that says %q", c, err, want)
		}
	}
	for want, c := range map[string]EvaluationConfig{
		"scored ≤ window":  {Tokens: 4, Stride: 5, Regions: []dna.Span{dna.Span{Start: 0, End: 9}}},
		"no base to score": {Tokens: 4, Regions: []dna.Span{dna.Span{Start: 3, End: 3}}},
		"not within":       {Tokens: 4, Regions: []dna.Span{dna.Span{Start: -1, End: 3}}},
	} {
		if _, err := NewEvaluation(all, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v, want an error that says %q", c, err, want)
		}
	}
}

func TestLoaderOverWindowsResumes(t *testing.T) {
	newLoader := func() *data.Loader {
		s := EColi()
		w, err := NewWindows([]*dna.Sequence{s}, WindowConfig{Tokens: 1 << 17, BothStrands: true, Move: true, Seed: 1,
			Regions: []dna.Span{{Start: 0, End: 1 << 20}}})
		if err != nil {
			t.Fatal(err)
		}
		l, err := data.NewLoader(w, data.LoaderConfig{Batch: 3, Shuffle: true, Seed: 9, Epochs: 2})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	whole, b := newLoader(), data.Batch{}
	var sums []string
	var states [][]byte
	for {
		states = append(states, whole.State())
		err := whole.Next(&b)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		sums = append(sums, digest(&b))
	}
	if len(sums) != 6 { // 2 epochs of 8 windows in threes
		t.Fatalf("two epochs are %d batches, want 6", len(sums))
	}
	for at, state := range states[:len(sums)] {
		l := newLoader()
		if err := l.Restore(state); err != nil {
			t.Fatal(err)
		}
		if err := l.Next(&b); err != nil || digest(&b) != sums[at] {
			t.Errorf("resumed at batch %d, the next batch differs (%v)", at, err)
		}
	}
}

func digest(b *data.Batch) string {
	sum := sha256.Sum256(fmt.Append(nil, b.Tokens, b.Lengths, b.Targets, b.Labels, b.Follows))
	return hex.EncodeToString(sum[:])
}

func ExampleNewEvaluation() {
	s := EColi()
	test := SplitOf(s.Len()).Test
	e, err := NewEvaluation([]*dna.Sequence{s}, EvaluationConfig{Tokens: 131072, Regions: []dna.Span{test}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(test.Len(), "bases scored by", e.Len(), "windows")
	// Output: 463967 bases scored by 8 windows
}

// FuzzReadGenes checks that no table makes the reader panic, and that an accepted table can be written and read again.
func FuzzReadGenes(f *testing.F) {
	f.Add("1\t2\t+\ta\tb\tCDS\tsomething\n")
	f.Fuzz(func(t *testing.T, text string) {
		genes, err := ReadGenes(strings.NewReader(text), "fuzz.tsv", 1000)
		if err != nil {
			return
		}
		var table strings.Builder
		if err := WriteGenes(&table, genes); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadGenes(strings.NewReader(table.String()), "again", 1000); err != nil || len(again) != len(genes) {
			t.Fatalf("%d genes, written and read again %d, %v", len(genes), len(again), err)
		}
	})
}
