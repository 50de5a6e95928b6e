"""Small folders of transformers, with the settings in tokenizer_config.json that change the components of tokenizer.json."""

import json
import pathlib
import shutil
import sys
import tempfile

import layouts
import transformers

# A layout, a name, what to set in tokenizer_config.json, and what to leave of the folder.
CASES = [
    ("bert", "bert", {}, None),
    ("bert", "bert-cased-config", {"do_lower_case": False}, None),
    ("bert", "bert-accents", {"strip_accents": False, "tokenize_chinese_chars": False}, None),
    ("bert", "bert-clean", {"clean_up_tokenization_spaces": True, "model_max_length": 512}, None),
    ("bert", "bert-no-config", None, ["tokenizer.json", "config.json"]),
    ("bert", "bert-vocab", {"do_lower_case": True}, ["vocab.txt", "tokenizer_config.json", "special_tokens_map.json"]),
    ("roberta", "roberta-prefix", {"add_prefix_space": True}, None),
    ("roberta", "roberta-trim", {"trim_offsets": False}, None),
    ("roberta", "roberta-merges", {}, ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"]),
    ("bart", "bart", {}, None),
    ("led", "led-old", {"added_tokens_decoder": None}, None),
    ("llama", "llama-eos", {"add_eos_token": True}, None),
    ("llama", "llama-no-bos", {"add_bos_token": False}, None),
    ("gemma", "gemma", {}, None),
    ("t5", "t5", {}, None),
    ("xlmr", "xlmr", {}, None),
    ("albert", "albert", {}, None),
    ("bigbird", "bigbird", {}, None),
    ("pegasus", "pegasus", {}, None),
    ("gpt2", "gpt2-prefix", {"add_prefix_space": True, "tokenizer_class": "GPT2Tokenizer"}, None),
    ("gpt2", "neox-bos", {"add_bos_token": True, "tokenizer_class": "GPTNeoXTokenizer"}, None),
    (
        "qwen2",
        "qwen2-extra",
        {
            "tokenizer_class": "Qwen2Tokenizer",
            "added_tokens_decoder": {
                "900": {
                    "content": "<|im_start|>",
                    "lstrip": False,
                    "normalized": False,
                    "rstrip": False,
                    "single_word": False,
                    "special": True,
                },
                "901": {
                    "content": "<|im_end|>",
                    "lstrip": True,
                    "normalized": False,
                    "rstrip": False,
                    "single_word": False,
                    "special": True,
                },
                "902": {
                    "content": "<think>",
                    "lstrip": False,
                    "normalized": True,
                    "rstrip": False,
                    "single_word": False,
                    "special": False,
                },
            },
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "additional_special_tokens": ["<|im_start|>"],
        },
        None,
    ),
    (
        "modernbert",
        "modernbert",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "mask_token": "[MASK]",
            "model_max_length": 1000000000000000019884624838656,
        },
        None,
    ),
    (
        "llama3",
        "llama3",
        {"tokenizer_class": "PreTrainedTokenizer", "bos_token": "<|endoftext|>", "chat_template": "{{ messages }}"},
        None,
    ),
    (
        "openai-gpt",
        "plain",
        {"unk_token": "<unk>", "split_special_tokens": True, "tokenizer_class": "PreTrainedTokenizerFast"},
        None,
    ),
]


def make(out):
    """Writes each folder into out."""
    transformers.logging.set_verbosity_error()
    made = dict(layouts.of_transformers())
    others = {name: t for source in (layouts.of_patterns, layouts.of_components) for name, t in source()}
    for layout, name, settings, left in CASES:
        folder = pathlib.Path(out, name)
        shutil.rmtree(folder, ignore_errors=True)
        if layout in made:
            made[layout].save_pretrained(folder)
        else:
            transformers.PreTrainedTokenizerFast(tokenizer_object=others[layout]).save_pretrained(folder)
        config = json.loads((folder / "tokenizer_config.json").read_text())
        config.update(settings or {})
        for key in [k for k, v in (settings or {}).items() if v is None]:
            del config[key]
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1))
        (folder / "config.json").write_text(json.dumps({"model_type": layout.split("-")[0]}))
        if left and "vocab.txt" in left:
            made[layout].save_vocabulary(str(folder))
        if left and "merges.txt" in left:
            vocab = json.loads((folder / "tokenizer.json").read_text())["model"]
            (folder / "vocab.json").write_text(json.dumps(vocab["vocab"]))
            merges = [" ".join(m) for m in vocab["merges"]]
            (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
        for file in list(folder.iterdir()):
            if left and file.name not in left:
                file.unlink()
        yield name, folder


if __name__ == "__main__":
    for name, folder in make(sys.argv[1]):
        print(name, sorted(p.name for p in folder.iterdir()))
