"""Folders of EsmTokenizer, which has no tokenizer.json, and what transformers 4 makes of texts with them: esm.json.

    .venv/bin/python tokenizer/testdata/golden/esm.py
"""

import itertools
import json
import pathlib
import tempfile

import transformers

HERE = pathlib.Path(__file__).resolve().parent
ESM2 = "<cls> <pad> <eos> <unk> L A G V S E R T I D P K Q N F Y M H W C X B U Z O . - <null_1> <mask>".split()
NUCLEOTIDES = "<unk> <pad> <mask> <cls> <eos> <bos>".split()
CASES = {
    "esm2": (ESM2, 0, {}),
    "nucleotides": (NUCLEOTIDES, 6, {"eos_token": None, "bos_token": None, "model_max_length": 1000}),
    "nucleotides with an end": (NUCLEOTIDES, 6, {"model_max_length": 2048}),
    "triplets": (NUCLEOTIDES, 3, {"additional_special_tokens": ["<bos>"]}),
}
TEXTS = [
    "MKTVRQERLKSIVRILERSKEPVSGAQLAEELSVSRQVIVQDIAYLRSLGYNIVATPRGYVLAGG", "MKT<mask>VR<mask>", "mktv", "MKxTVjjRR", "MK TV\nRQ", "JJ J",
    "ATTCCGATTCCGATTCCG", "ATTCCGATTCCGATTCC", "ATTCCGNATTCCGAT", "NNNNNNNN", "ATTCCGattccgATTCCG", "ATT CCG", "ATTCC\nGATTCCG\n", "A", "AC",
    "ATTCCG<mask>ATTCCG", "<mask>", "<cls>ATTCCG<eos>", "<null_1>", "<nul", "<nulLA", "", " ", "\t\r\n", "AUUCCG", "ATTCCR", "ATTCC\u00e9G", "\u65e5\u672c",
    "<<mask>>", "A.-B", "ATTCCGATTCCGA" * 7, "N" + "ACGT" * 20 + "N",
]


def folder(dir, tokens, k, settings):
    """Writes vocab.txt and tokenizer_config.json."""
    words = tokens + ["".join(word) for word in itertools.product("ATCG", repeat=k) if k] + (list("ATCGN") if k else [])
    (dir / "vocab.txt").write_text("\n".join(words))
    (dir / "tokenizer_config.json").write_text(json.dumps(settings | {"tokenizer_class": "EsmTokenizer"}))
    return transformers.AutoTokenizer.from_pretrained(dir)


def answer(tokenizer, text):
    """The ids of a document and of a pair, and the document as text again, without and with special tokens."""
    ids = tokenizer(text)["input_ids"]
    pair = tokenizer(text, "ATTCCGA")["input_ids"] if tokenizer.eos_token else None
    return [ids, pair, tokenizer.decode(ids, skip_special_tokens=True), tokenizer.decode(ids)]


def main():
    found = {"versions": {"transformers": transformers.__version__}, "texts": TEXTS, "folders": []}
    for name, (tokens, k, settings) in CASES.items():
        with tempfile.TemporaryDirectory() as work:
            t = folder(pathlib.Path(work), tokens, k, settings)
        roles = [t.bos_token_id, t.eos_token_id, t.unk_token_id, t.sep_token_id, t.pad_token_id, t.cls_token_id, t.mask_token_id]
        found["folders"].append({"name": name, "tokens": tokens, "k": k, "settings": settings, "roles": [-1 if r is None else r for r in roles],
                                 "answers": [answer(t, text) for text in TEXTS]})
    (HERE / "esm.json").write_text(json.dumps(found, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
