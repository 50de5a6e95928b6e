"""Times whole documents through "longspan summarize", made of the text files that are given."""

import gzip
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ON = {8000: ("avx2", 1, 0.5, None), 1000000: ("avx2", 2, 120, 1 << 30)}  # tokens: level, cores, the most seconds and bytes


def paragraphs(paths):
    """The texts of files, of JSON lines the field text or the sections."""
    for path in map(pathlib.Path, paths):
        opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
        with opened as file:
            if ".jsonl" not in path.suffixes:
                yield file.read()
                continue
            for line in file:
                d = json.loads(line)
                for section in d.get("sections", [d]):
                    yield section.get("title", "")
                    yield section.get("text") or " ".join(section.get("sentences", []))


def summarized(binary, path, level, cores):
    """Seconds of the process, its largest resident memory in bytes, and what it read.

    time(1) counts the memory: the system counts in that of a child of Python what Python had before it ran the program.
    """
    room = sorted(os.sched_getaffinity(0))[:cores]
    environment = {**os.environ, "LONGSPAN_CPU": level}
    with tempfile.NamedTemporaryFile("r") as peak:
        began = time.perf_counter()
        out = subprocess.run(["/usr/bin/time", "-f", "%M", "-o", peak.name, binary, "summarize", path, "--json"], check=True,
                             stdout=subprocess.PIPE, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, room)).stdout
        seconds = time.perf_counter() - began
        kilobytes = int(peak.read().split()[-1])
    return seconds, kilobytes * 1024, json.loads(out)[0]["read"]


def write_document(file, texts, words):
    """Writes texts one after another, again from the first where they end, until there are so many words. Says how often it began."""
    begun, count = 0, 0
    for i in itertools.cycle(range(len(texts))):
        begun += i == 0
        own = texts[i].split(" ")[:words - count]
        file.write(" ".join(own) + "\n\n")
        count += len(own)
        if count >= words:
            file.flush()
            return begun


def sized(options, file, texts, tokens, level, cores):
    """Fills the file with a document of so many tokens, up to a fiftieth more, as the program counts them. Says how often texts began."""
    words = tokens
    for _ in range(5):
        file.seek(0)
        file.truncate()
        begun = write_document(file, texts, words)
        found = summarized(options.binary, file.name, level, cores)[2]["tokens"]
        if tokens <= found <= 1.02 * tokens:
            return begun
        words = round(words * 1.01 * tokens / found)
    raise SystemExit(f"found {found} tokens after five tries, expected {tokens} to {1.02 * tokens:.0f}; give longer texts")


def measured(options):
    """A row for each length."""
    texts = [t for t in paragraphs(options.texts) if t.strip()]
    if not texts:
        raise SystemExit(f"found no text in {', '.join(options.texts)}; give files of text, or JSON lines with text or sections")
    rows = []
    for tokens in map(int, options.document_tokens.split(",")):
        level, cores, most, room = ON.get(tokens, ("avx2", 2, None, None))
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            begun = sized(options, file, texts, tokens, level, cores)
            samples = [summarized(options.binary, file.name, level, cores) for _ in range(options.rounds)]
        rows.append({"read": samples[0][2], "level": level, "cores": cores, "seconds": [s[0] for s in samples], "texts_begun": begun,
                     "peak_bytes": max(s[1] for s in samples), "most_seconds": most, "most_bytes": room})
    return rows


def table(rows):
    """Lines of Markdown."""
    lines = ["", "| document | level | cores | seconds | at most | memory, MiB | at most |", "|---|---|---|---|---|---|---|"]
    for r in rows:
        aims = [str(r["most_seconds"] or "–"), str(r["most_bytes"] and r["most_bytes"] >> 20 or "–")]
        again = f", its texts {r['texts_begun']} times" if r["texts_begun"] > 1 else ""
        s = r["seconds"]
        lines.append(f"| {r['read']['tokens']:,} tokens, {r['read']['words']:,} words{again} | {r['level']} | {r['cores']} | "
                     f"{statistics.median(s):.3g} ({min(s):.3g}–{max(s):.3g}) | {aims[0]} | {r['peak_bytes'] / 2**20:.0f} | {aims[1]} |")
    return lines if rows else []
