package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/longspan/longspan/parallel"
)

// Network is the speed of the connections between ranks.
type Network struct {
	Name    string  `json:"name"`
	Rate    float64 `json:"bytes_per_second"` // that one rank receives, while all ranks exchange
	Latency float64 `json:"latency_seconds"`  // of an exchange of small messages, from Begin to the end of Wait
	Message float64 `json:"message_seconds"`  // what a further message of an exchange costs: it is posted, tested and received on one thread
	OneHost bool    `json:"one_host"`         // the ranks share the processors and the memory of one machine
}

// networks are usual ones, as MPI sees them over TCP: about 0.85 of what the line carries.
var networks = []Network{
	{"1GbE", 0.11e9, 60e-6, message, false},
	{"25GbE", 2.6e9, 25e-6, message, false},
	{"100Gb", 10e9, 5e-6, message, false},
	{"local", 2e9, 10e-6, message, true},
}

// message is Network.Message where nothing else is known. One message sent and one received took 2.1 to 3.3 µs of a core of an AMD Zen 4,
// in exchanges of 10 to 1,000 between two ranks of one machine, with Open MPI 4.1 and MPICH 4.0.
const message = 2.5e-6

// NetworkNames lists the names that ParseNetwork knows.
func NetworkNames() []string {
	names := make([]string, len(networks))
	for i, n := range networks {
		names[i] = n.Name
	}
	return names
}

// ParseNetwork reads a name, or a rate and a latency such as 2.6GB/s,25us. Rates are in MB/s or GB/s, of 10⁶ and 10⁹ bytes, or in Gbit/s.
func ParseNetwork(text string) (Network, error) {
	i := slices.IndexFunc(networks, func(n Network) bool { return strings.EqualFold(n.Name, text) })
	if i >= 0 {
		return networks[i], nil
	}
	n := Network{Name: text, Message: message}
	rate, latency, ok := strings.Cut(text, ",")
	if ok {
		n.Rate, ok = parseRate(strings.TrimSpace(rate))
	}
	d, err := time.ParseDuration(strings.TrimSpace(latency))
	n.Latency = d.Seconds()
	if !ok || err != nil {
		return n, fmt.Errorf("plan: found the network %q, expected %s, or a rate and a latency such as 2.6GB/s,25us", text,
			strings.Join(NetworkNames(), ", "))
	}
	return n, n.Check()
}

// ReadNetwork reads what longspan bench ranks --json prints. The latency is that of the shortest ring, in which every rank sends to the
// next, and the rate is that of the longest ring or all-to-all, of which the slower counts. Errors name the file by name.
func ReadNetwork(text []byte, name string) (Network, error) {
	var file struct {
		Ranks []struct {
			Host string `json:"host"`
		} `json:"ranks"`
		Rows []struct {
			Operation string  `json:"operation"`
			Bytes     int64   `json:"bytes"`
			Seconds   float64 `json:"seconds"`
			Rate      float64 `json:"gb_per_second"`
		} `json:"rows"`
	}
	const want = "expected what longspan bench ranks --json prints"
	if err := json.Unmarshal(text, &file); err != nil {
		return Network{}, fmt.Errorf("plan: %s: %w; %s", name, err, want)
	}
	n := Network{Name: name, Message: message, OneHost: len(file.Ranks) > 1}
	for _, r := range file.Ranks {
		n.OneHost = n.OneHost && r.Host == file.Ranks[0].Host
	}
	var shortest, longest int64
	for _, r := range file.Rows {
		if r.Operation != "ring" && r.Operation != "all-to-all" {
			continue
		}
		if r.Operation == "ring" && (shortest == 0 || r.Bytes < shortest) {
			shortest, n.Latency = r.Bytes, r.Seconds
		}
		if rate := 1e9 * r.Rate; r.Bytes > longest || r.Bytes == longest && rate < n.Rate {
			longest, n.Rate = r.Bytes, rate
		}
	}
	const least = 1 << 20
	if shortest == 0 || longest < least {
		return Network{}, fmt.Errorf("plan: %s: found no rows of rings, or none of 1 MiB or more; %s", name, want)
	}
	return n, n.Check()
}

// parseRate reads a number of bytes a second.
func parseRate(text string) (float64, bool) {
	for _, unit := range []struct {
		name  string
		bytes float64
	}{{"MB/s", 1e6}, {"GB/s", 1e9}, {"Gbit/s", 1e9 / 8}} {
		if number, ok := strings.CutSuffix(text, unit.name); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			return v * unit.bytes, err == nil
		}
	}
	return 0, false
}

// Check refuses speeds that no network has.
func (n Network) Check() error {
	if !(n.Rate >= 1e3 && n.Rate <= 1e15) || !(n.Latency >= 0 && n.Latency <= 10) || !(n.Message >= 0 && n.Message <= 10) {
		return fmt.Errorf("plan: found a network of %g bytes a second, %g s, and %g s for each further message, expected 10³ … 10¹⁵, 0 … 10 and "+
			"0 … 10", n.Rate, n.Latency, n.Message)
	}
	return nil
}

// Seconds estimates how long a rank exchanges c: the bytes that it receives at the rate of the network, the latency once for each exchange,
// and some time for each further message, since the messages of an exchange are on their way together (Alexandrov et al. 1995, "LogGP",
// with its gap). A halo is two messages, and an all-to-all R − 1.
func (n Network) Seconds(c parallel.Counts) float64 {
	return float64(c.Received)/n.Rate + n.Latency*float64(c.Exchanges) + n.Message*float64(max(0, c.Messages-c.Exchanges))
}

// StepSeconds are the seconds of a step over ranks.
type StepSeconds struct {
	Compute    float64 `json:"compute_seconds"`
	Exchange   float64 `json:"exchange_seconds"` // within layers and of losses
	Sums       float64 `json:"sum_seconds"`      // of gradients
	Step       float64 `json:"step_seconds"`     // all of them: nothing is counted as hidden behind computing
	OneRank    float64 `json:"one_rank_seconds"` // a step of one rank with one shard
	Efficiency float64 `json:"efficiency"`       // OneRank/(Ranks·Step)
}

// Seconds are the seconds of a step, of the seconds that the slowest rank and one rank alone compute:
//
//	step       = compute + exchange + sums
//	exchange   = received/rate + latency·exchanges + message·(messages − exchanges) + chain
//
// sums in the same way, without the chain: the time of exchanges that wait for each other from rank to rank.
//
//	efficiency = one rank/(R·step)
//
// Each term is of the rank that has the most of it. Ranks wait for the slowest, so that the noise of the hosts adds to a step.
func (o *Over) Seconds(n Network, compute, oneRank float64) StepSeconds {
	s := StepSeconds{Compute: compute, Exchange: n.Seconds(o.Exchange) + n.Seconds(o.Chain), Sums: n.Seconds(o.Sums), OneRank: oneRank}
	s.Step = s.Compute + s.Exchange + s.Sums
	s.Efficiency = s.OneRank / (float64(o.Ranks) * s.Step)
	return s
}
