package mechanism

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/longspan/longspan/attention/linear"
	"github.com/longspan/longspan/attention/pattern"
)

// Mechanism is a way of attending, read by Parse. It is immutable.
type Mechanism struct {
	kind kind
	text string
}

// kind is one of softmax, features and landmarks.
type kind interface {
	layer(c Config) (Layer, error)
}

// Parse reads a mechanism's text form:
//
//	performer(features=256, seed=1)                 FAVOR+
//	elu, relu                                       linear attention with that feature map
//	nystrom(landmarks=64, iterations=6, conv=33)    Nyström, with a skip if conv gives its number of taps
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
			return Mechanism{}, fmt.Errorf("mechanism: %q is neither performer, elu, relu, nystrom nor a pattern: %w", text, err)
		}
		return Mechanism{softmax{p}, p.String()}, nil
	}
	if !hasArguments {
		return Mechanism{k, name}, nil
	}
	list, rest, closed := strings.Cut(arguments, ")")
	if !closed || strings.TrimSpace(rest) != "" || len(settings) == 0 {
		return Mechanism{}, fmt.Errorf("mechanism: %q is not understood; write performer(features=256, seed=1), elu, relu or "+
			"nystrom(landmarks=64)", text)
	}
	if err := set(settings, list); err != nil {
		return Mechanism{}, fmt.Errorf("mechanism: %q: %w", text, err)
	}
	return Mechanism{k, name + write(settings)}, nil
}

// Names lists what Parse knows, for a reference or a --help: the mechanisms that are no patterns, and those of [pattern.Names].
func Names() []pattern.Name {
	return append([]pattern.Name{
		{Name: "performer", Usage: "performer(features=256, seed=0)", About: "FAVOR+: random features whose products estimate the softmax"},
		{Name: "elu", Usage: "elu", About: "linear attention with the feature map elu+1"},
		{Name: "relu", Usage: "relu", About: "linear attention with the feature map ReLU"},
		{Name: "nystrom", Usage: "nystrom(landmarks=64, iterations=6, conv=0)",
			About: "Nyström's approximation through landmarks; bidirectional"},
	}, pattern.Names()...)
}

// setting is a number that a mechanism's text may set.
type setting struct {
	key   string
	value func(n *uint64) uint64 // sets it, given a number; returns it
}

// named returns the mechanism of that name with its settings, or nil if there is none.
func named(name string) (kind, []setting) {
	if name == "nystrom" {
		k := &landmarks{}
		return k, []setting{number("landmarks", &k.c.Landmarks), number("iterations", &k.c.Iterations), number("conv", &k.c.ConvKernel)}
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
	}}
}

// set reads "key=number, key=number".
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

// write is the settings that are not zero, in parentheses.
func write(settings []setting) string {
	var items []string
	for _, s := range settings {
		if n := s.value(nil); n != 0 {
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

// Softmax says whether m is softmax attention over a pattern, which alone takes terms, memories and keys of other tokens.
func (m Mechanism) Softmax() bool {
	_, ok := m.kind.(softmax)
	return ok
}
