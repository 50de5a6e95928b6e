package beam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
)

// Settings are what a file of Hugging Face's, such as generation_config.json, says about generation.
type Settings struct {
	Config
	Start    *int32   // decoder_start_token_id: the first token of a target; nil: the file has none
	Begin    *int32   // bos_token_id
	Notes    []string // what the file asks for and a search here does not do, or does otherwise
	LengthOf bool     // the file says how long a text may be

	Keys map[string]json.RawMessage // what was read of generation, for another file that says the same
}

// DefaultSettings are those without a file: [Default], without a longest length.
func DefaultSettings() Settings { return Settings{Config: Default()} }

// ids is an id, a list of ids or null.
type ids []int32

func (i *ids) UnmarshalJSON(text []byte) error {
	text = bytes.TrimSpace(text)
	if bytes.HasPrefix(text, []byte("[")) {
		return json.Unmarshal(text, (*[]int32)(i))
	}
	var one int32
	if err := json.Unmarshal(text, &one); err != nil {
		return err
	}
	*i = ids{one}
	return nil
}

// setting reads the value of a key, which is not null, into settings.
type setting func(s *Settings, value []byte) error

// into reads a value where a field of the settings is.
func into[T any](field func(s *Settings) *T) setting {
	return func(s *Settings, value []byte) error {
		var v T
		if err := json.Unmarshal(value, &v); err != nil {
			return err
		}
		*field(s) = v
		return nil
	}
}

// idsInto is into for an id or a list of them.
func idsInto(field func(s *Settings) *[]int32) setting {
	return func(s *Settings, value []byte) error {
		var v ids
		err := json.Unmarshal(value, &v)
		*field(s) = v
		return err
	}
}

// oneInto is into for an id, which may stand in a list alone.
func oneInto(field func(s *Settings) **int32) setting {
	return func(s *Settings, value []byte) error {
		var v ids
		if err := json.Unmarshal(value, &v); err != nil {
			return err
		}
		if len(v) != 1 {
			return fmt.Errorf("found %d ids, expected one", len(v))
		}
		*field(s) = &v[0]
		return nil
	}
}

// settings are the keys that change a search.
var settings = map[string]setting{
	"num_beams":                        into(func(s *Settings) *int { return &s.Beams }),
	"num_return_sequences":             into(func(s *Settings) *int { return &s.Sequences }),
	"length_penalty":                   into(func(s *Settings) *float64 { return &s.LengthPenalty }),
	"early_stopping":                   readEarly,
	"max_length":                       into(func(s *Settings) *int { s.LengthOf = true; return &s.MaxLength }),
	"max_new_tokens":                   into(func(s *Settings) *int { s.LengthOf = true; return &s.MaxNew }),
	"min_length":                       into(func(s *Settings) *int { return &s.MinLength }),
	"min_new_tokens":                   into(func(s *Settings) *int { return &s.MinNew }),
	"eos_token_id":                     idsInto(func(s *Settings) *[]int32 { return &s.Ends }),
	"bos_token_id":                     oneInto(func(s *Settings) **int32 { return &s.Begin }),
	"decoder_start_token_id":           oneInto(func(s *Settings) **int32 { return &s.Start }),
	"forced_bos_token_id":              oneInto(func(s *Settings) **int32 { return &s.ForcedFirst }),
	"forced_eos_token_id":              idsInto(func(s *Settings) *[]int32 { return &s.ForcedLast }),
	"no_repeat_ngram_size":             into(func(s *Settings) *int { return &s.NoRepeatNgram }),
	"encoder_no_repeat_ngram_size":     into(func(s *Settings) *int { return &s.SourceNoRepeatNgram }),
	"repetition_penalty":               into(func(s *Settings) *float64 { return &s.RepetitionPenalty }),
	"bad_words_ids":                    into(func(s *Settings) *[][]int32 { return &s.BadWords }),
	"suppress_tokens":                  into(func(s *Settings) *[]int32 { return &s.Suppressed }),
	"begin_suppress_tokens":            into(func(s *Settings) *[]int32 { return &s.SuppressedFirst }),
	"renormalize_logits":               into(func(s *Settings) *bool { return &s.Renormalise }),
	"exponential_decay_length_penalty": readDecay,
}

func readEarly(s *Settings, value []byte) error {
	for _, e := range []Early{EarlyOff, EarlyOn} {
		if string(value) == string(e) {
			s.Early = e
			return nil
		}
	}
	if string(value) != `"never"` {
		return fmt.Errorf(`expected true, false or "never"`)
	}
	s.Early = EarlyNever
	return nil
}

func readDecay(s *Settings, value []byte) error {
	var pair []float64
	if err := json.Unmarshal(value, &pair); err != nil {
		return err
	}
	if len(pair) != 2 || pair[0] != float64(int32(pair[0])) {
		return fmt.Errorf("expected a number of tokens and a factor")
	}
	s.Decay = &Decay{After: int(pair[0]), Factor: pair[1]}
	return nil
}

// neutral are the keys that a search does not follow, with the values that change nothing. Any other value is a note. Among them is
// encoder_repetition_penalty, which transformers gives the first beam alone.
var neutral = map[string][]string{
	"do_sample": {"false"}, "num_beam_groups": {"1"}, "diversity_penalty": {"0", "0.0"}, "penalty_alpha": {"0", "0.0"},
	"guidance_scale": {"1", "1.0"}, "sequence_bias": {"{}", "[]"}, "token_healing": {"false"}, "watermarking_config": {},
	"constraints": {}, "force_words_ids": {}, "stop_strings": {}, "max_time": {}, "dola_layers": {}, "remove_invalid_values": {"false"},
	"low_memory": {"false"}, "encoder_repetition_penalty": {"1", "1.0"}, "is_assistant": {"false"},
}

// without are the keys that change no sequence: of caches, outputs, speed and padding, and those of sampling alone, which do_sample turns
// on.
var without = []string{
	"temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff",
	"pad_token_id", "use_cache", "cache_implementation", "cache_config", "return_legacy_cache", "prefill_chunk_size",
	"output_attentions", "output_hidden_states", "output_scores", "output_logits", "return_dict_in_generate",
	"num_assistant_tokens", "num_assistant_tokens_schedule", "assistant_confidence_threshold", "prompt_lookup_num_tokens",
	"max_matching_ngram_size", "assistant_early_exit", "assistant_lookbehind", "target_lookbehind", "compile_config", "disable_compile",
	"transformers_version", "_from_model_config", "trust_remote_code", "task_specific_params",
}

// Read adds what a JSON object says about generation: generation_config.json, or an object of task_specific_params. A key that the object
// does not have stays as it is. A key that is not known is a note.
func (s *Settings) Read(text []byte) error { return s.read(text, true) }

// ReadOld is Read of a config.json, which has the settings of generation in folders that have no generation_config.json, beside those of
// the model: keys that are not known are none of generation's.
func (s *Settings) ReadOld(text []byte) error { return s.read(text, false) }

func (s *Settings) read(text []byte, all bool) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return err
	}
	names := make([]string, 0, len(keys))
	for name := range keys {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		value := bytes.TrimSpace(keys[name])
		if string(value) == "null" {
			continue
		}
		read, ok := settings[name]
		harmless, known := neutral[name]
		if ok || known {
			s.keep(name, value)
		}
		if ok {
			if err := read(s, value); err != nil {
				return fmt.Errorf("%s: found %.60s: %w", name, value, err)
			}
			continue
		}
		switch {
		case known && !slices.Contains(harmless, string(value)), !known && all && !slices.Contains(without, name):
			s.Notes = append(s.Notes, fmt.Sprintf("%s: %.60s", name, value))
		}
	}
	return nil
}

// keep adds a key to those that were read. The map may be shared by a copy of the settings.
func (s *Settings) keep(name string, value json.RawMessage) {
	keys := maps.Clone(s.Keys)
	if keys == nil {
		keys = map[string]json.RawMessage{}
	}
	keys[name] = slices.Clone(value)
	s.Keys = keys
}
