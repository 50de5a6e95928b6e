"""Times encoders of summaries: ours, PyTorch's and transformers' BigBird in turns, and then whole documents. README.md says what."""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

import document

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE.parent / "peers"
BIN = HERE.parents[1] / "bin"
sys.path.insert(0, str(PEERS))  # whose run.py is another module than this program
os.environ["PYTHONPATH"] = str(HERE)  # a worker of ../peers finds encoders.py and birds.py

from run import Failed, Worker, answered, commit, processor, versions  # noqa: E402
from shape import Encoder  # noqa: E402

BIGBIRD = ['attention=["bigbird(64, 3, 2, 3)"]', "norm_place=post", "bias=true", "position=learned"]
PAIRS = [  # ours, theirs, passes, the aim at some lengths
    ("window", "eager", "forward step", {4096: 3}),
    ("full", "eager", "forward step", {}),
    ("window", "fused", "forward step", {}),
    ("full", "fused", "forward step", {}),
    ("window", "full", "forward step", {16384: 3}),
    ("window bf16", "fused bf16", "forward step", {}),
    ("window bf16", "full bf16", "forward step", {}),
    ("bigbird", "transformers BigBird", "forward step", dict.fromkeys((4096, 8192, 16384), 3)),
    ("bigbird", "transformers BigBird, blocks not drawn", "step", {}),
]
OURS = {"window": ["attention=[window(128)]"], "full": ["attention=[full]"], "bigbird": BIGBIRD}
THEIRS = {"eager": "encoders.eager", "fused": "encoders.fused", "transformers BigBird": "birds.bigbird",
          "transformers BigBird, blocks not drawn": "birds.bigbird_undrawn"}


@dataclasses.dataclass
class Side:
    """One of those that take turns."""

    name: str
    shape: Encoder
    options: object
    seconds: list = dataclasses.field(default_factory=list)  # a round each
    growth: int = 0  # bytes of the process, at most, beyond its libraries
    weights: int = 0
    failed: str = ""

    def sample(self):
        if self.failed:
            return
        try:
            seconds, growth, self.weights = self.run()
            self.seconds.append(seconds)
            self.growth = max(self.growth, growth)
        except Failed as failed:
            self.failed = str(failed)

    def close(self):
        pass


class Ours(Side):
    def run(self):
        """A process that warms up and runs once."""
        settings = list(OURS[self.name.removesuffix(" bf16")])
        if self.name == "bigbird":
            settings.append(f"max_tokens={self.shape.tokens}")
        answer = answered([self.options.binary, "bench", "train", "--model", "encoder", *self.shape.flags(), "--runs", "1", "--json",
                           "--threads", str(self.options.threads), *[x for s in settings for x in ("--set", s)]])
        return answer["seconds"], answer["growth_bytes"], answer["weights"]


class Theirs(Side):
    """A worker of ../peers, which is started by the first sample and computes only when it is asked to."""

    worker = None
    peer = ""

    def run(self):
        if self.worker is None:
            refuse_large(self.name, self.shape, self.options.limit)
            self.peer = THEIRS[self.name.removesuffix(" bf16")]
            self.worker = Worker(self, self.options)
            self.worker.read()
        return self.worker.run()

    def close(self):
        if self.worker:
            self.worker.close()


def refuse_large(name, s, limit):
    """Scores in memory: a step keeps those of each layer, and has two more at once; a prediction has two."""
    held = s.layers + 2 if s.step == "step" else 2
    need = held * s.heads * s.tokens**2 * 4
    if name == "eager" and need > limit * 1e9:
        raise Failed(f"scores of {held} × {s.heads} heads × {s.tokens:,}² are {need / 1e9:.1f} GB, more than {limit:g} GB")


def sides(step, tokens, options):
    """Those that are compared in a pass over some tokens."""
    names = [name for ours, theirs, steps, _ in PAIRS if step in steps.split() for name in (ours, theirs)]
    for name in dict.fromkeys(names):
        if ("bf16" in name and not options.bf16) or (not options.bigbird and "bird" in name.lower()):
            continue
        shape = Encoder(tokens, options.layers, options.width, options.heads, options.hidden or 4 * options.width, step=step,
                        dtype="bf16" if "bf16" in name else "f32")
        yield (Ours if name.removesuffix(" bf16") in OURS else Theirs)(name, shape, options)


def rounds(step, tokens, options):
    """Samples of all sides in turns, so that a machine that is hot or busy for a while shows it in all."""
    found = list(sides(step, tokens, options))
    try:
        for _ in range(options.rounds):
            for side in found:
                side.sample()
    finally:
        for side in found:
            side.close()
    return found


def ratio(ours, theirs):
    """The median over the rounds of their seconds over ours."""
    return statistics.median(b / a for a, b in zip(ours.seconds, theirs.seconds))


def spread(side):
    middle, low, high = (1000 * f(side.seconds) for f in (statistics.median, min, max))
    return f"{middle:.4g} ({low:.4g}–{high:.4g})"


def lines(measured, options):
    """A row for each pair, of the sides of one pass and length."""
    by_name = {side.name: side for side in measured}
    for ours, theirs, _, aims in PAIRS:
        a, b = by_name.get(ours), by_name.get(theirs)
        if a is None or b is None:
            continue
        head = f"| {a.shape.step} | {a.shape.tokens:,} | {ours} | {theirs} | "
        if a.failed or b.failed:
            yield head + f"not measured: {a.failed or b.failed} |||||"
            continue
        aim, found = aims.get(a.shape.tokens), ratio(a, b)
        verdict = "–" if aim is None else f"{aim}× {'met' if found >= aim else 'missed'}"
        memory = " and ".join(f"{side.growth / 2**20:,.0f}" for side in (a, b))
        yield head + f"{spread(a)} | {spread(b)} | {found:.2f}× | {verdict} | {memory} |"


def write(measured, documents, info, options):
    """The table, and the measurements as JSON."""
    libraries = ", ".join(f"{name} {version}" for name, version in versions().items() if name in ("torch", "transformers"))
    text = [
        f"{processor()}, {options.threads} threads, {datetime.date.today()}. Longspan {commit()}, {info['go']}, {info['level']} kernels; "
        f"{libraries}.  ",
        f"Width {options.width}, {options.layers} layers, {options.heads} heads, one sequence. Medians of {options.rounds} rounds in "
        "which all sides take turns, with the least and the most.",
        "",
        "| pass | tokens | ours | other | ours, ms | other, ms | faster | aim | growth of the two, MiB |",
        "|---|---|---|---|---|---|---|---|---|",
        *[line for group in measured for line in lines(group, options)],
        *document.table(documents),
    ]
    pathlib.Path(options.out).write_text("\n".join(text) + "\n")
    machine = {"cpu": processor(), "level": info["level"], "threads": options.threads, "rounds": options.rounds, "longspan": commit(),
               "go": info["go"], "date": str(datetime.date.today()), "libraries": versions()}
    rows = [{"side": s.name, **dataclasses.asdict(s.shape), "level": info["level"] if isinstance(s, Ours) else "its own",
             "seconds": s.seconds, "growth_bytes": s.growth, "weights": s.weights, "failed": s.failed} for group in measured for s in group]
    content = {"machine": machine, "rows": rows, "documents": documents}
    pathlib.Path(options.json).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def parsed():
    parser = argparse.ArgumentParser(description="times encoders of summaries and whole documents, and writes a table")
    parser.add_argument("--binary", default=str(BIN / "longspan"), help="the longspan to time")
    parser.add_argument("--out", default=str(BIN / "summaries.md"), help="the table's file")
    parser.add_argument("--json", default=str(BIN / "summaries.json"), help="the measurements' file")
    parser.add_argument("--log", default=str(BIN / "summaries.log"), help="what the libraries print to stderr")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", default="4096,8192,16384", help="lengths; empty: only the documents")
    parser.add_argument("--passes", default="forward,step")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--heads", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=0, help="features inside the feed-forward layers (default: 4 times the width)")
    parser.add_argument("--no-bf16", dest="bf16", action="store_false", help="leave bf16 out")
    parser.add_argument("--no-bigbird", dest="bigbird", action="store_false", help="leave BigBird out")
    parser.add_argument("--limit", type=float, default=12, help="GB that materialised scores may take")
    parser.add_argument("--texts", nargs="*", default=[], help="files of text or JSON lines to make documents of")
    parser.add_argument("--document-tokens", default="8000,1000000")
    return parser.parse_args()


def main():
    options = parsed()
    if not pathlib.Path(options.binary).exists():
        sys.exit(f"found no {options.binary}; run make build, or give --binary")
    pathlib.Path(options.log).write_text("")
    info = json.loads(subprocess.run([options.binary, "info", "--quick", "--json"], capture_output=True, text=True, check=True).stdout)
    measured, documents = [], []
    for tokens in [int(n) for n in options.tokens.split(",") if n]:
        for step in options.passes.split(","):
            measured.append(rounds(step, tokens, options))
            print("\n".join(lines(measured[-1], options)), file=sys.stderr, flush=True)
            write(measured, documents, info, options)
    if options.texts:
        documents = document.measured(options)
        write(measured, documents, info, options)
    print(pathlib.Path(options.out).read_text())


if __name__ == "__main__":
    main()
