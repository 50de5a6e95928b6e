package sentence

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// object reads a JSON object into fields, pointers to values by key. A key that is absent leaves its value; null does too. A key that is
// not among them is an error, since it may ask for something that is not done here.
func object(text []byte, fields map[string]any) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		to, known := fields[key]
		if !known {
			return fmt.Errorf("found the key %q, which is not known here; expected %s", key, list(fields))
		}
		if to == nil { // its value does not matter
			continue
		}
		if err := json.Unmarshal(raw[key], to); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	return nil
}

// list is the keys of a map in alphabetical order, for an error.
func list[K ~string, V any](m map[K]V) string {
	keys := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		keys = append(keys, string(k))
	}
	return strings.Join(keys, ", ")
}
