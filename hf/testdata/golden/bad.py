"""Makes the configs that package hf must refuse, or must say something about: bad/NAME/config.json, and bad/bad.json about them.

    .venv/bin/python hf/testdata/golden/bad.py && .venv5/bin/python hf/testdata/golden/bad.py

Each is the config of a golden folder with one thing changed, to be put beside the weights of that folder. bad.json says what
transformers 4 and 5 do with the two. The first run makes the files, the second adds what transformers 5 does.
"""

import json
import logging
import math
import os
import pathlib
import shutil
import tempfile

import torch
import transformers

import compute
import gen

HERE = pathlib.Path(__file__).resolve().parent
ABSENT = object()
REFUSE, REPORT = "refuse", "report"
LONG = dict(rope_type="longrope", factor=4.0, short_factor=[1.0] * 4, long_factor=[4.0] * 4, original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
NO_LOW = dict(rope_type="llama3", factor=8.0, high_freq_factor=4.0, original_max_position_embeddings=256)
JINA = {"architectures": ["JinaBertForMaskedLM"], "position_embedding_type": "alibi",
        "auto_map": {"AutoModelForMaskedLM": "jinaai/jina-bert-implementation--modeling_bert.JinaBertForMaskedLM"}}
FIVE = {str(i): f"LABEL_{i}" for i in range(5)}
# Name, folder, what changes, the field that an error names, what must be done, why.
CASES = [
    ("unknown_model_type", "llama", {"model_type": "zebra"}, "model_type", REFUSE, "no family has this name"),
    ("no_model_type", "bert", {"model_type": ABSENT}, "model_type", REFUSE, "nothing says which family this is"),
    ("unknown_architecture", "llama", {"architectures": ["LlamaForJuggling"]}, "architectures", REFUSE, "the head is not known"),
    ("two_architectures", "bert", {"architectures": ["BertForMaskedLM", "BertModel"]}, "architectures", REFUSE, "which head is meant?"),
    ("bert_act", "bert", {"hidden_act": "wobble"}, "hidden_act", REFUSE, "no such activation"),
    ("bert_relative_key", "bert", {"position_embedding_type": "relative_key"}, "position_embedding_type", REFUSE,
     "scores depend on distances, and the file has no table of them"),
    ("bert_alibi", "bert", JINA, "position_embedding_type", REFUSE, "model_type bert, but code from the hub: jina-v2"),
    ("bert_decoder", "bert", {"is_decoder": True}, "is_decoder", REFUSE, "attention becomes causal"),
    ("bert_labels", "bert_classify", {"id2label": FIVE, "label2id": {v: int(k) for k, v in FIVE.items()}}, "classifier.weight", REFUSE,
     "five labels, weights for three"),
    ("bert_heads", "bert", {"num_attention_heads": 5}, "num_attention_heads", REFUSE, "5 heads do not divide 32"),
    ("bert_positions", "bert", {"max_position_embeddings": 100}, "bert.embeddings.position_embeddings.weight", REFUSE,
     "the weights have 211"),
    ("bert_layers_missing", "bert", {"num_hidden_layers": 4}, "bert.encoder.layer.3", REFUSE, "the weights have 3 layers"),
    ("bert_layers_left_over", "bert", {"num_hidden_layers": 2}, "bert.encoder.layer.2", REFUSE, "the weights have 3 layers"),
    ("bert_layers_huge", "bert", {"num_hidden_layers": 2_000_000_000}, "num_hidden_layers", REFUSE, "no memory may be taken for it"),
    ("bert_width_zero", "bert", {"hidden_size": 0}, "hidden_size", REFUSE, "no width"),
    ("bert_width_negative", "bert", {"hidden_size": -32}, "hidden_size", REFUSE, "a negative width"),
    ("bert_width_text", "bert", {"hidden_size": "32"}, "hidden_size", REFUSE, "text in place of a number"),
    ("bert_width_fraction", "bert", {"hidden_size": 32.5}, "hidden_size", REFUSE, "a fraction in place of a whole number"),
    ("bert_no_width", "bert", {"hidden_size": ABSENT}, "hidden_size", REFUSE, "768 would be the default of transformers"),
    ("roberta_no_pad", "roberta", {"pad_token_id": None}, "pad_token_id", REFUSE, "positions begin behind the pad id"),
    ("modernbert_bias", "modernbert", {"attention_bias": True}, "model.layers.0.attn.Wqkv.bias", REFUSE, "the weights have no biases"),
    ("modernbert_pooling", "modernbert_classify_mean", {"classifier_pooling": "max"}, "classifier_pooling", REFUSE, "cls or mean"),
    ("modernbert_every_zero", "modernbert", {"global_attn_every_n_layers": 0}, "global_attn_every_n_layers", REFUSE, "division by zero"),
    ("modernbert_v5_types", "modernbert v5", {"layer_types": ["full_attention"] * 3}, "layer_types", REFUSE, "3 types for 4 layers"),
    ("modernbert_v5_rope", "modernbert v5", {"rope_parameters": {"full_attention": {"rope_theta": 160000.0, "rope_type": "default"}}},
     "rope_parameters", REFUSE, "no base for the window layers"),
    ("longformer_windows", "longformer", {"attention_window": [8, 16]}, "attention_window", REFUSE, "2 windows for 3 layers"),
    ("longformer_odd", "longformer", {"attention_window": [8, 15, 8]}, "attention_window", REFUSE,
     "a window is even: half of it on each side"),
    ("longformer_zero", "longformer", {"attention_window": 0}, "attention_window", REFUSE, "no window"),
    ("bigbird_attention_type", "bigbird", {"attention_type": "sparse"}, "attention_type", REFUSE, "block_sparse or original_full"),
    ("bigbird_block_zero", "bigbird", {"block_size": 0}, "block_size", REFUSE, "blocks of no tokens"),
    ("bigbird_block_huge", "bigbird", {"block_size": 2_000_000_000}, "block_size", REFUSE, "blocks longer than any text"),
    ("bigbird_random_negative", "bigbird", {"num_random_blocks": -1}, "num_random_blocks", REFUSE, "a negative number of blocks"),
    ("bigbird_no_bias", "bigbird", {"use_bias": False}, "use_bias", REFUSE, "the weights have biases of queries, keys and values"),
    ("bigbird_decoder", "bigbird", {"is_decoder": True}, "is_decoder", REFUSE, "attention becomes causal, and full"),
    ("t5_buckets", "t5_encoder", {"relative_attention_num_buckets": 30}, "relative_attention_num_buckets", REFUSE,
     "both sides of a token have half of the buckets, and near distances half of these"),
    ("t5_act", "t5_encoder", {"feed_forward_proj": "wobble", "dense_act_fn": "wobble"}, "dense_act_fn", REFUSE, "no such activation"),
    ("t5_decoder", "t5_encoder", {"is_decoder": True}, "is_decoder", REFUSE, "attention becomes causal"),
    ("longt5_type", "longt5_local", {"encoder_attention_type": "sparse"}, "encoder_attention_type", REFUSE, "local or transient-global"),
    ("longt5_block_zero", "longt5_global", {"global_block_size": 0}, "global_block_size", REFUSE, "blocks of no tokens"),
    ("nystromformer_even", "nystromformer", {"conv_kernel_size": 10}, "conv_kernel_size", REFUSE, "a convolution has a middle"),
    ("nystromformer_taps", "nystromformer", {"conv_kernel_size": 65}, "nystromformer.encoder.layer.0.attention.self.conv.weight", REFUSE,
     "the weights have convolutions of 9 tokens"),
    ("nystromformer_no_landmarks", "nystromformer", {"num_landmarks": 0}, "num_landmarks", REFUSE, "no landmarks"),
    ("nystromformer_landmarks_odd", "nystromformer", {"num_landmarks": 30}, "segment_means_seq_len", REFUSE, "30 do not divide 64"),
    ("nystromformer_decoder", "nystromformer", {"is_decoder": True}, "is_decoder", REFUSE, "landmarks look ahead"),
    ("llama_dynamic", "llama", {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "rope_scaling", REFUSE,
     "frequencies change with the length of the text"),
    ("llama_longrope", "llama", {"rope_scaling": LONG}, "rope_scaling", REFUSE,
     "two sets of frequencies, chosen by the length of the text"),
    ("llama_rope_type", "llama", {"rope_scaling": {"rope_type": "spiral", "factor": 2.0}}, "rope_scaling", REFUSE, "no such scaling"),
    ("llama_rope_no_factor", "llama", {"rope_scaling": {"rope_type": "linear"}}, "factor", REFUSE, "linear needs a factor"),
    ("llama3rope_no_low", "llama3rope", {"rope_scaling": NO_LOW},
     "low_freq_factor", REFUSE, "llama3 needs it"),
    ("llama_yarn_unknown_field", "llama_yarn", {"rope_scaling": YARN | {"wobble": 3}}, "wobble", REPORT, "a parameter that nothing reads"),
    ("llama_no_rope_theta", "llama", {"rope_theta": ABSENT}, "rope_theta", REPORT,
     "old Llama files have none, and mean 10,000"),
    ("qwen3_no_rope_theta", "qwen3", {"rope_theta": ABSENT}, "rope_theta", REFUSE, "transformers takes 10,000, and Qwen 3 has 1,000,000"),
    ("llama_v5_no_rope_theta", "llama v5", {"rope_parameters": {"rope_type": "default"}}, "rope_theta", REFUSE,
     "transformers 5 always writes it"),
    ("llama_two_rope_thetas", "llama", {"rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}}, "rope_theta", REFUSE,
     "both spellings, and they differ: transformers 4 takes one, 5 the other"),
    ("llama_rope_theta_zero", "llama", {"rope_theta": 0}, "rope_theta", REFUSE, "no base"),
    ("llama_partial_rotary", "llama", {"partial_rotary_factor": 0.5}, "partial_rotary_factor", REFUSE, "Llama turns whole heads"),
    ("llama_attention_bias", "llama", {"attention_bias": True}, "model.layers.0.self_attn.q_proj.bias", REFUSE,
     "the weights have no biases"),
    ("llama_kv_heads", "llama", {"num_key_value_heads": 3}, "num_key_value_heads", REFUSE, "3 do not divide 4 heads"),
    ("llama_head_dim", "llama", {"head_dim": 16}, "model.layers.0.self_attn.q_proj.weight", REFUSE, "the weights have heads of 8"),
    ("llama_quantized", "llama", {"quantization_config": {"quant_method": "awq", "bits": 4}}, "quantization_config", REFUSE,
     "weights are not numbers but codes"),
    ("llama_tied", "llama", {"tie_word_embeddings": True}, "lm_head.weight", REFUSE,
     "tied, and the file has another head: transformers 4 ties, 5 does not"),
    ("qwen3_untied", "qwen3", {"tie_word_embeddings": False}, "lm_head.weight", REFUSE, "not tied, and the file has no head"),
    ("mistral_window_zero", "mistral", {"sliding_window": 0}, "sliding_window", REFUSE,
     "null means no window; transformers takes 0 for it"),
    ("qwen2_types_short", "qwen2_window", {"layer_types": ["full_attention"]}, "layer_types", REFUSE, "1 type for 2 layers"),
    ("qwen2_types_unknown", "qwen2_window", {"layer_types": ["full_attention", "chunked_attention"]}, "layer_types", REFUSE,
     "a type that Qwen 2 has not"),
    ("qwen2_no_window", "qwen2_window", {"sliding_window": None}, "sliding_window", REFUSE, "a window layer without a window"),
    ("gemma3_softcap", "gemma3", {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping", REFUSE,
     "scores are to be capped; 4.57 does not"),
    ("gemma3_final_softcap", "gemma3", {"final_logit_softcapping": 0.5}, "final_logit_softcapping", REFUSE,
     "logits are capped; may be opened once that is computed"),
    ("gpt2_inverse_layer", "gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx", REFUSE,
     "scores of layer i are divided by i + 1"),
    ("gpt2_no_scale", "gpt2", {"scale_attn_weights": False}, "scale_attn_weights", REFUSE, "scores are not divided by √D"),
    ("gpt2_cross", "gpt2", {"add_cross_attention": True}, "add_cross_attention", REFUSE, "the weights have no cross attention"),
]
NEW = "not run: a config of transformers 5"
NOT_RUN = {"bert_layers_huge": "not run: it would take all memory", ("modernbert_v5_types", "4"): NEW, ("modernbert_v5_rope", "4"): NEW,
           ("llama_v5_no_rope_theta", "4"): NEW}


def config_of(base, changes):
    name, _, version = base.partition(" ")
    config = json.loads((HERE / name / ("config_v5.json" if version else "config.json")).read_text()) | changes
    return name, {key: value for key, value in config.items() if value is not ABSENT}


def first_line(error):
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}".replace(os.fspath(HERE), "")[:160]


def outputs(folder, kind):
    """What a folder gives for short texts; the names of tensors that were missing or left over."""
    chosen = {} if kind.__name__.startswith(compute.ONE_ATTENTION) else {"attn_implementation": "eager"}
    config = transformers.AutoConfig.from_pretrained(folder)
    model, info = kind.from_pretrained(folder, config=config, dtype=torch.float32, output_loading_info=True, **chosen)
    model = model.double().eval()
    made = [compute.case(f"len{n}", [n], compute.every_row, model.config, n) for n in (33, 7)]
    with compute.in_float64():
        return compute.run_all(model, made), info


def listed(word, names):
    """At most two names, and a sign that there are more."""
    names = sorted(names)
    return f"; {word}: {', '.join(names[:2])}{' …' if len(names) > 2 else ''}" if names else ""


def behaviour(base, config):
    """What transformers does with the file config and the weights of base, in a few words."""
    kind = getattr(transformers, json.loads((HERE / base / "config.json").read_text())["architectures"][0])
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        shutil.copyfile(HERE / base / "model.safetensors", folder / "model.safetensors")
        shutil.copyfile(config, folder / "config.json")
        try:
            torch.manual_seed(1)
            found, info = outputs(folder, kind)
        except Exception as error:  # whatever it says is what we came for
            return first_line(error).replace(work, "FOLDER")
    expected, _ = outputs(HERE / base, kind)
    said = listed("missing", info["missing_keys"]) + listed("unexpected", info["unexpected_keys"])
    alike = {name: x for name, x in expected.items() if name in found and x.shape == found[name].shape}
    shift = [float((found[name] - x).abs().max() / x.abs().max()) for name, x in alike.items()]
    if any(map(math.isnan, shift)):
        return f"runs; outputs are NaN{said}"
    return f"runs; outputs move by {max(shift):.0e}{said}" if max(shift) else f"runs; same outputs{said}"


def resaved():
    """gemma3_bidirectional loaded and saved by transformers 4.57: its window of 16 is 9, and 5 when it is loaded."""
    with tempfile.TemporaryDirectory() as work:
        transformers.Gemma3TextModel.from_pretrained(HERE / "gemma3_bidirectional").save_pretrained(work)
        return json.loads((pathlib.Path(work) / "config.json").read_text())


def write(name, text):
    folder = HERE / "bad" / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(text)


def texts():
    """Every bad file: its name, the folder of the weights, its text, the field, what must be done, and why."""
    for name, base, changes, field, must, why in CASES:
        folder, config = config_of(base, changes)
        yield name, folder, json.dumps(config, indent=1) + "\n", field, must, why
    why = "an odd window was halved by transformers 4.57 on saving: 16 became 9, and is 5 when loaded again"
    yield "gemma3_bidirectional_resaved", "gemma3_bidirectional", json.dumps(resaved(), indent=1) + "\n", "sliding_window", REPORT, why
    text = (HERE / "bert" / "config.json").read_text()
    yield "not_closed", "bert", text[:-20], "", REFUSE, "a file cut short"
    yield "a_list", "bert", "[]\n", "", REFUSE, "a list in place of an object"
    yield "empty", "bert", "", "", REFUSE, "an empty file"
    yield "twice", "bert", text.replace("{", '{\n  "hidden_size": 64,', 1), "hidden_size", REFUSE, "a field twice, with two values"


def make():
    """Writes the files anew."""
    shutil.rmtree(HERE / "bad", ignore_errors=True)
    entries = []
    for name, base, text, field, must, why in texts():
        write(name, text)
        entries.append({"name": name, "weights": base, "field": field, "must": must, "why": why})
    return {"format": 1, "versions": gen.versions(), "cases": entries}


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity(logging.CRITICAL)
    transformers.logging.disable_progress_bar()
    major = transformers.__version__.partition(".")[0]
    told = make() if major == "4" else json.loads((HERE / "bad" / "bad.json").read_text())
    for e in told["cases"]:
        skip = NOT_RUN.get(e["name"]) or NOT_RUN.get((e["name"], major))
        e[f"transformers_{major}"] = skip or behaviour(e["weights"], HERE / "bad" / e["name"] / "config.json")
        print(f"{e['name']:30} {e['must']:7} {e[f'transformers_{major}']}")
    gen.write_json(HERE / "bad" / "bad.json", told)


if __name__ == "__main__":
    main()
