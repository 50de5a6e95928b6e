package sentence

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// parseTransformer reads the text of sentence_bert_config.json. Before 5.4 it has max_seq_length and do_lower_case, since then the task and
// what goes in and out; max_seq_length is then the tokenizer's model_max_length.
func parseTransformer(text []byte) (t Transformer, err error) {
	task, output, inputs := "feature-extraction", "token_embeddings", map[string]json.RawMessage{"text": nil}
	var queries, documents, expansion, processing json.RawMessage
	model, tokenizer, config := arguments{}, arguments{}, arguments{}
	err = object(text, map[string]any{
		"max_seq_length": &t.MaxTokens, "do_lower_case": &t.LowerCase, "transformer_task": &task, "module_output_name": &output,
		"modality_config": &inputs, "query_length": &queries, "document_length": &documents, "query_expansion": &expansion,
		"processing_kwargs": &processing, "unpad_inputs": nil, // how a batch is laid out in memory
		"model_args": &model, "model_kwargs": &model, "tokenizer_args": &tokenizer, "processor_kwargs": &tokenizer,
		"config_args": &config, "config_kwargs": &config,
	})
	if err != nil {
		return t, err
	}
	if task != "feature-extraction" || output != "token_embeddings" {
		return t, fmt.Errorf("found the transformer_task %q and module_output_name %q, expected feature-extraction and token_embeddings: "+
			"the model gives no vectors of tokens", task, output)
	}
	for key, value := range map[string]json.RawMessage{"query_length": queries, "document_length": documents, "query_expansion": expansion} {
		if value != nil && string(value) != "null" {
			return t, fmt.Errorf("found %s %s, expected none: the model gives several vectors a text", key, value)
		}
	}
	if s := string(processing); processing != nil && s != "null" && s != "{}" {
		return t, fmt.Errorf("found processing_kwargs %s, expected none", s)
	}
	if t.MaxTokens < 0 {
		return t, fmt.Errorf("found max_seq_length %d, expected a positive number or none", t.MaxTokens)
	}
	if err := checkInputs(inputs); err != nil {
		return t, err
	}
	return t, checkArguments(model, tokenizer, config)
}

// checkInputs looks at the modality_config: what goes into the model as what. A chat message is another way for a text, which is not
// taken.
func checkInputs(inputs map[string]json.RawMessage) error {
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		if key != "text" && key != "message" {
			return fmt.Errorf("found the input %q in modality_config, expected text alone", key)
		}
	}
	text, ok := inputs["text"]
	if !ok {
		return fmt.Errorf("found no input text in modality_config, expected it")
	}
	if text == nil {
		return nil
	}
	method, output := "forward", "last_hidden_state"
	if err := object(text, map[string]any{"method": &method, "method_output_name": &output}); err != nil {
		return fmt.Errorf("modality_config: %w", err)
	}
	if method != "forward" || output != "last_hidden_state" {
		return fmt.Errorf("found the output %s of the method %s in modality_config, expected last_hidden_state of forward", output, method)
	}
	return nil
}

// arguments are what Python's loader is given beside the files.
type arguments map[string]json.RawMessage

// harmless are arguments that do not change what the model computes, but where and how.
var harmless = []string{"attn_implementation", "device_map", "dtype", "low_cpu_mem_usage", "padding_side", "torch_dtype",
	"trust_remote_code",
	"use_fast", "add_pooling_layer"}

func checkArguments(lists ...arguments) error {
	for _, a := range lists {
		for _, key := range slices.Sorted(maps.Keys(a)) {
			if !slices.Contains(harmless, key) {
				return fmt.Errorf("found the argument %q: %s, which changes the model or its tokenizer; it is not known here", key, a[key])
			}
		}
	}
	return nil
}
