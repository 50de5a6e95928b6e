package strictyaml

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/longspan/longspan/internal/strict"
)

// Locate returns err with the name of the config before it. If err is about a key that text has and no override sets, its line follows the
// name.
func Locate(err error, text []byte, name string, overrides []string) error {
	wrong := strict.Key(err)
	if wrong == "" {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, o := range overrides {
		key, _, _ := strings.Cut(o, "=")
		if strings.HasPrefix(wrong+".", key+".") {
			return fmt.Errorf("--set %s: %w", o, err)
		}
	}
	var node yaml.Node
	if yaml.Load(text, &node) == nil {
		if line := lineOf(content(&node), wrong); line > 0 {
			return fmt.Errorf("%s: line %d: %w", name, line, err)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lineOf is the line of a key, or 0 if n does not have it.
func lineOf(n *yaml.Node, path string) int {
	key, rest, more := strings.Cut(path, ".")
	if n.Kind != yaml.MappingNode {
		return 0
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			continue
		}
		if more {
			return lineOf(n.Content[i+1], rest)
		}
		return n.Content[i].Line
	}
	return 0
}
