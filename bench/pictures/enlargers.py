"""What enlarges pictures ×4: ours and its peers, each a command from a PNG to a PNG."""

import dataclasses
import math
import os
import pathlib
import statistics
import sys

import photos
import process

HERE = pathlib.Path(__file__).resolve().parent
LANCZOS = "Pillow Lanczos"
SIZES = ("slim", "medium", "thick")


@dataclasses.dataclass(frozen=True)
class Method:
    name: str
    command: object  # of options, a small picture and the file to write
    environment: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Result:
    """A photograph that was enlarged."""

    method: str
    track: str
    photo: str
    seconds: float = 0  # of the process, file to file
    inside: float = 0  # seconds of the enlarging alone, where the process says them
    peak: int = 0  # bytes: the largest resident memory of the process
    psnr: float = 0
    failed: str = ""


def longspan(options, small, out):
    """The one place that knows our command."""
    run = ["--run", options.run] if options.run else []
    return [options.bin, "image", "upscale", small, "--scale", photos.SCALE, *run, "-o", out]


def pillow(filter_name):
    return lambda options, small, out: [sys.executable, HERE / "resize.py", filter_name, photos.SCALE, small, out]


def node(size):
    return lambda options, small, out: ["node", HERE / "esrgan.mjs", options.packages, size, small, out]


def pytorch(size):
    return lambda options, small, out: [sys.executable, HERE / "esrgan.py", options.packages, size, options.threads, small, out]


OURS = [Method("Longspan", longspan)]
OURS_LOWER = [Method("Longspan, avx2", longspan, {"LONGSPAN_CPU": "avx2"})]
PILLOW = [Method("Pillow Bicubic", pillow("bicubic")), Method(LANCZOS, pillow("lanczos"))]
NODE = [Method(f"ESRGAN {size}, TensorFlow.js", node(size)) for size in SIZES]
PYTORCH = [Method(f"ESRGAN {size}, PyTorch", pytorch(size)) for size in SIZES]


def groups(found):
    """Methods with photographs, what must not be missing first."""
    sharp, soft = ([p for p in found if p.track == track] for track in ("sharp", "soft"))
    return [
        (PILLOW + OURS, sharp + soft), (PYTORCH, sharp), (NODE, sharp[:1]), (OURS_LOWER, soft[:1]), (PYTORCH[:2], soft),
        (NODE[:2], soft[:1]), (PYTORCH[2:], soft),
    ]


def enlarge(method, photo, options, clock, work):
    result, out = Result(method.name, photo.track, photo.name), work / "enlarged.png"
    out.unlink(missing_ok=True)
    threads = str(options.threads)
    try:
        command = method.command(options, photo.small, out)
        done = process.run(command, clock, OMP_NUM_THREADS=threads, GOMAXPROCS=threads, **method.environment)
        result.seconds, result.peak = done.seconds, done.peak
        result.inside = seconds_in(done.text)
        result.psnr = photos.psnr(photo, out)
    except (process.Failed, ValueError, OSError) as failed:
        result.failed = str(failed)
    if options.keep and not result.failed:
        os.replace(out, pathlib.Path(options.keep) / f"{photo.name}-{photo.track}-{method.name}.png".replace(" ", "-").replace(",", ""))
    return result


def seconds_in(text):
    """What a peer's program prints: one number. Ours prints sentences."""
    try:
        return float(text)
    except ValueError:
        return 0


def gain(results, result):
    """Decibels over Lanczos on the same photograph."""
    found = [r.psnr for r in results if r.method == LANCZOS and (r.track, r.photo) == (result.track, result.photo) and not r.failed]
    return result.psnr - found[0] if found else math.nan


def table(results):
    """A row for each method and track."""
    heads = "track | method | photographs | PSNR-Y, dB | over Lanczos | the least | seconds | without files | memory, MiB"
    lines = ["", f"| {heads} |", "|---" * 9 + "|"]
    for track in photos.TRACKS:
        for name in dict.fromkeys(r.method for r in results if r.track == track):
            rows = [r for r in results if (r.method, r.track) == (name, track)]
            lines += row(results, rows, f"| {track} | {name} | ")
    return lines + by_pixels(results)


def row(results, rows, head):
    good = [r for r in rows if not r.failed]
    if not good:
        return [head + f"not measured: {rows[0].failed} |||||||"]
    gains, seconds, inside = [gain(results, r) for r in good], [r.seconds for r in good], statistics.median(r.inside for r in good)
    count = f"{len(good)}" if len(good) == len(rows) else f"{len(good)} of {len(rows)}: {[r.failed for r in rows if r.failed][0]}"
    return [head + f"{count} | {statistics.mean(r.psnr for r in good):.2f} | {statistics.mean(gains):+.2f} | {min(gains):+.2f} | "
            f"{statistics.median(seconds):.3g} ({min(seconds):.3g}–{max(seconds):.3g}) | {f'{inside:.3g}' if inside else '–'} | "
            f"{max(r.peak for r in good) / 2**20:,.0f} |"]


def by_pixels(results):
    """A line for each method in TensorFlow.js that has no soft photograph."""
    lines = []
    for m in NODE:
        sharp, soft = ([r for r in results if (r.method, r.track) == (m.name, track) and not r.failed] for track in ("sharp", "soft"))
        if sharp and not soft:
            seconds = 4 * statistics.median(r.inside for r in sharp)
            lines.append(f"{m.name}, at 4K: not measured; {seconds:.3g} seconds by its pixels, four times those of the sharp track.  ")
    return [""] + lines if lines else []
