package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// Objects are the same texts as lines and as the elements of an array.
func FuzzReadObjects(f *testing.F) {
	for _, s := range []string{`{"summary": "a", "id": 1}`, "{\"summary\": [\"a\", \"b\"]}\n\n{\"summary\": \"c\", \"id\": \"\\u00e9\"}",
		`[{"summary": "a"}]`, `[1]`, `null`, `[`, `{"summary": 1}`, `{"summary": "a", "id": {"x": 1e400}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := readObjects("x", text, "summary")
		if err != nil || len(set) == 0 || strings.HasPrefix(strings.TrimSpace(text), "[") {
			return
		}
		var elements []json.RawMessage
		for line := range strings.SplitSeq(text, "\n") {
			if strings.TrimSpace(line) != "" {
				elements = append(elements, json.RawMessage(line))
			}
		}
		array, err := json.MarshalIndent(elements, "", " ")
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := readObjects("x", string(array), "summary")
		if err != nil {
			t.Fatalf("%q as an array: %v", text, err)
		}
		for i := range again {
			set[i].name, again[i].name = "", ""
		}
		if !reflect.DeepEqual(set, again) {
			t.Fatalf("%q: found %+v as an array, expected %+v", text, again, set)
		}
	})
}
