"""One layer of attention in PyTorch: sdpa.py TOKENS HEADS DIMENSION DTYPE THREADS. It prints the seconds of a pass.

A pass over 4,096 tokens comes before, to warm up.
"""

import sys
import time

import torch

WARM = 4096  # tokens


def layer(tokens, heads, dimension, dtype):
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(1, heads, tokens, dimension, generator=generator).to(dtype) for _ in range(3))
    began = time.perf_counter()
    with torch.inference_mode():
        torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return time.perf_counter() - began


def main():
    tokens, heads, dimension, dtype, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    settings = int(heads), int(dimension), {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    layer(WARM, *settings)
    print(layer(int(tokens), *settings))


if __name__ == "__main__":
    main()
