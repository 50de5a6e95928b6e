package gguf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// preTokenizer is what tokenizer.ggml.pre stands for: how a text is cut before byte-level BPE, and what else its tokenizers share.
type preTokenizer struct {
	parts        []part
	nfc          bool // the text is put into Unicode's composed form first
	ignoreMerges bool // a piece that is a token is that token, whatever the merges
	addBOS       bool // a text begins with BOS, where the file does not say
	addEOS       bool // a text ends with EOS, where the file does not say
	pairing      pairing
}

// The patterns by which texts are cut, from the tokenizer.json files of the models that they are named after.
const (
	contractions  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	llama3Pattern = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Pattern  = contractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen35Pattern = contractions +
		`|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	upper, lower  = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	camel1        = `[^\r\n\p{L}\p{N}]?` + upper + `*` + lower + `+`
	camel2        = `[^\r\n\p{L}\p{N}]?` + upper + `+` + lower + `*`
	camelRest     = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	gpt4oPattern  = camel1 + contractions + `?|` + camel2 + contractions + `?|\p{N}{1,3}` + camelRest
	tekkenPattern = camel1 + `|` + camel2 + `|\p{N}` + camelRest

	deepSeek3Pattern = `[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_` + "`" + `{|}~][A-Za-z]+|[^` + "\r\n" +
		`\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[` + "\r\n" + `]*|\s*[` + "\r\n" + `]+|\s+(?!\S)|\s+`
	deepSeekHan = `[一-龥ࠀ-一가-퟿]+`
)

// The letters of DeepSeek LLM's pattern.
const deepSeekLetters = "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώ" +
	"ᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏" +
	"𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"

// preTokenizers are those that are known, by the names that share them.
var preTokenizers = []struct {
	names string
	pre   preTokenizer
}{
	{"gpt-2 phi-2 exaone4 trillion granite-docling gigachat a.x-4.0 mellum jais jina-es jina-de jina-v2-es jina-v2-de",
		preTokenizer{parts: gpt2()}},
	{"mpt olmo", preTokenizer{parts: gpt2(), nfc: true}},
	{"modern-bert", preTokenizer{parts: gpt2(), nfc: true, addBOS: true, addEOS: true, pairing: bertPair}},
	{"roberta-bpe jina-v1-en jina-v2-code", preTokenizer{parts: gpt2(), addBOS: true, addEOS: true, pairing: robertaPair}},
	{"smollm starcoder refact codeshell exaone minerva-7b mellum2", preTokenizer{parts: digits(gpt2()...)}},
	{"command-r", preTokenizer{parts: digits(gpt2()...), nfc: true}},
	{"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
		preTokenizer{parts: patterns(llama3Pattern), ignoreMerges: true, addBOS: true}},
	{"dbrx smaug-bpe chatglm-bpe", preTokenizer{parts: patterns(llama3Pattern)}},
	{"glm4 glm5", preTokenizer{parts: patterns(llama3Pattern), ignoreMerges: true}},
	{"qwen2 deepseek-r1-qwen megrez kormo f2llmv2", preTokenizer{parts: patterns(qwen2Pattern), nfc: true}},
	{"stablelm2 hunyuan solar-open grok-2", preTokenizer{parts: patterns(qwen2Pattern)}},
	{"qwen35", preTokenizer{parts: patterns(qwen35Pattern), nfc: true}},
	{"gpt-4o llama4 kanana2 talkie minimax-m2", preTokenizer{parts: patterns(gpt4oPattern), ignoreMerges: true}},
	{"tekken", preTokenizer{parts: patterns(tekkenPattern), ignoreMerges: true, addBOS: true}},
	{"deepseek-llm", preTokenizer{parts: patterns("[\r\n]", `\s?[`+deepSeekLetters+`]+`,
		`\s?[!-/:-~！-／：-～‘-‟　-。]+`, `\s+$`, deepSeekHan, `\p{N}`)}},
	{"deepseek-coder", preTokenizer{parts: patterns("[\r\n]", `\s?\p{L}+`, `\s?\p{P}+`, deepSeekHan, `\p{N}`)}},
	{"deepseek-v3 hunyuan-dense joyai-llm hy_v4", preTokenizer{parts: patterns(`\p{N}{1,3}`, `[一-龥぀-ゟ゠-ヿ]+`, deepSeek3Pattern)}},
	{"falcon", preTokenizer{parts: append([]part{{"type": "Punctuation", "behavior": "Contiguous"}},
		append(gpt2(), part{"type": "Digits", "individual_digits": false}, cut(`[0-9][0-9][0-9]`))...)}},
	// What llama.cpp does where the file says "default".
	{"default", preTokenizer{parts: patterns(`[\p{P}\$\+<=>\^~\|]+`,
		`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`, `\p{N}+`, `[0-9][0-9][0-9]`)}},
}

// gpt2 is the pre-tokenizer of GPT-2.
func gpt2() []part { return []part{byteLevelPart(true)} }

// digits cuts a text at each digit before rest.
func digits(rest ...part) []part {
	return append([]part{{"type": "Digits", "individual_digits": true}}, rest...)
}

// patterns cuts a text by one pattern after the other: what a pattern finds is a piece, and so is what lies between.
func patterns(all ...string) []part {
	var parts []part
	for _, p := range all {
		parts = append(parts, cut(p))
	}
	return append(parts, byteLevelPart(false))
}

func cut(pattern string) part {
	return part{"type": "Split", "pattern": part{"Regex": pattern}, "behavior": "Isolated", "invert": false}
}

// preTokenizer finds the pre-tokenizer that the file names.
func (f *File) preTokenizer() (preTokenizer, error) {
	const key = tokenizerPrefix + "pre"
	name, err := f.String(key)
	if errors.Is(err, ErrNoKey) {
		return preTokenizer{}, fmt.Errorf("%w; files from before May 2024 lack it, and their texts cannot be cut as the model learnt them: "+
			"convert the model anew with llama.cpp", err)
	}
	if err != nil {
		return preTokenizer{}, err
	}
	var known []string
	for _, p := range preTokenizers {
		names := strings.Fields(p.names)
		if slices.Contains(names, name) {
			return p.pre, nil
		}
		known = append(known, names...)
	}
	slices.Sort(known)
	return preTokenizer{}, fmt.Errorf("key %q is %q, which is not known; known are %s", key, name, strings.Join(known, ", "))
}
