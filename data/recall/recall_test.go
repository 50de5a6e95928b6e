package recall

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
)

// task is what both tasks have.
type task interface {
	data.Dataset
	Vocab() int
}

func example(t *testing.T, task task, index int) data.Batch {
	t.Helper()
	var b data.Batch
	b.Tokens, b.Targets, b.Lengths = []int32{0}, []int32{data.Ignore}, []int{1} // a sequence before it
	if err := task.Append(&b, index%3, index); err != nil {
		t.Fatal(err)
	}
	labels := b.Labels
	if len(labels) > 0 {
		b.Labels = append([]int32{0}, labels...)
	}
	if err := b.Check(task.Vocab()); err != nil {
		t.Fatal(err)
	}
	tokens, targets := b.Sequence(1)
	return data.Batch{Tokens: tokens, Targets: targets, Lengths: b.Lengths[1:], Labels: labels}
}

// solveAssociative reads the sequence from the front with a map, and knows only where keys end and values begin.
func solveAssociative(tokens []int32, keys, values int32, queries int) (answers []int32) {
	value := map[int32]int32{}
	body := len(tokens) - queries
	for i, token := range tokens[:body-1] {
		if token < keys && tokens[i+1] >= keys && tokens[i+1] < keys+values {
			value[token] = tokens[i+1]
		}
	}
	for _, token := range tokens[body:] {
		answers = append(answers, value[token])
	}
	return answers
}

func TestAssociativeCanBeSolved(t *testing.T) {
	for _, c := range []AssociativeConfig{
		{Tokens: 1024}, {Tokens: 33}, {Tokens: 40, Queries: 8}, {Tokens: 100000, Pairs: 60, Queries: 60, Split: data.Test},
		{Tokens: 3, Pairs: 1, Keys: 1, Values: 2, Noise: 1},
	} {
		a, err := NewAssociative(c)
		if err != nil {
			t.Fatal(err)
		}
		c = a.config
		for i := range 20 {
			b := example(t, a, i)
			want := solveAssociative(b.Tokens, int32(c.Keys), int32(c.Values), c.Queries)
			if len(b.Tokens) != c.Tokens || !slices.Equal(b.Targets[c.Tokens-c.Queries:], want) || b.Scored() != c.Queries {
				t.Fatalf("%+v, example %d: the targets are %v, want %v", c, i, b.Targets[c.Tokens-c.Queries:], want)
			}
			if c.Queries == 1 && b.Labels[0] != want[0]-int32(c.Keys) || c.Queries > 1 && len(b.Labels) > 0 {
				t.Fatalf("%+v, example %d: the labels are %v", c, i, b.Labels)
			}
		}
	}
}

// TestAssociativeIsEven: the place of the pair asked for, and its value, must be spread over all there are.
func TestAssociativeIsEven(t *testing.T) {
	a, err := NewAssociative(AssociativeConfig{Tokens: 512, Values: 4})
	if err != nil {
		t.Fatal(err)
	}
	const n = 2000
	var quarters, values [4]int
	for i := range n {
		b := example(t, a, i)
		at := slices.Index(b.Tokens[:511], b.Tokens[511])
		quarters[at/128]++
		values[b.Labels[0]]++
	}
	// 500 expected each, standard deviation √(2000·¼·¾) = 19.
	for i := range 4 {
		if quarters[i] < 400 || quarters[i] > 600 || values[i] < 400 || values[i] > 600 {
			t.Errorf("places by quarter %v and values %v, want about 500 each", quarters, values)
		}
	}
}

// solveNeedle looks for the mark before the key of the question.
func solveNeedle(tokens []int32, mark int32, answer int) []int32 {
	ask := slices.Index(tokens, mark+1)
	for i := range ask {
		if tokens[i] == mark && tokens[i+1] == tokens[ask+1] {
			return tokens[i+2 : i+2+answer]
		}
	}
	return nil
}

func TestNeedleCanBeFound(t *testing.T) {
	for _, c := range []NeedleConfig{
		{Tokens: 1024}, {Tokens: 5}, {Tokens: 300, Answer: 4, Decoys: 15}, {Tokens: 100000, Answer: 2, Decoys: 3, Split: data.Validation},
	} {
		n, err := NewNeedle(c)
		if err != nil {
			t.Fatal(err)
		}
		c = n.config
		mark := int32(c.Hay + c.Keys + c.Values)
		for i := range 20 {
			b := example(t, n, i)
			want := solveNeedle(b.Tokens, mark, c.Answer)
			if len(b.Tokens) != c.Tokens || !slices.Equal(b.Targets[c.Tokens-c.Answer:], want) || b.Scored() != c.Answer {
				t.Fatalf("%+v, example %d: the targets are %v, want %v", c, i, b.Targets[c.Tokens-c.Answer:], want)
			}
			if !slices.Equal(b.Tokens[c.Tokens-c.Answer+1:], want[:c.Answer-1]) {
				t.Fatalf("%+v, example %d: the answer is not fed back", c, i)
			}
			if c.Answer == 1 && b.Labels[0] != want[0]-int32(c.Hay+c.Keys) {
				t.Fatalf("%+v, example %d: the label is %d", c, i, b.Labels[0])
			}
			if marks := strings.Count(fmt.Sprint(b.Tokens), fmt.Sprintf(" %d ", mark)); b.Tokens[0] != mark && marks != 1+c.Decoys {
				t.Fatalf("%+v, example %d: %d needles", c, i, marks)
			}
		}
	}
}

func TestNeedleDepth(t *testing.T) {
	for _, depth := range []float64{0, 0.25, 1} {
		n, err := NewNeedle(NeedleConfig{Tokens: 1000, Fixed: true, Depth: depth})
		if err != nil {
			t.Fatal(err)
		}
		b := example(t, n, 7)
		at := slices.Index(b.Tokens, int32(64+16+16))
		if want := int(depth*float64(n.hay()) + 0.5); at != want {
			t.Errorf("depth %g: the needle is at %d, want %d", depth, at, want)
		}
	}
}

func TestExamplesAreFixedAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for split := data.Train; split <= data.Test; split++ {
		for seed := range uint64(2) {
			a, err := NewAssociative(AssociativeConfig{Tokens: 128, Split: split, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			n, err := NewNeedle(NeedleConfig{Tokens: 128, Split: split, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			for name, task := range map[string]task{"associative": a, "needle": n} {
				for i := range 10 {
					place := fmt.Sprintf("%s, %v, seed %d, %d", name, split, seed, i)
					got := fmt.Sprint(name, example(t, task, i).Tokens)
					if got != fmt.Sprint(name, example(t, task, i).Tokens) {
						t.Fatalf("%s is another when asked for again", place)
					}
					if before, ok := seen[got]; ok {
						t.Fatalf("%s is also %s", place, before)
					}
					seen[got] = place
				}
			}
		}
	}
}

func TestConfigsAreChecked(t *testing.T) {
	for _, c := range []AssociativeConfig{
		{}, {Tokens: 32}, {Tokens: 100, Pairs: 65}, {Tokens: 100, Queries: 17}, {Tokens: 100, Values: 1}, {Tokens: 100, Noise: -1},
		{Tokens: math.MaxInt}, {Tokens: 100, Keys: math.MaxInt}, {Tokens: 100, Values: math.MaxInt32}, {Tokens: 100, Noise: 1 << 31},
		{Tokens: 100, Examples: math.MaxInt}, {Tokens: 100, Pairs: math.MaxInt}, {Tokens: 100, Keys: 1 << 26, Pairs: 1 << 26,
			Queries: math.MaxInt},
	} {
		if _, err := NewAssociative(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	for _, c := range []NeedleConfig{
		{}, {Tokens: 4}, {Tokens: math.MinInt}, {Tokens: 100, Decoys: 16}, {Tokens: 100, Decoys: -1}, {Tokens: 100, Depth: 1.5}, {Tokens: 100,
			Values: 1},
		{Tokens: math.MaxInt}, {Tokens: 100, Answer: math.MaxInt}, {Tokens: 100, Hay: 1 << 31}, {Tokens: 100, Decoys: math.MaxInt,
			Keys: math.MaxInt},
	} {
		if _, err := NewNeedle(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	a, err := NewAssociative(AssociativeConfig{Tokens: 100, Examples: 2})
	if err != nil {
		t.Fatal(err)
	}
	if a.Append(new(data.Batch), 0, 2) == nil {
		t.Error("an example past the end was given")
	}
}
