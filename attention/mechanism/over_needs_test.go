package mechanism

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/parallel"
)

// TestNeeds holds the rows that ranks need to a dense definition.
func TestNeeds(t *testing.T) {
	lengths := []int{700, 1600, 40}
	for _, text := range []string{"full", "window(70)", "window(20) | global(0, 650)", "bigbird(64, 3, 2, 3, 0)", "dilated(30, 9)",
		"strided(5)", "segments(600)", "summary(100)"} {
		l := layer(t, strings.Replace(text, "650", "39", 1), Config{Heads: 1, HeadDim: 8}).(softmaxLayer)
		s, err := parallel.NewShare(parallel.Dry(0, 4), lengths)
		if err != nil {
			t.Fatal(err)
		}
		n, err := l.needs(s, longLimit{})
		if err != nil {
			t.Fatal(err)
		}
		keys, queries := make([]map[int]bool, 4), make([]map[int]bool, 4)
		for r := range 4 {
			keys[r], queries[r] = map[int]bool{}, map[int]bool{}
		}
		start := 0
		for _, length := range lengths {
			for q := range length {
				for _, x := range l.c.Pattern.Spans(nil, q, pattern.Square(length)) {
					for k := x.Lo; k < x.Hi; k++ {
						if a, b := s.Owner(start+q), s.Owner(start+k); a != b {
							keys[a][start+k], queries[b][start+q] = true, true
						}
					}
				}
			}
			start += length
		}
		for r := range 4 {
			sameRows(t, fmt.Sprintf("%s: keys of rank %d", text, r), s, n.keys[r], keys[r])
			sameRows(t, fmt.Sprintf("%s: queries of rank %d", text, r), s, n.queries[r], queries[r])
		}
	}
}

// sameRows holds links to a set of rows, and that they ascend and do not touch.
func sameRows(t *testing.T, what string, s *parallel.Share, got links, want map[int]bool) {
	t.Helper()
	owner, rows := -1, 0
	for _, x := range got {
		last := -1
		for _, span := range x.rows {
			if span.Lo <= last || x.owner <= owner {
				t.Fatalf("%s: found rows %v of rank %d after %d", what, span, x.owner, last)
			}
			last = span.Hi
			for i := span.Lo; i < span.Hi; i++ {
				if rows++; !want[i] || s.Owner(i) != x.owner {
					t.Fatalf("%s: found row %d of rank %d", what, i, x.owner)
				}
			}
		}
		owner = x.owner
	}
	if rows != len(want) {
		t.Errorf("%s: found %d rows, expected %d", what, rows, len(want))
	}
}

// BenchmarkNeeds is the time to find out what 16 ranks need at a million tokens.
func BenchmarkNeeds(b *testing.B) {
	s, err := parallel.NewShare(parallel.Dry(0, 16), []int{1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	for _, text := range []string{"window(512)", "window(512) | global(0)", "full", "bigbird(64, 3, 2, 3, 0)", "dilated(64, 4)"} {
		l := layer(b, text, Config{Heads: 12, HeadDim: 64}).(softmaxLayer)
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := l.needs(s, someLong); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
