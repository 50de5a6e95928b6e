package listops

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
)

// evaluate works out an expression in text, by a stack: it shares nothing with the generator.
func evaluate(text string) (value, depth int, err error) {
	type frame struct {
		operation string
		args      []int
	}
	stack := []frame{{}}
	for _, word := range strings.Fields(text) {
		top := &stack[len(stack)-1]
		switch {
		case strings.HasPrefix(word, "["):
			stack = append(stack, frame{operation: word[1:]})
			depth = max(depth, len(stack)-1)
		case word == "]":
			if len(stack) < 2 || len(top.args) < 2 || len(top.args) > 10 {
				return 0, 0, fmt.Errorf("%d arguments at a closing bracket", len(top.args))
			}
			below := &stack[len(stack)-2]
			below.args = append(below.args, reduce(top.operation, top.args))
			stack = stack[:len(stack)-1]
		default:
			n, err := strconv.Atoi(word)
			if err != nil {
				return 0, 0, err
			}
			top.args = append(top.args, n)
		}
	}
	if len(stack) != 1 || len(stack[0].args) != 1 {
		return 0, 0, fmt.Errorf("brackets are not balanced")
	}
	return stack[0].args[0], depth, nil
}

func reduce(operation string, args []int) int {
	sorted := append([]int(nil), args...)
	sort.Ints(sorted)
	sum := 0
	for _, a := range args {
		sum += a
	}
	middle := float64(sorted[len(sorted)/2])
	if len(sorted)%2 == 0 {
		middle = (middle + float64(sorted[len(sorted)/2-1])) / 2
	}
	return map[string]int{"MIN": sorted[0], "MAX": sorted[len(sorted)-1], "MED": int(middle), "SM": sum % 10}[operation]
}

func newTask(t testing.TB, c Config) *Task {
	t.Helper()
	task, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func example(t testing.TB, task *Task, index int) (tokens []int32, label int32) {
	t.Helper()
	var b data.Batch
	if err := task.Append(&b, 0, index); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(Vocab); err != nil {
		t.Fatal(err)
	}
	return b.Tokens, b.Labels[0]
}

func TestExamplesFollowTheRules(t *testing.T) {
	task := newTask(t, Config{Seed: 1})
	if task.Len() != 96000 || newTask(t, Config{Split: data.Test}).Len() != 2000 {
		t.Error("the parts have other sizes than the paper's")
	}
	const n = 400
	var labels [Classes]int
	var operations [Vocab]int
	deepest := 0
	for i := range n {
		tokens, label := example(t, task, i)
		if len(tokens) <= 500 || len(tokens) >= 2000 {
			t.Fatalf("example %d has %d tokens", i, len(tokens))
		}
		value, depth, err := evaluate(Text(tokens))
		if err != nil || value != int(label) {
			t.Fatalf("example %d is worth %d (%v), its label is %d", i, value, err, label)
		}
		deepest = max(deepest, depth)
		labels[label]++
		for _, token := range tokens {
			operations[token]++
		}
	}
	if deepest != 9 { // 10 levels, of which the last holds digits only
		t.Errorf("operations nest %d deep, want 9", deepest)
	}
	all := operations[Min] + operations[Max] + operations[Med] + operations[SM]
	for op := Min; op <= SM; op++ {
		if share := float64(operations[op]) / float64(all); share < 0.24 || share > 0.26 {
			t.Errorf("%s is %.3f of the operations, want a quarter", names[op], share)
		}
	}
	if operations[Close] != all {
		t.Errorf("%d operations are closed by %d brackets", all, operations[Close])
	}
	for digit, count := range labels {
		if share := float64(count) / n; share < 0.02 || share > 0.25 {
			t.Errorf("%d is the label of %.2f", digit, share)
		}
	}
}

func TestExamplesAreFixedAndDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, seed := range []uint64{1, 2} {
		for split := data.Train; split <= data.Test; split++ {
			task, again := newTask(t, Config{Seed: seed, Split: split}), newTask(t, Config{Seed: seed, Split: split})
			for i := range 12 {
				tokens, _ := example(t, task, i)
				if same, _ := example(t, again, i); Text(same) != Text(tokens) {
					t.Fatalf("example %d is another when asked for again", i)
				}
				place := fmt.Sprintf("seed %d, %v %d", seed, split, i)
				if before, ok := seen[Text(tokens)]; ok {
					t.Fatalf("%s is also %s", place, before)
				}
				seen[Text(tokens)] = place
			}
		}
	}
}

// TestPartsShareNothing uses expressions so short that repeats are common.
func TestPartsShareNothing(t *testing.T) {
	parts := map[string]data.Split{}
	repeats := 0
	for split := data.Train; split <= data.Test; split++ {
		task := newTask(t, Config{Split: split, MinTokens: 4, MaxTokens: 6, Examples: 1500})
		for i := range task.Len() {
			tokens, _ := example(t, task, i)
			before, ok := parts[Text(tokens)]
			if ok && before != split {
				t.Fatalf("%s is in %v and in %v", Text(tokens), before, split)
			}
			if ok {
				repeats++
			}
			parts[Text(tokens)] = split
		}
	}
	if repeats == 0 {
		t.Error("no expression came twice: the test shows nothing")
	}
}

func TestMedianIsTruncated(t *testing.T) {
	for _, test := range []struct {
		args []int32
		want int32
	}{{[]int32{1, 2}, 1}, {[]int32{9, 0, 4}, 4}, {[]int32{9, 8, 0, 1}, 4}, {[]int32{5, 5}, 5}} {
		if got := apply(Med, test.args); got != test.want {
			t.Errorf("the median of %v is %d, want %d", test.args, got, test.want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []Config{{Examples: -1}, {MinTokens: 9, MaxTokens: 8}, {Args: 1}, {Depth: 2}, {MaxTokens: 1 << 40},
		{Args: 1 << 40}, {Depth: 1 << 40}, {Examples: math.MaxInt}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if err := newTask(t, Config{Examples: 3}).Append(new(data.Batch), 0, 3); err == nil {
		t.Error("an example past the end was given")
	}
}

func ExampleText() {
	task, err := New(Config{MinTokens: 10, MaxTokens: 20, Seed: 5})
	if err != nil {
		fmt.Println(err)
		return
	}
	var b data.Batch
	if err := task.Append(&b, 0, 0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(Text(b.Tokens), "=", b.Labels[0])
	// Output: [MAX 8 [MIN 7 [MED 8 8 8 ] ] 1 0 ] = 8
}

func BenchmarkAppend(b *testing.B) {
	for _, split := range []data.Split{data.Train, data.Test} {
		b.Run(split.String(), func(b *testing.B) {
			task := newTask(b, Config{Split: split})
			var batch data.Batch
			for i := 0; b.Loop(); i++ {
				batch.Reset()
				if err := task.Append(&batch, 0, i%task.Len()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
