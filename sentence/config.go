package sentence

import (
	"fmt"
	"slices"
)

// config is config_sentence_transformers.json.
type config struct {
	prompts       map[string]string
	defaultPrompt string
	similarity    Similarity
	truncate      int
}

// parseConfig reads the text of config_sentence_transformers.json.
func parseConfig(text []byte) (c config, err error) {
	kind := "SentenceTransformer"
	err = object(text, map[string]any{
		"__version__": nil, "requirements": nil, // what wrote the file, and what reads it in Python
		"model_type": &kind, "prompts": &c.prompts, "default_prompt_name": &c.defaultPrompt, "similarity_fn_name": &c.similarity,
		"truncate_dim": &c.truncate,
	})
	if err != nil {
		return c, err
	}
	if kind != "SentenceTransformer" {
		return c, fmt.Errorf("found the model_type %q, expected SentenceTransformer: one vector a text", kind)
	}
	if _, ok := c.prompts[c.defaultPrompt]; c.defaultPrompt != "" && !ok {
		return c, fmt.Errorf("found the default_prompt_name %q, expected one of the prompts %s", c.defaultPrompt, list(c.prompts))
	}
	if !slices.Contains([]Similarity{"", Cosine, Dot, Euclidean, Manhattan}, c.similarity) {
		return c, fmt.Errorf("found the similarity_fn_name %q, expected %s, %s, %s or %s", c.similarity, Cosine, Dot, Euclidean, Manhattan)
	}
	if c.truncate < 0 {
		return c, fmt.Errorf("found truncate_dim %d, expected a positive number or none", c.truncate)
	}
	return c, nil
}
