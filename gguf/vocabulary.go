package gguf

import (
	"fmt"
	"math"
	"unicode/utf8"
)

const tokenizerPrefix = "tokenizer.ggml."

// tokenType is what a token is for.
type tokenType int64

const (
	typeNormal  tokenType = 1
	typeUnknown tokenType = 2
	typeControl tokenType = 3
	typeUser    tokenType = 4 // found in the text before anything else
	typeUnused  tokenType = 5
	typeByte    tokenType = 6
)

// vocabulary is what all kinds of tokenizers have.
type vocabulary struct {
	model  string
	pre    preTokenizer // of model "gpt2"
	tokens []string
	types  []tokenType
	ids    map[string]int
}

// vocabulary reads and checks the tokens.
func (f *File) vocabulary() (*vocabulary, error) {
	model, err := f.String(tokenizerPrefix + "model")
	if err != nil {
		return nil, err
	}
	v := &vocabulary{model: model}
	switch model {
	case "gpt2":
		if v.pre, err = f.preTokenizer(); err != nil {
			return nil, err
		}
	case "llama", "gemma4", "bert", "t5":
	default:
		return nil, fmt.Errorf("key %q is %q; gpt2, llama, gemma4, bert or t5 was expected", tokenizerPrefix+"model", model)
	}
	tokens, err := f.Strings(tokenizerPrefix + "tokens")
	if err != nil {
		return nil, err
	}
	if v.types, err = f.tokenTypes(len(tokens)); err != nil {
		return nil, err
	}
	v.tokens, v.ids = make([]string, len(tokens)), make(map[string]int, len(tokens))
	for id, token := range tokens {
		if err := v.add(id, token); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// add puts token into the vocabulary, without what the converter did to it.
func (v *vocabulary) add(id int, token string) error {
	if !utf8.ValidString(token) {
		return fmt.Errorf("token %d of key %q is %q, which is not UTF-8", id, tokenizerPrefix+"tokens", token)
	}
	switch {
	case token == "": // tokens must differ; llama.cpp names them so
		token = fmt.Sprintf("[EMPTY_%d]", id)
	case v.model == "bert":
		token = wordPiece(token, v.types[id])
	case v.model == "llama" || v.model == "gemma4":
		token = sentencePiece(token, v.types[id])
	}
	if first, twice := v.ids[token]; twice {
		return fmt.Errorf("tokens %d and %d of key %q are both %q", first, id, tokenizerPrefix+"tokens", token)
	}
	v.ids[token] = id
	v.tokens[id] = token
	return nil
}

// tokenTypes reads the types of n tokens; all are normal where the file says nothing.
func (f *File) tokenTypes(n int) ([]tokenType, error) {
	types := make([]tokenType, n)
	const key = tokenizerPrefix + "token_type"
	if !f.Has(key) {
		for i := range types {
			types[i] = typeNormal
		}
		return types, nil
	}
	numbers, err := f.Ints(key)
	if err != nil {
		return nil, err
	}
	if len(numbers) != n {
		return nil, fmt.Errorf("key %q has %d elements; %d were expected, one a token", key, len(numbers), n)
	}
	for i, t := range numbers {
		types[i] = tokenType(t)
	}
	return types, nil
}

// scores reads the scores of n tokens.
func (f *File) scores(n int) ([]float64, error) {
	const key = tokenizerPrefix + "scores"
	scores, err := f.Floats(key)
	if err != nil {
		return nil, err
	}
	if len(scores) != n {
		return nil, fmt.Errorf("key %q has %d elements; %d were expected, one a token", key, len(scores), n)
	}
	for i, score := range scores {
		if math.IsNaN(score) || math.IsInf(score, 0) {
			return nil, fmt.Errorf("score %d of key %q is %v; a finite number was expected", i, key, score)
		}
	}
	return scores, nil
}

// flag reads a bool of the tokenizer, which is usual where the file does not have it.
func (f *File) flag(name string, usual bool) (bool, error) {
	if !f.Has(tokenizerPrefix + name) {
		return usual, nil
	}
	return f.Bool(tokenizerPrefix + name)
}

// token is the text of an id; role names it in the error.
func (v *vocabulary) token(role string, id int) (string, error) {
	if id == None {
		return "", fmt.Errorf("the tokenizer has no %s, and its model %q needs one", role, v.model)
	}
	return v.tokens[id], nil
}
