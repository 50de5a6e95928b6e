"""Photographs as originals and small pictures of two tracks, and the PSNR of an enlarged one."""

import dataclasses
import math
import pathlib

import numpy
from PIL import Image

SCALE = 4
BORDER = SCALE  # pixels at each edge that are not compared
# The originals. Photographs of cameras are soft at 4K: the same at half of its sides are sharp.
TRACKS = {"sharp": (1920, 1080), "soft": (3840, 2160)}
KINDS = {".jpg", ".jpeg", ".png"}


@dataclasses.dataclass(frozen=True)
class Photo:
    """A photograph of a track, in files."""

    name: str
    track: str
    original: pathlib.Path
    small: pathlib.Path


def cropped(picture, size):
    """The largest part in the middle that has the shape of size."""
    width, height = picture.size
    wide, high = min(width, round(height * size[0] / size[1])), min(height, round(width * size[1] / size[0]))
    left, top = (width - wide) // 2, (height - high) // 2
    return picture.crop((left, top, left + wide, top + high))


def prepared(folder, work):
    """Writes originals and small pictures of all photographs in folder to work, and returns them."""
    paths = sorted(p for p in pathlib.Path(folder).iterdir() if p.suffix.lower() in KINDS)
    if not paths:
        raise SystemExit(f"found no photograph in {folder}, expected files that end in {', '.join(sorted(KINDS))}; run make photos")
    found = []
    for path in paths:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        for track, size in TRACKS.items():
            part = cropped(picture, size)
            if part.width < size[0]:
                raise SystemExit(f"found {path} of {picture.width}×{picture.height}, expected {size[0]}×{size[1]} or more")
            found.append(written(part.resize(size, Image.Resampling.LANCZOS), path.stem, track, work))
    return found


def written(original, name, track, work):
    photo = Photo(name, track, work / f"{name}-{track}.png", work / f"{name}-{track}-small.png")
    original.save(photo.original, compress_level=1)
    small = original.resize((original.width // SCALE, original.height // SCALE), Image.Resampling.BICUBIC)
    small.save(photo.small, compress_level=1)
    return photo


def luma(path):
    """Y of ITU-R BT.601 for studios, 16 … 235, not rounded."""
    with Image.open(path) as opened:
        rgb = numpy.asarray(opened.convert("RGB"), dtype=numpy.float64)
    return 16 + rgb @ numpy.array([65.481, 128.553, 24.966]) / 255


def psnr(photo, enlarged):
    """Decibels of luma, whose peak is 255, without the border: picture/measure's PSNRLuma and LimitedRange."""
    a, b = luma(photo.original), luma(enlarged)
    if a.shape != b.shape:
        raise ValueError(f"found {b.shape[1]}×{b.shape[0]} pixels, expected {a.shape[1]}×{a.shape[0]}")
    inside = (a - b)[BORDER:-BORDER, BORDER:-BORDER]
    return 10 * math.log10(255**2 / max(float(numpy.mean(inside**2)), 1e-12))
