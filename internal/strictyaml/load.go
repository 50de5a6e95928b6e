// Package strictyaml reads YAML configs in which every word must mean something: an unknown or repeated key is an
// error that gives its line and the nearest known name.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Load decodes text into a pointer, whose fields the text does not name keep their values, so defaults go in
// first. example is a value of the same type with one element in every list and every pointer set: its keys are
// those that are known. name says where the text comes from, in errors.
func Load(text []byte, name string, into, example any) error {
	var known yaml.Node
	if err := known.Dump(example); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return load(text, name, into, &known)
}

// Set applies one override of the form a.b=value, the value written in YAML, to what Load decoded.
func Set(assignment string, into, example any) error {
	path, value, ok := strings.Cut(assignment, "=")
	name := "--set " + assignment
	if !ok || path == "" {
		return fmt.Errorf("%s: a key, '=' and a value are expected, such as optimizer.lr=1e-3", name)
	}
	var known yaml.Node
	if err := known.Dump(example); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var node yaml.Node
	if err := yaml.Load([]byte(value), &node); err != nil {
		return fmt.Errorf("%s: the value %q is not YAML: %s", name, value, reason(err))
	}
	leaf := content(&node)
	keys := strings.Split(path, ".")
	for _, key := range slices.Backward(keys) {
		leaf = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: key}, leaf}}
	}
	return decode(leaf, name, func(*yaml.Node) string { return name }, into, content(&known))
}

func load(text []byte, name string, into any, known *yaml.Node) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return fmt.Errorf("%s: the config is empty; keys with values were expected", name)
	}
	var node yaml.Node
	if err := yaml.Load(text, &node); err != nil {
		return fmt.Errorf("%s: %s", name, reason(err))
	}
	root := content(&node)
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("%s: line %d: keys with values were expected", name, max(root.Line, 1))
	}
	at := func(n *yaml.Node) string { return fmt.Sprintf("%s: line %d", name, n.Line) }
	return decode(root, name, at, into, content(known))
}

// decode checks the keys of node against those known and decodes it.
func decode(node *yaml.Node, name string, at func(*yaml.Node) string, into any, known *yaml.Node) error {
	if err := check(node, known, "", at); err != nil {
		return err
	}
	if err := node.Load(into, yaml.WithKnownFields()); err != nil {
		return fmt.Errorf("%s: %s", name, reason(err))
	}
	return nil
}

// check walks node and the example beside each other.
func check(node, known *yaml.Node, path string, at func(*yaml.Node) string) error {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		return fmt.Errorf("%s: anchors and aliases are not used in configs; write the value out", at(node))
	}
	empty := node.Kind == yaml.ScalarNode && node.Tag == "!!null"
	switch {
	case empty && known.Kind != yaml.MappingNode:
		return fmt.Errorf("%s: %s has no value; write one, or leave the key out", at(node), path)
	case node.Kind == yaml.SequenceNode && known.Kind == yaml.SequenceNode && len(known.Content) > 0:
		for i, element := range node.Content {
			if err := check(element, known.Content[0], fmt.Sprintf("%s[%d]", path, i), at); err != nil {
				return err
			}
		}
	case node.Kind == yaml.MappingNode && known.Kind == yaml.MappingNode:
		return checkMapping(node, known, path, at)
	case known.Kind == yaml.SequenceNode && node.Kind != yaml.SequenceNode:
		return fmt.Errorf("%s: %s is a list; found %s, expected [%s]", at(node), path, describe(node), listed(node))
	case known.Kind == yaml.MappingNode && !empty:
		return fmt.Errorf("%s: %s has the keys %s; found %s", at(node), orTop(path), strings.Join(keys(known), ", "), describe(node))
	case known.Kind == yaml.ScalarNode && node.Kind != yaml.ScalarNode:
		return fmt.Errorf("%s: %s is one value; found %s", at(node), path, describe(node))
	}
	return nil
}

func checkMapping(node, known *yaml.Node, path string, at func(*yaml.Node) string) error {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		full := strings.TrimPrefix(path+"."+key.Value, ".")
		if seen[key.Value] {
			return fmt.Errorf("%s: the key %q is there twice", at(key), full)
		}
		seen[key.Value] = true
		value := lookup(known, key.Value)
		if now, ok := renamed[full]; ok && value == nil {
			return fmt.Errorf("%s: the key %q is now %q", at(key), full, now)
		}
		if value == nil {
			return fmt.Errorf("%s: the key %q is not known%s", at(key), full, suggest(key.Value, keys(known), path))
		}
		if err := check(node.Content[i+1], value, full, at); err != nil {
			return err
		}
	}
	return nil
}

// renamed lists the keys of earlier versions and their names now.
var renamed = map[string]string{
	"model.checkpoint":      "model.recompute",
	"model.ngram_rows":      "model.hashed_ngram_rows",
	"model.ngrams":          "model.hashed_ngrams",
	"model.placement":       "model.norm_place",
	"model.pool":            "model.pooling",
	"model.smoothing":       "model.label_smoothing",
	"model.words":           "model.copy_ngrams",
	"train.average":         "train.ema",
	"train.optimizer.floor": "train.optimizer.min_lr_ratio",
	"train.optimizer.rate":  "train.optimizer.lr",
}

// content is the value inside a document.
func content(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return n.Content[0]
	}
	return n
}

func keys(mapping *yaml.Node) []string {
	var list []string
	for i := 0; i < len(mapping.Content); i += 2 {
		list = append(list, mapping.Content[i].Value)
	}
	return list
}

func lookup(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
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
