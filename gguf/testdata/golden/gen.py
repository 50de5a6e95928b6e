"""Makes the golden files of package gguf: blocks of each type, and what gguf-py, llama.cpp's own Python, makes of them.

    python -m venv .venv && .venv/bin/pip install -r gguf/testdata/golden/requirements.txt
    .venv/bin/python gguf/testdata/golden/gen.py

types.gguf has a tensor for each type that the package widens; one, foreign, is of a type that it does not. A tensor TYPE has random
bits in its integers, and scales that reach from subnormal to almost the largest F16, both signs of zero among them; infinities and NaN
do not occur in files. For each, TYPE.want is the F32 that gguf.quants.dequantize gives. A tensor TYPE.rounded is numbers of the normal
distribution, quantised, for the types that gguf-py quantises. permuted is what llama.cpp's converter makes of the rows of permuted.want,
of 3 heads.
"""

import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type

HERE = pathlib.Path(__file__).resolve().parent
# Where the F16 scales of a block are, by bytes.
SCALES = {
    Type.Q4_0: [0], Type.Q4_1: [0, 2], Type.Q5_0: [0], Type.Q5_1: [0, 2], Type.Q8_0: [0],
    Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}
# 0, −0, the smallest and largest subnormal, the smallest normal, 1, −1, almost the largest.
EXTREME = np.array([0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x3C00, 0xBC00, 0x7BFF, 0xFBFF], np.uint16)


def halves(random, shape):
    """Finite F16, half of them extreme and half of usual size, as their bits."""
    usual = random.normal(0, 0.05, shape).astype(np.float16).view(np.uint16)
    return np.where(random.random(shape) < 0.5, random.choice(EXTREME, shape), usual)


def random_blocks(random, kind, rows, blocks):
    """Rows of blocks with random bits."""
    size = gguf.GGML_QUANT_SIZES[kind][1]
    data = random.integers(0, 256, (rows, blocks, size), dtype=np.uint8)
    for at in SCALES[kind]:
        data[:, :, at:at + 2] = halves(random, (rows, blocks))[..., None].view(np.uint8)
    return data.reshape(rows, blocks * size)


def random_plain(random, kind, shape):
    """Finite numbers of a type without blocks, as bytes."""
    bits = halves(random, shape)
    if kind == Type.F16:
        return bits.view(np.uint8)
    if kind == Type.BF16:
        return np.where(bits & 0x7F80 == 0x7F80, bits & 0xBFFF, bits).astype(np.uint16).view(np.uint8)
    wide = random.normal(0, 1, shape).astype(np.float32)
    wide[0, :4] = [0.0, -0.0, 1e-45, -3.4e38]
    return wide.view(np.uint8)


def main():
    random = np.random.default_rng(10)
    writer = gguf.GGUFWriter(HERE / "types.gguf", "golden")
    add_values(writer)

    def add(name, data, kind):
        writer.add_tensor(name, data, raw_dtype=kind)
        writer.add_tensor(name + ".want", gguf.quants.dequantize(data, kind).astype(np.float32))

    for kind in SCALES:
        blocks = 3 if gguf.GGML_QUANT_SIZES[kind][0] == 256 else 7
        add(kind.name, random_blocks(random, kind, 4, blocks), kind)
    for kind in (Type.F32, Type.F16, Type.BF16):
        add(kind.name, random_plain(random, kind, (3, 50)), kind)
    for kind in (Type.Q4_0, Type.Q4_1, Type.Q5_0, Type.Q5_1, Type.Q8_0):
        normal = random.normal(0, 1, (2, 96)).astype(np.float32)
        add(kind.name + ".rounded", gguf.quants.quantize(normal, kind), kind)
    add("vector", random_blocks(random, Type.Q8_0, 1, 2)[0], Type.Q8_0)
    add("stack", random_blocks(random, Type.Q4_0, 6, 2).reshape(2, 3, 36), Type.Q4_0)
    rows = np.arange(3 * 8 * 2, dtype=np.float32).reshape(24, 2)
    writer.add_tensor("permuted", rows.reshape(3, 2, 4, 2).swapaxes(1, 2).reshape(24, 2))
    writer.add_tensor("permuted.want", rows)
    writer.add_tensor("foreign", random.integers(0, 256, (1, 84), dtype=np.uint8), raw_dtype=Type.Q2_K)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_values(writer):
    """A key of each kind, and arrays."""
    writer.add_uint8("u8", 200)
    writer.add_int8("i8", -100)
    writer.add_uint16("u16", 60_000)
    writer.add_int16("i16", -30_000)
    writer.add_uint32("u32", 4_000_000_000)
    writer.add_int32("i32", -2_000_000_000)
    writer.add_uint64("u64", 2**63 + 1)
    writer.add_int64("i64", -2**62)
    writer.add_float32("f32", 0.1)
    writer.add_float64("f64", 0.1)
    writer.add_bool("bool", True)
    writer.add_string("string", "Grüße\n")
    writer.add_array("strings", ["a", "", "ü"])
    writer.add_array("ints", [-1, 0, 2**31 - 1])
    writer.add_array("floats", [0.5, -0.25])
    writer.add_array("bools", [True, False])


if __name__ == "__main__":
    main()
