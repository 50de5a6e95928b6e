package filename

import (
	"slices"
	"testing"
)

func TestWeightFindsAveragesAndOldNames(t *testing.T) {
	for _, c := range []struct {
		file        []string
		name        string
		saved, base string
	}{
		{[]string{"norm.weight"}, "norm.weight", "norm.weight", "norm.weight"},
		{[]string{"norm.weight", "average/norm.weight"}, "norm.weight", "average/norm.weight", "norm.weight"},
		{[]string{"a.norm.gamma", "a.norm.beta"}, "a.norm.bias", "a.norm.beta", "a.norm.beta"},
		{[]string{"a.norm.gamma", "average/a.norm.gamma"}, "a.norm.weight", "average/a.norm.gamma", "a.norm.gamma"},
		{[]string{"a.gamma"}, "a.weight", "a.weight", "a.weight"},
	} {
		saved, base := Weight(func(name string) bool { return slices.Contains(c.file, name) }, c.name)
		if saved != c.saved || base != c.base {
			t.Errorf("%q in %q: found %q of %q, want %q of %q", c.name, c.file, saved, base, c.saved, c.base)
		}
	}
}
