package strictyaml_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/internal/strictyaml"
)

type trained struct {
	Optimizer struct {
		LR float64 `yaml:"lr" was:"rate"`
	} `yaml:"optimizer"`
}

type layer struct {
	Heads int     `yaml:"heads"`
	Drop  float64 `yaml:"drop"`
}

type config struct {
	Seed   uint64           `yaml:"seed"`
	Name   string           `yaml:"name"`
	Fast   bool             `yaml:"fast"`
	Layer  layer            `yaml:"layer"`
	Layers []layer          `yaml:"layers"`
	More   *layer           `yaml:"more"`
	Counts map[string]int64 `yaml:"counts"`
	Train  trained          `yaml:"train"`
}

func TestLoadKeepsDefaults(t *testing.T) {
	c := config{Seed: 7, Layer: layer{Heads: 4, Drop: 0.5}}
	text := "name: a\nlayer:\n  drop: 0.1\nlayers: [{heads: 2}, {drop: 1e-3}]\nmore: {heads: 9}\n"
	if err := strictyaml.Load([]byte(text), "c.yaml", &c); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{"layer.heads=8", "fast=true", "more.drop=.25", "name=x=y", "layers=[{heads: 3}]"} {
		if err := strictyaml.Set(set, &c); err != nil {
			t.Fatal(err)
		}
	}
	want := config{Seed: 7, Name: "x=y", Fast: true, Layer: layer{8, 0.1}, Layers: []layer{{Heads: 3}}, More: &layer{9, 0.25}}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"seed: 1\nlayer:\n  headz: 2\n", `c.yaml: line 3: the key "layer.headz" is not known; did you mean "heads"?`},
		{"seed: 1\ntrain: {optimizer: {rate: 1}}\n", `line 2: the key "train.optimizer.rate" is now "train.optimizer.lr"`},
		{"Seed: 1\n", `line 1: the key "Seed" is not known; did you mean "seed"?`},
		{"\nzzzzzzzzz: 1\n", `line 2: the key "zzzzzzzzz" is not known; the config has seed, name, fast, layer, layers, more`},
		{"layers:\n- heads: 1\n- haeds: 2\n", `line 3: the key "layers[1].haeds" is not known; did you mean "heads"?`},
		{"more:\n  dorp: 2\n", `line 2: the key "more.dorp" is not known; did you mean "drop"?`},
		{"seed: 1\nname: a\nseed: 2\n", `line 3: the key "seed" is there twice`},
		{"seed: 1\nlayer: 3\n", `line 2: layer has the keys heads, drop; found "3"`},
		{"seed: 1\nlayer:\n  heads:\n", `line 3: layer.heads has no value; write one, or leave the key out`},
		{"layers: 3\n", `line 1: layers is a list; found "3", expected [3]`},
		{"layers:\n", `line 1: layers has no value`},
		{" \n", "c.yaml: the config is empty"},
		{"seed: [1]\n", `line 1: seed is one value; found a list`},
		{"seed: -1\n", `line 1: found "-1" where a whole number that is not negative was expected`},
		{"seed: 1\nlayer: {heads: 2.5}\n", `line 2: found "2.5" where a whole number was expected`},
		{"fast: perhaps\n", `line 1: found "perhaps" where true or false was expected`},
		{"seed: 1\n  x: 3\n", `line 2`},
		{"- 1\n", "line 1: keys with values were expected"},
		{"", "c.yaml:"},
		{"layer: &a {heads: 1}\nmore: *a\n", "line 1: anchors and aliases"},
		{"seed: 1\n---\nseed: 2\n", "c.yaml:"},
	} {
		var into config
		err := strictyaml.Load([]byte(c.text), "c.yaml", &into)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error\n  %v\nwant one with\n  %s", c.text, err, c.want)
		}
	}
	for _, c := range []struct{ set, want string }{
		{"train.optimizer.rate=1", `--set train.optimizer.rate=1: the key "train.optimizer.rate" is now "train.optimizer.lr"`},
		{"seed", "a key, '=' and a value"},
		{"=3", "a key, '=' and a value"},
		{"layer.headz=3", `--set layer.headz=3: the key "layer.headz" is not known; did you mean "heads"?`},
		{"layer.heads.x=3", "one value"},
		{"layer=3", "has the keys heads, drop"},
		{"seed=many", `found "many" where`},
		{"seed=[", "not YAML"},
	} {
		var into config
		if err := strictyaml.Set(c.set, &into); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error\n  %v\nwant one with\n  %s", c.set, err, c.want)
		}
	}
}

// A number or a truth value has its value of YAML 1.2, or is refused with the text to write. A string is taken as it is.
func TestScalarsAreThoseOfYAML12(t *testing.T) {
	type values struct {
		Seed uint64
		Drop float64
		Fast bool
		Name string
	}
	inf := math.Inf(1)
	for _, c := range []struct {
		text    string
		want    values
		refused string
	}{
		{text: "seed: 10", want: values{Seed: 10}},
		{text: "seed: 0", want: values{}},
		{text: "seed: 0o10", want: values{Seed: 8}},
		{text: "seed: 0x1F", want: values{Seed: 31}},
		{text: "seed: 1e3", want: values{Seed: 1000}},
		{text: "seed: 010", refused: "line 1: seed is 010; versions of YAML read a leading zero differently: write 10, or 0o10 for octal"},
		{text: "seed: 089", refused: "write 89"},
		{text: "seed: 007", refused: "write 7, or 0o7 for octal"},
		{text: "seed: !!int \"010\"", refused: "leading zero"},
		{text: "seed: 1_000", refused: "seed is 1_000, and YAML 1.2 has no underscores in numbers; write 1000"},
		{text: "seed: 0_10", refused: "underscores"},
		{text: "seed: 0b11", refused: "no number in YAML 1.2"},
		{text: "seed: 0O10", refused: "no number in YAML 1.2"},
		{text: "seed: +0x1F", refused: "no number in YAML 1.2"},
		{text: "seed: 1:30", refused: `found "1:30" where a whole number`},
		{text: "seed: .inf", refused: "whole number"},
		{text: "layer: {drop: -010}", refused: "layer.drop is -010; versions of YAML read a leading zero differently: write -10"},
		{text: "layer: {drop: 01.5}", want: values{Drop: 1.5}},
		{text: "layer: {drop: 1_0.5}", refused: "underscores"},
		{text: "layer: {drop: 1:30.5}", refused: `found "1:30.5" where a number`},
		{text: "layer: {drop: .inf}", want: values{Drop: inf}},
		{text: "layer: {drop: -.Inf}", want: values{Drop: -inf}},
		{text: "layer: {drop: inf}", refused: `found "inf" where a number`},
		{text: "layer: {drop: nan}", refused: `found "nan" where a number`},
		{text: "layers: [{heads: 2}, {heads: 010}]", refused: "layers[1].heads is 010"},
		{text: "fast: true", want: values{Fast: true}},
		{text: "fast: TRUE", want: values{Fast: true}},
		{text: "fast: yes", refused: `line 1: found "yes" where true or false was expected`},
		{text: "fast: on", refused: "true or false"},
		{text: "fast: y", refused: "true or false"},
		{text: "name: 010", want: values{Name: "010"}},
		{text: "name: 1_000", want: values{Name: "1_000"}},
		{text: "name: yes", want: values{Name: "yes"}},
		{text: "name: 1:30", want: values{Name: "1:30"}},
	} {
		var got config
		err := strictyaml.Load([]byte(c.text), "c.yaml", &got)
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: found the error %v, expected one with %q", c.text, err, c.refused)
			}
		} else if found := (values{got.Seed, got.Layer.Drop, got.Fast, got.Name}); err != nil || found != c.want {
			t.Errorf("%s: found %+v, %v, expected %+v", c.text, found, err, c.want)
		}
	}
	var got config
	if err := strictyaml.Load([]byte("layer: {drop: .nan}"), "c.yaml", &got); err != nil || !math.IsNaN(got.Layer.Drop) {
		t.Errorf("found %g, %v, expected NaN", got.Layer.Drop, err)
	}
	if err := strictyaml.Set("seed=010", &got); err == nil || !strings.Contains(err.Error(), "--set seed=010: seed is 010") {
		t.Errorf("found the error %v for an override, expected one that names it", err)
	}
}

// FuzzLoad: no text makes the reader panic, and nothing is set where there is an error about keys.
func FuzzLoad(f *testing.F) {
	f.Add("seed: 1\nlayers: [{heads: 2}]\nmore: {drop: 1}\n")
	f.Add("a: &a [*a]\n")
	f.Add("? {x: 1}\n: 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		var into config
		if err := strictyaml.Load([]byte(text), "fuzz", &into); err != nil && !strings.HasPrefix(err.Error(), "fuzz: ") {
			t.Errorf("the error %q does not say where", err)
		}
	})
}

func TestFlatten(t *testing.T) {
	text := "seed: 1\nlayer: {heads: 2, drop: 0.5}\nlayers: [{heads: 1}, {heads: 2}]\nname: 'a, b'\nmore: {}\n"
	want := map[string]string{"seed": "1", "layer.heads": "2", "layer.drop": "0.5", "layers": "[[heads, 1], [heads, 2]]",
		"name": `"a, b"`, "more": "[]"}
	if diff := cmp.Diff(want, strictyaml.Flatten([]byte(text))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := strictyaml.Flatten([]byte("a: [")); len(got) != 0 {
		t.Errorf("text that is not YAML has the values %v", got)
	}
}

func TestLocate(t *testing.T) {
	text := []byte("seed: 1\nlayer:\n  heads: 3\n")
	err := strict.Under("layer", strict.Wrong("heads", "is %d", 3))
	for set, want := range map[string]string{
		"": "c.yaml: line 3: layer: heads is 3", "layer={heads: 3}": "--set layer={heads: 3}: layer: heads is 3",
	} {
		if got := strictyaml.Locate(err, text, "c.yaml", []string{set}); got.Error() != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
	if got := strictyaml.Locate(strict.Wrong("fast", "is slow"), text, "c.yaml", nil); got.Error() != "c.yaml: fast is slow" {
		t.Errorf("%q", got)
	}
}
