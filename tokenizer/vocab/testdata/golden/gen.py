"""Makes the golden files of package vocab: what Hugging Face tokenizers learns, and what it makes of the files that the package writes.

    python -m venv .venv && .venv/bin/pip install -r tokenizer/vocab/testdata/golden/requirements.txt
    go test ./tokenizer/vocab -run Golden -update    # writes NAME.tokenizer.json; other tests fail until the next line has run
    .venv/bin/python tokenizer/vocab/testdata/golden/gen.py

The documents are those of data/text/sample and the texts of nasty.json. The files are opened by tokenizers and by transformers, whose ids
must be equal.
"""

import gzip
import importlib.metadata
import json
import math
import pathlib
import tempfile

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parents[3] / "data" / "text" / "sample" / "sample.jsonl.gz"
NASTY = json.loads((HERE / "nasty.json").read_text())
LEARNED = 20  # of the documents; Unigram is measured on the others


def strings(value):
    """All strings below a value, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for v in value:
            yield from strings(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from strings(v)


def documents():
    """The sample as package data/text reads it."""
    for line in gzip.open(SAMPLE):
        d = json.loads(line)
        yield "".join(s + "\n" for k, v in d.items() if k in ("title", "abstract", "sections") for s in strings(v) if s)


DOCUMENTS = {"sample": list(documents()), "nasty": NASTY}


def learn_bpe(documents, size, least, specials, lower=False):
    """The merges and tokens that the library learns."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if lower:
        t.normalizer = normalizers.Lowercase()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    t.train_from_iterator(DOCUMENTS[documents], trainers.BpeTrainer(
        vocab_size=size, min_frequency=least, special_tokens=specials, initial_alphabet=alphabet, show_progress=False))
    model = json.loads(t.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    return {"documents": documents, "size": size, "least": least, "specials": specials, "lower": lower,
            "merges": [" ".join(m) for m in model["merges"]], "tokens": len(tokens)}


def nats_per_byte(tokenizer, texts):
    """−log-probability of the best way to cut the texts, by the scores in the file."""
    vocab = dict(json.loads(tokenizer.to_str())["model"]["vocab"])
    unknown = min(vocab.values()) - 10
    longest = max(map(len, vocab))
    total = 0.0
    for text in texts:
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text)):
            best = [0.0] + [-math.inf] * len(word)
            for i in range(len(word)):
                for j in range(i + 1, min(len(word), i + longest) + 1):
                    score = vocab.get(word[i:j], unknown if j == i + 1 else -math.inf)
                    best[j] = max(best[j], best[i] + score)
            total -= best[-1]
    return total / sum(len(t.encode()) for t in texts)


def learn_unigram(texts, held, size):
    """How well the library's Unigram does, with the normalizer and the pre-tokenizer of our file."""
    ours = Tokenizer.from_file(str(HERE / "unigram.tokenizer.json"))
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer = ours.normalizer, ours.pre_tokenizer
    t.train_from_iterator(texts, trainers.UnigramTrainer(
        vocab_size=size, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False))
    return {"size": size, "natsPerByte": nats_per_byte(t, held)}


def encode(path):
    """What the library makes of our file."""
    t = Tokenizer.from_file(str(path))
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "tokenizer.json").write_bytes(path.read_bytes())
    config = path.with_name(path.name.replace(".tokenizer.json", ".tokenizer_config.json"))
    (folder / "tokenizer_config.json").write_bytes(config.read_bytes())
    fast = PreTrainedTokenizerFast.from_pretrained(folder)
    texts = []
    for text in NASTY:
        plain, document = t.encode(text, add_special_tokens=False), t.encode(text)
        assert fast(text)["input_ids"] == document.ids, (path, text)
        assert fast(text, add_special_tokens=False)["input_ids"] == plain.ids, (path, text)
        texts.append({"ids": plain.ids, "documentIDs": document.ids, "decoded": t.decode(plain.ids, skip_special_tokens=True)})
    pair = t.encode("one", "two")
    roles = {k: v for k, v in fast.special_tokens_map.items()}
    return {"vocab": t.get_vocab_size(), "texts": texts, "pair": pair.ids, "pairTypes": pair.type_ids, "roles": roles}


def main():
    versions = {p: importlib.metadata.version(p) for p in ("tokenizers", "transformers")}
    sample = DOCUMENTS["sample"]
    learned = {
        "versions": versions,
        "bpe": [
            learn_bpe("sample", 2000, 0, ["<s>", "</s>", "the"]),
            learn_bpe("nasty", 1000, 2, []),
            learn_bpe("nasty", 1000, 0, ["<pad>"]),
            learn_bpe("sample", 1000, 0, ["<s>"], lower=True),
            learn_bpe("nasty", 1000, 0, [], lower=True),
        ],
        "unigram": learn_unigram(sample[:LEARNED], sample[LEARNED:], 2000),
    }
    (HERE / "learned.json").write_text(json.dumps(learned, ensure_ascii=False, indent=1) + "\n")
    for path in sorted(HERE.glob("*.tokenizer.json")):
        name = path.name.replace(".tokenizer.json", ".json")
        (HERE / name).write_text(json.dumps(encode(path), ensure_ascii=False) + "\n")


main()
