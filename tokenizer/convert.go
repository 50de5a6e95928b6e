package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// convert makes a tokenizer.json of the older files of a folder without one.
func (f *folderFiles) convert(name string, kind *class) (err error) {
	for _, file := range []string{"spiece.model", "sentencepiece.bpe.model", "tokenizer.model"} {
		if b, err := limited(f.dir, file, MaxFile); b != nil || err != nil {
			return fmt.Errorf("the folder has %s and no tokenizer.json; make one with transformers: "+
				"AutoTokenizer.from_pretrained(folder).save_pretrained(folder)", file)
		}
	}
	if kind.files == nil && name != "" {
		if _, known := classes[name]; known || name != "PreTrainedTokenizer" {
			return fmt.Errorf("the folder has no tokenizer.json, and the class %s has no other files that can be read; make one with "+
				"transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)", name)
		}
	}
	if kind.files == nil {
		return errors.New("the folder has no tokenizer.json, and no file names the class of its tokenizer; expected tokenizer.json")
	}
	if f.config["tokenizer_class"] == nil {
		f.config["tokenizer_class"], _ = json.Marshal(name)
	}
	f.main, err = kind.files(f, *kind)
	return err
}

// roleOr is the name of a role's token in the configuration, or the class's own.
func (f *folderFiles) roleOr(kind class, role string) string {
	for _, c := range []config{f.config, f.specials} {
		if v, ok, err := readValue(c[role]); ok && err == nil {
			return v.Content
		}
	}
	return kind.roles[role]
}

// fromVocabTxt makes the file of a BERT: a line of vocab.txt is a token.
func fromVocabTxt(f *folderFiles, kind class) ([]byte, error) {
	text, err := limited(f.dir, "vocab.txt", MaxFile)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, errors.New("the folder has neither tokenizer.json nor vocab.txt")
	}
	vocab := map[string]int{}
	for line := range strings.Lines(string(text)) {
		vocab[strings.TrimSuffix(line, "\n")] = len(vocab)
	}
	if lines := strings.Count(strings.TrimSuffix(string(text), "\n"), "\n") + 1; lines != len(vocab) {
		return nil, fmt.Errorf("vocab.txt has %d lines and %d different tokens; expected each token once", lines, len(vocab))
	}
	cls, sep := f.roleOr(kind, "cls_token"), f.roleOr(kind, "sep_token")
	for _, token := range []string{cls, sep} {
		if _, ok := vocab[token]; !ok {
			return nil, fmt.Errorf("vocab.txt lacks the token %q", token)
		}
	}
	special := func(token string, typeID int) map[string]place {
		return map[string]place{"SpecialToken": {token, typeID}}
	}
	sequence := func(text string, typeID int) map[string]place { return map[string]place{"Sequence": {text, typeID}} }
	single := []map[string]place{special(cls, 0), sequence("A", 0), special(sep, 0)}
	lower := f.config.boolOr("do_lower_case", true)
	return json.Marshal(map[string]any{
		"version": "1.0",
		"normalizer": map[string]any{"type": "BertNormalizer", "clean_text": true, "lowercase": lower,
			"strip_accents": f.config["strip_accents"], "handle_chinese_chars": f.config.boolOr("tokenize_chinese_chars", true)},
		"pre_tokenizer": map[string]any{"type": "BertPreTokenizer"},
		"post_processor": map[string]any{"type": "TemplateProcessing", "single": single,
			"pair": append(single[:3:3], sequence("B", 1), special(sep, 1)),
			"special_tokens": map[string]template{cls: {cls, []int32{int32(vocab[cls])}, []string{cls}},
				sep: {sep, []int32{int32(vocab[sep])}, []string{sep}}}},
		"decoder": map[string]any{"type": "WordPiece", "prefix": "##", "cleanup": true},
		"model": map[string]any{"type": "WordPiece", "unk_token": f.roleOr(kind, "unk_token"), "continuing_subword_prefix": "##",
			"max_input_chars_per_word": 100, "vocab": vocab},
	})
}

// fromVocabAndMerges makes the file of byte-level byte-pair encoding: GPT-2, RoBERTa and its kin, or Qwen.
func fromVocabAndMerges(f *folderFiles, kind class) ([]byte, error) {
	vocab, err := limited(f.dir, "vocab.json", MaxFile)
	if err != nil {
		return nil, err
	}
	merges, err := limited(f.dir, "merges.txt", MaxFile)
	if err != nil {
		return nil, err
	}
	if vocab == nil || merges == nil {
		return nil, errors.New("the folder has no tokenizer.json, and not both vocab.json and merges.txt")
	}
	var ids map[string]int32
	if err := json.Unmarshal(vocab, &ids); err != nil {
		return nil, fmt.Errorf("vocab.json: %w", err)
	}
	lines := []string{}
	for line := range bytes.Lines(merges) {
		if text := strings.TrimRight(string(line), "\r\n"); text != "" && !strings.HasPrefix(text, "#version") {
			lines = append(lines, text)
		}
	}
	prefix := f.config.boolOr("add_prefix_space", false)
	level := map[string]any{"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": true}
	file := map[string]any{
		"version": "1.0", "pre_tokenizer": level,
		"decoder": map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
		"model": map[string]any{"type": "BPE", "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": false,
			"vocab": json.RawMessage(vocab), "merges": lines},
	}
	if err := f.finishPairs(kind, file, ids, level); err != nil {
		return nil, err
	}
	return json.Marshal(file)
}

// qwenPattern cuts words as Qwen 2 does.
const qwenPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// finishPairs adds what the classes differ in.
func (f *folderFiles) finishPairs(kind class, file map[string]any, ids map[string]int32, level map[string]any) error {
	named := func(role string) ([2]any, error) {
		name := f.roleOr(kind, role)
		id, ok := ids[name]
		if !ok {
			return [2]any{}, fmt.Errorf("vocab.json lacks the token %q, the %s", name, role)
		}
		return [2]any{name, id}, nil
	}
	post := map[string]any{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true}
	file["post_processor"] = post
	switch f.class() {
	case "Qwen2":
		level["use_regex"] = false
		file["normalizer"] = map[string]any{"type": "NFC"}
		file["pre_tokenizer"] = map[string]any{"type": "Sequence", "pretokenizers": []any{map[string]any{"type": "Split",
			"pattern": map[string]string{"Regex": qwenPattern}, "behavior": "Isolated", "invert": false}, level}}
	case "Roberta", "Longformer", "LED", "Bart", "Mvp":
		cls, err := named("cls_token")
		if err != nil {
			return err
		}
		sep, err := named("sep_token")
		if err != nil {
			return err
		}
		file["post_processor"] = map[string]any{"type": "RobertaProcessing", "sep": sep, "cls": cls, "trim_offsets": true,
			"add_prefix_space": f.config.boolOr("add_prefix_space", false)}
	}
	return nil
}
