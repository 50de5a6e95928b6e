"""What is compared with what."""

import dataclasses

from shape import Shape, Step


@dataclasses.dataclass(frozen=True)
class Case:
    peer: str  # module.function, which takes a Shape and returns a function to time
    title: str
    shape: Shape | Step
    ours: list  # flags of "longspan bench attention", or of "longspan bench train" for a Step, beside the shape's
    aim: float | None  # how many times as fast we mean to be; None: no aim
    ours_dtype: str = ""  # where ours stores another type than the peer

    @property
    def name(self):
        s = self.shape
        return f"{self.peer} {s.step}{' causal' if s.causal else ''} {s.dtype} T={s.tokens}"

    @property
    def trains(self):
        return isinstance(self.shape, Step)

    def flags(self):
        """The command of our side."""
        shape = dataclasses.replace(self.shape, dtype=self.ours_dtype or self.shape.dtype)
        return ["train" if self.trains else "attention", *self.ours, *shape.flags()]

    def divided(self, by):
        """The same over fewer tokens."""
        return dataclasses.replace(self, shape=dataclasses.replace(self.shape, tokens=self.shape.tokens // by))


def shapes(tokens, steps=("forward",), dtypes=("f32",), **rest):
    return [Shape(tokens=n, step=step, dtype=dtype, **rest) for n in tokens for step in steps for dtype in dtypes]


def steps(tokens, layers, dtypes):
    return [Step(tokens, layers, dtype=dtype) for dtype in dtypes]


def many(peer, title, ours, aim, list_of_shapes):
    return [Case(peer, title, s, ours, aim) for s in list_of_shapes]


BOTH = ("forward", "backward")
FULL = ["--mechanism", "full"]
WINDOW = ["--mechanism", "window(512)"]
GPT2 = ["--model", "gpt2"]
PRECISIONS = ("f32", "bf16", "pure-bf16")
LONGFORMER = ["--mechanism", "window(512) | global(0)"]

CASES = [
    *many("dense.sdpa", "PyTorch SDPA, full", FULL, 1.3, shapes([4096], BOTH, ("f32", "bf16")) + shapes([16384])),
    *many("dense.sdpa", "PyTorch SDPA, is_causal", FULL, 1.3, shapes([4096], BOTH, ("f32", "bf16"), causal=True)),
    *many("dense.sdpa", "PyTorch SDPA, is_causal", FULL, 1.3, shapes([16384], causal=True)),
    *many("dense.sdpa_window", "PyTorch SDPA, window mask", WINDOW, 1.3, shapes([4096], BOTH, heads=12)),
    *many("dense.sdpa_window", "PyTorch SDPA, window mask", WINDOW, 1.3, shapes([16384], heads=12)),
    *many("dense.flex_causal", "FlexAttention, causal", FULL, 1.5, shapes([4096], causal=True)),
    *many("dense.flex_window", "FlexAttention, window", WINDOW, 1.5, shapes([4096], BOTH, heads=12)),
    *many("dense.flex_window", "FlexAttention, window", WINDOW, 1.5, shapes([16384], dtypes=("f32", "bf16"), heads=12)),
    *many("sparse.longformer", "transformers Longformer", LONGFORMER, 5, shapes([4096], BOTH, heads=12)),
    *many("sparse.bigbird", "transformers BigBird", ["--mechanism", "bigbird"], 5, shapes([4096], BOTH, heads=12)),
    *many("sparse.nystromformer", "transformers Nyströmformer", ["--mechanism", "nystrom"], 5, shapes([4096], BOTH, heads=12)),
    *many("linear.performer", "performer-pytorch", ["--mechanism", "performer"], 2, shapes([16384], BOTH) + shapes([65536])),
    *many("linear.performer", "performer-pytorch, causal", ["--mechanism", "performer"], 2, shapes([16384], causal=True)),
    *many("linear.elu", "fast-transformers elu + 1", ["--mechanism", "elu"], 2, shapes([16384, 131072], BOTH)),
    *many("linear.elu", "fast-transformers elu + 1, causal", ["--mechanism", "elu"], 2, shapes([16384], BOTH, causal=True)),
    *many("llama.flash", "llama.cpp, full", FULL, None, shapes([4096])),
    Case("llama.flash", "llama.cpp, full; ours bf16", Shape(4096, dtype="f16"), FULL, None, "bf16"),
    *many("llama.flash", "llama.cpp, causal mask", FULL, None, shapes([4096], causal=True)),
    *many("llama.flash", "llama.cpp, one query", FULL, None, [Shape(131072, 32, 8, 128, step="decode", dtype="f16")]),
    *many("steps.gpt2", "PyTorch, GPT-2", GPT2, 1.3, steps(2048, 4, PRECISIONS)),
    *many("steps.gpt2_compiled", "PyTorch, GPT-2, compiled", GPT2, 1.3, steps(2048, 4, PRECISIONS)),
    *many("steps.longformer", "transformers Longformer", ["--model", "longformer"], 3, steps(4096, 4, PRECISIONS)),
]
