"""Summaries that a chat model writes, beside those that longspan summarize quotes, of the same documents.

    python bench/summaries/written.py papers/dev.jsonl.gz SmolLM2-135M-Instruct.Q4_1.gguf --documents 40

The documents are drawn by the seed. The model reads the first words of each, and its answer is cut to the whole sentences that fit into 150
words. Then longspan rouge compares both with what people wrote, document by document.
"""

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import tempfile

PROMPT = "Summarize the following document in one paragraph of about 120 words. Write only the summary.\n\n"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("documents_file")
    p.add_argument("model")
    p.add_argument("--documents", type=int, default=40)
    p.add_argument("--words", type=int, default=2500, help="words of a document that the model reads")
    p.add_argument("--longspan", default="bin/longspan")
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    opened = gzip.open if a.documents_file.endswith(".gz") else open
    with opened(a.documents_file, "rt") as f:
        lines = [json.loads(line) for line in f if line.strip()]
    chosen = random.Random(a.seed).sample(lines, min(a.documents, len(lines)))
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name + ".jsonl") for name in ("reference", "quoted", "written")]
        with open(files[0], "w") as r, open(files[1], "w") as q, open(files[2], "w") as w:
            for i, d in enumerate(chosen):
                print(json.dumps({"id": i, "summary": d["summary"]}), file=r)
                print(json.dumps({"id": i, "summary": written(a, d, folder)}), file=w, flush=True)
                print(json.dumps({"id": i, "summary": quoted(a, d, folder)}), file=q)
        print(run(os.path.abspath(a.longspan), "rouge", *map(os.path.basename, files), cwd=folder))


def text_of(d):
    parts = [d.get("title") or ""]
    for s in d["sections"]:
        parts.append((s.get("title") or "") + "\n" + " ".join(s.get("sentences") or [s.get("text") or ""]))
    return "\n\n".join(parts)


def written(a, d, folder):
    """The sentences of the model's answer, as many as fit into 150 words."""
    words = re.findall(r"\S+\s*", text_of(d))
    path = os.path.join(folder, "prompt.txt")
    with open(path, "w") as f:
        f.write(PROMPT + "".join(words[: a.words]))
    answer = run(a.longspan, "generate", a.model, "--file", path, "--chat", "--tokens", "220")
    sentences, left = [], 150
    for s in re.split(r"(?<=[.!?])\s+", answer.strip()):
        left -= len(s.split())
        if left < 0:
            break
        sentences.append(s)
    return sentences


def quoted(a, d, folder):
    path = os.path.join(folder, "document.jsonl")
    with open(path, "w") as f:
        json.dump({k: d[k] for k in ("title", "sections")}, f)
    r = json.loads(run(a.longspan, "summarize", path, "--json"))
    return [s["text"] for s in (r[0] if isinstance(r, list) else r)["sentences"]]


def run(*command, cwd=None):
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd).stdout


main()
