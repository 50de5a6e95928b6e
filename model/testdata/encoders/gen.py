"""Makes golden.json beside it: what transformers' pipelines give for texts, with checkpoints of hf/testdata/golden and the tokenizer of
testdata/wordpiece.

Needs hf/testdata/golden/requirements.txt: transformers 4.57.6. A second run on the same machine writes the same bytes.
"""
import json
import pathlib

import torch
from transformers import (AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification, AutoModelForTokenClassification, BertTokenizerFast,
                          pipeline)

HERE = pathlib.Path(__file__).parent
GOLDEN = HERE.parents[2] / "hf" / "testdata" / "golden"
TEXTS = ["The dose of drug two.", "We show that genes, letters & courts -- no!", "red", "Élan vital ☃ of the one-two city"]
PAIRS = [["the dose is two", "no gene is blue"], ["court", "the law of contract: yes, the law."]]
MASKED = ["the [MASK] of drug", "[MASK] [MASK] we show: one-[MASK]."]
TAGGED = ["contracts of Adverse drugs, genes-xyz! Two cities (rivers) show lettering.", "Unblue courtly laws; ☃ redo☃y the dosed"]

tokenizer = BertTokenizerFast(tokenizer_file=str(HERE.parent / "wordpiece" / "tokenizer.json"))


def load(cls, name):
    return cls.from_pretrained(GOLDEN / name).eval()


def rounded(x):
    return [round(float(v), 7) for v in x]


def byte(text, at):
    return len(text[:at].encode())


out = {}
with torch.no_grad():
    vectors = load(AutoModel, "bert_plain")
    out["vectors"] = [rounded(vectors(**tokenizer(t, return_tensors="pt")).last_hidden_state[0].mean(0)) for t in TEXTS]

classify = pipeline("text-classification", model=load(AutoModelForSequenceClassification, "bert_classify"), tokenizer=tokenizer, top_k=None)
out["classes"] = [[[r["label"], round(r["score"], 7)] for r in classify([t])[0]] for t in TEXTS]
out["pair_classes"] = [[[r["label"], round(r["score"], 7)] for r in classify({"text": a, "text_pair": b})] for a, b in PAIRS]

tagger = load(AutoModelForTokenClassification, "bert_tag")
out["tags"] = {}
for how in ["none", "simple", "first", "average", "max"]:
    tag = pipeline("token-classification", model=tagger, tokenizer=tokenizer, aggregation_strategy=how)
    out["tags"][how] = [
        [[byte(t, e["start"]), byte(t, e["end"]), e.get("entity") or e["entity_group"], round(float(e["score"]), 7)] for e in tag(t)] for t in TAGGED]

fill = pipeline("fill-mask", model=load(AutoModelForMaskedLM, "bert"), tokenizer=tokenizer, top_k=4)
out["masks"] = []
for t in MASKED:
    found = fill(t)
    masks = found if isinstance(found[0], list) else [found]
    out["masks"].append([[[g["token"], g["token_str"], round(g["score"], 7)] for g in m] for m in masks])

with torch.no_grad():
    # XLM-R has one token type, which the tokenizer of BERT does not know.
    cross = load(AutoModelForSequenceClassification, "xlmr_classify_cross")
    out["pair_scores"] = [round(float(cross(input_ids=tokenizer(a, b, return_tensors="pt")["input_ids"]).logits[0, 0].sigmoid()), 7) for a, b in PAIRS]

out["texts"], out["pairs"], out["masked"], out["tagged"] = TEXTS, PAIRS, MASKED, TAGGED
(HERE / "golden.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")
