package strictyaml

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Flatten lists the values of a config by their paths, such as optimizer.lr. A value is one line, in quotes where it needs them. Text that
// is not YAML has no values.
func Flatten(text []byte) map[string]string {
	values := map[string]string{}
	var node yaml.Node
	if yaml.Load(text, &node) == nil {
		flatten(values, "", content(&node))
	}
	return values
}

func flatten(values map[string]string, path string, n *yaml.Node) {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		for pair := range slices.Chunk(n.Content, 2) {
			flatten(values, strings.TrimPrefix(path+"."+pair[0].Value, "."), pair[1])
		}
		return
	}
	values[path] = inline(n)
}

// inline formats a value on one line.
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
