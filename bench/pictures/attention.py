"""One layer of attention over the patches of a picture: ours, linear and full, and PyTorch's."""

import dataclasses
import json
import pathlib
import statistics
import sys

import process

HERE = pathlib.Path(__file__).resolve().parent
PATCHES = 129600  # of 8×8 in 3840×2160
LENGTHS = (8192, 16384, 32768, 65536, PATCHES, 2 * PATCHES, 4 * PATCHES)  # the last: 7680×4320
HEADS, DIMENSION = 4, 32
OURS, PYTORCH = "Longspan", "PyTorch SDPA"
LOWER = "avx2"


@dataclasses.dataclass
class Layer:
    """A layer to measure, and what was measured."""

    side: str
    mechanism: str  # relu or full
    tokens: int
    dtype: str = "f32"
    level: str = ""  # LONGSPAN_CPU; "" is the highest, and after a measurement its name
    runs: int = 1
    seconds: float = 0  # the median of the runs
    peak: int = 0  # bytes: the largest resident memory of the process
    failed: str = ""

    def __str__(self):
        return f"{self.side} {self.mechanism} {self.dtype} {self.level or 'highest level'}, {self.tokens:,} tokens"

    def measure(self, options, clock):
        try:
            self.of_pytorch(options, clock) if self.side == PYTORCH else self.of_ours(options, clock)
        except process.Failed as failed:
            self.failed = str(failed)

    def of_ours(self, options, clock):
        shape = ["--tokens", self.tokens, "--heads", HEADS, "--head-dim", DIMENSION, "--dtype", self.dtype]
        command = [options.bin, "bench", "attention", "--mechanism", self.mechanism, *shape, "--threads", options.threads, "--runs",
                   self.runs, "--json"]
        done = process.run(command, clock, **({"LONGSPAN_CPU": self.level} if self.level else {}))
        answer = json.loads(done.text)
        self.seconds, self.level, self.peak = answer["seconds"], answer["level"], done.peak

    def of_pytorch(self, options, clock):
        found = []
        for _ in range(self.runs):
            done = process.run([sys.executable, HERE / "sdpa.py", self.tokens, HEADS, DIMENSION, self.dtype, options.threads], clock,
                               OMP_NUM_THREADS=str(options.threads))
            found.append(float(done.text))
            self.peak = max(self.peak, done.peak)
        self.seconds, self.level = statistics.median(found), "its own"


def first():
    """What must not be missing when the time is over."""
    linear = [Layer(OURS, "relu", n, level=level, runs=5) for level in ("", LOWER) for n in LENGTHS]
    bf16 = [Layer(OURS, "relu", n, dtype="bf16", runs=5) for n in LENGTHS]
    return linear + bf16 + [Layer(OURS, "full", PATCHES), Layer(PYTORCH, "full", PATCHES), Layer(OURS, "full", PATCHES, "bf16")]


def last():
    """What takes minutes more."""
    return [Layer(OURS, "full", PATCHES, level=LOWER), Layer(PYTORCH, "full", PATCHES, "bf16")]


def growth_table(layers):
    """Linear attention by length, with the time a token."""
    linear = [x for x in layers if x.mechanism == "relu" and not x.failed]
    columns = list(dict.fromkeys((x.dtype, x.level) for x in linear))
    if not columns:
        return []
    heads = " | ".join(f"{dtype}, {level}, ms | ns a patch" for dtype, level in columns)
    lines = ["", f"| patches | {heads} |", "|---" * (1 + 2 * len(columns)) + "|"]
    for tokens in LENGTHS:
        cells = []
        for column in columns:
            found = [x.seconds for x in linear if x.tokens == tokens and (x.dtype, x.level) == column]
            cells += [f"{1e3 * found[0]:.4g}", f"{1e9 * found[0] / tokens:,.0f}"] if found else ["–", "–"]
        lines.append(f"| {tokens:,} | " + " | ".join(cells) + " |")
    return lines


def full_table(layers):
    """Full attention beside the linear one of the same type; PyTorch's is set beside ours at the highest level."""
    lines = ["", f"| full attention, {PATCHES:,} patches | type | level | seconds | memory, MiB | over linear |", "|---" * 6 + "|"]
    for x in [x for x in layers if x.mechanism == "full"]:
        head = f"| {x.side} | {x.dtype} | {x.level or 'highest'} | "
        if x.failed:
            lines.append(head + f"not measured: {x.failed} |||")
            continue
        same = [y for y in layers if y.mechanism == "relu" and y.tokens == x.tokens and y.dtype == x.dtype and not y.failed]
        own = [y for y in same if y.level == x.level or x.side == PYTORCH][:1]
        ratio = f"{x.seconds / own[0].seconds:,.0f}×" if own else "–"
        lines.append(head + f"{x.seconds:.3g} | {x.peak / 2**20:,.0f} | {ratio} |")
    return lines
