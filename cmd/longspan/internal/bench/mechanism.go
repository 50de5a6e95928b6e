package bench

import (
	"fmt"
	"slices"
	"strings"
)

// mechanism is a way of attending that has a name of its own.
type mechanism struct {
	name    string
	pattern string // of flash attention; "" where the mechanism is none
	causal  bool   // whether it has a causal form
	about   string
}

// mechanisms are all named ones, in the order of a sweep. Settings are those of the papers or their common models: Longformer's
// attention_window of 1,024 is 512 a side; BigBird has blocks of 64, three in the window, two global and three random.
var mechanisms = []mechanism{
	{"full", "full", true, "every token sees every token"},
	{"window", "window(512)", true, "512 tokens on each side"},
	{"longformer", "window(512) | global(0)", true, "the window, and a first token that sees all and is seen by all"},
	{"bigbird", "bigbird(64, 3, 2, 3, 0)", true, "blocks of 64: 3 window, 2 global, 3 random"},
	{"dilated", "dilated(64, 4)", true, "64 tokens on each side, 4 apart"},
	{"performer", "", true, "FAVOR+ with 256 positive orthogonal features"},
	{"elu", "", true, "linear attention with the feature map elu+1"},
	{"relu", "", true, "linear attention with the feature map ReLU"},
	{"nystrom", "", false, "64 landmarks"},
}

// Mechanisms lists the names that Attention takes.
func Mechanisms() []string {
	names := make([]string, len(mechanisms))
	for i, m := range mechanisms {
		names[i] = m.name
	}
	return names
}

// About lists the names with a line on each, for a reference or a --help.
func About() string {
	var b strings.Builder
	for _, m := range mechanisms {
		fmt.Fprintf(&b, "  %-12s %s\n", m.name, m.about)
	}
	return b.String()
}

func findMechanism(name string) (mechanism, error) {
	i := slices.IndexFunc(mechanisms, func(m mechanism) bool { return m.name == name })
	if i < 0 {
		return mechanism{}, fmt.Errorf("bench: mechanism %q is not known; use one of %s", name, strings.Join(Mechanisms(), ", "))
	}
	return mechanisms[i], nil
}
