"""The same checkpoints in other forms of file: shards, bfloat16, PyTorch's own, new and old, and configs in older spellings."""

import json

import torch
from transformers import BertForMaskedLM, LlamaForCausalLM, LongformerForMaskedLM

POSITIONS = 211  # of bert
OLD_SEED = 7


def llama_sharded(base, folder):
    """model-00001-of-00003.safetensors … and the index."""
    LlamaForCausalLM.from_pretrained(base).save_pretrained(folder, max_shard_size="42KB")


def llama_bf16(base, folder):
    """The same numbers: llama's weights are drawn so that bfloat16 has them."""
    LlamaForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(folder)


def longformer_bin(base, folder):
    """The zip form of torch.save. The embedding and the head are two names of one storage."""
    model = LongformerForMaskedLM.from_pretrained(base)
    model.config.save_pretrained(folder)
    keep_if_equal(folder / "pytorch_model.bin", model.state_dict(), new=True)


def bert_old(base, folder):
    """As files of 2019 are: gamma and beta, a buffer of positions, the heads of pre-training, the form of torch.save before 1.6."""
    weights, positions = {}, torch.arange(POSITIONS)[None]
    for name, x in BertForMaskedLM.from_pretrained(base).state_dict().items():
        if name == "bert.embeddings.word_embeddings.weight":
            weights["bert.embeddings.position_ids"] = positions
        weights[name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")] = x
    del weights["cls.predictions.decoder.bias"]  # old files have cls.predictions.bias alone
    generator = torch.Generator().manual_seed(OLD_SEED)
    width = weights["cls.predictions.transform.dense.weight"].shape[0]
    unused = {"bert.pooler.dense.weight": (width, width), "bert.pooler.dense.bias": (width,),
              "cls.seq_relationship.weight": (2, width), "cls.seq_relationship.bias": (2,)}
    weights |= {name: torch.randn(shape, generator=generator) for name, shape in unused.items()}
    config = json.loads((base / "config.json").read_text())
    for name in ("dtype", "position_embedding_type", "use_cache", "classifier_dropout", "transformers_version"):
        del config[name]
    (folder / "config.json").write_text(json.dumps(config | {"gradient_checkpointing": False}, indent=2) + "\n")
    keep_if_equal(folder / "pytorch_model.bin", weights, new=False)


def keep_if_equal(path, weights, new):
    """Writes weights, unless path has them: torch.save's old form names storages by their addresses, which no run repeats."""
    if path.exists():
        old = torch.load(path, weights_only=True)
        if old.keys() == weights.keys() and all(torch.equal(old[name], weights[name]) for name in old):
            return
    torch.save(weights, path, _use_new_zipfile_serialization=new)


# A form and the folder whose weights and golden it has.
FORMS = {llama_sharded: "llama", llama_bf16: "llama", longformer_bin: "longformer", bert_old: "bert"}


# Configs as older releases of 4 wrote them: fields that they did not have yet are left out, others are added.
NOT_YET = ("dtype", "layer_types", "_sliding_window_pattern", "attention_bias", "mlp_bias", "use_bidirectional_attention")
OLDER = {
    "llama": {"head_dim": None, "pretraining_tp": 1},
    "mistral": {"head_dim": None},
    "qwen2": {"use_sliding_window": False, "sliding_window": 8, "max_window_layers": 1},
    "qwen2_window": {},
    "qwen3": {},
    "gemma3": {"sliding_window_pattern": 6},
    "modernbert": {},
    "gpt2": {"n_ctx": 211},
}


def older_config(folder):
    """The config of a folder as an older release wrote it."""
    config = json.loads((folder / "config.json").read_text())
    older = {name: x for name, x in config.items() if name not in NOT_YET} | {"torch_dtype": config["dtype"]}
    older |= OLDER[folder.name]
    return {name: x for name, x in sorted(older.items()) if name != "head_dim" or x is not None}
