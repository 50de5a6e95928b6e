package nn

import (
	"testing"

	"github.com/longspan/longspan/attention/mechanism"
	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/internal/random"
	"github.com/longspan/longspan/tensor"
)

// Before any training a layer finds what followed the n-gram that ends at a token, where the sequence has it once, among thousands of
// others: the value there has most of the weight.
func TestCopyHeadsFindWhatCameNext(t *testing.T) {
	const tokens, n, vocab, width, copied, from, to = 6000, 8, 16, 64, 40, 100, 5900
	sequence := make([]int32, tokens)
	for i := range sequence {
		sequence[i] = int32(random.Finalise(uint64(i)) % vocab) // 16⁸ n-grams: hardly one of the sequence occurs twice
	}
	copy(sequence[to:to+copied], sequence[from:])
	full, err := mechanism.Parse("full")
	if err != nil {
		t.Fatal(err)
	}
	for _, heads := range []int{1, 2} {
		p := NewParams(ParamsOptions{Seed: 1})
		a, err := NewAttention(p, "a", AttentionConfig{Width: width, Heads: heads, Causal: true, Mechanism: full, CopyNgrams: []int{n}})
		if err != nil {
			t.Fatal(err)
		}
		// The values are the tokens, a column each.
		clear(a.values.Weight.Value.F32)
		clear(a.out.Weight.Value.F32)
		for j := range width {
			a.values.Weight.Value.Row(j)[j] = 1
			a.out.Weight.Value.Row(j)[j] = 1
		}
		x := tensor.New(tensor.F32, tokens, width)
		for i, token := range sequence {
			for h := range heads {
				x.Row(i)[h*width/heads+int(token)] = 1
			}
		}
		pass := &Pass{G: autograd.New(tensor.Exec{}, autograd.Options{}), Lengths: []int{tokens}, Compiled: NewCompileCache()}
		pass.Read(nil, sequence)
		y := pass.G.Keep(a.Apply(pass, pass.G.Input(x)))
		if err := pass.G.Forward(); err != nil {
			t.Fatal(err)
		}
		for i := to + n - 1; i < to+copied-1; i++ {
			for h := range heads {
				if got := y.Value().Row(i)[h*width/heads+int(sequence[i+1])]; got < 0.9 {
					t.Errorf("%d heads, token %d, head %d: what came next has %g of the weight", heads, i, h, got)
				}
			}
		}
		pass.Close()
	}
}

// An n-gram of a sequence ends in that sequence, or in the earlier tokens of a generation.
func TestNgramsEndInTheirSequence(t *testing.T) {
	tokens := []int32{1, 2, 3, 1, 2, 3, 1}
	p := &Pass{Lengths: []int{4, 3}}
	p.Read(nil, tokens)
	got := p.ngramSeeds(2)
	if got.ending[0] != 0 || got.ending[4] != 0 || got.before[1] != 0 || got.before[4] != 0 || got.before[5] != 0 {
		t.Errorf("n-grams begin before their sequences: %v", got)
	}
	if got.ending[1] == 0 || got.before[2] != got.ending[1] || got.before[6] != got.ending[5] {
		t.Errorf("the n-gram before a token is not that of the token before: %v", got)
	}
	if got.ending[1] == got.ending[2] {
		t.Error("two n-grams have one seed")
	}
	whole := &Pass{Lengths: []int{7}}
	whole.Read(nil, tokens)
	want := whole.ngramSeeds(2)
	if want.ending[4] != want.ending[1] {
		t.Error("an n-gram has two seeds")
	}
	for _, before := range []int{2, 4} {
		on := &Pass{Lengths: []int{3}}
		on.Read(tokens[4-before:4], tokens[4:])
		if got := on.ngramSeeds(2); got.ending[0] != want.ending[4] || got.before[0] != want.before[4] || got.before[2] != want.before[6] {
			t.Errorf("%d tokens before: found %v, want the end of %v", before, got, want)
		}
	}
}
