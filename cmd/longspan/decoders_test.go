package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// chatML is the chat template of the tiny decoders.
const chatML = `{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}` +
	`{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}` +
	`{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% if short %}{{ 'yes' }}{% endif %}{% endif %}`

// tinySearch is the generation_config.json of the tiny encoder-decoders.
var tinySearch = map[string]any{"num_beams": 3, "max_length": 24, "min_length": 6, "no_repeat_ngram_size": 3, "early_stopping": true,
	"length_penalty": 2.0, "decoder_start_token_id": 2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "forced_eos_token_id": 2}

// tinyDecoders writes decoders and encoder-decoders with a tokenizer to a folder: the goldens of package hf have weights that transformers
// drew.
func tinyDecoders(dir string) error {
	for _, name := range []string{"llama", "gemma3", "gpt2", "bert", "bart", "led"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS("../../hf/testdata/golden/"+name)); err != nil {
			return err
		}
		files := map[string]any{"tokenizer.json": tinyTokenizer(), "tokenizer_config.json": map[string]any{
			"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "chat_template": chatML}}
		if name == "bart" || name == "led" {
			files["generation_config.json"] = tinySearch
		}
		for file, content := range files {
			text, err := json.Marshal(content)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name, file), text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// tinyTokenizer reads a byte a token, with a vocabulary as small as that of the goldens.
func tinyTokenizer() map[string]any {
	vocab, added := map[string]int{}, []any{}
	for id, token := range []string{"<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"} {
		vocab[token] = id
		added = append(added, map[string]any{"id": id, "content": token, "special": true, "normalized": false, "lstrip": false, "rstrip": false,
			"single_word": false})
	}
	for _, r := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'-ĠĊ<>|/{}[]()&\"" {
		vocab[string(r)] = len(vocab)
	}
	begin := map[string]any{"SpecialToken": map[string]any{"id": "<s>", "type_id": 0}}
	text := func(id string, kind int) any {
		return map[string]any{"Sequence": map[string]any{"id": id, "type_id": kind}}
	}
	bytes := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true}
	return map[string]any{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil, "pre_tokenizer": bytes, "decoder": bytes,
		"post_processor": map[string]any{"type": "TemplateProcessing", "single": []any{begin, text("A", 0)},
			"pair":           []any{begin, text("A", 0), text("B", 1)},
			"special_tokens": map[string]any{"<s>": map[string]any{"id": "<s>", "ids": []int{1}, "tokens": []string{"<s>"}}}},
		"model": map[string]any{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": []string{}},
	}
}
