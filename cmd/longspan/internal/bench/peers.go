package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
)

// Peers are measurements of Longspan and of other libraries, as bench/peers/run.py writes them.
type Peers struct {
	Machine PeerMachine `json:"machine"`
	Rows    []PeerRow   `json:"rows"`
}

// PeerMachine is the machine and the versions of a measurement.
type PeerMachine struct {
	CPU       string            `json:"cpu"`
	Level     string            `json:"level"` // of Longspan's kernels
	Threads   int               `json:"threads"`
	Date      string            `json:"date"`
	Libraries map[string]string `json:"libraries"` // versions by name
}

// PeerRow is one comparison. Ours[i] and Theirs[i] are seconds measured one after the other.
type PeerRow struct {
	Peer   string    `json:"peer"`
	Shape  string    `json:"shape"`
	Pass   string    `json:"pass"` // forward, backward, decode or train
	DType  string    `json:"dtype"`
	Ours   []float64 `json:"ours_seconds"`
	Theirs []float64 `json:"theirs_seconds"`
	Failed string    `json:"failed,omitempty"` // why there are no seconds
}

// Speedup is the median over the rounds of the peer's seconds over ours.
func (r PeerRow) Speedup() float64 {
	ratios := make([]float64, len(r.Ours))
	for i := range ratios {
		ratios[i] = r.Theirs[i] / r.Ours[i]
	}
	slices.Sort(ratios)
	return median(ratios)
}

// maxPeerRows bounds the rows of a chart: more cannot be read.
const maxPeerRows = 60

// ReadPeers reads the JSON of bench/peers/run.py. Rows that failed are left out. It returns an error if no row is left, or if one has
// seconds that are not positive and finite.
func ReadPeers(r io.Reader) (Peers, error) {
	var p Peers
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return p, fmt.Errorf("bench: found no JSON as bench/peers/run.py writes it: %w", err)
	}
	p.Rows = slices.DeleteFunc(p.Rows, func(r PeerRow) bool { return r.Failed != "" })
	if len(p.Rows) == 0 || len(p.Rows) > maxPeerRows {
		return p, fmt.Errorf("bench: found %d measured rows, expected 1 to %d", len(p.Rows), maxPeerRows)
	}
	for _, row := range p.Rows {
		if len(row.Ours) == 0 || len(row.Ours) != len(row.Theirs) {
			return p, fmt.Errorf("bench: found %d and %d seconds of %s, expected as many of both sides",
				len(row.Ours), len(row.Theirs), row.Peer)
		}
		for _, seconds := range append(slices.Clone(row.Ours), row.Theirs...) {
			if !(seconds > 1e-9) || math.IsInf(seconds, 0) || seconds > 1e9 {
				return p, fmt.Errorf("bench: found %g seconds of %s, expected a positive number", seconds, row.Peer)
			}
		}
	}
	return p, nil
}
