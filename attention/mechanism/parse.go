package mechanism

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/nystrom"
	"github.com/longspan/longspan/attention/pattern"
)

// Mechanism is a way of attending, read by Parse. It is immutable.
type Mechanism struct {
	kind kind
	text string
}

// kind is one of softmax, bigBird, features, landmarks and transient.
type kind interface {
	layer(c Config) (Layer, error)
}

// Parse reads a mechanism's text form:
//
//	performer(features=256, seed=1)                 FAVOR+
//	elu, relu                                       linear attention with that feature map
//	nystrom(landmarks=64, iterations=6, conv=33)    Nyström, with a skip if conv gives its number of taps; one_norm=1 starts
//	                                                the inverses of all heads of a sequence from one norm
//	nystrom(exact=1, conv=33)                       softmax attention of all tokens to all tokens, with the skip
//	bigbird_eval(block=64, random=3)                BigBird as transformers computes it in evaluation: no block is random,
//	                                                and the first counts 1 + random times
//	transient(radius=127, block=16)                 a window, and a summary of each block of tokens: LongT5
//	window(512) | global(0)                         anything that [pattern.Parse] reads: softmax over that pattern
//
// Settings may be left out, and parentheses with them.
func Parse(text string) (Mechanism, error) {
	name, arguments, hasArguments := strings.Cut(strings.TrimSpace(text), "(")
	name = strings.TrimSpace(name)
	k, settings := named(name)
	if k == nil {
		p, err := pattern.Parse(text)
		if err != nil {
			return Mechanism{}, fmt.Errorf("mechanism: %q is neither performer, elu, relu, nystrom, bigbird_eval, transient nor a pattern: %w",
				text, err)
		}
		return Mechanism{softmax{p}, p.String()}, nil
	}
	if !hasArguments {
		return Mechanism{k, name}, nil
	}
	list, rest, closed := strings.Cut(arguments, ")")
	if !closed || strings.TrimSpace(rest) != "" || len(settings) == 0 {
		return Mechanism{}, fmt.Errorf("mechanism: %q is not understood; write performer(features=256, seed=1), elu, relu, "+
			"nystrom(landmarks=64), bigbird_eval(block=64, random=3) or transient(radius=127, block=16)", text)
	}
	if err := set(settings, list); err != nil {
		return Mechanism{}, fmt.Errorf("mechanism: %q: %w", text, err)
	}
	return Mechanism{k, name + write(settings)}, nil
}

// Names lists the texts that Parse reads, for a --help: the mechanisms without a pattern, and those of [pattern.Names].
func Names() []pattern.Name {
	return append(append(slices.Clone(approximations), bigBirdName, transientName), pattern.Names()...)
}

var bigBirdName = pattern.Name{Name: "bigbird_eval", Usage: "bigbird_eval(block=64, random=3)",
	About: "BigBird as transformers evaluates it: the first block for each random one; bidirectional"}

var transientName = pattern.Name{Name: "transient", Usage: "transient(radius=127, block=16)",
	About: "LongT5: a window, and a summary of each block of tokens; bidirectional, with the position t5"}

var approximations = []pattern.Name{
	{Name: "performer", Usage: "performer(features=256, seed=0)", About: "FAVOR+: random features whose products estimate the softmax"},
	{Name: "elu", Usage: "elu", About: "linear attention with the feature map elu+1"},
	{Name: "relu", Usage: "relu", About: "linear attention with the feature map ReLU"},
	{Name: "nystrom", Usage: "nystrom(landmarks=64, iterations=6, conv=0)",
		About: "Nyström's approximation through landmarks; bidirectional"},
}

// Presets lists mechanisms to compare, with the settings of their papers or of common models. Full attention is the first. Longformer's
// attention_window of 1,024 tokens is 512 on each side.
func Presets() []pattern.Name {
	return append([]pattern.Name{
		{Name: "full", Usage: "full", About: "every token sees every token"},
		{Name: "window", Usage: "window(512)", About: "512 tokens on each side"},
		{Name: "longformer", Usage: "window(512) | global(0)", About: "the window, and a first token that sees all and is seen by all"},
		{Name: "bigbird", Usage: "bigbird(64, 3, 2, 3, 0)", About: "blocks of 64: 3 window, 2 global, 3 random"},
		{Name: "dilated", Usage: "dilated(64, 4)", About: "64 tokens on each side, 4 apart"},
	}, approximations...)
}

// ParsePreset reads the name of a preset, or a text as Parse does.
func ParsePreset(text string) (Mechanism, error) {
	for _, p := range Presets() {
		if p.Name == strings.TrimSpace(text) {
			return Parse(p.Usage)
		}
	}
	return Parse(text)
}

// setting is a number that a mechanism's text may set.
type setting struct {
	key       string
	value     func(n *uint64) uint64 // sets it, given a number; returns it
	otherwise uint64                 // its value where it is left out
}

// named returns the mechanism of that name with its settings, or nil if there is none.
func named(name string) (kind, []setting) {
	switch name {
	case "bigbird_eval":
		k := &bigBird{block: 64, random: 3}
		return k, []setting{number("block", &k.block), number("random", &k.random)}
	case "transient":
		k := &transient{radius: 127, block: 16}
		return k, []setting{number("radius", &k.radius), number("block", &k.block)}
	case "nystrom":
		k := &landmarks{}
		return k, []setting{number("landmarks", &k.c.Landmarks), number("iterations", &k.c.Iterations), number("conv", &k.c.ConvKernel),
			number("exact", &k.exact), number("one_norm", &k.oneNorm)}
	}
	feature, err := linear.ParseFeatureMap(name)
	if err != nil {
		return nil, nil
	}
	k := &features{linear.Config{Feature: feature}}
	if feature != linear.Performer {
		return k, nil
	}
	return k, []setting{number("features", &k.c.Features), number("seed", &k.c.Seed)}
}

func number[T int | uint64](key string, at *T) setting {
	return setting{key, func(n *uint64) uint64 {
		if n != nil {
			*at = T(*n)
		}
		return uint64(*at)
	}, uint64(*at)}
}

// set reads "key=number, key=number" into the settings.
func set(settings []setting, list string) error {
	var keys []string
	for _, s := range settings {
		keys = append(keys, s.key)
	}
	for item := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(item, "=")
		n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
		if err != nil {
			return fmt.Errorf("found setting %q, expected a name, = and a whole number", strings.TrimSpace(item))
		}
		known := false
		for _, s := range settings {
			if s.key == strings.TrimSpace(key) {
				s.value(&n)
				known = true
			}
		}
		if !known {
			return fmt.Errorf("found setting %q, expected one of %v", strings.TrimSpace(key), keys)
		}
	}
	return nil
}

// write formats the settings that are not left out, in parentheses.
func write(settings []setting) string {
	var items []string
	for _, s := range settings {
		if n := s.value(nil); n != s.otherwise {
			items = append(items, fmt.Sprintf("%s=%d", s.key, n))
		}
	}
	if len(items) == 0 {
		return ""
	}
	return "(" + strings.Join(items, ", ") + ")"
}

// String is a text form that Parse reads.
func (m Mechanism) String() string { return m.text }

// Softmax reports whether m is softmax attention over a pattern. Only softmax takes terms, memories and cross-attention.
func (m Mechanism) Softmax() bool { return m.pattern() != nil }

// Together returns an error for a mechanism whose heads depend on each other, so that ranks can share neither its heads nor its rows.
func (m Mechanism) Together() error {
	if k, ok := m.kind.(*landmarks); ok {
		return nystromLayer{c: nystrom.Config{OneNorm: k.oneNorm != 0}}.together()
	}
	return nil
}

// Causal reports whether m has a causal form.
func (m Mechanism) Causal() bool {
	switch m.kind.(type) {
	case *landmarks, *bigBird, *transient:
		return false
	}
	return true
}
