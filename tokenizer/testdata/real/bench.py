"""How fast the library tokenizers reads files and encodes a text, in the time of one processor: the other side of BenchmarkReal.

TOKENIZERS_PARALLELISM=false .venv/bin/python tokenizer/testdata/real/bench.py FOLDER [NAME ...]
"""

import pathlib
import statistics
import sys
import time

from tokenizers import Tokenizer

folder = pathlib.Path(sys.argv[1])
text = (folder / "text.txt").read_text()
size = len(text.encode()) / 1e6
for path in sorted(folder.glob("*.golden.gz")):
    name = path.name.removesuffix(".golden.gz")
    if len(sys.argv) > 2 and name not in sys.argv[2:]:
        continue
    begun = time.process_time()
    tokenizer = Tokenizer.from_file(str(folder / f"{name}.json"))
    read = time.process_time() - begun
    tokenizer.no_truncation()
    tokenizer.no_padding()
    times = []
    for _ in range(5):
        begun = time.process_time()
        tokens = len(tokenizer.encode(text).ids)
        times.append(time.process_time() - begun)
    print(f"{name:12} read {read:.2f} s, {size / statistics.median(times):.2f} MB/s, {tokens} tokens", flush=True)
