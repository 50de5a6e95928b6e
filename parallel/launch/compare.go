package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/cpu"
	"github.com/longspan/longspan/parallel"
)

// differences says in what ranks differ that must be equal, one sentence each; "" if in nothing.
func differences(ranks []Rank) string {
	var found []string
	if text := tell(ranks, func(r Rank) string { return r.Program }); text != "" {
		found = append(found, "the ranks run different programs: "+text+"; start the same file on all hosts")
	}
	if text := tell(ranks, func(r Rank) string { return r.Level }); text != "" {
		found = append(found, fmt.Sprintf("the ranks have different kernel levels, and bits differ between levels: %s; set LONGSPAN_CPU=%s "+
			"for all of them (Open MPI: mpirun -x LONGSPAN_CPU=%[2]s, MPICH: mpiexec -genv LONGSPAN_CPU %[2]s)", text, lowestLevel(ranks)))
	}
	const most = 5
	keys := differentKeys(ranks)
	for _, key := range keys[:min(most, len(keys))] {
		text := tell(ranks, func(r Rank) string { return r.setting(key) })
		found = append(found, fmt.Sprintf("the ranks have different values of %s: %s; start all ranks with the same recipe and flags", key, text))
	}
	if len(keys) > most {
		found = append(found, fmt.Sprintf("%d more settings differ", len(keys)-most))
	}
	return strings.Join(found, "\n")
}

// tell lists the values of the ranks where they differ, each with its ranks and the host of the first of them; "" where they are equal.
func tell(ranks []Rank, value func(Rank) string) string {
	var values []string
	having := map[string][]int{}
	for i, r := range ranks {
		v := value(r)
		if having[v] == nil {
			values = append(values, v)
		}
		having[v] = append(having[v], i)
	}
	if len(values) < 2 {
		return ""
	}
	var text []string
	for _, v := range values[:min(4, len(values))] {
		text = append(text, fmt.Sprintf("%s on %s (host %s)", v, parallel.RankList(having[v]), ranks[having[v][0]].Host))
	}
	if len(values) > len(text) {
		text = append(text, fmt.Sprintf("%d more values", len(values)-len(text)))
	}
	return strings.Join(text, ", ")
}

// lowestLevel is the level that all ranks have. Unknown names count as the highest: such a rank has another program too.
func lowestLevel(ranks []Rank) string {
	lowest := cpu.AMX
	for _, r := range ranks {
		if level, err := cpu.ParseLevel(r.Level); err == nil {
			lowest = min(lowest, level)
		}
	}
	return lowest.String()
}

// setting is the value of a key, in quotes.
func (r Rank) setting(key string) string {
	for _, s := range r.Config {
		if s.Key == key {
			return fmt.Sprintf("%q", s.Value)
		}
	}
	return "nothing"
}

// differentKeys are the keys whose values differ between ranks, sorted.
func differentKeys(ranks []Rank) []string {
	var keys []string
	for i, r := range ranks {
		if i > 0 && slices.Equal(r.Config, ranks[0].Config) {
			continue
		}
		for _, s := range r.Config {
			keys = append(keys, s.Key)
		}
	}
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(key string) bool {
		return tell(ranks, func(r Rank) string { return r.setting(key) }) == ""
	})
}
