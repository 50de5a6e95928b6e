package main

import (
	"os"
	"path/filepath"
)

// A tiny model with weights that were drawn: the same text twice has the cosine 1.
func Example() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	for _, file := range []string{"../../../hf/testdata/golden/bert_plain/config.json", "../../../hf/testdata/golden/bert_plain/model.safetensors",
		"../../../model/testdata/wordpiece/tokenizer.json"} {
		content, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), content, 0o600); err != nil {
			panic(err)
		}
	}
	os.Args = []string{"embed", dir, "a text", "a text"}
	main()
	// Output:
	// 1.0000
	// as a whole and as a whole
}
