// Package tokenizer turns text into the token ids that a model reads, and ids back into text. Each token carries its place in the
// text, so that a label of a token can be shown on the text. It imports no other package of this module.
//
// [Bytes] reads one byte a token, [DNA] one base a token, and [Words] one word a token. [Read] and [Tokenizer.Save] use the format
// tokenizer.json of Hugging Face's library tokenizers. A file of this package gives the same ids, offsets and text in that library;
// the doc comments of the constructors state the exceptions.
package tokenizer
