// Package tokenizer turns text into the token ids that a model reads, and ids back into text. Each token carries its place in the
// text, so that a label of a token can be shown on the text. It imports nothing of this module but its own parts.
//
// [Bytes] reads one byte a token, [DNA] one base a token, and [Words] one word a token. [Read] and [Tokenizer.Save] use the format
// tokenizer.json of Hugging Face's library tokenizers, and [OpenFolder] opens the tokenizer of a model folder as transformers does. Ids,
// offsets and text are those of the library, version 0.22.2; the doc comments state the exceptions.
//
// A text goes through added tokens, normalizer, pre-tokenizer, model and post-processor; ids go through the decoder. Each of these stages
// is a package in internal:
//
//	added        names of tokens in a text
//	normalize    a text and the place of each of its bytes (aligned)
//	pretokenize  parts of a text, by patterns (pattern) and classes of characters (chars)
//	bpe, unigram, wordpiece, wordlevel  models
//	post         special tokens around texts, and offsets without white space
//	decode       names of tokens to text, one token at a time
package tokenizer
