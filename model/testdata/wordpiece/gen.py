"""Makes tokenizer.json beside it: a WordPiece tokenizer of 89 tokens, for the models of hf/testdata/golden.

Needs tokenizers 0.22.2 (hf/testdata/golden/requirements.txt). A second run writes the same bytes.
"""
import pathlib

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

LETTERS = [chr(c) for c in range(ord("a"), ord("z") + 1)]
WORDS = "the of and to in is gene drug court letter contract we show that dose law red blue no yes city river one two".split()
TOKENS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", *".,!?-:;", "##s", *LETTERS, *("##" + c for c in LETTERS if c != "s"), *WORDS]
assert len(TOKENS) <= 89, len(TOKENS)
TOKENS += [f"[unused{i}]" for i in range(89 - len(TOKENS))]

t = Tokenizer(models.WordPiece({token: i for i, token in enumerate(TOKENS)}, unk_token="[UNK]"))
t.normalizer = normalizers.BertNormalizer(lowercase=True)
t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
t.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
t.decoder = decoders.WordPiece()
t.add_special_tokens(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"])
t.save(str(pathlib.Path(__file__).with_name("tokenizer.json")), pretty=False)
