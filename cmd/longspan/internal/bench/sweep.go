package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/longspan/longspan/internal/memory"
)

// Sweep measures every mechanism over a range of lengths.
type Sweep struct {
	Attention               // what all points share; its Mechanism and Tokens are not used
	Lengths   []int         // numbers of tokens, ascending
	Names     []string      // mechanisms; nil: the presets that have the pass asked for
	Limit     time.Duration // a point whose runs are expected to take longer together is left out; 0: none is
}

// Skipped is a point that was left out.
type Skipped struct {
	Mechanism string `json:"mechanism"`
	Tokens    int    `json:"tokens"`
	Reason    string `json:"reason"`
}

// Run measures the points one after the other. It skips a point that does not fit the memory or would take longer than Limit. Any other
// error, such as ctx's, ends it; the points before are returned with the error.
func (s Sweep) Run(ctx context.Context, tell Progress) (rows []AttentionRow, skipped []Skipped, err error) {
	if len(s.Lengths) == 0 || !slices.IsSorted(s.Lengths) {
		return nil, nil, fmt.Errorf("bench: found lengths %v, expected some, ascending", s.Lengths)
	}
	names := s.Names
	if names == nil {
		names = s.presets()
	}
	points := 0
	for _, name := range names {
		var before *AttentionRow // the last point of this mechanism that was measured
		for _, tokens := range s.Lengths {
			tell.tell(points, len(names)*len(s.Lengths))
			points++
			a := s.Attention
			a.Mechanism, a.Tokens = name, tokens
			reason := s.tooLong(before, tokens)
			if reason == "" {
				row, err := a.Run(ctx, nil)
				var tooBig *memory.Error
				if err != nil && !errors.As(err, &tooBig) {
					return rows, skipped, fmt.Errorf("%s at %d tokens: %w", name, tokens, err)
				}
				if err == nil {
					rows, before = append(rows, row), &row
					continue
				}
				reason = err.Error()
			}
			skipped = append(skipped, Skipped{name, tokens, reason})
		}
	}
	tell.tell(points, points)
	return rows, skipped, nil
}

// tooLong is why a point of this length would take too long, "" if it would not. Time is expected to grow from the point before as the
// square of the length for full attention, and as the length for all others.
func (s Sweep) tooLong(before *AttentionRow, tokens int) string {
	if before == nil || s.Limit <= 0 {
		return ""
	}
	ratio := float64(tokens) / float64(before.Tokens)
	if before.Mechanism == "full" && s.Pass != Decode {
		ratio *= ratio
	}
	runs := s.Runs + 1 // one warms up
	seconds := before.Seconds * ratio * float64(runs)
	if seconds <= s.Limit.Seconds() {
		return ""
	}
	return fmt.Sprintf("%d runs would take some %.0f s", runs, seconds)
}
