"""What sentence-transformers and transformers compute from real weights: real.json, which TestReal compares.

    make real REAL=.real && .venv/bin/pip install sentence-transformers==5.1.2 gguf accelerate
    .venv/bin/python hf/testdata/real/gen.py .real

Decoders are GGUF files that transformers widens to float32. Its tokenizers of such files are not exact. Gemma's ids come from the model's own
tokenizer.json. SmolLM2 has none among the packages: its ids are those of transformers, and test the model, not the tokenizer.
"""

import argparse
import json
import pathlib

import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
BOOK = pathlib.Path("/usr/share/common-licenses/GPL-3")  # long, free to copy, and in every Debian
SENTENCES = ["This is an example sentence", "Each sentence is converted", "", "naïve café, São Paulo — 東京", "a" * 300,
             "The quick brown fox jumps over the lazy dog. " * 9]
PROMPT = 64  # tokens of the book before the greedy ones


def decoder(path, ids):
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    ids = torch.tensor([ids[:4096]])
    with torch.no_grad():
        logits = model(ids).logits[0, :-1]
        losses = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none").double()
        greedy = model.generate(ids[:, :PROMPT], attention_mask=torch.ones(1, PROMPT, dtype=torch.long), max_new_tokens=200, do_sample=False,
                                eos_token_id=None, repetition_penalty=1.0)[0, PROMPT:]
    return {"ids": ids[0].tolist(), "nats": losses.mean().item(), "quarters": [q.mean().item() for q in losses.chunk(4)],
            "prompt": PROMPT, "greedy": greedy.tolist()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("real", type=pathlib.Path)
    real = parser.parse_args().real
    book = BOOK.read_text()
    out = {}
    embedder = SentenceTransformer(str(real / "all-MiniLM-L6-v2"), device="cpu")
    out["MiniLM"] = {"texts": SENTENCES, "vectors": embedder.encode(SENTENCES, batch_size=1).tolist()}
    smol = real / "SmolLM2-135M-Instruct.Q4_1.gguf"
    ids = AutoTokenizer.from_pretrained(smol.parent, gguf_file=smol.name)(book, add_special_tokens=False)["input_ids"]
    out["SmolLM2"] = decoder(smol, ids)
    gemma = real / "gemma-3-270m" / "gemma-3-270m-q4_k_m.gguf"
    out["Gemma3"] = decoder(gemma, Tokenizer.from_file(str(real / "tokenizers" / "gemma3" / "tokenizer.json")).encode(book).ids)
    (HERE / "real.json").write_text(json.dumps(out) + "\n")
    for name in ("SmolLM2", "Gemma3"):
        print(name, out[name]["nats"], out[name]["quarters"])


main()
