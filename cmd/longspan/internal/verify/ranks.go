package verify

import (
	"fmt"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/rankcheck"
	"github.com/longspan/longspan/parallel"
)

// RankResult is one computation over ranks, compared with the same over goroutines of one process.
type RankResult struct {
	Group     string `json:"group"`
	Check     string `json:"check"`
	Ranks     int    `json:"ranks"`
	Shards    int    `json:"shards"`    // of each rank; 0: the rank itself computes
	Hash      string `json:"hash"`      // of the hashes of all ranks or shards
	Reference string `json:"reference"` // the same of goroutines
	Differ    []int  `json:"differ"`    // ranks or shards with another hash than the reference
	OK        bool   `json:"ok"`
}

// rankGroup is checks of one kind.
type rankGroup struct {
	name, about string
	checks      func() []rankcheck.Check
}

// rankGroups has a group for each part that computes over ranks. A new part adds its own.
var rankGroups = []rankGroup{
	{"engine", "sums, gathers, all-to-alls and random exchanges", rankcheck.Engines},
	{"model", "hidden states with the bits of one rank, and gradients with those of goroutines", modelChecks},
}

// RankGroups lists the groups and their checks with a line on each.
func RankGroups() string {
	var b strings.Builder
	for _, g := range rankGroups {
		fmt.Fprintf(&b, "  %-12s %s:\n", g.name, g.about)
		for _, c := range g.checks() {
			fmt.Fprintf(&b, "    %-12s %s\n", c.Name, c.About)
		}
	}
	return b.String()
}

// Ranks runs the checks of the groups in only (nil: all), on the ranks of e and on two shards of each. All ranks call it together, and all
// get the same results. A difference is no error.
func Ranks(e parallel.Engine, only []string, progress func(done, all int)) ([]RankResult, error) {
	if err := CheckRankGroups(only); err != nil {
		return nil, err
	}
	var results []RankResult
	chosen := rankRuns(only)
	for i, c := range chosen {
		if progress != nil {
			progress(i, len(chosen))
		}
		r, err := c.compare(e)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	if progress != nil {
		progress(len(chosen), len(chosen))
	}
	return results, nil
}

// rankRun is a check on ranks or on shards.
type rankRun struct {
	group  string
	check  rankcheck.Check
	shards int
}

// CheckRankGroups returns an error for names that are no groups.
func CheckRankGroups(only []string) error {
	for _, name := range only {
		if !slices.ContainsFunc(rankGroups, func(g rankGroup) bool { return g.name == name }) {
			return fmt.Errorf("verify: found group %q, expected one of:\n%s", name, strings.TrimRight(RankGroups(), "\n"))
		}
	}
	return nil
}

// rankRuns lists the runs of the groups in only.
func rankRuns(only []string) []rankRun {
	var runs []rankRun
	for _, g := range rankGroups {
		if only != nil && !slices.Contains(only, g.name) {
			continue
		}
		for _, c := range g.checks() {
			runs = append(runs, rankRun{g.name, c, 0})
			if !c.Unsplit {
				runs = append(runs, rankRun{g.name, c, 2})
			}
		}
	}
	return runs
}

// compare runs a check over e, and over goroutines on rank 0, which tells the others the reference.
func (r rankRun) compare(e parallel.Engine) (RankResult, error) {
	got, err := rankcheck.Over(e, r.check, r.shards)
	if err != nil {
		return RankResult{}, err
	}
	want := make([][]uint64, e.Size())
	want[0] = make([]uint64, len(got))
	if e.Rank() == 0 {
		if want[0], err = rankcheck.Reference(r.check, len(got)); err != nil {
			return RankResult{}, err
		}
	}
	if err := parallel.AllGather(e, "reference of "+r.check.Name, want); err != nil {
		return RankResult{}, err
	}
	differ := []int{}
	for i, h := range got {
		if h != want[0][i] {
			differ = append(differ, i)
		}
	}
	return RankResult{
		Group: r.group, Check: r.check.Name, Ranks: e.Size(), Shards: r.shards, Differ: differ, OK: len(differ) == 0,
		Hash: fmt.Sprintf("%016x", rankcheck.Join(got)), Reference: fmt.Sprintf("%016x", rankcheck.Join(want[0])),
	}, nil
}
