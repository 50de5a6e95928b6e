package sample_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/data/text/sample"
)

func TestSample(t *testing.T) {
	r := text.NewReader(sample.Files(), sample.Fields()...)
	n, bytes := 0, int64(0)
	for {
		d, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		length, err := io.Copy(io.Discard, d)
		if err != nil || length < 15000 {
			t.Errorf("document %d has %d bytes, %v; want a long one", n, length, err)
		}
		n, bytes = n+1, bytes+length
	}
	if n != 24 || bytes < 700_000 {
		t.Errorf("%d documents of %d bytes, want 24 of 700,000 or more", n, bytes)
	}
}

func Example() {
	corpus, err := text.NewCorpus(sample.Files(), sample.Fields()...)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := text.NewStream(text.Config{Corpus: corpus, Tokens: 24, Epochs: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	var b data.Batch
	if err := s.Next(&b); err != nil {
		fmt.Println(err)
		return
	}
	for _, token := range b.Tokens {
		if token == text.End {
			fmt.Print("¶ ")
		} else {
			fmt.Print(string(rune(token)))
		}
	}
	fmt.Println("…")
	// Output: ¶ Object Adaptation
	// This …
}
