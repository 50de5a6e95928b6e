"""What a peer is asked to compute, and how a pass of it is made ready."""

import dataclasses

import torch

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}


@dataclasses.dataclass(frozen=True)
class Shape:
    """An attention of one sequence. The fields are the flags of "longspan bench attention"."""

    tokens: int
    heads: int = 8
    kv_heads: int = 0  # 0: as many as heads
    head_dim: int = 64
    causal: bool = False
    step: str = "forward"  # the flag --pass: forward, backward (alone) or decode (one query against tokens keys)
    dtype: str = "f32"

    def flags(self):
        flags = ["--tokens", self.tokens, "--heads", self.heads, "--kv-heads", self.kv_heads or self.heads]
        flags += ["--head-dim", self.head_dim, "--pass", self.step, "--dtype", self.dtype]
        return [str(x) for x in flags] + (["--causal"] if self.causal else [])

    def __str__(self):
        kv = f" over {self.kv_heads}" if self.kv_heads else ""
        return f"T={self.tokens:,} H={self.heads}{kv} D={self.head_dim}"


@dataclasses.dataclass(frozen=True)
class Step:
    """A training step. The fields are the flags of "longspan bench train"."""

    tokens: int
    layers: int
    sequences: int = 1
    dtype: str = "f32"  # or bf16, or pure-bf16, which is the peer's alone: ours keeps weights in f32 then too

    step = "train"
    causal = False

    def flags(self):
        flags = ["--tokens", self.tokens, "--layers", self.layers, "--sequences", self.sequences]
        return [str(x) for x in flags] + ["--dtype", self.dtype.removeprefix("pure-")]

    def __str__(self):
        return f"T={self.tokens:,}, {self.layers} layers"


@dataclasses.dataclass(frozen=True)
class Encoder:
    """A pass of a whole encoder over one sequence; ../summaries has the models. The fields are settings of "longspan bench train"."""

    tokens: int
    layers: int = 3
    width: int = 128
    heads: int = 2
    hidden: int = 512
    vocab: int = 8192
    step: str = "forward"  # or step: a training step
    dtype: str = "f32"

    def flags(self):
        settings = [f"{name}={getattr(self, name)}" for name in ("layers", "width", "heads", "hidden", "vocab")]
        flags = ["--tokens", self.tokens, "--pass", self.step, "--dtype", self.dtype]
        return [str(x) for x in flags] + [x for s in settings for x in ("--set", s)]


def inputs(s):
    """Random q, k and v, each [1, H, T, D] and contiguous."""
    generator = torch.Generator().manual_seed(1)
    sizes = [(1, heads, s.tokens, s.head_dim) for heads in (s.heads, s.kv_heads or s.heads, s.kv_heads or s.heads)]
    return [torch.randn(size, generator=generator).to(DTYPES[s.dtype]) for size in sizes]


def timed(s, f, *tensors):
    """The pass of f(*tensors) as a function to time. The forward pass keeps nothing for a backward pass; the backward pass is
    timed alone, all gradients of one forward pass that is run once."""
    if s.step == "backward":
        leaves = [x.requires_grad_() for x in tensors]
        out = f(*leaves)
        dout = torch.randn_like(out)
        return lambda: torch.autograd.grad(out, leaves, dout, retain_graph=True)

    def forward():
        with torch.no_grad():
            f(*tensors)

    return forward
