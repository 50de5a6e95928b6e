package plan

import (
	"math"
	"strings"
	"testing"

	"github.com/longspan/longspan/parallel"
)

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]Network{
		"1GbE": {"1GbE", 0.11e9, 60e-6, 2.5e-6, false}, "100gb": {"100Gb", 10e9, 5e-6, 2.5e-6, false},
		"2.6GB/s,25us": {"2.6GB/s,25us", 2.6e9, 25e-6, 2.5e-6, false}, "8 Gbit/s, 1ms": {"8 Gbit/s, 1ms", 1e9, 1e-3, 2.5e-6, false},
		"110MB/s,60µs": {"110MB/s,60µs", 0.11e9, 60e-6, 2.5e-6, false},
	} {
		got, err := ParseNetwork(text)
		if err != nil || got.Name != want.Name || math.Abs(got.Rate/want.Rate-1) > 1e-9 || math.Abs(got.Latency/want.Latency-1) > 1e-9 {
			t.Errorf("%q: found %+v, %v, expected %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":              "expected 1GbE, 25GbE, 100Gb, local, or a rate and a latency such as 2.6GB/s,25us",
		"10GbE":         `found the network "10GbE"`,
		"2GB/s":         "expected 1GbE",
		"2GB,5us":       "expected 1GbE",
		"xGB/s,5us":     "expected 1GbE",
		"2GB/s,5":       "expected 1GbE",
		"-2GB/s,5us":    "-2e+09 bytes a second",
		"NaNGB/s,5us":   "NaN bytes a second",
		"2GB/s,-5us":    "expected 10³ … 10¹⁵, 0 … 10 and 0 … 10",
		"2GB/s,2000h":   "expected 10³ … 10¹⁵, 0 … 10 and 0 … 10",
		"1e300GB/s,5us": "expected 10³",
	} {
		if _, err := ParseNetwork(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func FuzzParseNetwork(f *testing.F) {
	for _, text := range []string{"25GbE", "2.6GB/s,25us", "8 Gbit/s, 1ms", ",", "GB/s,s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNetwork(text)
		if s := n.Seconds(parallel.Counts{Received: 1 << 40, Messages: 10, Exchanges: 2}); err == nil && !(s > 0 && s < 1e10) {
			t.Errorf("%q: %g s", text, s)
		}
	})
}

// benched is in the form of longspan bench ranks --json.
const benched = `{"library": "", "ranks": [{"host": "a"}, {"host": "a"}], "rows": [
	{"operation": "send-receive", "bytes": 8, "seconds": 1e-6, "gb_per_second": 9},
	{"operation": "ring", "bytes": 8, "seconds": 1e-5, "gb_per_second": 0.001},
	{"operation": "ring", "bytes": 16777216, "seconds": 0.006, "gb_per_second": 3},
	{"operation": "all-to-all", "bytes": 8, "seconds": 2e-5, "gb_per_second": 0.001},
	{"operation": "all-to-all", "bytes": 16777216, "seconds": 0.008, "gb_per_second": 2},
	{"operation": "sum", "bytes": 16777216, "seconds": 0.02, "gb_per_second": 1}]}`

func TestReadNetwork(t *testing.T) {
	got, err := ReadNetwork([]byte(benched), "net.json")
	if want := (Network{"net.json", 2e9, 1e-5, 2.5e-6, true}); got != want || err != nil {
		t.Errorf("found %+v, %v, expected %+v", got, err, want)
	}
	for text, want := range map[string]string{
		"":             "net.json: unexpected end of JSON input; expected what longspan bench ranks --json prints",
		`{"rows": []}`: "net.json: found no rows of rings",
		`{"rows": [{"operation": "ring", "bytes": 8, "seconds": 1, "gb_per_second": 1}]}`:         "none of 1 MiB or more",
		`{"rows": [{"operation": "ring", "bytes": 16777216, "seconds": 11, "gb_per_second": 1}]}`: "1e+09 bytes a second, 11 s",
		`{"rows": [{"operation": "ring", "bytes": 16777216, "seconds": 1, "gb_per_second": -1}]}`: "-1e+09 bytes a second",
	} {
		if _, err := ReadNetwork([]byte(text), "net.json"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func FuzzReadNetwork(f *testing.F) {
	f.Add([]byte(benched))
	f.Add([]byte(`{"rows": null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := ReadNetwork(text, "f"); err == nil && n.Check() != nil {
			t.Errorf("%q: took %+v", text, n)
		}
	})
}

func TestSecondsOverRanks(t *testing.T) {
	n := Network{"", 1e9, 1e-3, 1e-6, false}
	o := Over{Ranks: 4, Exchange: parallel.Counts{Received: 5e8, Messages: 1010, Exchanges: 10},
		Sums: parallel.Counts{Received: 1e9, Messages: 1, Exchanges: 1}}
	got := o.Seconds(n, 2, 10)
	want := StepSeconds{Compute: 2, Exchange: 0.5 + 0.01 + 0.001, Sums: 1.001, Step: 3.512, OneRank: 10, Efficiency: 10 / (4 * 3.512)}
	for name, pair := range map[string][2]float64{"exchange": {got.Exchange, want.Exchange}, "sums": {got.Sums, want.Sums},
		"step": {got.Step, want.Step}, "efficiency": {got.Efficiency, want.Efficiency}} {
		if math.Abs(pair[0]-pair[1]) > 1e-12 {
			t.Errorf("%s: found %g, expected %g", name, pair[0], pair[1])
		}
	}
}
