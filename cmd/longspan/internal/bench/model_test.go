package bench

import (
	"strings"
	"testing"

	"github.com/longspan/longspan/model"
)

const goldenDir = "../../../../hf/testdata/golden/"

// Bodies, decoders and encoder-decoders are measured: a pass, and the decoding behind it with one beam and with several.
func TestModels(t *testing.T) {
	for _, c := range []struct {
		name          string
		decode, beams int
		options       model.OpenOptions
	}{
		{"bert", 0, 1, model.OpenOptions{}},
		{"llama", 5, 1, model.OpenOptions{}},
		{"llama", 5, 3, model.OpenOptions{}},
		{"led", 0, 1, model.OpenOptions{Global: []int{0}}},
		{"bart", 5, 1, model.OpenOptions{}},
		{"led", 5, 3, model.OpenOptions{}},
	} {
		m := Model{Path: goldenDir + c.name, Options: c.options, Tokens: 20, Sequences: 1, Decode: c.decode, Beams: c.beams, Runs: 1}
		row, err := m.Run(func(int, int) {})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !(row.Seconds > 0) || row.Tokens != 20 || c.decode > 0 && (!(row.Decoded > 0) || row.State == 0) {
			t.Errorf("%s, %d tokens, %d beams: found %+v", c.name, c.decode, c.beams, row)
		}
	}
}

func TestModelRefuses(t *testing.T) {
	for want, m := range map[string]Model{
		"found 3 beams for 1 decoded tokens": {Path: goldenDir + "led", Tokens: 9, Sequences: 1, Decode: 1, Beams: 3, Runs: 1},
		"no such file":                       {Path: goldenDir + "nowhere", Tokens: 9, Sequences: 1, Runs: 1},
		"found 0 tokens":                     {Path: goldenDir + "bert", Sequences: 1, Runs: 1},
	} {
		if _, err := m.Run(func(int, int) {}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found the error %v, want %q", err, want)
		}
	}
}
