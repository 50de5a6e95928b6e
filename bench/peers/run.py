"""Times Longspan and other libraries on this machine, with the same shapes, threads and types, and writes a table.

README.md says how to run it and what is inside the timings.
"""

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

from cases import CASES

FOLDER = pathlib.Path(__file__).resolve().parent
BIN = FOLDER.parents[1] / "bin"
LIBRARIES = ("torch", "transformers", "performer-pytorch", "pytorch-fast-transformers", "llama-cpp-python")


class Failed(Exception):
    """One side could not run; says why in a line."""


@dataclasses.dataclass
class Row:
    case: object
    ours: list = dataclasses.field(default_factory=list)  # seconds, a round each
    theirs: list = dataclasses.field(default_factory=list)
    growth: tuple = (0, 0)  # bytes of ours and of theirs
    weights: tuple = (0, 0)  # their number
    failed: str = ""

    @property
    def ratio(self):
        """The median over the rounds of their seconds over ours: a machine that is busy for a round slows both."""
        return statistics.median(theirs / ours for ours, theirs in zip(self.ours, self.theirs))

    def verdict(self):
        if self.case.aim is None:
            return "–"
        if self.ratio >= self.case.aim:
            return f"{self.case.aim:g}× met"
        return f"{self.case.aim:g}× missed: {100 * self.ratio / self.case.aim:.0f}% of it"


class Worker:
    """A peer's process, which computes only when it is asked to."""

    def __init__(self, case, options):
        shape = json.dumps(dataclasses.asdict(case.shape))
        command = [sys.executable, FOLDER / "worker.py", case.peer, type(case.shape).__name__, shape, str(options.threads)]
        self.log = open(options.log, "a")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)

    def read(self):
        """The next line of an answer; other lines are what a library printed."""
        for line in self.process.stdout:
            if line == "ready\n" or re.fullmatch(r"[0-9.e-]+ [0-9]+ [0-9]+\n", line):
                return line
        self.process.wait()
        reason = pathlib.Path(self.log.name).read_text().strip().splitlines() or ["nothing was printed"]
        raise Failed(reason[-1].strip() if self.process.returncode > 0 else f"ended by signal {-self.process.returncode}")

    def run(self):
        """Seconds, bytes of growth, weights."""
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        seconds, growth, weights = self.read().split()
        return float(seconds), int(growth), int(weights)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()


def ours(case, options):
    """One sample of our side: a process that warms up and runs once."""
    answer = answered([options.binary, "bench", *case.flags(), "--threads", str(options.threads), "--runs", "1", "--json"])
    return answer["seconds"], answer.get("growth_bytes", 0), answer.get("weights", 0)


def answered(command):
    """The JSON that a command of ours prints."""
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise Failed(f"longspan: exit status {done.returncode}, {done.stderr.strip()}") from None
    if "error" in answer:
        raise Failed(f"longspan: {answer['error']}")
    return answer


def measure(case, options):
    """Rounds of both sides, one after the other, so that a machine that is hot or busy for a while shows it in both."""
    row, worker = Row(case), None
    try:
        worker = Worker(case, options)
        worker.read()
        for _ in range(options.rounds):
            sides = ours(case, options), worker.run()
            for seconds, side in zip((row.ours, row.theirs), sides):
                seconds.append(side[0])
            row.growth = tuple(max(was, side[1]) for was, side in zip(row.growth, sides))
            row.weights = tuple(side[2] for side in sides)
    except Failed as failed:
        row.failed = str(failed)
    finally:
        if worker:
            worker.close()
    return row


def processor():
    """The name, with the family and model that tell generations of the same name apart."""
    found = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    if "model name" not in found:
        return platform.processor()
    return f"{found['model name']} (family {found.get('cpu family')}, model {found.get('model')})"


def commit():
    """The commit that is checked out, "-dirty" where files differ from it."""
    command = ["git", "-C", FOLDER, "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "of no known commit"


def duration(seconds):
    """Milliseconds: the median, with the range."""
    middle, low, high = (1000 * f(seconds) for f in (statistics.median, min, max))
    return f"{middle:.4g} ({low:.4g}–{high:.4g})"


def versions():
    """Those of the libraries that are installed."""
    return {d.name: d.version for name in LIBRARIES for d in importlib.metadata.distributions(name=name)}


def document(rows, info, options):
    """The measurements as JSON, which "longspan bench chart" draws."""
    machine = {
        "cpu": processor(), "level": info["level"], "threads": options.threads,
        "processors": os.cpu_count(), "memory_bytes": info["memory"]["total_bytes"],
        "rounds": options.rounds, "system": platform.system(), "date": str(datetime.date.today()), "longspan": commit(), "go": info["go"],
        "python": platform.python_version(), "libraries": versions(),
    }
    measured = [
        {
            "peer": r.case.title, "shape": str(r.case.shape), "pass": r.case.shape.step, "dtype": r.case.shape.dtype,
            "ours_seconds": r.ours, "theirs_seconds": r.theirs, "growth_bytes": r.growth, "failed": r.failed,
        }
        for r in rows
    ]
    return json.dumps({"machine": machine, "rows": measured}, indent=2, ensure_ascii=False) + "\n"


def table(rows, info, options):
    libraries = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        f"{processor()}, {options.threads} of {os.cpu_count()} threads, {platform.system()}, {datetime.date.today()}.  ",
        f"Longspan {commit()}, {info['go']}, {info['level']} kernels; Python {platform.python_version()}, {libraries}.  ",
        f"Medians of {options.rounds} rounds in which the two sides take turns, with the least and the most. "
        "Faster: the median of their time over ours.",
        "",
        "| peer | shape | pass | type | ours, ms | theirs, ms | faster | aim |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in [row for row in rows if not row.case.trains]:
        s = row.case.shape
        head = f"| {row.case.title} | {s} | {s.step} | {s.dtype} | "
        if row.failed:
            lines.append(head + f"not measured: {row.failed} ||||")
        else:
            lines.append(head + f"{duration(row.ours)} | {duration(row.theirs)} | {row.ratio:.2f}× | {row.verdict()} |")
    return "\n".join(lines + step_table([row for row in rows if row.case.trains])) + "\n"


def step_table(rows):
    lines = [
        "",
        "| peer | step | type | ours, ms | theirs, ms | faster | aim | growth, ours and theirs | weights, ours and theirs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        head = f"| {row.case.title} | {row.case.shape} | {row.case.shape.dtype} | "
        if row.failed:
            lines.append(head + f"not measured: {row.failed} ||||||")
            continue
        growth = " and ".join(f"{n / 2**30:.2f}" for n in row.growth) + " GiB"
        weights = " and ".join(f"{n:,}" for n in row.weights)
        lines.append(head + f"{duration(row.ours)} | {duration(row.theirs)} | {row.ratio:.2f}× | {row.verdict()} | {growth} | {weights} |")
    return lines if rows else []


def main():
    parser = argparse.ArgumentParser(description="times Longspan and other libraries, and writes a table")
    parser.add_argument("--binary", default=str(BIN / "longspan"), help="the longspan to time")
    parser.add_argument("--out", default=str(BIN / "peers.md"), help="the table's file")
    parser.add_argument("--json", default=str(BIN / "peers.json"), help="the measurements' file, for longspan bench chart")
    parser.add_argument("--log", default=str(BIN / "peers.log"), help="what the libraries print to stderr")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7, help="at least 5 for a table to keep")
    parser.add_argument("--only", default="", help="a regular expression of the names that --list prints")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--divide", type=int, default=1, help="divide all token counts, to try the program out")
    options = parser.parse_args()
    cases = [c.divided(options.divide) for c in CASES if re.search(options.only, c.name)]
    if options.list:
        print("\n".join(c.name for c in cases))
        return
    if not pathlib.Path(options.binary).exists():
        sys.exit(f"found no {options.binary}; run make build, or give --binary")
    for path in options.log, options.out, options.json:
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(options.log).write_text("")
    info = json.loads(subprocess.run([options.binary, "info", "--json"], capture_output=True, text=True, check=True).stdout)
    rows = []
    for i, case in enumerate(cases):
        print(f"[{i + 1}/{len(cases)}] {case.name}", file=sys.stderr, flush=True)
        rows.append(measure(case, options))
        print("  ", rows[-1].failed or f"{rows[-1].ratio:.2f}×", file=sys.stderr, flush=True)
        pathlib.Path(options.out).write_text(table(rows, info, options))
        pathlib.Path(options.json).write_text(document(rows, info, options))
    print(pathlib.Path(options.out).read_text())


if __name__ == "__main__":
    main()
