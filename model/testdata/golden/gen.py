"""Makes the golden files of package model: weights, tokens, loss and gradients of small models as Hugging Face transformers has them.

    python -m venv .venv && .venv/bin/pip install -r attention/testdata/golden/requirements.txt
    .venv/bin/python model/testdata/golden/gen.py

Each function below makes one file: it builds a model and says which of its weights are which of ours. Weights are drawn and
rounded to bf16, so that they are the same numbers in every type; everything is computed in float64. The batch is two
sequences, run one by one here and packed there; some targets are ignored.
"""

import importlib.metadata
import json
import pathlib
import platform
import zlib

import torch
from safetensors.torch import save
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = ("torch", "transformers", "safetensors")
LENGTHS = [14, 9]
IGNORE = -1


def gpt2(vocab=13, width=16, layers=2, heads=2, max_tokens=20):
    """GPT-2: norms inside the branches, learned positions, the head tied to the embedding."""
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=vocab, n_embd=width, n_layer=layers, n_head=heads, n_positions=max_tokens,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, activation_function="gelu_new", attn_implementation="eager",
    ))
    names = {"embedding.weight": ["transformer.wte.weight"], "positions.weight": ["transformer.wpe.weight"],
             "norm.weight": ["transformer.ln_f.weight"], "norm.bias": ["transformer.ln_f.bias"]}
    for i in range(layers):
        ours, theirs = f"blocks.{i}.", f"transformer.h.{i}."
        parts = {"attention.qkv": "attn.c_attn", "attention.out": "attn.c_proj", "feed_forward.up": "mlp.c_fc", "feed_forward.down": "mlp.c_proj"}
        for a, b in parts.items():
            names[ours + a + ".weight"] = [theirs + b + ".weight", "transposed"]  # a Conv1D, [in, out]
            names[ours + a + ".bias"] = [theirs + b + ".bias"]
        for a, b in {"attention.norm": "ln_1", "feed_forward.norm": "ln_2"}.items():
            names[ours + a + ".weight"], names[ours + a + ".bias"] = [theirs + b + ".weight"], [theirs + b + ".bias"]
    return model, names


def llama(vocab=13, width=16, layers=2, heads=2, kv_heads=1, hidden=24):
    """Llama: RMS norm, rotary positions, SwiGLU, grouped keys and values."""
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=vocab, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv_heads,
        intermediate_size=hidden, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False, attn_implementation="eager",
    ))
    names = {"embedding.weight": ["model.embed_tokens.weight"], "norm.weight": ["model.norm.weight"], "head.weight": ["lm_head.weight"]}
    for i in range(layers):
        ours, theirs = f"blocks.{i}.", f"model.layers.{i}."
        names[ours + "attention.qkv.weight"] = [f"{theirs}self_attn.{p}_proj.weight" for p in "qkv"]
        names[ours + "attention.out.weight"] = [theirs + "self_attn.o_proj.weight"]
        names[ours + "feed_forward.up.weight"] = [theirs + "mlp.gate_proj.weight", theirs + "mlp.up_proj.weight"]
        names[ours + "feed_forward.down.weight"] = [theirs + "mlp.down_proj.weight"]
        names[ours + "attention.norm.weight"] = [theirs + "input_layernorm.weight"]
        names[ours + "feed_forward.norm.weight"] = [theirs + "post_attention_layernorm.weight"]
    return model, names


def join(tensors, sources):
    """Their tensors as one of ours: laid end to end, or transposed."""
    if sources[-1] == "transposed":
        return tensors[sources[0]].T
    return torch.cat([tensors[name] for name in sources])


def make_file(make):
    """Writes the file that make describes, and returns its entry in the manifest."""
    code = make.__code__
    settings = dict(zip(code.co_varnames[: code.co_argcount], make.__defaults__))
    seed = zlib.crc32(make.__name__.encode())
    generator = torch.Generator().manual_seed(seed)
    model, names = make(**settings)
    model = model.double().train()
    for name, weight in model.named_parameters():
        offset = 1 if weight.dim() == 1 and name.endswith("weight") else 0  # gains of norms
        drawn = offset + 0.3 * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        weight.data = drawn.bfloat16().double()
    tokens, targets = (torch.randint(settings["vocab"], (sum(LENGTHS),), generator=generator) for _ in range(2))
    targets[::5] = IGNORE
    rows = [model(part[None]).logits[0] for part in tokens.split(LENGTHS)]
    logits = torch.cat(rows)
    loss = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORE)
    loss.backward()
    weights = {name: p.data for name, p in model.named_parameters()}
    grads = {name: p.grad for name, p in model.named_parameters()}
    tensors = {"tokens": tokens, "targets": targets, "logits": logits.detach().float(), "loss": loss.detach().float().view(1, 1)}
    for ours, theirs in names.items():
        tensors[ours] = join(weights, theirs).bfloat16()
        tensors["gradient of " + ours] = join(grads, theirs).float()
    (HERE / f"{make.__name__}.safetensors").write_bytes(save({name: x.contiguous() for name, x in tensors.items()}))
    return {
        "source": f"transformers {type(model).__name__}", "seed": seed, "settings": settings | {"lengths": LENGTHS}, "tolerance": 2.0**-16,
        "reason": "ours is computed in float32: some hundred roundings of 2^-24 one after the other, against float64",
    }


def main():
    torch.set_num_threads(1)
    versions = {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}
    manifest = {"versions": versions, "files": {make.__name__: make_file(make) for make in (gpt2, llama)}}
    (HERE / "MANIFEST.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
