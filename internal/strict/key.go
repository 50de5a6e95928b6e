package strict

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// keyError is an error about the value of a key.
type keyError struct {
	key string // its path, such as optimizer.rate
	error
}

func (e keyError) Unwrap() error { return e.error }

// Wrong returns an error about the value of a key, such as Wrong("log.every", "is %d; it must be positive", n), which
// begins with the key.
func Wrong(key, format string, args ...any) error {
	return keyError{key, fmt.Errorf(key+" "+format, args...)}
}

// Under returns err as one about a key of a section, which its text then begins with. A nil err stays nil.
func Under(section string, err error) error {
	if err == nil {
		return nil
	}
	full := section
	var inner keyError
	if errors.As(err, &inner) {
		full = section + "." + inner.key
	}
	return keyError{full, fmt.Errorf("%s: %w", section, err)}
}

// Locate returns err with the name of the config before it and, where it is about a key that text has and no
// override sets, its line.
func Locate(err error, text []byte, name string, overrides []string) error {
	var wrong keyError
	if !errors.As(err, &wrong) {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, o := range overrides {
		key, _, _ := strings.Cut(o, "=")
		if strings.HasPrefix(wrong.key+".", key+".") {
			return fmt.Errorf("--set %s: %w", o, err)
		}
	}
	var node yaml.Node
	if yaml.Load(text, &node) == nil {
		if line := lineOf(content(&node), wrong.key); line > 0 {
			return fmt.Errorf("%s: line %d: %w", name, line, err)
		}
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lineOf is the line of a key, or 0 where it is not there.
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
