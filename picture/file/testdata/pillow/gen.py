"""Writes the pictures that the tests read, and what Pillow reads of each.

For every NAME.EXT there is NAME.EXT.png: what Pillow 13.0.0 shows, upright, as 8 bits (16 for grey of 16 bits). A file with no such
picture is refused. Run it in a Python with Pillow: python gen.py
"""

import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

HERE = pathlib.Path(__file__).parent
W, H = 37, 21  # odd, so that blocks of 8 and samples of two pixels are cut


def scene():
    """Smooth colours with one sharp edge of colour, which shows how colour at half resolution is read."""
    y, x = np.mgrid[0:H, 0:W]
    rgb = np.stack([40 + 5 * x, 220 - 4 * y - 2 * x, 60 + 7 * y], -1).clip(0, 255)
    rgb[:, 20:] = rgb[:, 20:, ::-1]
    rgb[:4, :4] = 255  # white and black show the range
    rgb[-4:, -4:] = 0
    return Image.fromarray(rgb.astype(np.uint8))


RGB = scene()
ALPHA = Image.fromarray(np.tile(np.linspace(0, 255, W).astype(np.uint8), (H, 1)))
RGBA = RGB.copy()
RGBA.putalpha(ALPHA)
GREY = RGB.convert("L")
GREY16 = Image.fromarray((np.arange(W * H, dtype=np.uint16) * 83).reshape(H, W))


def profile(space, n=400):
    """The header of a profile and bytes; ImageCms would date its own, and they would differ from run to run."""
    p = bytearray(i * 31 & 255 for i in range(n))
    p[0:4] = struct.pack(">I", n)
    p[16:20], p[36:40] = space, b"acsp"
    return bytes(p)


def oriented(n):
    exif = Image.Exif()
    exif[274] = n
    return exif


def save(name, image, shown=True, **options):
    path = HERE / name
    image.save(path, **options)
    show(path, shown)


def show(path, shown=True):
    if not shown:
        return
    with Image.open(path) as m:
        m = ImageOps.exif_transpose(m)
        if m.mode in ("P", "PA"):
            m = m.convert("RGBA" if "transparency" in m.info else "RGB")
        elif m.mode == "CMYK":
            m = m.convert("RGB")
        elif m.mode == "1":
            m = m.convert("L")
        for key in list(m.info):
            del m.info[key]
        m.save(str(path) + ".png")


def jpeg():
    save("half.jpg", RGB, quality=95, subsampling=2)
    save("half_across.jpg", RGB, quality=95, subsampling=1)
    save("full.jpg", RGB, quality=95, subsampling=0)
    save("progressive.jpg", RGB, quality=95, subsampling=2, progressive=True)
    save("grey.jpg", GREY, quality=95, icc_profile=profile(b"GRAY"))
    save("rgb.jpg", RGB, quality=95, keep_rgb=True)
    save("cmyk.jpg", RGB.convert("CMYK"), quality=95, icc_profile=profile(b"CMYK"))
    data = bytearray((HERE / "cmyk.jpg").read_bytes())
    adobe = data.index(b"Adobe")
    data[adobe + 11] = 2  # the colours are YCCK
    (HERE / "ycck.jpg").write_bytes(data)
    show(HERE / "ycck.jpg")
    for n in range(1, 9):
        save(f"turned{n}.jpg", RGB, quality=95, subsampling=0, exif=oriented(n), icc_profile=profile(b"RGB "))


def png():
    save("palette.png", RGB.quantize(16))
    p = RGB.quantize(16)
    save("palette_clear.png", p, transparency=3)
    save("bits1.png", GREY.convert("1"))
    save("grey_alpha.png", Image.merge("LA", [GREY, ALPHA]), icc_profile=profile(b"GRAY"))
    save("grey16.png", GREY16)
    save("turned.png", RGB, exif=oriented(6), icc_profile=profile(b"RGB "))
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", struct.pack(">I", 100000))
    save("linear.png", RGB, pnginfo=info)
    save("two.png", RGB, save_all=True, append_images=[GREY.convert("RGB")])
    interlaced()


def interlaced():
    """Adam7 without filters: Pillow writes none (PNG, third edition, 8.2)."""
    px = np.asarray(RGB)
    raw = b""
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        for row in px[y0::dy, x0::dx]:
            if len(row):
                raw += b"\0" + row.tobytes()
    out = b"\x89PNG\r\n\x1a\n"
    for name, content in [(b"IHDR", struct.pack(">IIBBBBB", W, H, 8, 2, 0, 0, 1)), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]:
        out += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    (HERE / "interlaced.png").write_bytes(out)
    show(HERE / "interlaced.png")


def webp():
    save("lossy.webp", RGB, quality=95)
    save("lossy_alpha.webp", RGBA, quality=95)
    save("lossless.webp", RGBA, lossless=True, exact=True)
    save("turned.webp", RGB, lossless=True, exif=oriented(8), icc_profile=profile(b"RGB "))
    save("moving.webp", RGB, shown=False, save_all=True, append_images=[GREY.convert("RGB")])


def tiff():
    save("lzw.tif", RGB, compression="tiff_lzw", tiffinfo={274: 7}, icc_profile=profile(b"RGB "))
    save("deflate.tif", RGB, compression="tiff_adobe_deflate")
    save("alpha.tif", RGBA)
    save("grey.tif", GREY)
    save("grey16.tif", GREY16)
    save("palette.tif", RGB.quantize(16))
    save("fax.tif", GREY.convert("1"), compression="group4")
    save("fax_white.tif", GREY.convert("1"), compression="group4", tiffinfo={262: 0})
    save("pages.tif", RGB, save_all=True, append_images=[GREY, GREY])
    save("cmyk.tif", RGB.convert("CMYK"), shown=False)
    save("jpeg.tif", RGB, shown=False, compression="jpeg")
    planes()


def planes():
    """Pillow writes no planes apart: change the tag in a copy."""
    data = bytearray((HERE / "deflate.tif").read_bytes())
    at = data.index(struct.pack("<HHI", 284, 3, 1))
    data[at + 8] = 2
    (HERE / "planes.tif").write_bytes(data)


jpeg()
png()
webp()
tiff()
