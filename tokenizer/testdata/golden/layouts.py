"""Small tokenizers in the layouts of real ones: the same components in the same order, with a vocabulary of a few hundred tokens."""

import io
import json
import pathlib
import sys
import tempfile

import sentencepiece
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differ"))
import nasty  # noqa: E402

CORPUS = (HERE.parents[2] / "LICENSE").read_text().splitlines()[:120] + [f for f in nasty.FRAGMENTS if f.strip()] * 3

GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
DEEPSEEK3 = [
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+",
]
DEEPSEEK_CODER = [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+"]
BYTE_LEVEL = dict(add_prefix_space=False, trim_offsets=True)


def sentence_piece(kind, size, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=out,
        model_type=kind,
        vocab_size=size,
        num_threads=1,
        minloglevel=2,
        **options,
    )
    path = tempfile.NamedTemporaryFile(suffix=".model", delete=False)
    path.write(out.getvalue())
    path.close()
    return path.name


def byte_bpe(pre, specials=("<|endoftext|>",), size=700, **model):
    t = Tokenizer(models.BPE(**model))
    t.pre_tokenizer = pre
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    t.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(vocab_size=size, special_tokens=list(specials), initial_alphabet=alphabet, show_progress=False),
    )
    t.decoder = decoders.ByteLevel()
    return t


def split(pattern, behavior="isolated"):
    return pre_tokenizers.Split(Regex(pattern), behavior)


def gpt2_files(folder):
    """vocab.json and merges.txt, with the special tokens of RoBERTa first."""
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    t = byte_bpe(pre_tokenizers.ByteLevel(**BYTE_LEVEL), specials)
    t.model.save(folder)
    vocab = json.loads(pathlib.Path(folder, "vocab.json").read_text())
    vocab["<mask>"] = len(vocab)
    pathlib.Path(folder, "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False))
    return [str(pathlib.Path(folder, name)) for name in ("vocab.json", "merges.txt")]


def word_pieces(folder):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=600, special_tokens=specials, show_progress=False))
    t.model.save(folder)
    return str(pathlib.Path(folder, "vocab.txt"))


def of_transformers():
    """The layouts that transformers makes of other files."""
    folder = tempfile.mkdtemp()
    vocab, merges = gpt2_files(folder)
    pieces = word_pieces(folder)
    uni = sentence_piece("unigram", 600, character_coverage=0.9995, pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    plain = dict(
        normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False, character_coverage=0.999
    )
    bpe = sentence_piece("bpe", 900, byte_fallback=True, pad_id=0, eos_id=1, bos_id=2, unk_id=3, **plain)
    T = transformers
    yield "t5", T.T5TokenizerFast(vocab_file=uni, extra_ids=5)
    yield "pegasus", T.PegasusTokenizerFast(vocab_file=uni)
    yield "bigbird", T.BigBirdTokenizerFast(vocab_file=uni)
    yield "albert", T.AlbertTokenizerFast(vocab_file=uni)
    yield "xlmr", T.XLMRobertaTokenizerFast(vocab_file=uni)
    yield "llama", T.LlamaTokenizerFast(vocab_file=bpe)
    yield "llama-new", T.LlamaTokenizerFast(vocab_file=bpe, legacy=False)
    yield "gemma", T.GemmaTokenizerFast(vocab_file=bpe)
    for name, kind in [
        ("roberta", T.RobertaTokenizerFast),
        ("longformer", T.LongformerTokenizerFast),
        ("led", T.LEDTokenizerFast),
        ("bart", T.BartTokenizerFast),
    ]:
        yield name, kind(vocab, merges)
    yield "bert", T.BertTokenizerFast(pieces)
    yield "bert-cased", T.BertTokenizerFast(pieces, do_lower_case=False)
    yield "electra-accents", T.ElectraTokenizerFast(pieces, strip_accents=False)


def template(single, pair, *tokens):
    return processors.TemplateProcessing(single=single, pair=pair, special_tokens=list(tokens))


def of_patterns():
    """Byte-level byte-pair encoding with the patterns of many families."""
    end = "<|endoftext|>"
    for name, pre, model in [
        ("gpt2", [pre_tokenizers.ByteLevel(**BYTE_LEVEL)], {}),
        ("llama3", [split(LLAMA3), pre_tokenizers.ByteLevel(use_regex=False, **BYTE_LEVEL)], dict(ignore_merges=True)),
        ("qwen2", [split(QWEN2), pre_tokenizers.ByteLevel(use_regex=False, **BYTE_LEVEL)], {}),
        ("qwen35", [split(QWEN35), pre_tokenizers.ByteLevel(use_regex=False, **BYTE_LEVEL)], {}),
        (
            "cl100k",
            [
                pre_tokenizers.Split(Regex(CL100K), "removed", invert=True),
                pre_tokenizers.ByteLevel(use_regex=False, **BYTE_LEVEL),
            ],
            {},
        ),
        ("o200k", [split(GPT4O), pre_tokenizers.ByteLevel(use_regex=False, **BYTE_LEVEL)], dict(ignore_merges=True)),
        ("smollm", [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(**BYTE_LEVEL)], {}),
        ("deepseek3", [*map(split, DEEPSEEK3), pre_tokenizers.ByteLevel(use_regex=False, **BYTE_LEVEL)], {}),
        (
            "deepseek-coder",
            [
                *map(split, DEEPSEEK_CODER),
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(use_regex=False, **BYTE_LEVEL),
            ],
            {},
        ),
        (
            "falcon",
            [
                pre_tokenizers.Punctuation("contiguous"),
                pre_tokenizers.ByteLevel(**BYTE_LEVEL),
                pre_tokenizers.Digits(),
                pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated"),
            ],
            {},
        ),
    ]:
        t = byte_bpe(pre_tokenizers.Sequence(pre) if len(pre) > 1 else pre[0], **model)
        if name.startswith("qwen"):
            t.normalizer = normalizers.NFC()
        if name == "llama3":
            t.post_processor = processors.Sequence(
                [processors.ByteLevel(trim_offsets=False), template(f"{end} $A", f"{end} $A {end}:1 $B:1", (end, 0))]
            )
        elif name != "gpt2":
            t.post_processor = processors.ByteLevel(trim_offsets=name == "smollm", add_prefix_space=name == "falcon")
        if name == "falcon":
            t.add_special_tokens([AddedToken(">>TITLE<<", special=True)])
        yield name, t
    t = byte_bpe(pre_tokenizers.ByteLevel(**BYTE_LEVEL), ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    t.normalizer = normalizers.NFC()
    t.post_processor = template("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ("[CLS]", 1), ("[SEP]", 2))
    t.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    t.add_special_tokens([AddedToken("[MASK]", lstrip=True, normalized=False, special=True)])
    yield "modernbert", t


def of_components():
    """What is left of the library's components."""
    unigram = [
        ("<unk>", 0.0),
        *[(f"<0x{b:02X}>", -9.5) for b in range(256)],
        *[(c, -4.0) for c in "abcdefghijklmnopqrstuvwxyz▁'.,1"],
        ("▁the", -2.5),
        ("er", -3.0),
        ("ing", -3.25),
        ("he", -2.75),
        ("ll", -3.5),
        ("日本", -5.0),
        ("é", -4.5),
    ]
    t = Tokenizer(models.Unigram(unigram, 0, True))
    t.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    t.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
    t.add_tokens([AddedToken("new word", single_word=True), AddedToken("<sep>", lstrip=True, rstrip=True, normalized=False)])
    t.post_processor = processors.BertProcessing(("<sep>", t.token_to_id("<sep>")), ("<unk>", 0))
    yield "unigram-bytes", t

    t = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Sequence(
        [normalizers.NFD(), normalizers.Lowercase(), normalizers.StripAccents(), normalizers.Strip()]
    )
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Punctuation("merged_with_next")])
    t.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>"], end_of_word_suffix="</w>", show_progress=False)
    )
    t.decoder = decoders.BPEDecoder()
    yield "openai-gpt", t

    t = Tokenizer(models.BPE(unk_token="[UNK]", fuse_unk=True, continuing_subword_prefix="##"))
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.Replace("\u0301", ""), normalizers.Prepend("_")])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.UnicodeScripts(), pre_tokenizers.WhitespaceSplit()])
    t.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=400, limit_alphabet=60, special_tokens=["[UNK]"], continuing_subword_prefix="##", show_progress=False
        ),
    )
    t.decoder = decoders.WordPiece()
    yield "dnabert2", t

    t = Tokenizer(
        models.WordLevel(
            {"<pad>": 0, "|": 1, "<unk>": 2, **{c: i + 3 for i, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")}}, "<unk>"
        )
    )
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.CharDelimiterSplit("-"), pre_tokenizers.FixedLength(length=1)])
    t.decoder = decoders.CTC()
    yield "ctc", t

    t = byte_bpe(pre_tokenizers.ByteLevel(**BYTE_LEVEL))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.ByteLevel()])
    t.pre_tokenizer = pre_tokenizers.Split("Ġ", "merged_with_next")
    t.add_tokens([AddedToken("wörd", normalized=True), AddedToken("x²", normalized=False)])
    yield "bytes-first", t

    words = {w: i for i, w in enumerate(["[UNK]", "the", "of", "a", "1", "12", "日本", "!", "?!", "é", " ", "\n"])}
    for name, pre in [
        ("split-previous", pre_tokenizers.Split(" ", "merged_with_previous")),
        ("split-next", split(r"\s", "merged_with_next")),
        ("split-contiguous", split(r"\d|\p{P}", "contiguous")),
        ("split-invert", pre_tokenizers.Split(Regex(r"\w+|[^\w\s]"), "removed", invert=True)),
        ("punctuation", pre_tokenizers.Punctuation("merged_with_previous")),
        ("digits", pre_tokenizers.Digits()),
        ("split-lookahead", split(r"(?<=[a-z])(?=[A-Z])|\b(?=\d)|^", "isolated")),
        ("metaspace-whole", pre_tokenizers.Metaspace(split=False)),
    ]:
        t = Tokenizer(models.WordLevel(words, "[UNK]"))
        t.pre_tokenizer = pre
        t.decoder = decoders.Sequence([decoders.Replace("e", "E"), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
        yield name, t


def build():
    """Each layout as a name and the text of its file."""
    transformers.logging.set_verbosity_error()
    for name, t in of_transformers():
        yield name, t.backend_tokenizer.to_str()
    for source in (of_patterns, of_components):
        for name, t in source():
            yield name, t.to_str()


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, text in build():
        (out / f"{name}.json").write_text(text)
        print(name, len(text))
