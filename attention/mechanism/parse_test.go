package mechanism

import (
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for text, want := range map[string]string{
		"full":                          "full",
		" window(4) | global(0) ":       "window(4) | global(0)",
		"performer":                     "performer",
		"performer( features = 32 )":    "performer(features=32)",
		"performer(seed=3,features=8)":  "performer(features=8, seed=3)",
		"elu":                           "elu",
		"nystrom":                       "nystrom",
		"nystrom(conv=33,landmarks=16)": "nystrom(landmarks=16, conv=33)",
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
		"nystrom(features=2)":   "expected one of [landmarks iterations conv]",
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
		if n.Name != "nystrom" && n.Name != "performer" && n.Name != "elu" && n.Name != "relu" {
			continue // those of package pattern, which tests them
		}
		if m, err := Parse(n.Usage); err != nil || m.Softmax() {
			t.Errorf("%s: %v", n.Usage, err)
		}
	}
	if !seen["window"] || !seen["performer"] {
		t.Errorf("the reference has only the names %v", seen)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"full", "window(4) | global(0)", "performer(features=32, seed=1)", "elu", "nystrom(landmarks=8, conv=3)",
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
