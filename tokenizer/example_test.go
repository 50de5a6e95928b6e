package tokenizer_test

import (
	"bytes"
	"fmt"
	"log"
	"strings"

	"github.com/longspan/longspan/tokenizer"
)

// A prompt of a language model of bytes begins with the border of documents.
func ExampleBytes() {
	t := tokenizer.Bytes()
	e, err := t.EncodeDocument("Hé!")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.IDs)
	fmt.Println(e.Offsets)
	fmt.Println(t.Decode(e.IDs))
	// Output:
	// [256 72 195 169 33]
	// [{0 0} {0 1} {1 3} {1 3} {3 4}]
	// Hé!
}

// A letter that is no base is an error.
func ExampleDNA() {
	t := tokenizer.DNA()
	e, err := t.Encode("ACGTacguRN")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.IDs, t.Decode(e.IDs))
	_, err = t.Encode("ACG-T")
	fmt.Println(err)
	// Output:
	// [0 1 2 3 0 1 2 3 4 4] ACGTACGTNN
	// tokenizer: '-' at byte 3 is not a base; use A, C, G, T, U, N or another IUPAC code
}

// The offsets show which words of a text the tokens are.
func ExampleWords() {
	t, err := tokenizer.Words([]string{"the", "cat", "sat"})
	if err != nil {
		log.Fatal(err)
	}
	text := "the cat  sat"
	e, err := t.Encode(text)
	if err != nil {
		log.Fatal(err)
	}
	for i, s := range e.Offsets {
		fmt.Println(e.IDs[i], text[s.From:s.To])
	}
	// Output:
	// 0 the
	// 1 cat
	// 2 sat
}

func ExampleNumbers() {
	t, err := tokenizer.Numbers(100)
	if err != nil {
		log.Fatal(err)
	}
	e, err := t.Encode("7 99 0")
	fmt.Println(e.IDs, err)
	_, err = t.Encode("7 100")
	fmt.Println(err)
	// Output:
	// [7 99 0] <nil>
	// tokenizer: "100" at byte 2 is not one of the 100 words of the vocabulary; the words are 0, 1, 2 … 99
}

func ExampleListOps() {
	t := tokenizer.ListOps()
	e, err := t.Encode("[MAX 2 9 [MIN 4 7 ] 0 ]")
	fmt.Println(e.IDs, err)
	fmt.Println(t.Decode(e.IDs))
	// Output:
	// [11 2 9 10 4 7 14 0 14] <nil>
	// [MAX 2 9 [MIN 4 7 ] 0 ]
}

// A source of an encoder-decoder lies between two borders of documents.
func ExampleTokenizer_WithTemplate() {
	border := []int32{tokenizer.Bytes().Specials().End}
	sources, err := tokenizer.Bytes().WithTemplate(tokenizer.Template{Before: border, After: border})
	if err != nil {
		log.Fatal(err)
	}
	e, err := sources.EncodeDocument("hi")
	fmt.Println(e.IDs, err)
	// Output:
	// [256 104 105 256] <nil>
}

// A program that prints while a model writes never prints a part of a character.
func ExampleDecoder() {
	d := tokenizer.Bytes().NewDecoder()
	for _, id := range []int32{'c', 'a', 'f', 0xc3, 0xa9} {
		fmt.Printf("%q ", d.Next(id))
	}
	fmt.Printf("%q\n", d.Flush())
	// Output:
	// "c" "a" "f" "" "é" ""
}

// A saved tokenizer is a tokenizer.json, which Hugging Face's library tokenizers opens too.
func ExampleTokenizer_Save() {
	var file bytes.Buffer
	if err := tokenizer.DNA().Save(&file); err != nil {
		log.Fatal(err)
	}
	t, err := tokenizer.Read(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Vocab(), t.Token(4))
	// Output:
	// 5 N
}

// The file of a BERT, cut short. An error names what a file has that the package does not know.
func ExampleRead() {
	const file = `{"version": "1.0", "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
		"model": {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
			"vocab": {"?": 0, "token": 1, "##izer": 2, "##s": 3, "!": 4}}}`
	t, err := tokenizer.Read(strings.NewReader(file))
	if err != nil {
		log.Fatal(err)
	}
	e, err := t.Encode("Tokenizers!")
	fmt.Println(e.IDs, e.Offsets, err)
	_, err = tokenizer.Read(strings.NewReader(strings.Replace(file, "Lowercase", "Uppercase", 1)))
	fmt.Println(err.Error()[:77])
	// Output:
	// [1 2 3 4] [{0 5} {5 9} {9 10} {10 11}] <nil>
	// tokenizer: the component normalizer has the type "Uppercase", which is not kn
}
