package gguf_test

import (
	"fmt"
	"log"

	"github.com/longspan/longspan/gguf"
	"github.com/longspan/longspan/tensor"
)

// A file is opened, and a tensor is read as float32.
func Example() {
	f, err := gguf.Open("testdata/golden/types.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	architecture, err := f.Architecture()
	if err != nil {
		log.Fatal(err)
	}
	e, ok := f.Lookup("Q4_K")
	if !ok {
		log.Fatal("there is no such tensor")
	}
	rows, cols := e.Matrix()
	m := tensor.New(tensor.F32, rows, cols)
	if err := f.ReadMat(m, e.Name); err != nil {
		log.Fatal(err)
	}
	fmt.Println(architecture, len(f.Entries()), e, e.Bytes(), m.Bytes())
	// Output: golden 39 Q4_K Q4_K [4 768] 1728 12288
}
