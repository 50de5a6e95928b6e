package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/tokenizer"
)

func newTokenizer(o *output) *cobra.Command {
	c := &cobra.Command{
		Use:   "tokenizer",
		Short: "Train a tokenizer, and look at what one does",
		Long: `Train a tokenizer, and look at what one does. A TOKENIZER is a tokenizer.json, or a folder that has one, such as that of a model.
`,
	}
	return family(c, newTokenizerTrain(o), newTokenizerEncode(o), newTokenizerDecode(o), newTokenizerInfo(o))
}

// openTokenizer opens a tokenizer.json, or that of a folder.
func openTokenizer(path string) (*tokenizer.Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, filename.Tokenizer)
	}
	t, err := tokenizer.Open(path)
	return t, usage(err)
}

// encoded is a text of the output of `tokenizer encode`.
type encoded struct {
	Input   string     `json:"input"` // the file; - for standard input
	Bytes   int        `json:"bytes"`
	IDs     []int32    `json:"ids"`
	Tokens  []string   `json:"tokens"`  // their names
	Offsets [][2]int32 `json:"offsets"` // the bytes [from, to) of each token in the text
	text    string
}

func newTokenizerEncode(o *output) *cobra.Command {
	var in inputFlags
	var plain, ids bool
	c := &cobra.Command{
		Use:   "encode TOKENIZER [FILE…]",
		Short: "Show the ids, names and places of the tokens of texts",
		Long: `Show the tokens of texts, with the special tokens of the tokenizer's template around them. A line has the id of a token, its first
byte in the text, the byte behind it, its name and its text, separated by tabs. A file is one text; of JSON lines (.jsonl, .ndjson) each
line is one. Without files the text is --text, or standard input.

  longspan tokenizer encode runs/words --text 'Hello, world!'
  longspan tokenizer encode tokenizer.json book.txt --ids`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := openTokenizer(args[0])
			if err != nil {
				return err
			}
			texts, err := in.read(o, t, args[1:])
			if err != nil {
				return usage(err)
			}
			encode := t.EncodeDocument
			if plain {
				encode = t.Encode
			}
			rows := make([]encoded, len(texts))
			for i, text := range texts {
				if rows[i], err = encodeText(t, encode, text); err != nil {
					return usage(err)
				}
			}
			return o.print(rows, func(w io.Writer) { writeEncoded(w, rows, ids) })
		},
	}
	in.add(c)
	c.Flags().BoolVar(&plain, "plain", false, "leave out the special tokens of the template")
	c.Flags().BoolVar(&ids, "ids", false, "print the ids alone, a line for each text")
	return c
}

func encodeText(t *tokenizer.Tokenizer, encode func(string) (tokenizer.Encoding, error), text input) (encoded, error) {
	e, err := encode(text.text)
	if err != nil {
		return encoded{}, fmt.Errorf("%s: %w", text.name, err)
	}
	row := encoded{Input: text.name, Bytes: len(text.text), IDs: e.IDs, text: text.text}
	for i, id := range e.IDs {
		row.Tokens = append(row.Tokens, t.Token(id))
		row.Offsets = append(row.Offsets, [2]int32{e.Offsets[i].From, e.Offsets[i].To})
	}
	return row, nil
}

func writeEncoded(w io.Writer, rows []encoded, ids bool) {
	for _, r := range rows {
		if ids {
			fmt.Fprintln(w, strings.Trim(fmt.Sprint(r.IDs), "[]"))
			continue
		}
		for i, id := range r.IDs {
			from, to := r.Offsets[i][0], r.Offsets[i][1]
			fmt.Fprintf(w, "%d\t%d\t%d\t%s\t%q\n", id, from, to, r.Tokens[i], r.text[from:to])
		}
		fmt.Fprintf(w, "%s: %d bytes, %d tokens\n", r.Input, r.Bytes, len(r.IDs))
	}
}

func newTokenizerDecode(o *output) *cobra.Command {
	return &cobra.Command{
		Use:   "decode TOKENIZER [ID…]",
		Short: "Show the text of ids",
		Long: `Show the text of ids. They are arguments, or numbers on standard input, separated by blanks, commas or brackets. Special tokens are
left out.

  longspan tokenizer encode tokenizer.json book.txt --ids | longspan tokenizer decode tokenizer.json`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := openTokenizer(args[0])
			if err != nil {
				return err
			}
			ids, err := readIDs(t, args[1:], os.Stdin)
			if err != nil {
				return usage(err)
			}
			text := t.Decode(ids)
			return o.print(struct {
				Text string `json:"text"`
			}{text}, func(w io.Writer) { fmt.Fprintln(w, text) })
		},
	}
}

// readIDs reads ids from arguments, or from in where there are none.
func readIDs(t *tokenizer.Tokenizer, words []string, in io.Reader) (ids []int32, err error) {
	if len(words) == 0 {
		content, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		words = []string{string(content)}
	}
	for _, word := range words {
		for field := range strings.FieldsFuncSeq(word, func(r rune) bool { return strings.ContainsRune(" \t\r\n,[]", r) }) {
			id, err := strconv.ParseInt(field, 10, 32)
			if err != nil || id < 0 || id >= int64(t.Vocab()) {
				return nil, fmt.Errorf("found the id %q, expected numbers from 0 to %d", field, t.Vocab()-1)
			}
			ids = append(ids, int32(id))
		}
	}
	if len(ids) == 0 {
		return nil, errors.New("found no ids, expected some as arguments or on standard input")
	}
	return ids, nil
}

// tokenizerReport is the output of `tokenizer info`.
type tokenizerReport struct {
	Vocab    int               `json:"vocab"`
	Specials map[string]string `json:"specials"` // by role
	Before   []string          `json:"before"`   // the template's tokens in front of a document
	After    []string          `json:"after"`    // and behind it
	Tokens   []string          `json:"tokens"`   // the first and the last names
	Longest  []string          `json:"longest"`  // the longest names
}

func newTokenizerInfo(o *output) *cobra.Command {
	return &cobra.Command{
		Use:   "info TOKENIZER",
		Short: "Show the size, the special tokens and the template of a tokenizer",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := openTokenizer(args[0])
			if err != nil {
				return err
			}
			r := describeTokenizer(t)
			return o.print(r, r.write)
		},
	}
}
