package mechanism

import (
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for text, want := range map[string]string{
		"full":                             "full",
		" window(4) | global(0) ":          "window(4) | global(0)",
		"performer":                        "performer",
		"performer( features = 32 )":       "performer(features=32)",
		"performer(seed=3,features=8)":     "performer(features=8, seed=3)",
		"elu":                              "elu",
		"nystrom":                          "nystrom",
		"nystrom(conv=33,landmarks=16)":    "nystrom(landmarks=16, conv=33)",
		"bigbird_eval":                     "bigbird_eval",
		"transient(radius=127)":            "transient",
		"transient(block=8, radius=0)":     "transient(radius=0, block=8)",
		"bigbird_eval(random=0)":           "bigbird_eval(random=0)",
		"bigbird_eval(random=3, block=16)": "bigbird_eval(block=16)",
		"nystrom(conv=65,exact=1)":         "nystrom(conv=65, exact=1)",
		"nystrom(one_norm=1, landmarks=8)": "nystrom(landmarks=8, one_norm=1)",
	} {
		m, err := Parse(text)
		if err != nil || m.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, m, err, want)
			continue
		}
		if again, err := Parse(m.String()); err != nil || again.String() != want {
			t.Errorf("%q does not read its own text: %v", want, err)
		}
	}
	for text, want := range map[string]string{
		"wndow(4)":              "neither performer",
		"performer(features=x)": "whole number",
		"performer(heads=2)":    "expected one of [features seed]",
		"elu(3)":                "not understood",
		"nystrom(features=2)":   "expected one of [landmarks iterations conv exact one_norm]",
		"transient(width=2)":    "expected one of [radius block]",
		"bigbird_eval(seed=2)":  "expected one of [block random]",
		"bigbird_eval(64, 3)":   "expected a name, = and a whole number",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

// A name of the reference must parse with the settings that its usage shows, and the reference leave out no name.
func TestNamesParse(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range Names() {
		seen[n.Name] = true
		m, err := Parse(n.Usage)
		switch n.Name {
		case "nystrom", "performer", "elu", "relu", "bigbird_eval", "transient":
			if softmax := n.Name == "bigbird_eval"; err != nil || m.Softmax() != softmax {
				t.Errorf("%s: softmax %t, want %t: %v", n.Usage, m.Softmax(), softmax, err)
			}
		default: // those of package pattern, which tests them
		}
	}
	if !seen["window"] || !seen["performer"] {
		t.Errorf("the reference has only the names %v", seen)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"full", "window(4) | global(0)", "performer(features=32, seed=1)", "elu", "nystrom(landmarks=8, conv=3)",
		"bigbird_eval(block=7, random=0)", "transient(block=8)",
		"performer(", "relu()"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(m.String())
		if err != nil || again.String() != m.String() {
			t.Errorf("%q reads as %q, which reads as %q, %v", text, m, again, err)
		}
	})
}

// A setting that is on or off takes 0 or 1.
func TestNystromSwitches(t *testing.T) {
	for text, want := range map[string]string{
		"nystrom(exact=2)":               "expected 0 or 1",
		"nystrom(one_norm=7)":            "expected 0 or 1",
		"nystrom(exact=1, landmarks=32)": "it has no landmarks",
		"nystrom(exact=1, one_norm=1)":   "it has no landmarks",
	} {
		m, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(Config{Mechanism: m, Heads: 2, HeadDim: 8}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}
