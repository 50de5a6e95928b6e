"""Makes the golden files of package tokenizer: what Hugging Face tokenizers makes of the files that the package writes.

    python -m venv .venv && .venv/bin/pip install -r tokenizer/testdata/golden/requirements.txt
    go test ./tokenizer -run Golden -update    # writes NAME.tokenizer.json; the other test fails until the next line has run
    .venv/bin/python tokenizer/testdata/golden/gen.py

The library counts offsets in characters, and the package counts them in bytes of UTF-8; they are converted here. The names of special
tokens in a text are read as text, as the package does (encode_special_tokens). The library writes each file again, and must not
change a byte of it but the last line end.
"""

import importlib.metadata
import json
import pathlib
import platform

from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
BYTES = [
    "", "a", "Hello, world!", "two  blanks, a\ttab\nand\r\nline ends\n\n", "0123456789 -1.5e10", "äöüß éèê Ωμέγα",
    "日本語と한국어", "😀👩‍👩‍👧 mixed ☃ text", "\u0000\u0001\u007f\u0080\u00a0\u00ad\u07ff\u0800\uffff\U00010000\U0010ffff",
    "e\u0301 \u2028 \ufeff", "<|end|>", "a<|end|>b <|end|>", "a" * 400, "ab€" * 100, " " * 300,
]
TEXTS = {
    "bytes": BYTES,
    "sources": BYTES,
    "dna": ["", "A", "ACGTN", "acgtn", "ACGUacgu", "NRYSWKMBDHVnryswkmbdhv", "ACGT" * 100, "N" * 300, "gattacaGATTACA"],
    "listops": ["", "7", "[MAX 2 9 [MIN 4 7 ] 0 ]", "  [SM 1\n2\t[MED 3 4 5 ]\u00a0]  ", "[SM 1 2 3] ", "10", "[max 1 2 ]", "\u2003"],
    "numbers": [
        "", "0", "119 0 7 7", "5 " * 300, "120", "-1", "007", "+7",
        "1\u30002\u00853\u000b4\u000c5\u200b", "1\u30002\u00853\u000b4\u000c5",
    ],
    "words": ["", "<b> é \"q\" a&b \\ 日本", "日本 é", "<unk>", "日本é", "e\u0301"],
}


def byte_offsets(text, offsets):
    """Offsets in characters as offsets in bytes of UTF-8."""
    starts = [0]
    for character in text:
        starts.append(starts[-1] + len(character.encode()))
    return [[starts[begin], starts[end]] for begin, end in offsets]


def encode(tokenizer, text):
    """The entry of a text."""
    try:
        plain = tokenizer.encode(text, add_special_tokens=False)
    except Exception as error:  # the library has no type of its own
        if "WordLevel error" not in str(error):
            raise
        return {"text": text, "error": True}
    document = tokenizer.encode(text, add_special_tokens=True)
    decoded = tokenizer.decode(document.ids, skip_special_tokens=True)
    return {
        "text": text, "ids": plain.ids, "offsets": byte_offsets(text, plain.offsets),
        "documentIDs": document.ids, "document": byte_offsets(text, document.offsets), "decoded": decoded,
    }


def main():
    versions = {"python": platform.python_version(), "tokenizers": importlib.metadata.version("tokenizers")}
    for name, texts in TEXTS.items():
        file = (HERE / f"{name}.tokenizer.json").read_text()
        tokenizer = Tokenizer.from_str(file)
        if tokenizer.to_str(pretty=True) != file.removesuffix("\n"):
            raise SystemExit(f"{name}.tokenizer.json: the library writes another file than it read")
        tokenizer.encode_special_tokens = True
        vocab = tokenizer.get_vocab_size()
        golden = {
            "versions": versions, "vocab": vocab, "tokens": [tokenizer.id_to_token(i) for i in range(vocab)],
            "texts": [encode(tokenizer, text) for text in texts],
        }
        (HERE / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
