"""Enlarges a PNG with Pillow: resize.py METHOD SCALE IN OUT. It prints the seconds of the resampling alone."""

import sys
import time

from PIL import Image


def main():
    method, scale, source, out = sys.argv[1:]
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    began = time.perf_counter()
    large = picture.resize((picture.width * int(scale), picture.height * int(scale)), Image.Resampling[method.upper()])
    print(time.perf_counter() - began)
    large.save(out, compress_level=1)


if __name__ == "__main__":
    main()
