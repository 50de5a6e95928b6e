"""Makes tables.txt: what the library tokenizers knows of each Unicode code point, read off its behaviour.

    .venv/bin/python tokenizer/internal/chars/gen.py

The library mixes the tables of several Unicode versions: that of its regular expressions (Oniguruma), of Rust's standard library, of two
crates for categories, and of its normalisation (Unicode 9). Each property here is one experiment on every code point, so that the
package agrees with the library whatever the versions are.

Lines of tables.txt: `c FROM BITS SCRIPT` begins a run of code points with equal properties (all hexadecimal; the bits are in chars.go);
`l FROM TO STEP DELTA` is a run of code points whose lowercase lies DELTA (decimal) away.
"""

import importlib.metadata
import pathlib

from tokenizers import Regex, normalizers, pre_tokenizers

HERE = pathlib.Path(__file__).resolve().parent
ALL = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
TEXT = "".join(map(chr, ALL))


def removed(pre_tokenizer):
    """The code points that a pre-tokenizer removes."""
    left = set()
    for piece, _ in pre_tokenizer.pre_tokenize_str(TEXT):
        left.update(map(ord, piece))
    return set(ALL) - left


def matched(pattern):
    """The code points that a regular expression matches."""
    return removed(pre_tokenizers.Split(Regex(pattern), "removed"))


def kept(normalizer, around="{}"):
    """The code points that a normaliser leaves in the text."""
    return {c for c in ALL if chr(c) in normalizer.normalize_str(around.format(chr(c)))}


def changed(normalizer):
    return {c for c in ALL if normalizer.normalize_str(chr(c)) != chr(c)}


def bert(**on):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **on})


def sets():
    """The properties by bit. chars.go has their meaning in the same order."""
    nfd = normalizers.NFD()
    decomposed = changed(normalizers.NFKD())
    yield matched(r"\p{Lu}")
    yield matched(r"\p{Ll}")
    yield matched(r"\p{Lt}")
    yield matched(r"\p{Lm}")
    yield matched(r"\p{Lo}")
    yield matched(r"\p{M}")
    yield matched(r"\p{N}")
    yield matched(r"\p{Nd}")
    yield matched(r"\p{P}")
    yield matched(r"\p{S}")
    yield matched(r"\s")
    yield matched(r"\w")
    whitespace = pre_tokenizers.Whitespace()
    # \w of the other engine: a letter beside it belongs to the same word.
    yield {c for c in ALL if len(whitespace.pre_tokenize_str("a" + chr(c))) == 1 and whitespace.pre_tokenize_str(chr(c))}
    yield removed(pre_tokenizers.WhitespaceSplit())
    yield {c for c in ALL if len(pre_tokenizers.Digits(individual_digits=False).pre_tokenize_str("1" + chr(c))) == 1}
    yield removed(pre_tokenizers.Punctuation("removed"))
    yield set(ALL) - kept(bert(clean_text=True)) - {c for c in ALL if bert(clean_text=True).normalize_str(chr(c)) == " "}
    # Marks that remain after canonical decomposition and are stripped.
    yield {c for c in ALL if nfd.normalize_str(chr(c)) == chr(c) and bert(strip_accents=True).normalize_str(chr(c)) == ""}
    yield {c for c in ALL if normalizers.StripAccents().normalize_str(chr(c)) == ""}
    yield decomposed
    yield {c for c in ALL if nfd.normalize_str("\u0345" + chr(c)) == chr(c) + "\u0345" or c == 0x345}
    yield matched(r"\d")


def scripts():
    """A number for each script of UnicodeScripts: 0 goes with every script."""
    split = pre_tokenizers.UnicodeScripts()
    parts = lambda a, b: len(split.pre_tokenize_str(a + b))
    # A run begins with a character that belongs to a script, so that only others of its script, or of none, follow.
    representatives, number = ["a", "\u0430"], {}
    for c in ALL:
        s = chr(c)
        if parts("a", s) == 1 and parts("\u0430", s) == 1:
            number[c] = 0
            continue
        for i, r in enumerate(representatives):
            if parts(r, s) == 1:
                number[c] = i + 1
                break
        else:
            representatives.append(s)
            number[c] = len(representatives)
    return number


def lowercase():
    """Runs of code points with the same step and the same distance to their lowercase. U+0130 alone becomes two."""
    pairs = []
    for c in ALL:
        low = normalizers.Lowercase().normalize_str(chr(c))
        if len(low) != 1:
            assert (c, low) == (0x130, "i\u0307"), (c, low)
        elif low != chr(c):
            pairs.append((c, ord(low) - c))
    i = 0
    while i < len(pairs):
        j, step = i + 1, 1
        if j < len(pairs) and pairs[j][1] == pairs[i][1] and pairs[j][0] - pairs[i][0] <= 2:
            step = pairs[j][0] - pairs[i][0]
            while j < len(pairs) and pairs[j][1] == pairs[i][1] and pairs[j][0] - pairs[j - 1][0] == step:
                j += 1
        yield f"l {pairs[i][0]:x} {pairs[j - 1][0]:x} {step} {pairs[i][1]}"
        i = j


def main():
    bits = [0] * 0x110000
    for bit, members in enumerate(sets()):
        for c in members:
            bits[c] |= 1 << bit
    number = scripts()
    lines, last = [], None
    for c in range(0x110000):
        now = (bits[c], number.get(c, 0))
        if now != last:
            lines.append(f"c {c:x} {now[0]:x} {now[1]:x}")
            last = now
    header = f"# Made by gen.py with tokenizers {importlib.metadata.version('tokenizers')}."
    (HERE / "tables.txt").write_text("\n".join([header, *lines, *lowercase()]) + "\n")


if __name__ == "__main__":
    main()
