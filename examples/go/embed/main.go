// Command embed prints how alike two texts are, by the vectors of a model from Hugging Face:
//
//	go run ./examples/go/embed all-MiniLM-L6-v2 'a cat on a mat' 'a dog on a rug'
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: embed MODEL TEXT TEXT")
	}
	path, err := hub.Resolve(os.Args[1]) // a folder, a GGUF file, or a repository in the cache
	if err != nil {
		log.Fatal(err)
	}
	m, err := model.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s := m.NewSession(tensor.Exec{Pool: tensor.NewPool()})
	all, err := s.Embed(context.Background(), os.Args[2:], model.EmbedOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f\n", model.Cosine(all[0].Vectors[0].Vector, all[1].Vectors[0].Vector))
	fmt.Println(all[0].How, "and", all[1].How)
}
