package attention

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/internal/kerneltest"
	"github.com/longspan/longspan/tensor"
)

// summaryPattern shows a token the tokens around it, and all summaries.
type summaryPattern struct{ radius, block int }

func (p summaryPattern) Spans(dst []pattern.Span, q int, s pattern.Shape) []pattern.Span {
	n, _ := SummarizedTokens(s.Tk, p.block)
	switch near := (pattern.Span{Lo: max(0, q-p.radius), Hi: min(n, q+p.radius+1)}); {
	case q >= n:
		return dst
	case near.Hi == n:
		return append(dst, pattern.Span{Lo: near.Lo, Hi: s.Tk})
	case n < s.Tk:
		return append(dst, near, pattern.Span{Lo: n, Hi: s.Tk})
	default:
		return append(dst, near)
	}
}

func (summaryPattern) Check(pattern.Shape) error { return nil }

func (p summaryPattern) String() string { return fmt.Sprintf("summaries of %d", p.block) }

// summarized lists sequences of so many tokens with their summaries.
func summarized(block int, tokens ...int) (seqs []Seq) {
	for _, n := range tokens {
		seqs = append(seqs, Self(n+n/block)...)
	}
	return seqs
}

func TestSummarizedTokens(t *testing.T) {
	for block := 1; block < 9; block++ {
		rows := map[int]int{}
		for n := range 60 {
			rows[n+n/block] = n
		}
		for r := range 60 {
			want, may := rows[r]
			if got, ok := SummarizedTokens(r, block); ok != may || ok && got != want {
				t.Errorf("%d rows with blocks of %d: %d tokens, %t, want %d, %t", r, block, got, ok, want, may)
			}
		}
	}
}

// Outputs and all gradients, those of both tables too, are those of the definition: for blocks that fill tiles and blocks that do not, and
// sequences that end inside a block or are shorter than one.
func TestSummariesAreNaive(t *testing.T) {
	const buckets = 8
	for block, tokens := range map[int][]int{16: {200, 33, 7}, 5: {77, 4, 0}, 40: {190}, 1: {37}} {
		t.Run(fmt.Sprint(block), func(t *testing.T) {
			bias := T5Summaries{Tokens: T5{Table: floats(buckets*biasHeads, 4), Buckets: buckets, MaxDistance: 20, Bidirectional: true},
				Side: floats(buckets*biasHeads, 5), Block: block}
			c := Config{Heads: biasHeads, KVHeads: 2, HeadDim: biasDim, Pattern: summaryPattern{12, block}, Bias: bias}
			pr := newProblem(c, summarized(block, tokens...), tensor.F32, 8)
			exact, rounded := newBiasSums(pr, false), newBiasSums(pr, true)
			want, dense := pr.naiveReporting(t, exact.add), pr.eagerReporting(t, rounded.add)
			kerneltest.Levels(t, func(t *testing.T) {
				grads := &BiasGrads{Table: floats(buckets*biasHeads, 1), Side: floats(buckets*biasHeads, 1)}
				got := pr.run(t, 2, grads)
				got.near(t, pr, want, dense)
				pr.run(t, 2, nil).same(t, got)
				for name, got := range flatBias(grads) {
					near(t, name, tensor.F32, 1, got, rounded.sums[name], exact.sums[name], 0)
				}
			})
		})
	}
}

func TestSummariesAreRefused(t *testing.T) {
	table := floats(16, 1)
	tokens := T5{Table: table, Buckets: 8, MaxDistance: 20, Bidirectional: true}
	three := tokens
	three.Buckets = 3
	later := []Seq{{Q: 3, K: 5, Offset: 2}}
	for want, c := range map[string]struct {
		bias T5Summaries
		seqs []Seq
	}{
		"found 3 T5 buckets":                                       {T5Summaries{Tokens: three, Side: table, Block: 4}, Self(5)},
		"found a T5 table of 15 numbers for summaries":             {T5Summaries{Tokens: tokens, Side: table[1:], Block: 4}, Self(5)},
		"found blocks of 0 tokens":                                 {T5Summaries{Tokens: tokens, Side: table}, Self(5)},
		"found 4 rows in sequence 1, expected n tokens and n/4":    {T5Summaries{Tokens: tokens, Side: table, Block: 4}, Self(5, 4)},
		"found 3 queries after 2 tokens over 5 keys in sequence 0": {T5Summaries{Tokens: tokens, Side: table, Block: 4}, later},
	} {
		if _, err := New(Config{Heads: 2, HeadDim: 16, Bias: c.bias}, c.seqs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
