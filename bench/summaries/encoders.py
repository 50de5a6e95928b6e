"""Encoders of our shapes in PyTorch. Each function of a shape makes a pass for ../peers/worker.py."""

import torch
from torch.nn import functional

from steps import trained

CLASSES = 2


def materialised(q, k, v):
    """Softmax attention whose [H, T, T] scores are in memory."""
    return torch.softmax((q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2), dim=-1) @ v


def rotated(x, cos, sin):
    """Rotary positions."""
    a, b = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-b, a), dim=-1) * sin


class Block(torch.nn.Module):
    """A layer with its norms inside the residual branches, and without biases, as ours."""

    def __init__(self, s, attend):
        super().__init__()
        self.heads, self.attend = s.heads, attend
        self.norm1, self.norm2 = torch.nn.LayerNorm(s.width), torch.nn.LayerNorm(s.width)
        self.qkv, self.out = torch.nn.Linear(s.width, 3 * s.width, bias=False), torch.nn.Linear(s.width, s.width, bias=False)
        self.up, self.down = torch.nn.Linear(s.width, s.hidden, bias=False), torch.nn.Linear(s.hidden, s.width, bias=False)

    def forward(self, x, cos, sin):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        q, k = rotated(q, cos, sin).to(v.dtype), rotated(k, cos, sin).to(v.dtype)
        x = x + self.out(self.attend(q, k, v).transpose(1, 2).reshape(x.shape))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


class Encoder(torch.nn.Module):
    """Called with tokens it returns the logits of their tags."""

    def __init__(self, s, attend):
        super().__init__()
        self.embedding = torch.nn.Embedding(s.vocab, s.width)
        self.blocks = torch.nn.ModuleList([Block(s, attend) for _ in range(s.layers)])
        self.norm, self.head = torch.nn.LayerNorm(s.width), torch.nn.Linear(s.width, CLASSES, bias=False)
        depth = s.width // s.heads
        angles = torch.arange(s.tokens)[:, None] * 10000.0 ** (-torch.arange(0, depth, 2) / depth)
        self.register_buffer("cos", angles.cos().repeat(1, 2))
        self.register_buffer("sin", angles.sin().repeat(1, 2))

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return self.head(self.norm(x))


class Loss(torch.nn.Module):
    """The mean cross-entropy over the tokens."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens, targets):
        return functional.cross_entropy(self.model(tokens).float().flatten(0, 1), targets.flatten())


def made(s, model):
    """The pass of a model as a function to time: a training step, or a prediction that keeps nothing for a backward pass."""
    tokens = torch.randint(1, s.vocab, (1, s.tokens))
    if s.step == "step":
        return trained(s, Loss(model), tokens, torch.randint(CLASSES, tokens.shape), False)
    model.eval()

    def forward():
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=s.dtype == "bf16"):
            model(tokens)

    forward.weights = sum(p.numel() for p in model.parameters())
    return forward


def eager(s):
    return made(s, Encoder(s, materialised))


def fused(s):
    return made(s, Encoder(s, functional.scaled_dot_product_attention))
