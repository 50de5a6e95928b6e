"""Compares the package with the library tokenizers on made texts, and prints every difference.

go build -o bin/differ ./tokenizer/testdata/differ
.venv/bin/python tokenizer/testdata/differ/fuzz.py --differ bin/differ --seconds 60 tokenizer.json ...
"""

import argparse
import json
import random
import subprocess
import sys
import time

import nasty
from tokenizers import Tokenizer


class Differ:
    """The package at work in a process of its own."""

    def __init__(self, program, path):
        self.process = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the differ ended on {request}")
        return json.loads(line)


def byte_offsets(text, offsets):
    """Offsets in characters as offsets in bytes of UTF-8."""
    starts = [0]
    for character in text:
        starts.append(starts[-1] + len(character.encode()))
    return [[starts[begin], starts[end]] for begin, end in offsets]


def expected(tokenizer, text, pair):
    """What the library says."""
    plain = tokenizer.encode(text, add_special_tokens=False)
    document = tokenizer.encode(text, pair, add_special_tokens=True)
    in_text = document.sequence_ids
    places = (
        [
            byte_offsets(pair if in_text[i] == 1 else text, [o])[0] if in_text[i] is not None else [0, 0]
            for i, o in enumerate(document.offsets)
        ]
        if pair is not None
        else byte_offsets(text, document.offsets)
    )
    return {
        "ids": plain.ids,
        "offsets": byte_offsets(text, plain.offsets),
        "document": document.ids,
        "places": places,
        "types": document.type_ids,
        "special": document.special_tokens_mask,
        "decoded": tokenizer.decode(document.ids),
        "all": tokenizer.decode(document.ids, skip_special_tokens=False),
    }


def compare(tokenizer, differ, text, pair):
    """The keys that differ, with both values."""
    got = differ.ask(text=text) if pair is None else differ.ask(text=text, pair=pair)
    try:
        want = expected(tokenizer, text, pair)
    except BaseException as error:  # the library panics where it has a bug; that is no difference
        return {} if "error" in got or "Panic" in type(error).__name__ else {"error": (str(error), got)}
    return {key: (want[key], got.get(key)) for key in want if (want[key] or None) != (got.get(key) or None)}


def shrink(tokenizer, differ, text, pair):
    """A shorter text that still differs."""
    size = len(text) // 2
    while size > 0:
        i = 0
        while i < len(text):
            shorter = text[:i] + text[i + size :]
            if compare(tokenizer, differ, shorter, pair):
                text = shorter
            else:
                i += size
        size //= 2
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--differ", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--texts", type=int, default=0, help="so many texts for each file, in place of a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=5, help="differences to print for each file")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    bad = 0
    for path in options.files:
        tokenizer = Tokenizer.from_file(path)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        specials = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
        differ = Differ(options.differ, path)
        rng, begun, n, found = random.Random(options.seed), time.time(), 0, 0
        fixed = nasty.texts(options.seed, max(options.texts, len(nasty.FRAGMENTS) + 1), specials)
        while n < options.texts if options.texts else time.time() - begun < options.seconds:
            text = fixed[n] if n < len(fixed) else nasty.text(rng, specials)
            pair = nasty.text(rng, specials) if n % 7 == 6 else None
            n += 1
            differences = compare(tokenizer, differ, text, pair)
            if not differences:
                continue
            found += 1
            if found <= options.most:
                text = shrink(tokenizer, differ, text, pair)
                print(path, ascii(text), ascii(pair))
                for key, (want, got) in compare(tokenizer, differ, text, pair).items():
                    print(f"   {key}: library {ascii(want)[:300]}\n   {' ' * len(key)}  package {ascii(got)[:300]}")
        print(f"{path}: {n} texts, {found} differ", flush=True)
        bad += found
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
