"""Makes the golden files of package tokenizer: what Hugging Face tokenizers makes of the files that the package writes.

    python -m venv .venv && .venv/bin/pip install -r tokenizer/testdata/golden/requirements.txt
    go test ./tokenizer -run Golden -update    # writes NAME.tokenizer.json; the other test fails until the next line has run
    .venv/bin/python tokenizer/testdata/golden/gen.py

The library counts offsets in characters, and the package counts them in bytes of UTF-8; they are converted here. The names of special
tokens in a text are read as text, as the package does (encode_special_tokens). The library writes each file again, and must not
change a byte of it but the last line end.

layouts.json.gz and folders.json.gz have small tokenizers in the layouts of real models, and what the library and AutoTokenizer of
transformers make of nasty texts with them. Ids and offsets are there in full; documents, pairs and decoded texts as a checksum.
../differ/fuzz.py shows a difference in full.
"""

import gzip
import hashlib
import importlib.metadata
import json
import pathlib
import platform
import tempfile
import unicodedata

import folders
import layouts
import nasty
import sentencepiece
import transformers
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
BYTES = [
    "",
    "a",
    "Hello, world!",
    "two  blanks, a\ttab\nand\r\nline ends\n\n",
    "0123456789 -1.5e10",
    "äöüß éèê Ωμέγα",
    "日本語と한국어",
    "😀👩‍👩‍👧 mixed ☃ text",
    "\u0000\u0001\u007f\u0080\u00a0\u00ad\u07ff\u0800\uffff\U00010000\U0010ffff",
    "e\u0301 \u2028 \ufeff",
    "<|end|>",
    "a<|end|>b <|end|>",
    "a" * 400,
    "ab€" * 100,
    " " * 300,
]
TEXTS = {
    "bytes": BYTES,
    "sources": BYTES,
    "dna": ["", "A", "ACGTN", "acgtn", "ACGUacgu", "NRYSWKMBDHVnryswkmbdhv", "ACGT" * 100, "N" * 300, "gattacaGATTACA"],
    "listops": [
        "",
        "7",
        "[MAX 2 9 [MIN 4 7 ] 0 ]",
        "  [SM 1\n2\t[MED 3 4 5 ]\u00a0]  ",
        "[SM 1 2 3] ",
        "10",
        "[max 1 2 ]",
        "\u2003",
    ],
    "numbers": [
        "",
        "0",
        "119 0 7 7",
        "5 " * 300,
        "120",
        "-1",
        "007",
        "+7",
        "1\u30002\u00853\u000b4\u000c5\u200b",
        "1\u30002\u00853\u000b4\u000c5",
    ],
    "words": ["", '<b> é "q" a&b \\ 日本', "日本 é", "<unk>", "日本é", "e\u0301"],
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
        "text": text,
        "ids": plain.ids,
        "offsets": byte_offsets(text, plain.offsets),
        "documentIDs": document.ids,
        "document": byte_offsets(text, document.offsets),
        "decoded": decoded,
    }


def checksum(*parts):
    """Eight digits of SHA-256 over lists of numbers and texts; the test makes the same."""
    text = "|".join(p if isinstance(p, str) else ",".join(map(str, p)) for p in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def flat(offsets):
    return [n for pair in offsets for n in pair]


def differences(offsets):
    """Offsets as the distance to the last one and the size, which compress well."""
    out, last = [], 0
    for begin, end in offsets:
        out += [begin - last, end - begin]
        last = begin
    return out


def answers(encode, decode, text, pair):
    """Everything about a text and a pair: ids, offsets, and the checksum of the rest."""
    plain = encode(text, add_special_tokens=False)
    document = encode(text, add_special_tokens=True)
    parts = [
        document.ids,
        flat(byte_offsets(text, document.offsets)),
        document.type_ids,
        document.special_tokens_mask,
        decode(document.ids, skip_special_tokens=True),
        decode(document.ids, skip_special_tokens=False),
    ]
    both = encode(text, pair, add_special_tokens=True)
    parts += [both.ids, both.type_ids, both.special_tokens_mask]
    return [plain.ids, differences(byte_offsets(text, plain.offsets)), checksum(*parts)]


def guarded(encode, decode, text, pair):
    """answers, or null where the library refuses the text or panics on it."""
    try:
        return answers(encode, decode, text, pair)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return None


LONG = ["abcdefghij" * 10_000, "日本語" * 3_000, " " * 100_000, "e\u0301" * 3_000, "a1. \n" * 3_000]


class Shared:
    """Long texts that several files have, each once."""

    def __init__(self):
        self.texts = []

    def take(self, file):
        """The file with numbers in the place of character maps."""
        start = file.find('"precompiled_charsmap"')
        if start < 0:
            return file
        start = file.index('"', file.index(":", start)) + 1
        text = file[start : file.index('"', start)]
        if text not in self.texts:
            self.texts.append(text)
        return file.replace(text, f"@{self.texts.index(text)}@")


def write(name, value):
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    (HERE / name).write_bytes(gzip.compress(data, 9, mtime=0))


def layout_goldens(versions):
    texts, shared, files = nasty.texts(7, 320), Shared(), []
    for name, file in layouts.build():
        t = Tokenizer.from_str(file)
        both = zip(texts, reversed(texts))
        long = [checksum(e.ids, flat(byte_offsets(text, e.offsets))) for text in LONG for e in [t.encode(text)]]
        files.append(
            {"name": name, "file": shared.take(file), "texts": [guarded(t.encode, t.decode, a, b) for a, b in both], "long": long}
        )
    write(
        "layouts.json.gz",
        {"versions": versions, "shared": shared.texts, "texts": texts, "files": files, "pieces": sentence_piece_goldens()},
    )


def sentence_piece_goldens():
    """What SentencePiece itself makes of composed and decomposed words with the model of the layout xlmr, where it knows all of them."""
    path = next(t.vocab_file for name, t in layouts.of_transformers() if name == "xlmr")
    processor = sentencepiece.SentencePieceProcessor(model_file=path)
    words = [unicodedata.normalize(form, w) for f in nasty.FRAGMENTS for w in f.split() for form in ("NFC", "NFD")]
    known = [w for w in words if processor.unk_id() not in processor.encode(w) and 2 < len(set(w)) and "<" not in w]
    return [[w, processor.encode(w, out_type=str)] for w in dict.fromkeys(known)]


def unicode_goldens():
    """A checksum over what each normalizer makes of every character, alone and among marks."""
    bert = dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    kinds = [dict(type=name) for name in ("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents")] + [bert]
    around = ["{}", "a{}\u0323\u0301", "\u0345{}\u0327e"]
    sums = {}
    for kind in kinds:
        t = Tokenizer.from_str(
            json.dumps(
                {"version": "1.0", "normalizer": kind, "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
            )
        )
        h = hashlib.sha256()
        # The planes that have characters with a decomposition, a case or a combining class.
        for first in [
            *range(0, 0xD800, 256),
            *range(0xE000, 0x20000, 256),
            *range(0x2F800, 0x2FB00, 256),
            *range(0xE0000, 0xE0200, 256),
        ]:
            for form in around:
                text = "x".join(form.format(chr(c)) for c in range(first, first + 256))
                h.update((t.normalizer.normalize_str(text) + "\n").encode())
        sums[json.dumps(kind)] = h.hexdigest()[:16]
    (HERE.parents[1] / "internal/normalize/testdata/unicode.json").write_text(json.dumps(sums, indent=1) + "\n")


def folder_goldens(versions):
    texts, shared, made = nasty.texts(8, 180)[60:], Shared(), []
    for name, folder in folders.make(tempfile.mkdtemp()):
        auto = transformers.AutoTokenizer.from_pretrained(folder)
        t = auto.backend_tokenizer
        t.no_truncation()
        t.no_padding()
        roles = [
            auto.bos_token_id,
            auto.eos_token_id,
            auto.unk_token_id,
            auto.sep_token_id,
            auto.pad_token_id,
            auto.cls_token_id,
            auto.mask_token_id,
        ]
        made.append(
            {
                "name": name,
                "files": {p.name: shared.take(p.read_text()) for p in sorted(folder.iterdir()) if p.suffix != ".model"},
                "roles": [-1 if r is None else r for r in roles],
                "length": auto.model_max_length if auto.model_max_length < 1e20 else 0,
                "chat": auto.chat_template or "",
                "texts": [guarded(t.encode, auto.decode, a, b) for a, b in zip(texts, reversed(texts))],
            }
        )
    write("folders.json.gz", {"versions": versions, "shared": shared.texts, "texts": texts, "folders": made})


def main():
    transformers.logging.set_verbosity_error()
    versions = {"python": platform.python_version(), "tokenizers": importlib.metadata.version("tokenizers")}
    for name, texts in TEXTS.items():
        file = (HERE / f"{name}.tokenizer.json").read_text()
        tokenizer = Tokenizer.from_str(file)
        if tokenizer.to_str(pretty=True) != file.removesuffix("\n"):
            raise SystemExit(f"{name}.tokenizer.json: the library writes another file than it read")
        tokenizer.encode_special_tokens = True
        vocab = tokenizer.get_vocab_size()
        golden = {
            "versions": versions,
            "vocab": vocab,
            "tokens": [tokenizer.id_to_token(i) for i in range(vocab)],
            "texts": [encode(tokenizer, text) for text in texts],
        }
        (HERE / f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    versions |= {name: importlib.metadata.version(name) for name in ("transformers", "sentencepiece")}
    layout_goldens(versions)
    folder_goldens(versions)
    unicode_goldens()


if __name__ == "__main__":
    main()
