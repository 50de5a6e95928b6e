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

// randomSequence has no 16-mer twice, for the lengths that tests use.
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

// runs reads batches and joins the windows of each stream that follow each other: the bases of each run with the one after them.
func runs(t *testing.T, l *Streams, streams, batches int) (all []string) {
	t.Helper()
	open := make([]string, streams)
	var b data.Batch
	for range batches {
		if err := l.Next(&b); err != nil {
			t.Fatal(err)
		}
		if err := b.Check(dna.Vocab); err != nil || b.Sequences() != streams {
			t.Fatalf("a batch of %d sequences: %v", b.Sequences(), err)
		}
		for i := range streams {
			tokens, targets := b.Sequence(i)
			if !slices.Equal(tokens[1:], targets[:len(targets)-1]) {
				t.Fatalf("bases %v have the targets %v", tokens, targets)
			}
			switch b.Follows[i] {
			case i:
				if last := open[i][len(open[i])-1:]; last != lettersOf(tokens[:1]) {
					t.Fatalf("stream %d goes on with %s behind the target %s", i, lettersOf(tokens[:1]), last)
				}
				open[i] += lettersOf(targets)
			case -1:
				if open[i] != "" {
					all = append(all, open[i])
				}
				open[i] = lettersOf(tokens[:1]) + lettersOf(targets)
			default:
				t.Fatalf("stream %d follows %d", i, b.Follows[i])
			}
		}
	}
	return all
}

// Windows join to sections without a gap and without a base twice, on both strands.
func TestStreamsReadOn(t *testing.T) {
	const n, section, streams = 3000, 101, 3
	s := randomSequence(n, 5)
	forward := s.String(100, 2900)
	reversed := make([]int32, 2800)
	s.Tokens(reversed, 100, dna.Reverse)
	for _, tokens := range []int{1, 10, 17, 100} {
		l, err := NewStreams([]*dna.Sequence{s}, StreamConfig{Tokens: tokens, Section: section, Streams: streams, BothStrands: true, Seed: 3,
			Regions: []dna.Span{{Start: 100, End: 2900}}})
		if err != nil {
			t.Fatal(err)
		}
		strands, whole := [2]int{}, 0
		for i, run := range runs(t, l, streams, 28/streams*((100+tokens-1)/tokens)) {
			strand := 0
			if !strings.Contains(forward, run) {
				strand = 1
				if !strings.Contains(lettersOf(reversed), run) {
					t.Fatalf("windows of %d: run %d, of %d bases, is not a part of either strand: %s", tokens, i, len(run), run)
				}
			}
			strands[strand]++
			if len(run) == section {
				whole++
			}
		}
		if strands[0] < 5 || strands[1] < 5 || whole < sum(strands)-streams {
			t.Errorf("windows of %d: %v runs on the strands, %d of them whole", tokens, strands, whole)
		}
	}
}

func TestAnEpochHasEachSectionOnce(t *testing.T) {
	l, err := NewStreams([]*dna.Sequence{randomSequence(3000, 5)}, StreamConfig{Tokens: 8, Section: 101})
	if err != nil {
		t.Fatal(err)
	}
	for epoch := range 3 {
		read, starts := map[int]bool{}, map[int]bool{}
		for range l.count {
			at := l.streams[0]
			if at.Epoch != epoch || at.span.Len() != 101 {
				t.Errorf("a section of %d bases of epoch %d, want 101 of %d", at.span.Len(), at.Epoch, epoch)
			}
			read[at.Number], starts[at.span.Start] = true, true
			l.begin(&l.streams[0])
		}
		if len(read) != 30 || len(starts) != 30 {
			t.Errorf("epoch %d has %d sections from %d places, want 30", epoch, len(read), len(starts))
		}
	}
}

func sum(n [2]int) int { return n[0] + n[1] }

func TestStreamsResume(t *testing.T) {
	sequences := []*dna.Sequence{randomSequence(400, 1), randomSequence(90, 2)}
	c := StreamConfig{Tokens: 8, Section: 41, Streams: 3, BothStrands: true, Seed: 4}
	whole, err := NewStreams(sequences, c)
	if err != nil {
		t.Fatal(err)
	}
	var want, got data.Batch
	for step := range 60 { // some three epochs
		saved := whole.State()
		if err := whole.Next(&want); err != nil {
			t.Fatal(err)
		}
		other, err := NewStreams(sequences, c)
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
	for _, damage := range []struct{ old, new, want string }{
		{`"epoch":`, `"epoch":-`, "damaged: section"}, {`"number":`, `"number":99`, "damaged: stream 0"},
		{`"at":`, `"at":9`, "damaged: stream 0"},
		{"seed 4", "seed 5", "seed 5"}, {streamsKind, "loader", `is of "loader"`}, {"{", "[", "cannot be read"},
		{`"streams":[`, `"streams":[{},`, "damaged: section"}, {`"bases":"`, `"bases":"0`, "began with another genome"},
		{streamsKind, lanesKind, "older version"},
	} {
		err := whole.Restore([]byte(strings.Replace(before, damage.old, damage.new, 1)))
		if err == nil || !strings.Contains(err.Error(), damage.want) {
			t.Errorf("a position with %s gives %v, want an error that says %q", damage.new, err, damage.want)
		}
	}
	if string(whole.State()) != before {
		t.Error("a damaged position moved the streams")
	}
}

// Read in order, every base of a region but N is a target once, and what comes before it is read before it.
func TestInOrderScoresEveryBaseOnce(t *testing.T) {
	s := randomSequence(300, 7)
	s.Append([]dna.Base{dna.N, dna.N, dna.A, dna.C})
	whole := make([]int32, s.Len())
	s.Tokens(whole, 0, dna.Forward)
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

func TestStreamsAreChecked(t *testing.T) {
	s := []*dna.Sequence{randomSequence(50, 1)}
	for _, c := range []struct {
		StreamConfig
		want string
	}{
		{StreamConfig{Tokens: 0, Section: 9}, "windows of 0;"}, {StreamConfig{Tokens: 9, Section: 9}, "sections longer than windows"},
		{StreamConfig{Tokens: 3, Section: 9, Streams: -1}, "found -1 streams"},
		{StreamConfig{Tokens: 3, Section: 9, Regions: []dna.Span{}}, "0 regions for 1 sequences"},
	} {
		if _, err := NewStreams(s, c.StreamConfig); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v gives %v, want an error that says %q", c.StreamConfig, err, c.want)
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

// A position belongs to bases, whatever their names and files are.
func TestStreamsKnowTheirGenome(t *testing.T) {
	c := StreamConfig{Tokens: 8, Section: 41, Streams: 2}
	open := func(s *dna.Sequence) *Streams {
		streams, err := NewStreams([]*dna.Sequence{s}, c)
		if err != nil {
			t.Fatal(err)
		}
		return streams
	}
	saved := open(randomSequence(300, 1)).State()
	same := randomSequence(300, 1)
	same.Name = "renamed"
	if err := open(same).Restore(saved); err != nil {
		t.Error(err)
	}
	if err := open(randomSequence(300, 2)).Restore(saved); err == nil || !strings.Contains(err.Error(), "began with another genome") {
		t.Errorf("bases of another genome give %v", err)
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

func FuzzRestoreStreams(f *testing.F) {
	sequences := []*dna.Sequence{randomSequence(300, 1)}
	open := func() *Streams {
		l, err := NewStreams(sequences, StreamConfig{Tokens: 8, Section: 41, Streams: 2, BothStrands: true})
		if err != nil {
			f.Fatal(err)
		}
		return l
	}
	f.Add(open().State())
	f.Add([]byte(`{"kind":"genome streams","streams":[{"at":9e9}]}`))
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
