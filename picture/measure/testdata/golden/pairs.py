"""Makes pairs.json: what the formulas of the papers give for made pictures, with NumPy, SciPy and Pillow.

    python -m venv .venv && .venv/bin/pip install -r picture/measure/testdata/golden/requirements.txt
    .venv/bin/python picture/measure/testdata/golden/pairs.py

The pictures are made from integers, here and in the tests alike. Values are multiples of 1/256.
"""

import importlib.metadata
import json
import pathlib
import platform

import numpy as np
from PIL import Image
from scipy.signal import convolve2d

HERE = pathlib.Path(__file__).resolve().parent
SIZES = [(33, 29, 3), (16, 24, 1), (41, 50, 3)]


def noise(n):
    """Integers of 0 … 255 that look random."""
    return (np.arange(n, dtype=np.uint64) * 2654435761 % 2**32) >> 24


def picture(width, height, channels):
    """Waves whose frequency grows to the right and downwards: [height, width, channels], 0 … 255."""
    y, x, c = np.mgrid[:height, :width, :channels]
    return (((x * x * 3 + y * y * 5 + x * y * 7) >> 5) + c * 41) & 255


def spoilt(a):
    return (a * 7 + noise(a.size).reshape(a.shape).astype(int)) >> 3


def luma(a):
    a = a / 256
    return a[..., 0] if a.shape[2] == 1 else a @ [0.299, 0.587, 0.114]


def psnr(a, b, border=0):
    cut = slice(border, -border or None)
    return -10 * np.log10(np.mean((a - b)[cut, cut] ** 2))


def ssim(a, b):
    """Wang et al. 2004, equations 14 to 16 and 13."""
    g = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    w = np.outer(g, g) / np.outer(g, g).sum()
    mean = lambda v: convolve2d(v, w, "valid")
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return np.mean((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))


def gmsd(a, b):
    """Xue et al. 2014, equations 1 to 7, with values of 0 … 255 and c = 170."""

    def magnitude(v):
        v = convolve2d(v * 255, np.ones((2, 2)) / 4, "full")[1:, 1:][::2, ::2]
        h = np.array([[1, 0, -1]] * 3) / 3
        return np.sqrt(convolve2d(v, h, "same") ** 2 + convolve2d(v, h.T, "same") ** 2)

    ma, mb = magnitude(a), magnitude(b)
    return np.std((2 * ma * mb + 170) / (ma**2 + mb**2 + 170), ddof=1)


def octave(a):
    im = Image.fromarray(a.astype(np.float32))
    half = im.resize(((im.width + 1) // 2, (im.height + 1) // 2), Image.Resampling.LANCZOS)
    return np.mean((a - np.asarray(half.resize(im.size, Image.Resampling.LANCZOS), dtype=float)) ** 2)


def seam(a, patch, pitch):
    steps = {True: [], False: []}
    for v in (a, a.T):
        for x in range(pitch, v.shape[1], pitch):
            steps[x % patch == 0] += list(abs(v[:, x] - v[:, x - 1]))
    return np.mean(steps[True]) / np.mean(steps[False])


def pair(width, height, channels):
    a = picture(width, height, channels)
    b = spoilt(a)
    a, b = luma(a), luma(b)
    return {
        "size": [width, height, channels],
        "psnr": psnr(a, b),
        "psnr_border_3": psnr(a, b, 3),
        "ssim": ssim(a, b),
        "gmsd": gmsd(a, b),
        "octave_original": octave(a),
        "octave_spoilt": octave(b),
        "seam_8_4": seam(b, 8, 4),
        "seam_8_1": seam(b, 8, 1),
    }


def detail():
    a = picture(250, 190, 1)
    b = luma(spoilt(a))
    a = luma(a)
    tiles = []
    for y in range(0, 190 - 59, 60):
        for x in range(0, 250 - 59, 60):
            t = a[y : y + 60, x : x + 60]
            dx, dy = np.diff(t, axis=1)[:-1], np.diff(t, axis=0)[:, :-1]
            error = np.mean((t - b[y : y + 60, x : x + 60]) ** 2)
            tiles.append((np.mean(np.hypot(dx, dy)), x, y, error))
    top = sorted(sorted(tiles)[-2:], key=lambda t: (t[2], t[1]))
    return {
        "tiles": [t[1:3] for t in top],
        "errors": [t[3] for t in top],
        "psnr": -10 * np.log10(np.mean([t[3] for t in top])),
    }


def write(name, expected, libraries):
    versions = {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in libraries}
    (HERE / name).write_text(json.dumps({"versions": versions} | expected, indent=1) + "\n")


if __name__ == "__main__":
    expected = {"pairs": [pair(*size) for size in SIZES], "detail": detail()}
    write("pairs.json", expected, ("numpy", "scipy", "pillow"))
