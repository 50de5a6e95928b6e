package strictyaml_test

import (
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
	for set, want := range map[string]string{"": "c.yaml: line 3: layer: heads is 3", "layer={heads: 3}": "--set layer={heads: 3}: layer: heads is 3"} {
		if got := strictyaml.Locate(err, text, "c.yaml", []string{set}); got.Error() != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
	if got := strictyaml.Locate(strict.Wrong("fast", "is slow"), text, "c.yaml", nil); got.Error() != "c.yaml: fast is slow" {
		t.Errorf("%q", got)
	}
}
