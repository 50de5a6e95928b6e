package parallel

import (
	"fmt"
	"slices"
	"strings"
)

// RankList writes numbers of ranks for a message, in any order and more than once: "rank 3", "ranks 0, 2 … 5". It writes at most eight
// ranges, and counts the ranks of the others.
func RankList(ranks []int) string {
	ranks = slices.Compact(slices.Sorted(slices.Values(ranks)))
	if len(ranks) == 1 {
		return fmt.Sprintf("rank %d", ranks[0])
	}
	const most = 8
	var text []string
	for i, end := 0, 0; i < len(ranks); i = end {
		for end = i + 1; end < len(ranks) && ranks[end] == ranks[end-1]+1; end++ {
		}
		if len(text) == most {
			text = append(text, fmt.Sprintf("and %d more", len(ranks)-i))
			break
		}
		switch end - i {
		case 1:
			text = append(text, fmt.Sprint(ranks[i]))
		case 2:
			text = append(text, fmt.Sprintf("%d, %d", ranks[i], ranks[i+1]))
		default:
			text = append(text, fmt.Sprintf("%d … %d", ranks[i], ranks[end-1]))
		}
	}
	return "ranks " + strings.Join(text, ", ")
}
