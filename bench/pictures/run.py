"""Enlarges photographs with Longspan and its peers, times attention over the patches of a picture, and writes tables.

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
import subprocess
import sys
import tempfile

import attention
import enlargers
import photos
import process

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]


def processor():
    """The name, with the family and model that tell generations of the same name apart."""
    found = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    return f"{found.get('model name', platform.processor())} (family {found.get('cpu family')}, model {found.get('model')})"


def printed(*command):
    return subprocess.run([str(x) for x in command], capture_output=True, text=True).stdout.strip()


def machine(options):
    info = json.loads(subprocess.run([options.bin, "info", "--quick", "--json"], capture_output=True, text=True, check=True).stdout)
    pinned = json.loads((HERE / "package.json").read_text())["dependencies"]
    libraries = {name: importlib.metadata.version(name) for name in ("torch", "pillow")}
    return {"cpu": processor(), "level": info["level"], "threads": options.threads, "go": info["go"], "date": str(datetime.date.today()),
            "longspan": printed("git", "-C", HERE, "describe", "--always", "--dirty"), "python": platform.python_version(),
            "node": printed("node", "--version") if has_packages(options) else "", "libraries": {**libraries, **pinned}}


def has_packages(options):
    return pathlib.Path(options.packages, "node_modules", "@upscalerjs").is_dir()


def write(layers, results, about, options):
    """The tables, and the measurements as JSON beside them."""
    libraries = ", ".join(f"{name} {version}" for name, version in about["libraries"].items())
    text = [f"{about['cpu']}, {about['threads']} threads, {about['date']}.  ",
            f"Longspan {about['longspan']}, {about['go']}, {about['level']} kernels; "
            f"Python {about['python']}, Node {about['node'] or 'not used'}; {libraries}."]
    text += attention.growth_table(layers) + attention.full_table(layers) if layers else []
    text += enlargers.table(results) if results else []
    out = pathlib.Path(options.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(text) + "\n")
    content = {"machine": about, "attention": [dataclasses.asdict(x) for x in layers], "pictures": [dataclasses.asdict(x) for x in results]}
    out.with_suffix(".json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def measured(layers, options, clock, done):
    for layer in layers:
        layer.measure(options, clock)
        say(layer, layer.failed or f"{layer.seconds:.4g} s")
        done(layer)


def say(what, how):
    print(f"{what}: {how}", file=sys.stderr, flush=True)


def enlarged(options, clock, work, done):
    for methods, chosen in enlargers.groups(photos.prepared(options.photos, work)):
        methods = [m for m in methods if has_packages(options) or "ESRGAN" not in m.name]
        for method in methods:
            for photo in chosen:
                result = enlargers.enlarge(method, photo, options, clock, work)
                say(f"{method.name}, {photo.name}, {photo.track}", result.failed or f"{result.psnr:.2f} dB, {result.seconds:.3g} s")
                done(result)


def parsed():
    parser = argparse.ArgumentParser(description="enlarges photographs with Longspan and its peers, and times attention over their patches")
    parser.add_argument("--photos", default=str(TOP / ".photos" / "test"), help="folder of photographs of 3840×2160 or more")
    parser.add_argument("--run", default="", help="the run that longspan enlarges with (default: the model in the program)")
    parser.add_argument("--bin", default=str(TOP / "bin" / "longspan"), help="the longspan to time")
    parser.add_argument("--packages", default=str(HERE), help="folder with the node_modules of package.json")
    parser.add_argument("--out", default=str(TOP / "bin" / "pictures.md"), help="the tables' file; measurements go beside it as .json")
    parser.add_argument("--keep", default="", help="folder to keep the enlarged pictures in")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=9.5, help="what is not measured by then is left out, and the tables say so")
    parser.add_argument("--only", choices=("attention", "pictures"), help="one of the two parts")
    return parser.parse_args()


def checked(options):
    if not pathlib.Path(options.bin).exists():
        sys.exit(f"found no {options.bin}; run make build, or give --bin")
    if not pathlib.Path("/usr/bin/time").exists():
        sys.exit("found no /usr/bin/time, which counts memory; install the package time")
    if options.only != "attention":
        if not pathlib.Path(options.photos).is_dir():
            sys.exit(f"found no folder {options.photos}; run make photos, or give --photos")
        if not has_packages(options):
            say("ESRGAN", f"left out: found no packages in {options.packages}/node_modules; README.md says how they get there")
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)


def main():
    options = parsed()
    checked(options)
    clock, about, layers, results = process.Clock(options.minutes), machine(options), [], []

    def kept(rows):
        def keep(row):
            rows.append(row)
            write(layers, results, about, options)
        return keep

    if options.only != "pictures":
        measured(attention.first(), options, clock, kept(layers))
    if options.only != "attention":
        with tempfile.TemporaryDirectory() as work:
            enlarged(options, clock, pathlib.Path(work), kept(results))
    if options.only != "pictures":
        measured(attention.last(), options, clock, kept(layers))
    print(pathlib.Path(options.out).read_text())


if __name__ == "__main__":
    main()
