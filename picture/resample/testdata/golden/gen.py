"""Makes the golden files: pictures that Pillow's Image.resize has resampled.

    python -m venv .venv && .venv/bin/pip install -r picture/resample/testdata/golden/requirements.txt
    .venv/bin/python picture/resample/testdata/golden/gen.py

A file holds one drawn picture of 8 bits, "in", and for each kernel the results of the modes "L" or "RGB" (of 8 bits: kernel + "8") and "F"
(each channel by itself: kernel + "F"). Rows of a tensor are rows of the picture, channels lie side by side. Values are 0 … 255; the picture has 64 … 191, so that
the first pass of 8 bits has nothing to cut off.
"""

import importlib.metadata
import json
import pathlib
import platform
import zlib

import numpy as np
from PIL import Image
from safetensors.numpy import save

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = {
    "box": Image.Resampling.BOX,
    "triangle": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}
# Name: width, height, channels, width and height of the result.
CASES = {
    "enlarge": (9, 7, 3, 23, 19),
    "shrink": (31, 26, 3, 7, 5),
    "grey": (12, 10, 1, 24, 5),
    "wider": (8, 6, 1, 21, 6),
    "pixel": (1, 1, 3, 4, 3),
    "to_pixel": (13, 11, 3, 1, 1),
    "line": (17, 1, 1, 5, 9),
}


def make_file(name, width, height, channels, to_width, to_height):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    x = rng.integers(64, 192, (height, width, channels), dtype=np.uint8)
    size = (to_width, to_height)
    tensors = {"in": x.reshape(height, -1)}
    for kernel, number in KERNELS.items():
        small = np.asarray(Image.fromarray(x[:, :, 0] if channels == 1 else x).resize(size, number))
        single = [Image.fromarray(x[:, :, c].astype(np.float32)).resize(size, number) for c in range(channels)]
        tensors[kernel + "8"] = small.reshape(to_height, -1)
        tensors[kernel + "F"] = np.stack([np.asarray(s) for s in single], -1).reshape(to_height, -1)
    tensors = {k: np.ascontiguousarray(v).astype(np.float32) for k, v in tensors.items()}
    (HERE / f"{name}.safetensors").write_bytes(save(tensors))


def main():
    files = {}
    for name, case in CASES.items():
        make_file(name, *case)
        files[name] = {
            "source": "PIL.Image.Image.resize",
            "seed": zlib.crc32(name.encode()),
            "settings": {"from": case[:2], "channels": case[2], "to": case[3:]},
            "tolerance": 1e-5,
            "reason": "Pillow sums in float64 and rounds to float32 after each pass; this package sums in float32",
        }
    versions = {"python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in ("pillow", "numpy", "safetensors")}
    (HERE / "MANIFEST.json").write_text(json.dumps({"versions": versions, "files": files}, indent=2) + "\n")


if __name__ == "__main__":
    main()
