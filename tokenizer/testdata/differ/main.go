// Command differ encodes texts for the scripts that compare the package with the library tokenizers. It opens the tokenizer.json, or the
// folder, of its argument; reads lines of JSON such as {"text": "…", "pair": "…"} or {"ids": [1, 2]}; and answers each with a line.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	"github.com/longspan/longspan/tokenizer"
)

// request is a text, a pair of texts, or ids to decode.
type request struct {
	Text string
	Pair *string
	IDs  []int32
}

// reply is everything that the package says of a request.
type reply struct {
	IDs      []int32    `json:"ids"`
	Offsets  [][2]int32 `json:"offsets"`
	Document []int32    `json:"document"`
	Places   [][2]int32 `json:"places"`
	Types    []int32    `json:"types"`
	Special  []int      `json:"special"`
	Decoded  string     `json:"decoded"`
	All      string     `json:"all"`
	Error    string     `json:"error,omitempty"`
}

func main() {
	t, err := open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<28)
	out := bufio.NewWriter(os.Stdout)
	e := json.NewEncoder(out)
	for in.Scan() {
		var q request
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			log.Fatal(err)
		}
		r, err := answer(t, q)
		if err != nil {
			r = reply{Error: err.Error()}
		}
		if err := e.Encode(r); err != nil {
			log.Fatal(err)
		}
		if err := out.Flush(); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

func open(path string) (*tokenizer.Tokenizer, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		folder, err := tokenizer.OpenFolder(path)
		if err != nil {
			return nil, err
		}
		return folder.Tokenizer, nil
	}
	return tokenizer.Open(path)
}

func answer(t *tokenizer.Tokenizer, q request) (r reply, err error) {
	if q.IDs != nil {
		return reply{Decoded: t.Decode(q.IDs), All: t.DecodeWithSpecials(q.IDs)}, nil
	}
	plain, err := t.Encode(q.Text)
	if err != nil {
		return reply{}, err
	}
	document, err := t.EncodeDocument(q.Text)
	if q.Pair != nil {
		document, err = t.EncodePair(q.Text, *q.Pair)
	}
	if err != nil {
		return reply{}, err
	}
	r = reply{IDs: plain.IDs, Offsets: spans(plain.Offsets), Document: document.IDs, Places: spans(document.Offsets)}
	for i := range document.IDs {
		kind, special := int32(0), 0
		if document.TypeIDs != nil {
			kind = document.TypeIDs[i]
		}
		if document.Special != nil && document.Special[i] {
			special = 1
		}
		r.Types, r.Special = append(r.Types, kind), append(r.Special, special)
	}
	r.Decoded, r.All = t.Decode(document.IDs), t.DecodeWithSpecials(document.IDs)
	return r, nil
}

func spans(offsets []tokenizer.Span) [][2]int32 {
	all := make([][2]int32, len(offsets))
	for i, s := range offsets {
		all[i] = [2]int32{s.From, s.To}
	}
	return all
}
