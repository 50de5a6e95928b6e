// Package strictyaml reads YAML configs in which every word must mean something: an unknown or repeated key is an
// error that gives its line and the nearest known name.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Load decodes text into a pointer to a struct. Fields that the text does not name keep their values, so defaults go in first. The keys
// that are known are those of the struct's yaml tags. A tag `was:"old"` names an earlier key, which is refused with the new one's name.
// name says where the text comes from, in errors. Numbers and truth values are those of YAML 1.2; what YAML 1.1 reads differently is
// refused.
func Load(text []byte, name string, into any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return fmt.Errorf("%s: the config is empty; keys with values were expected", name)
	}
	var node yaml.Node
	if err := yaml.Load(text, &node); err != nil {
		if strings.Contains(err.Error(), "no documents") { // comments alone, as a run has that no recipe began
			return fmt.Errorf("%s: the config has no keys; keys with values were expected", name)
		}
		return fmt.Errorf("%s: %s", name, reason(err))
	}
	root := content(&node)
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: line %d: keys with values were expected", name, max(root.Line, 1))
	}
	return decode(root, name, func(n *yaml.Node) string { return fmt.Sprintf("%s: line %d", name, n.Line) }, into)
}

// Set applies one override of the form a.b=value, the value written in YAML, to what Load decoded.
func Set(assignment string, into any) error {
	path, value, ok := strings.Cut(assignment, "=")
	name := "--set " + assignment
	if !ok || path == "" {
		return fmt.Errorf("%s: a key, '=' and a value are expected, such as train.steps=100", name)
	}
	var node yaml.Node
	if err := yaml.Load([]byte(value), &node); err != nil {
		return fmt.Errorf("%s: the value %q is not YAML: %s", name, value, reason(err))
	}
	leaf := content(&node)
	for _, key := range slices.Backward(strings.Split(path, ".")) {
		leaf = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: key}, leaf}}
	}
	return decode(leaf, name, func(*yaml.Node) string { return name }, into)
}

// decode checks the keys of node against those of into's type and decodes it.
func decode(node *yaml.Node, name string, at func(*yaml.Node) string, into any) error {
	if err := check(node, reflect.TypeOf(into), "", at); err != nil {
		return err
	}
	if err := node.Load(into, yaml.WithKnownFields()); err != nil {
		return fmt.Errorf("%s: %s", name, reason(err))
	}
	return nil
}

// check walks a node and the type that it is decoded into.
func check(node *yaml.Node, known reflect.Type, path string, at func(*yaml.Node) string) error {
	for known.Kind() == reflect.Pointer {
		known = known.Elem()
	}
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		return fmt.Errorf("%s: anchors and aliases are not used in configs; write the value out", at(node))
	}
	empty := node.Kind == yaml.ScalarNode && node.Tag == "!!null"
	switch known.Kind() {
	case reflect.Struct:
		if node.Kind == yaml.MappingNode {
			return checkMapping(node, known, path, at)
		}
		if !empty {
			return fmt.Errorf("%s: %s has the keys %s; found %s", at(node), orTop(path), strings.Join(keys(known), ", "), describe(node))
		}
	case reflect.Slice:
		if empty {
			break
		}
		if node.Kind != yaml.SequenceNode {
			return fmt.Errorf("%s: %s is a list; found %s, expected [%s]", at(node), path, describe(node), listed(node))
		}
		for i, element := range node.Content {
			if err := check(element, known.Elem(), fmt.Sprintf("%s[%d]", path, i), at); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		return nil
	default:
		if node.Kind != yaml.ScalarNode {
			return fmt.Errorf("%s: %s is one value; found %s", at(node), path, describe(node))
		}
	}
	if empty && known.Kind() != reflect.Struct {
		return fmt.Errorf("%s: %s has no value; write one, or leave the key out", at(node), path)
	}
	if err := checkScalar(node, known.Kind(), path); err != nil {
		return fmt.Errorf("%s: %w", at(node), err)
	}
	return nil
}

func checkMapping(node *yaml.Node, known reflect.Type, path string, at func(*yaml.Node) string) error {
	seen := map[string]bool{}
	for pair := range slices.Chunk(node.Content, 2) {
		key := pair[0].Value
		full := strings.TrimPrefix(path+"."+key, ".")
		if seen[key] {
			return fmt.Errorf("%s: the key %q is there twice", at(pair[0]), full)
		}
		seen[key] = true
		field, renamed := lookup(known, key)
		switch {
		case renamed:
			return fmt.Errorf("%s: the key %q is now %q", at(pair[0]), full, strings.TrimSuffix(full, key)+keyOf(field))
		case field.Type == nil:
			return fmt.Errorf("%s: the key %q is not known%s", at(pair[0]), full, suggest(key, keys(known), path))
		}
		if err := check(pair[1], field.Type, full, at); err != nil {
			return err
		}
	}
	return nil
}

// content is the value inside a document.
func content(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return n.Content[0]
	}
	return n
}

// keyOf is the key of a field; empty for a field that has none.
func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if key == "-" {
		return ""
	}
	return key
}

// keys lists the keys of a struct, in order.
func keys(known reflect.Type) (list []string) {
	for i := range known.NumField() {
		if key := keyOf(known.Field(i)); key != "" {
			list = append(list, key)
		}
	}
	return list
}

// lookup finds the field of a key, or of an earlier name of its key.
func lookup(known reflect.Type, key string) (field reflect.StructField, renamed bool) {
	for i := range known.NumField() {
		switch f := known.Field(i); {
		case keyOf(f) == "":
		case keyOf(f) == key:
			return f, false
		case f.Tag.Get("was") == key:
			field, renamed = f, true
		}
	}
	return field, renamed
}

func orTop(path string) string {
	if path == "" {
		return "the config"
	}
	return path
}

// listed is what stands between the brackets once n is a list.
func listed(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return "…"
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", n.Value)
}

// suggest names the known key nearest to what was written, or all of them where none is near.
func suggest(key string, known []string, path string) string {
	best, distance := "", len(key)/2+1
	for _, k := range known {
		if d := editDistance(strings.ToLower(key), k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return fmt.Sprintf("; %s has %s", orTop(path), strings.Join(known, ", "))
}

// editDistance is the fewest insertions, deletions and replacements of a byte between a and b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// mismatch is how the YAML library says that a value is of another type than the field: tag, value and Go type.
var mismatch = regexp.MustCompile("^cannot construct !!\\w+ `(.*)` into (\\w+)$")

// reason is the text of an error of the YAML library in our words, with the line.
func reason(err error) string {
	var list *yaml.LoadErrors
	var one *yaml.LoadError
	if errors.As(err, &list) && len(list.Errors) > 0 {
		one = list.Errors[0]
	} else if !errors.As(err, &one) {
		return strings.TrimPrefix(err.Error(), "yaml: ")
	}
	message := one.Message
	if m := mismatch.FindStringSubmatch(message); m != nil {
		message = fmt.Sprintf("found %q where %s was expected", m[1], kindOf(m[2]))
	}
	return fmt.Sprintf("line %d: %s", max(one.Mark.Line, 1), message)
}

func kindOf(goType string) string {
	switch {
	case strings.HasPrefix(goType, "uint"):
		return "a whole number that is not negative"
	case strings.HasPrefix(goType, "int"):
		return "a whole number"
	case strings.HasPrefix(goType, "float"):
		return "a number"
	case goType == "bool":
		return "true or false"
	}
	return "a " + goType
}
