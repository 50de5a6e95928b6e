package strictyaml

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Changes lists the keys whose values differ between two configs, as "a.b: old → new", in the order of after; a key
// that only one of them has is nothing in the other. A text that is no YAML has no keys.
func Changes(before, after []byte) []string {
	old, now := flatten(before), flatten(after)
	var changes []string
	for _, path := range now.paths {
		if old.values[path] != now.values[path] {
			changes = append(changes, fmt.Sprintf("%s: %s → %s", path, orNothing(old.values[path]), now.values[path]))
		}
	}
	for _, path := range old.paths {
		if _, ok := now.values[path]; !ok {
			changes = append(changes, fmt.Sprintf("%s: %s → nothing", path, old.values[path]))
		}
	}
	return changes
}

func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

// flat is a config as one value, in quotes where it needs them, for each path.
type flat struct {
	paths  []string // in the order of the config
	values map[string]string
}

func flatten(text []byte) flat {
	f := flat{values: map[string]string{}}
	var node yaml.Node
	if yaml.Load(text, &node) == nil {
		f.add("", content(&node))
	}
	return f
}

func (f *flat) add(path string, n *yaml.Node) {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		for pair := range slices.Chunk(n.Content, 2) {
			f.add(strings.TrimPrefix(path+"."+pair[0].Value, "."), pair[1])
		}
		return
	}
	f.paths = append(f.paths, path)
	f.values[path] = inline(n)
}

// inline is a value in one line.
func inline(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		if n.Value == "" || strings.ContainsAny(n.Value, ",;[]{}") {
			return fmt.Sprintf("%q", n.Value)
		}
		return n.Value
	}
	var parts []string
	for _, c := range n.Content {
		parts = append(parts, inline(c))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
