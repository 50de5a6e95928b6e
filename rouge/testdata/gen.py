"""Makes the golden files of package rouge with the Python package rouge-score, and the stems of package porter with NLTK.

    python -m venv .venv && .venv/bin/pip install -r rouge/testdata/requirements.txt
    .venv/bin/python rouge/testdata/gen.py                              # pairs.jsonl.gz, ../porter/testdata/stems.tsv.gz
    .venv/bin/python rouge/testdata/gen.py --pairs 10000 --seed 7 --out /tmp/pairs.jsonl.gz
    LONGSPAN_ROUGE_PAIRS=/tmp/pairs.jsonl.gz go test ./rouge -run Pairs -v

A line of pairs.jsonl.gz is a reference, a candidate and the scores: [precision, recall, F1] of each measure, with the stemmer and
without. The pairs are random and nasty: words with every suffix that the stemmer knows, sentences shared, cut, repeated and out of order,
several line ends, empty lines, lines without a word, letters outside ASCII, the Kelvin sign and the dotted capital I, no text at all.
"""

import argparse
import gzip
import json
import pathlib
import random

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer

HERE = pathlib.Path(__file__).resolve().parent
MEASURES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
SUFFIXES = (
    "s es ies ied eed ed ing sses ss at bl iz ating bling izing lling ssing zzing y ally alli ational tional enci anci izer "
    "bli abli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti fulli fully logi logy "
    "icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous "
    "ive ize e ll lle ally ology ologies bility "
).split()
STEMS = (
    "a e i o u y b c d f g h k l m n p r s t v w x z th tr st fl sp sk cr yt yyy oe ea io gen relat condit ration val hesit "
    "digit conform radic differ vil analog predic oper feudal decis hope call form sensit triplic form electr hopp adopt "
    "homolog commun activ angular effect bowd rate ceas control roll geo theo archaeo philo sky dying lying tying news "
    "innings outing canning howe proceed exceed succeed agre plast motor conflat troubl siz tann fall hiss fizz fail "
    "fil happ enjo spy snow box tray skies died 1st 2nd x86 3d i18n "
).split()
ODD = ["naïve", "Straße", "ÉTAT", "\u212aelvin", "\u0130stanbul", "x\u0130y", "日本語", "Ωμέγα", "don't", "e-mail", "3.14", "U.S."]
ODD += ["\u212a", "\u2028", "\x00", "_id_"]
COMMON = (
    "the of and to in a is that for with on as by this we are from be it an or which can model data results method language system words"
).split()


def word(r):
    kind = r.random()
    if kind < 0.45:
        return r.choice(COMMON)
    w = r.choice(STEMS)
    for _ in range(r.choice([0, 1, 1, 1, 2, 3])):
        w += r.choice(SUFFIXES)
    if kind > 0.97:
        w = r.choice(ODD)
    return w.upper() if r.random() < 0.05 else w.capitalize() if r.random() < 0.1 else w


def sentence(r, longest):
    return " ".join(word(r) for _ in range(r.randint(1, longest))) + r.choice([".", "!", " ?", "", ";", "..."])


def text(r, lines, longest):
    end = r.choice(["\n", "\n", "\n", "\n\n", "\r\n", " ", "\n \n", "\n...\n", "\r"])
    return end.join(sentence(r, longest) for _ in range(lines))


def altered(r, reference):
    lines = reference.split("\n")
    kind = r.randrange(7)
    if kind == 0:
        r.shuffle(lines)
    if kind == 1:
        lines = lines[: len(lines) // 2 + 1] * 2
    if kind == 2:
        lines = [" ".join(w for w in l.split(" ") if r.random() < 0.7) for l in lines]
    if kind == 3:
        lines = [" ".join(word(r) if r.random() < 0.3 else w for w in l.split(" ")) for l in lines]
    if kind == 4:
        lines = [" ".join(r.sample(l.split(" "), len(l.split(" ")))) for l in lines]
    if kind == 5:
        lines += [sentence(r, 12) for _ in range(3)]
    return r.choice(["\n", "\n", "\n", " "]).join(lines)


def pair(r, i):
    if i < 12:  # each of these once with each
        nothing = ["", " ", "\n", "...", "a", "\u0130"]
        return r.choice(nothing), nothing[i % 6]
    if i % 40 == 0:  # lines of more than a machine word of tokens
        reference = text(r, r.randint(1, 3), 400)
    else:
        reference = text(r, r.randint(1, 8), r.choice([2, 12, 30, 70]))
    candidate = altered(r, reference) if r.random() < 0.75 else text(r, r.randint(1, 8), r.choice([2, 12, 30]))
    return (reference, candidate) if r.random() < 0.5 else (candidate, reference)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--pairs", type=int, default=400)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--out", default=str(HERE / "pairs.jsonl.gz"))
    o = p.parse_args()
    r = random.Random(o.seed)
    scorers = {name: rouge_scorer.RougeScorer(MEASURES, use_stemmer=stem) for name, stem in [("stem", True), ("plain", False)]}
    with gzip.GzipFile(o.out, "wb", mtime=0) as f:
        for i in range(o.pairs):
            reference, candidate = pair(r, i)
            row = {"reference": reference, "candidate": candidate}
            for name, scorer in scorers.items():
                scores = scorer.score(reference, candidate)
                row[name] = [[s.precision, s.recall, s.fmeasure] for s in (scores[m] for m in MEASURES)]
            f.write((json.dumps(row) + "\n").encode())
    if o.out != str(HERE / "pairs.jsonl.gz"):
        return
    words = {s + a + b for s in STEMS for a in [""] + SUFFIXES for b in [""] + r.sample(SUFFIXES, 1)}
    words |= {"".join(r.choice("aeiouybcdlstz") for _ in range(r.randint(1, 9))) + r.choice([""] + SUFFIXES) for _ in range(4000)}
    stemmer = PorterStemmer()
    (HERE.parent / "porter/testdata").mkdir(exist_ok=True)
    with gzip.GzipFile(HERE.parent / "porter/testdata/stems.tsv.gz", "wb", mtime=0) as f:
        f.write("".join(f"{w}\t{stemmer.stem(w)}\n" for w in sorted(r.sample(sorted(words), 8000))).encode())


main()
