"""Folders as the authors of nomic_bert and gte published them, before transformers had classes: other keys, and other prefixes of tensors.

    .venv5/bin/python hf/testdata/golden/hub.py

Run after gen.py of the same environment.
"""

import json
import zlib

import torch
import transformers
from safetensors.torch import load_file, save_file

import checkpoints
import compute
import gen

BASE, FACTOR = 20000.0, 8.0  # of gte-multilingual-base
NOMIC = {"n_embd": 32, "n_head": 4, "n_layer": 3, "n_inner": 40, "n_positions": 8192, "max_trained_positions": 256, "vocab_size": 89,
         "layer_norm_epsilon": 1e-12, "type_vocab_size": 2, "activation_function": "swiglu", "rotary_emb_base": 1000,
         "rotary_emb_fraction": 1.0, "rotary_emb_interleaved": False, "rotary_emb_scale_base": None, "rotary_scaling_factor": None,
         "prenorm": False, "parallel_block": False, "parallel_block_tied_norm": False, "causal": False, "use_rms_norm": False,
         "qkv_proj_bias": False, "mlp_fc1_bias": False, "mlp_fc2_bias": False, "fused_bias_fc": True, "fused_dropout_add_ln": True,
         "use_flash_attn": True, "use_xentropy": True, "pad_vocab_size_multiple": 1, "tie_word_embeddings": True,
         "auto_map": {"AutoModelForMaskedLM": "modeling_hf_nomic_bert.NomicBertForPreTraining"}}
NEW = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 3, "intermediate_size": 40, "vocab_size": 89,
       "max_position_embeddings": 256, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "layer_norm_type": "layer_norm",
       "position_embedding_type": "rope", "rope_theta": 160000.0, "rope_scaling": None, "pack_qkv": True, "unpad_inputs": False,
       "use_memory_efficient_attention": False, "logn_attention_scale": False, "logn_attention_clip1": False, "type_vocab_size": 1,
       "pad_token_id": 1, "auto_map": {"AutoModel": "modeling.NewModel"}}
# A folder, the folder of its weights and its golden, the prefix in that and here, and the config.
FORMS = [
    ("nomic_hub", "nomic", "nomic_bert.", "bert.", NOMIC | {"model_type": "nomic_bert", "architectures": ["NomicBertForPreTraining"]}),
    ("new", "gte", "gte.", "new.", NEW | {"model_type": "new", "architectures": ["NewForMaskedLM"]}),
]


def write(folder, config):
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def make_form(name, base, theirs, ours, config):
    """Writes the weights of a folder under other names."""
    folder = gen.HERE / name
    gen.clear(folder)
    weights = load_file(gen.HERE / base / "model.safetensors")
    renamed = {ours + key.removeprefix(theirs) if key.startswith(theirs) else key: x for key, x in weights.items()}
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    write(folder, config)
    gen.write_json(folder / "golden.json", {"format": 1, "same_as": base, "versions": gen.versions()})


def ntk_frequencies(dim):
    """1 / (f·base)^(2j/D) / f^(2/D), "NTK-RoPE mixed" (Su 2023, kexue.fm/archives/9706, equation 6)."""
    return (1 / (FACTOR * BASE) ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim) / FACTOR ** (2 / dim)).float()


def new_ntk():
    return transformers.GteModel, transformers.GteConfig(**checkpoints.BERT, num_hidden_layers=2, max_position_embeddings=256,
                                                         type_vocab_size=0)


def make_ntk():
    """Writes a checkpoint with scaled rotary positions, whose frequencies are those of the equation, and its golden."""
    folder = gen.HERE / "new_ntk"
    gen.clear(folder)
    model = checkpoints.draw(new_ntk, zlib.crc32(b"new_ntk"))
    model.set_attn_implementation("eager")
    model.save_pretrained(folder)
    write(folder, NEW | {"model_type": "new", "architectures": ["NewModel"], "num_hidden_layers": 2, "type_vocab_size": 0,
                         "rope_theta": BASE, "rope_scaling": {"type": "ntk", "factor": FACTOR}})
    model = model.double()
    model.rotary_emb.inv_freq = ntk_frequencies(8).double()
    made = compute.cases(model.config, False)
    with compute.in_float64():
        outputs = compute.run_all(model, made)
    inputs = {f"{c['name']}.{key}": x for c in made for key, x in c["inputs"].items()}
    save_file(inputs | {key: x.float().contiguous() for key, x in outputs.items()}, folder / "golden.safetensors")
    cases = [{"name": c["name"], "lengths": c["lengths"], "rows": c["rows"], "inputs": list(c["inputs"])} for c in made]
    gen.write_json(folder / "golden.json", {"format": 1, "class": "GteModel", "versions": gen.versions(),
                                            "hidden": compute.hidden_names(model), "cases": cases})


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for form in FORMS:
        make_form(*form)
    make_ntk()


if __name__ == "__main__":
    main()
