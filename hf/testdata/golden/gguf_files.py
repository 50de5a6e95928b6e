"""Writes the goldens of decoders as GGUF files: the names, the order of rows and the norms of llama.cpp's converter.

    .venv/bin/python hf/testdata/golden/gguf_files.py

Names come from gguf-py's table. The converter puts row a·D/2 + i of a head's D rows at 2i + a (architecture llama), and adds 1 to
the weights of Gemma's norms. GGUF has no tokenizer here: the goldens are ids.
"""

import json
import math
import pathlib

import gguf
import numpy as np
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).resolve().parent
FOLDERS = {"llama": "llama", "llama3rope": "llama", "llama_linear": "llama", "llama_yarn": "llama", "qwen2": "qwen2", "qwen3": "qwen3",
           "gemma3": "gemma3"}
ARCHS = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3,
         "gemma3": gguf.MODEL_ARCH.GEMMA3}


def interleave(weight, heads):
    """Rows of halves to rows of neighbours."""
    size = weight.shape[0] // heads
    return weight.reshape(heads, 2, size // 2, -1).swapaxes(1, 2).reshape(weight.shape)


def llama3_divisors(rope, base, head):
    """The tensor rope_freqs.weight of Llama 3's scaling."""
    out = []
    for p in range(head // 2):
        waves = rope["original_max_position_embeddings"] * base ** (-2 * p / head) / (2 * math.pi)
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        between = min(max((waves - low) / (high - low), 0), 1)
        out.append(1 / ((1 - between) / rope["factor"] + between))
    return np.array(out, dtype=np.float32)


def write(folder, arch):
    config = json.loads((HERE / folder / "config.json").read_text())
    weights = load_file(HERE / folder / "model.safetensors")
    w = gguf.GGUFWriter(HERE / "gguf" / f"{folder}.gguf", arch)
    w.add_block_count(config["num_hidden_layers"])
    w.add_context_length(config["max_position_embeddings"])
    w.add_embedding_length(config["hidden_size"])
    w.add_feed_forward_length(config["intermediate_size"])
    w.add_head_count(config["num_attention_heads"])
    w.add_head_count_kv(config["num_key_value_heads"])
    w.add_layer_norm_rms_eps(config["rms_norm_eps"])
    w.add_rope_freq_base(config["rope_theta"])
    head = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    w.add_key_length(head)
    w.add_value_length(head)
    if arch == "gemma3":
        w.add_sliding_window(config["sliding_window"])
    rope = config.get("rope_scaling")
    if rope:
        kind = rope.get("rope_type") or rope["type"]
        if kind == "llama3":
            w.add_tensor("rope_freqs.weight", llama3_divisors(rope, config["rope_theta"], head))
        else:
            w.add_rope_scaling_type(gguf.RopeScalingType(kind))
            w.add_rope_scaling_factor(rope["factor"])
            if "original_max_position_embeddings" in rope:
                w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    names = gguf.get_tensor_name_map(ARCHS[arch], config["num_hidden_layers"])
    for name, value in sorted(weights.items()):
        if arch == "llama" and ".q_proj." in name:
            value = interleave(value, config["num_attention_heads"])
        if arch == "llama" and ".k_proj." in name:
            value = interleave(value, config["num_key_value_heads"])
        if arch == "gemma3" and name.endswith("norm.weight"):
            value = value + np.float32(1)
        if arch == "gemma3" and name.endswith("q_norm.weight"):
            # GGUF has no query_pre_attn_scalar: scores are divided by √D. The norm of the queries makes up for it.
            value = value * np.float32(math.sqrt(head / config["query_pre_attn_scalar"]))
        w.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(value))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


(HERE / "gguf").mkdir(exist_ok=True)
for folder, arch in FOLDERS.items():
    write(folder, arch)
