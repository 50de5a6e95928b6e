package hf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/longspan/longspan/internal/pythonjson"
	"github.com/longspan/longspan/internal/smallfile"
)

// config is config.json. Its methods read a key, and keep the first error. A null is an absent key, but for the few keys of which the
// family asks more.
type config struct {
	path  string
	raw   []byte // the text of the file
	keys  map[string]json.RawMessage
	null  map[string]bool // keys whose value is null
	read  map[string]bool // keys that a family has read
	notes []string        // for people

	mechanism string // a note about the checkpoint's mechanism, which another one makes void; empty: none

	normsHaveOne bool // the weights of Gemma's norms are stored with the one that is added to them

	first error
	asked string // the kind of head that is asked for in place of the file's; empty: none
}

// maxConfig is the largest number of bytes of config.json. Long ones name some thousand labels.
const maxConfig = 16 << 20

// readConfig reads the config.json of a folder.
func readConfig(dir string) (*config, error) {
	path := filepath.Join(dir, "config.json")
	text, err := smallfile.Read(path, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("hf: %w", err)
	}
	return parseConfig(path, text)
}

// parseConfig reads the text of a config.json; path names it in errors.
func parseConfig(path string, text []byte) (*config, error) {
	c := &config{path: path, raw: text, read: map[string]bool{}, null: map[string]bool{}}
	if bytes.HasPrefix(text, []byte("version https://git-lfs")) {
		return nil, fmt.Errorf("hf: %s: found a Git LFS pointer, expected the file; run git lfs pull in its folder", path)
	}
	// Python writes numbers that JSON does not have.
	text = pythonjson.Quote(text)
	if err := json.Unmarshal(text, &c.keys); err != nil {
		return nil, fmt.Errorf("hf: %s: found no JSON object: %w", path, err)
	}
	if key, ok := repeated(text); ok {
		return nil, fmt.Errorf("hf: %s: found the key %s twice, expected once", path, key)
	}
	for key, value := range c.keys {
		if string(value) == "null" {
			c.null[key] = true
			delete(c.keys, key)
		}
	}
	return c, nil
}

// repeated finds a key that an object has twice. The text is valid JSON.
func repeated(text []byte) (key string, found bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return "", false
	}
	seen := map[string]bool{}
	for d.More() {
		var value json.RawMessage
		token, err := d.Token()
		if err != nil || d.Decode(&value) != nil {
			return "", false
		}
		key, _ := token.(string)
		if seen[key] {
			return key, true
		}
		seen[key] = true
	}
	return "", false
}

// has reports whether a key is there and not null.
func (c *config) has(key string) bool {
	_, ok := c.keys[key]
	return ok
}

// fail keeps the first error, with the key and the file.
func (c *config) fail(key, format string, args ...any) {
	if c.first == nil {
		c.first = fmt.Errorf("hf: %s: %s: %s", c.path, key, fmt.Sprintf(format, args...))
	}
}

// value reads a key into to. It reports whether the key is there.
func (c *config) value(key string, to any, expected string) bool {
	c.read[key] = true
	raw, ok := c.keys[key]
	if !ok {
		return false
	}
	if err := json.Unmarshal(raw, to); err != nil {
		c.fail(key, "found %s, expected %s", shorten(string(raw)), expected)
	}
	return true
}

// shorten cuts a text for an error.
func shorten(text string) string {
	if len(text) > 60 {
		return text[:60] + "…"
	}
	return text
}

// integer reads a whole number, with a default.
func (c *config) integer(key string, absent int) int {
	var f float64
	if !c.value(key, &f, "a whole number") {
		return absent
	}
	if f != math.Trunc(f) || math.Abs(f) > 1<<40 {
		c.fail(key, "found %g, expected a whole number", f)
		return absent
	}
	return int(f)
}

// positive reads a number of at least 1 that must be there.
func (c *config) positive(key string) int {
	if !c.has(key) {
		c.fail(key, "found none, expected a whole number")
		return 1
	}
	n := c.integer(key, 1)
	if n < 1 || n > 1<<28 {
		c.fail(key, "found %d, expected 1 to %d", n, 1<<28)
		return 1
	}
	return n
}

func (c *config) number(key string, absent float64) float64 {
	v := absent
	c.value(key, &v, "a number")
	return v
}

// eps reads the number that a norm adds to the variance.
func (c *config) eps(key string, absent float64) float64 {
	v := c.number(key, absent)
	if !(v > 0 && v < 1) {
		c.fail(key, "found %g, expected a small number above 0", v)
		return absent
	}
	return v
}

// length reads a number of tokens, 0 for one that is not known.
func (c *config) length(key string, absent int) int {
	n := c.integer(key, absent)
	if n < 0 || n > 1<<31-1 {
		c.fail(key, "found %d, expected a number of tokens", n)
		return 0
	}
	return n
}

// needed reads a number that must be there.
func (c *config) needed(key string) float64 {
	if !c.has(key) {
		c.fail(key, "found none, expected a number")
	}
	return c.number(key, 1)
}

func (c *config) text(key, absent string) string {
	v := absent
	c.value(key, &v, "a text")
	return v
}

func (c *config) flag(key string, absent bool) bool {
	v := absent
	c.value(key, &v, "true or false")
	return v
}

// texts reads a list of texts.
func (c *config) texts(key string) (v []string) {
	c.value(key, &v, "a list of texts")
	return v
}

// integers reads a list of whole numbers, or one of them.
func (c *config) integers(key string) (v []int) {
	if raw, ok := c.keys[key]; ok && len(raw) > 0 && raw[0] != '[' {
		return []int{c.integer(key, 0)}
	}
	c.value(key, &v, "a whole number or a list of them")
	return v
}

// rename moves a key to the name that another class has for it. Both with different values are an error.
func (c *config) rename(theirs, ours string) {
	value, ok := c.keys[theirs]
	if !ok {
		return
	}
	if own, both := c.keys[ours]; both && string(own) != string(value) {
		c.fail(theirs, "found %s, and %s under %s, expected one of them, or the same", shorten(string(value)), shorten(string(own)), ours)
	}
	c.keys[ours] = value
	delete(c.keys, theirs)
}

// object reads an object as a configuration of its own, whose errors become those of c; nil: absent.
func (c *config) object(key string) *config {
	inner := &config{path: c.path + ": " + key, read: map[string]bool{}}
	if !c.value(key, &inner.keys, "an object") || inner.keys == nil {
		return nil
	}
	for k, v := range inner.keys {
		if string(v) == "null" {
			delete(inner.keys, k)
		}
	}
	return inner
}

// adopt keeps the first error of an object.
func (c *config) adopt(inner *config) {
	if inner == nil {
		return
	}
	if c.first == nil {
		c.first = inner.first
	}
	c.notes = append(c.notes, inner.notes...)
	if keys := inner.unread(); len(keys) > 0 {
		c.note("%s has keys that nothing reads: %s", inner.path, strings.Join(keys, ", "))
	}
}

// note adds a note, once.
func (c *config) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(c.notes, n) {
		c.notes = append(c.notes, n)
	}
}

// absent refuses keys that change what a model computes in a way that this program does not compute.
func (c *config) absent(keys ...string) {
	for _, key := range keys {
		if c.has(key) {
			c.fail(key, "found %s, expected none: this program does not compute that", shorten(string(c.keys[key])))
		}
	}
}

// expect refuses another value of a key than the one that is computed.
func (c *config) expect(key string, found, expected any) {
	if found != expected {
		c.fail(key, "found %v, expected %v: this program does not compute the other", found, expected)
	}
}

// off refuses a flag that is set.
func (c *config) off(keys ...string) {
	for _, key := range keys {
		c.expect(key, c.flag(key, false), false)
	}
}

// unread lists the keys that nothing has read and that are not known to be without effect on what a model computes, in order.
func (c *config) unread() (keys []string) {
	for key := range c.keys {
		if !c.read[key] && !slices.Contains(withoutEffect, key) && !strings.HasPrefix(key, "_") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// withoutEffect are keys that describe how a model was made, trained or wrapped, not what it computes.
var withoutEffect = []string{
	"attention_dropout", "attention_probs_dropout_prob", "attn_pdrop", "bos_token_id", "chunk_size_feed_forward",
	"classifier_dropout", "cls_token_id", "decoder_start_token_id", "deterministic_flash_attn", "dtype", "embd_pdrop", "embedding_dropout",
	"eos_token_id", "finetuning_task", "gradient_checkpointing", "hidden_dropout", "hidden_dropout_prob", "ignore_attention_mask",
	"initializer_cutoff_factor", "initializer_range", "is_encoder_decoder", "keys_to_ignore_at_inference", "label2id", "mlp_dropout",
	"model_max_length", "onnx_export", "output_attentions", "output_hidden_states", "output_past", "pad_token_id", "pretraining_tp",
	"reference_compile", "reorder_and_upcast_attn", "repad_logits_with_grad", "resid_pdrop", "return_dict", "sep_token_id",
	"sparse_pred_ignore_index", "sparse_prediction", "summary_activation", "summary_first_dropout", "summary_proj_to_labels",
	"summary_type", "summary_use_proj", "task_specific_params", "tie_word_embeddings", "tokenizer_class", "torch_dtype", "torchscript",
	"transformers_version",
	"use_cache",

	// Of encoder-decoders: what training drops, and how text is written, which package model reads.
	"activation_dropout", "add_bias_logits", "classif_dropout", "decoder_layerdrop", "diversity_penalty", "dropout", "early_stopping",
	"encoder_layerdrop", "force_bos_token_to_be_generated", "forced_bos_token_id", "forced_eos_token_id", "id2label", "init_std",
	"length_penalty", "max_length", "min_length", "no_repeat_ngram_size", "num_beam_groups", "num_beams", "prefix", "replacing_rate",
}
