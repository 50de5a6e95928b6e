"""Makes real.json of real files, and checks the tokenizers that the package makes of real vocabularies.

    .venv/bin/python gguf/testdata/golden/real.py .real
    go test ./gguf -run RealTokenizers -tokenizers DIR  # with LONGSPAN_REAL; writes NAME.json into DIR
    .venv/bin/python gguf/testdata/golden/real.py .real DIR

real.json has the SHA-256 of all elements of a model, widened to F32 by gguf.quants.dequantize, in the order of their bytes. The check
compares ids with llama.cpp's test vectors, which are those of the original tokenizers. _tools/real.sh fetches the files.
"""

import hashlib
import json
import pathlib
import sys
import unicodedata

import gguf
import numpy as np
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
MODELS = ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m/gemma-3-270m-q4_k_m.gguf"]
PARTING = "\n__ggml_vocab_test__\n"


def digest(path):
    total = hashlib.sha256()
    for tensor in sorted(gguf.GGUFReader(path).tensors, key=lambda t: t.data_offset):
        wide = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        total.update(np.ascontiguousarray(wide, np.float32).data)
    return total.hexdigest()


def check(real, made):
    for vectors in sorted((real / "vocabularies").glob("*.inp")):
        name = vectors.name.removeprefix("ggml-vocab-").removesuffix(".gguf.inp")
        t = Tokenizer.from_file(str(made / f"{name}.json"))
        texts = vectors.read_bytes().decode().split(PARTING)
        if texts[-1] == "":
            texts.pop()
        want = [[int(i) for i in line.split()] for line in vectors.with_suffix(".out").read_text().split("\n")]
        pairs = list(zip(texts, want))
        if name == "qwen35":  # its vectors are without Unicode's composed form, which the original tokenizer takes
            pairs = [(text, ids) for text, ids in pairs if unicodedata.is_normalized("NFC", text)]
        equal = sum(t.encode(text, add_special_tokens=False).ids == ids for text, ids in pairs)
        print(f"{name}: {equal} of {len(pairs)} texts equal")
        assert equal == len(pairs) > 40


def main():
    real = pathlib.Path(sys.argv[1])
    if len(sys.argv) > 2:
        check(real, pathlib.Path(sys.argv[2]))
        return
    (HERE / "real.json").write_text(json.dumps({name: digest(real / name) for name in MODELS}, indent=1) + "\n")


if __name__ == "__main__":
    main()
