package genome

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// randomSequence has no 16 bases twice, for as many bases as tests use.
func randomSequence(n int, seed uint64) *dna.Sequence {
	s := &dna.Sequence{Name: "random"}
	r := data.NewRandom(seed, 0)
	for range n {
		s.Append([]dna.Base{dna.Base(r.IntN(4))})
	}
	return s
}

func lettersOf(tokens []int32) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte(dna.Base(t).Letter())
	}
	return b.String()
}

// runs reads batches and joins the windows of each lane that follow each other: the bases of each run with the one after them.
func runs(t *testing.T, l *Lanes, lanes, batches int) (all []string) {
	t.Helper()
	open := make([]string, lanes)
	var b data.Batch
	for range batches {
		if err := l.Next(&b); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(dna.Vocab); err != nil || b.Sequences() != lanes {
			t.Fatalf("a batch of %d sequences: %v", b.Sequences(), err)
		}
		for i := range lanes {
			tokens, targets := b.Sequence(i)
			if !slices.Equal(tokens[1:], targets[:len(targets)-1]) {
				t.Fatalf("bases %v have the targets %v", tokens, targets)
			}
			switch b.Follows[i] {
			case i:
				if last := open[i][len(open[i])-1:]; last != lettersOf(tokens[:1]) {
					t.Fatalf("lane %d goes on with %s behind the target %s", i, lettersOf(tokens[:1]), last)
				}
				open[i] += lettersOf(targets)
			case -1:
				if open[i] != "" {
					all = append(all, open[i])
				}
				open[i] = lettersOf(tokens[:1]) + lettersOf(targets)
			default:
				t.Fatalf("lane %d follows %d", i, b.Follows[i])
			}
		}
	}
	return all
}

// Windows join to stretches without a gap and without a base twice, on both strands.
func TestLanesReadOn(t *testing.T) {
	const n, stretch, lanes = 3000, 101, 3
	s := randomSequence(n, 5)
	forward := s.String(100, 2900)
	reversed := make([]int32, 2800)
	s.Tokens(reversed, 100, true)
	for _, tokens := range []int{1, 10, 17, 100} {
		l, err := NewLanes([]*dna.Sequence{s}, LaneConfig{Tokens: tokens, Stretch: stretch, Lanes: lanes, BothStrands: true, Seed: 3,
			Regions: []dna.Span{{Start: 100, End: 2900}}})
		if err != nil {
			t.Fatal(err)
		}
		strands, whole := [2]int{}, 0
		for i, run := range runs(t, l, lanes, 28/lanes*((100+tokens-1)/tokens)) {
			strand := 0
			if !strings.Contains(forward, run) {
				strand = 1
				if !strings.Contains(lettersOf(reversed), run) {
					t.Fatalf("windows of %d: run %d, of %d bases, is not a part of either strand: %s", tokens, i, len(run), run)
				}
			}
			strands[strand]++
			if len(run) == stretch {
				whole++
			}
		}
		if strands[0] < 5 || strands[1] < 5 || whole < sum(strands)-lanes {
			t.Errorf("windows of %d: %v runs on the strands, %d of them whole", tokens, strands, whole)
		}
	}
}

func TestAnEpochHasEachStretchOnce(t *testing.T) {
	l, err := NewLanes([]*dna.Sequence{randomSequence(3000, 5)}, LaneConfig{Tokens: 8, Stretch: 101})
	if err != nil {
		t.Fatal(err)
	}
	for epoch := range 3 {
		read, starts := map[int]bool{}, map[int]bool{}
		for range l.count {
			at := l.lanes[0]
			if at.Epoch != epoch || at.span.Len() != 101 {
				t.Errorf("a stretch of %d bases of epoch %d, want 101 of %d", at.span.Len(), at.Epoch, epoch)
			}
			read[at.Number], starts[at.span.Start] = true, true
			l.begin(&l.lanes[0])
		}
		if len(read) != 30 || len(starts) != 30 {
			t.Errorf("epoch %d has %d stretches from %d places, want 30", epoch, len(read), len(starts))
		}
	}
}

func sum(n [2]int) int { return n[0] + n[1] }

func TestLanesResume(t *testing.T) {
	sequences := []*dna.Sequence{randomSequence(400, 1), randomSequence(90, 2)}
	c := LaneConfig{Tokens: 8, Stretch: 41, Lanes: 3, BothStrands: true, Seed: 4}
	whole, err := NewLanes(sequences, c)
	if err != nil {
		t.Fatal(err)
	}
	var want, got data.Batch
	for step := range 60 { // some three epochs
		saved := whole.State()
		if err := whole.Next(&want); err != nil {
			t.Fatal(err)
		}
		other, err := NewLanes(sequences, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Restore(saved); err != nil {
			t.Fatal(err)
		}
		if err := other.Next(&got); err != nil {
			t.Fatal(err)
		}
		if digest(&got) != digest(&want) || !slices.Equal(got.Follows, want.Follows) {
			t.Fatalf("batch %d differs after resuming", step)
		}
		if string(other.State()) != string(whole.State()) {
			t.Fatalf("the position after batch %d differs after resuming", step)
		}
	}
	if whole.epoch < 2 {
		t.Errorf("the test ends in epoch %d", whole.epoch)
	}
	before := string(whole.State())
	for _, damage := range [][2]string{{`"epoch":`, `"epoch":-`}, {`"number":`, `"number":99`}, {`"at":`, `"at":9`}, {"seed 4", "seed 5"}, {lanesKind, "loader"}, {"{", "["},
		{`"lanes":[`, `"lanes":[{},`}} {
		if err := whole.Restore([]byte(strings.Replace(before, damage[0], damage[1], 1))); err == nil {
			t.Errorf("a position with %s was taken", damage[1])
		}
	}
	if string(whole.State()) != before {
		t.Error("a damaged position moved the lanes")
	}
}

// Read in order, every base of a region but N is a target once, and what comes before it is read before it.
func TestInOrderScoresEveryBaseOnce(t *testing.T) {
	s := randomSequence(300, 7)
	s.Append([]dna.Base{dna.N, dna.N, dna.A, dna.C})
	whole := make([]int32, s.Len())
	s.Tokens(whole, 0, false)
	regions := []dna.Span{{Start: 100, End: 171}, {Start: 0, End: 50}, {Start: 290, End: 304}, {Start: 5, End: 6}}
	for _, tokens := range []int{1, 7, 16, 400} {
		l, err := NewInOrder([]*dna.Sequence{s, s, s, s}, regions, tokens)
		if err != nil {
			t.Fatal(err)
		}
		region, at := -1, 0 // at is the base of the next token
		scored := make([]int, len(regions))
		var b data.Batch
		for {
			saved := l.State()
			err := l.Next(&b)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || b.Sequences() != 1 {
				t.Fatalf("%d sequences, %v", b.Sequences(), err)
			}
			if b.Follows[0] == -1 {
				region++
				at = max(0, regions[region].Start-tokens)
			}
			if err := l.Restore(saved); err != nil {
				t.Fatal(err)
			}
			var again data.Batch
			if err := l.Next(&again); err != nil || digest(&again) != digest(&b) {
				t.Fatalf("read again, a batch differs: %v", err)
			}
			for i, token := range b.Tokens {
				if token != whole[at] {
					t.Fatalf("base %d is %d, want %d", at, token, whole[at])
				}
				at++
				want := data.Ignore
				if at >= regions[region].Start && whole[at] != int32(dna.N) {
					want = whole[at]
					scored[region]++
				}
				if b.Targets[i] != want {
					t.Fatalf("windows of %d: base %d has the target %d, want %d", tokens, at-1, b.Targets[i], want)
				}
			}
		}
		if want := []int{71, 49, 12, 1}; !slices.Equal(scored, want) {
			t.Errorf("windows of %d score %v bases, want %v", tokens, scored, want)
		}
	}
}

func TestLanesAreChecked(t *testing.T) {
	s := []*dna.Sequence{randomSequence(50, 1)}
	for _, c := range []LaneConfig{{Tokens: 0, Stretch: 9}, {Tokens: 9, Stretch: 9}, {Tokens: 3, Stretch: 9, Lanes: -1}, {Tokens: 3, Stretch: 9, Regions: []dna.Span{}}} {
		if _, err := NewLanes(s, c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	for _, region := range []dna.Span{{Start: 0, End: 1}, {Start: 7, End: 7}, {Start: 40, End: 51}} {
		if _, err := NewInOrder(s, []dna.Span{region}, 8); err == nil {
			t.Errorf("the region %v was taken", region)
		}
	}
	if _, err := NewInOrder(s, nil, 8); err == nil {
		t.Error("no region was taken")
	}
}

func ExampleNewInOrder() {
	s := &dna.Sequence{Name: "s"}
	s.Append([]dna.Base{dna.A, dna.C, dna.G, dna.T, dna.A, dna.A, dna.C})
	l, err := NewInOrder([]*dna.Sequence{s}, []dna.Span{{Start: 3, End: 7}}, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	var b data.Batch
	for l.Next(&b) == nil {
		fmt.Println(b.Tokens, b.Targets, b.Follows)
	}
	// Output:
	// [0 1 2] [-1 -1 3] [-1]
	// [3 0 0] [0 0 1] [0]
}

func FuzzRestoreLanes(f *testing.F) {
	sequences := []*dna.Sequence{randomSequence(300, 1)}
	open := func() *Lanes {
		l, err := NewLanes(sequences, LaneConfig{Tokens: 8, Stretch: 41, Lanes: 2, BothStrands: true})
		if err != nil {
			f.Fatal(err)
		}
		return l
	}
	f.Add(open().State())
	f.Add([]byte(`{"kind":"genome lanes","lanes":[{"at":9e9}]}`))
	f.Fuzz(func(t *testing.T, saved []byte) {
		l := open()
		if l.Restore(saved) != nil {
			return
		}
		var b data.Batch
		if err := l.Next(&b); err != nil || b.Check(dna.Vocab) != nil {
			t.Errorf("after a position that was taken: %v, %v", err, b.Check(dna.Vocab))
		}
	})
}
