"""Makes the golden vocabularies of package gguf, and what their original tokenizers make of texts.

    .venv/bin/python gguf/testdata/golden/tokens.py          # trains small tokenizers; writes NAME.gguf and tokens.json
    go test ./gguf -run GoldenTokenizers -update             # writes NAME.tokenizer.json, as the package makes it of NAME.gguf
    .venv/bin/python gguf/testdata/golden/tokens.py --check  # Hugging Face tokenizers gives the same ids with NAME.tokenizer.json

The ids in tokens.json are those of the tokenizers that were trained: SentencePiece for llama and t5, Hugging Face tokenizers for gpt2 and
bert. The vocabularies go into GGUF as llama.cpp's converter writes them.
"""

import io
import json
import pathlib
import sys

import gguf
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = [
    "The quick brown fox jumps over the lazy dog. The dog sleeps; the fox doesn't.",
    "A reader of files reads what writers of files wrote, and reading is writing backwards.",
    "Numbers: 1, 22, 333, 4444. Übergrößen und Grüße, naïve façade.",
    "def read(self, name):\n    return self.files[name]  # two  blanks",
] * 8
TEXTS = [
    "", "a", "the dog", "The quick brown fox", " leading", "trailing ", "two  blanks and   three", "unreadable!", "Grüße, 22 naïve files",
    "日本 ☃", "don't; won't", "1234567", "tab\there", "line\nend\n\nmore", "e\u0301", "<tool>call</tool> it", "x" * 40,
]
# Before what follows an added token Hugging Face and llama.cpp put a blank, as before a text; SentencePiece does not.
WITHOUT_TOOLS = [t for t in TEXTS if "tool" not in t]
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def write(name, model, tokens, types, scores=None, merges=None, ids=None, **extra):
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", "golden")
    writer.add_tokenizer_model(model)
    if "pre" in extra:
        writer.add_tokenizer_pre(extra.pop("pre"))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores:
        writer.add_token_scores(scores)
    if merges:
        writer.add_token_merges(merges)
    for role, id in (ids or {}).items():
        writer.add_uint32(f"tokenizer.ggml.{role}_token_id", id)
    for key, value in extra.items():
        if isinstance(value, bool):
            writer.add_bool(f"tokenizer.ggml.{key}", value)
        elif isinstance(value, bytes):
            writer.add_array(f"tokenizer.ggml.{key}", value)
        else:
            writer.add_string(f"tokenizer.{key}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def train_pieces(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, minloglevel=2, num_threads=1, **options)
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()), model.getvalue()


def piece_types(p):
    kinds = [(p.IsUnknown, UNKNOWN), (p.IsControl, CONTROL), (p.IsUnused, UNUSED), (p.IsByte, BYTE)]
    types = [next((t for test, t in kinds if test(i)), NORMAL) for i in range(p.vocab_size())]
    return [USER if p.IdToPiece(i) in ("<tool>", "</tool>", "▁▁") else t for i, t in enumerate(types)]


def llama(name, prefix):
    """A BPE of SentencePiece, with tokens for runs of blanks and for a tool."""
    p, _ = train_pieces(
        vocab_size=420, model_type="bpe", byte_fallback=True, character_coverage=0.98, add_dummy_prefix=prefix,
        remove_extra_whitespaces=False, normalization_rule_name="identity", user_defined_symbols=["<tool>", "</tool>", "▁▁"])
    types = piece_types(p)
    tokens = [p.IdToPiece(i) for i in range(p.vocab_size())]
    scores = [-1000.0 if t == USER else p.GetScore(i) for i, t in enumerate(types)]
    tokens = [t.replace("▁", " ") if types[i] == USER else t for i, t in enumerate(tokens)]
    write(name, "llama", tokens, types, scores, ids={"bos": 1, "eos": 2, "unknown": 0}, add_bos_token=True, add_space_prefix=prefix,
          chat_template="{{ messages }}")
    texts = WITHOUT_TOOLS if prefix else TEXTS
    return {"file": name, "texts": [[t, p.encode(t)] for t in texts], "document": [1] + p.encode("the dog")}


def t5():
    """A Unigram with a table of characters."""
    rules = HERE / "rules.tsv"
    rules.write_text("66\t46\n24B6\t41\nA0\t20\n9\t20\nA\t20\n")  # f to F, Ⓐ to A; no-break space, tab and line end to space
    p, proto = train_pieces(
        vocab_size=85, model_type="unigram", character_coverage=0.98, normalization_rule_tsv=str(rules),
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        user_defined_symbols=["<tool>", "</tool>"])
    rules.unlink()
    table = charsmap(proto)
    assert table
    write("t5", "t5", [p.IdToPiece(i) for i in range(p.vocab_size())], piece_types(p), [p.GetScore(i) for i in range(p.vocab_size())],
          ids={"eos": 1, "unknown": 2, "padding": 0}, add_bos_token=False, add_eos_token=True, add_space_prefix=True,
          remove_extra_whitespaces=True, precompiled_charsmap=table)
    texts = WITHOUT_TOOLS + ["fff Ⓐ\u00a0x"]
    return {"file": "t5", "texts": [[t, p.encode(t)] for t in texts], "document": p.encode("the dog") + [1]}


def charsmap(proto):
    m = sentencepiece_model_pb2.ModelProto()
    m.ParseFromString(proto)
    return m.normalizer_spec.precompiled_charsmap


def gpt2():
    """A byte-level BPE with the pre-tokenizer of Qwen2."""
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.NFC()
    qwen2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(qwen2), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=380, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    t.train_from_iterator(CORPUS, trainer)
    t.add_special_tokens([AddedToken("<|end|>", special=True)])
    t.add_tokens([AddedToken("<tool>", normalized=False), AddedToken("</tool>", normalized=False)])
    vocab = sorted(t.get_vocab(), key=t.get_vocab().get)
    merges = json.loads(t.to_str())["model"]["merges"]
    types = [NORMAL] * (len(vocab) - 3) + [CONTROL, USER, USER]
    write("gpt2", "gpt2", vocab, types, merges=[" ".join(m) for m in merges], pre="qwen2", ids={"eos": len(vocab) - 3}, add_bos_token=False)
    return {"file": "gpt2", "texts": [[s, t.encode(s).ids] for s in TEXTS + ["a<|end|>b"]], "document": t.encode("the dog").ids}


def bert():
    """A WordPiece. Its vocabulary is put together by hand, since training gives another one each time."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted(set("".join(CORPUS + ["\u65e5"]).lower()) - set(" \n"))
    words = ["the", "dog", "quick", "fox", "read", "##ing", "##er", "##able", "files", "naive", "two", "blanks", "22", "grusse"]
    vocab = special + letters + ["##" + letter for letter in letters] + words
    t = Tokenizer(models.WordPiece({v: i for i, v in enumerate(vocab)}, unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    t.add_special_tokens(special)
    t.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", [("[CLS]", 2), ("[SEP]", 3)])
    types = [CONTROL if v in special else NORMAL for v in vocab]
    tokens = [v if v in special else v[2:] if v.startswith("##") else "▁" + v for v in vocab]
    write("bert", "bert", tokens, types, ids={"unknown": 1, "seperator": 3, "padding": 0, "cls": 2, "mask": 4}, pre="bert-bge")
    texts = [[s, t.encode(s, add_special_tokens=False).ids] for s in TEXTS + ["a [MASK]"]]
    return {"file": "bert", "texts": texts, "document": t.encode("the dog").ids, "pair": t.encode("the", "dog").ids}


def check():
    for case in json.loads((HERE / "tokens.json").read_text()):
        t = Tokenizer.from_file(str(HERE / f"{case['file']}.tokenizer.json"))
        for text, ids in case["texts"]:
            got = t.encode(text, add_special_tokens=False).ids
            assert got == ids, (case["file"], text, got, ids)
        assert t.encode("the dog").ids == case["document"], case["file"]
        assert "pair" not in case or t.encode("the", "dog").ids == case["pair"]
        print(case["file"], len(case["texts"]), "texts equal")


def main():
    if "--check" in sys.argv:
        check()
        return
    cases = [llama("llama", True), llama("llama-bare", False), t5(), gpt2(), bert()]
    (HERE / "tokens.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
