package tokenizer

import (
	"encoding/json"
	"fmt"
)

// edit sets keys of a component that has them already. A component that is not there, or lacks a key, stays as it is.
func edit(f object, component string, keys map[string]any) error {
	var fields object
	if raw := f[component]; len(raw) == 0 || json.Unmarshal(raw, &fields) != nil || fields == nil {
		return nil
	}
	for key, value := range keys {
		if _, ok := fields[key]; !ok {
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return err
		}
		fields[key] = raw
	}
	raw, err := json.Marshal(fields)
	f[component] = raw
	return err
}

// rewritePrefix gives the pre-tokenizer the add_prefix_space of the configuration, false where it names none. Every class does so, for
// a pre-tokenizer that is no sequence.
func rewritePrefix(f object, c config) error {
	return edit(f, "pre_tokenizer", map[string]any{"add_prefix_space": c.boolOr("add_prefix_space", false)})
}

// rewriteBert gives the normalizer the settings of the configuration.
func rewriteBert(f object, c config, _ *specialTokens) error {
	var accents any
	if raw, ok := c["strip_accents"]; ok {
		accents = raw
	}
	return edit(f, "normalizer", map[string]any{"lowercase": c.boolOr("do_lower_case", true), "strip_accents": accents,
		"handle_chinese_chars": c.boolOr("tokenize_chinese_chars", true)})
}

// rewriteRoberta gives the post-processor the settings of the configuration.
func rewriteRoberta(f object, c config, _ *specialTokens) error {
	return edit(f, "post_processor", map[string]any{"add_prefix_space": c.boolOr("add_prefix_space", false),
		"trim_offsets": c.boolOr("trim_offsets", true)})
}

// rewriteEnds makes the post-processor a template with the tokens that begin and end a text. The class puts the first there unless the
// configuration says otherwise, where begin is true.
func rewriteEnds(begin bool) rewrite {
	return func(f object, c config, t *specialTokens) error {
		type part = map[string]place
		around := func(text string, typeID int) (single []part, err error) {
			for _, end := range []struct {
				key, role string
				absent    bool
			}{{"add_bos_token", "bos_token", begin}, {"", "", false}, {"add_eos_token", "eos_token", false}} {
				if end.key == "" {
					single = append(single, part{"Sequence": {text, typeID}})
					continue
				}
				if !c.boolOr(end.key, end.absent) {
					continue
				}
				token, ok := t.role(end.role)
				if !ok {
					return nil, fmt.Errorf("tokenizer_config.json: %s is true and there is no %s; name the token or set it to false", end.key, end.role)
				}
				single = append(single, part{"SpecialToken": {token.Content, typeID}})
			}
			return single, nil
		}
		single, err := around("A", 0)
		if err != nil {
			return err
		}
		second, err := around("B", 1)
		if err != nil {
			return err
		}
		known := map[string]template{}
		for _, p := range single {
			if s, ok := p["SpecialToken"]; ok {
				id, ok := t.ids(s.ID)
				if !ok {
					return fmt.Errorf("tokenizer_config.json: the token %q is not in the vocabulary", s.ID)
				}
				known[s.ID] = template{s.ID, []int32{id}, []string{s.ID}}
			}
		}
		raw, err := json.Marshal(map[string]any{"type": "TemplateProcessing", "single": single, "pair": append(single[:len(single):len(single)],
			second...), "special_tokens": known})
		f["post_processor"] = raw
		return err
	}
}
