"""Models that transformers has no class for, written in PyTorch from the equations of their papers.

The tensors have the names that files on the hub have. from_pretrained and save_pretrained are those of transformers.
"""

import math

import torch
import transformers
from torch import nn
from torch.nn import functional


def block(**parts):
    """Modules by name, without a forward of their own."""
    module = nn.Module()
    for name, part in parts.items():
        module.add_module(name, part)
    return module


def heads_of(x, heads):
    """[B, T, H·D] as [B, H, T, D]."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def attend(q, k, v, mask, bias=None):
    """softmax(q·kᵀ/√D + bias)·v over the keys that are tokens (Vaswani et al. 2017, equation 1). q, k and v are [B, H, T, D]."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if bias is not None:
        scores = scores + bias
    if mask is not None:
        scores = scores.masked_fill(mask[:, None, None, :] == 0, -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(-2)


def turn(x):
    """Rotates the pairs (x_j, x_(j+D/2)) of each head by t·10000^(−2j/D) at position t (Su et al. 2021, equation 34)."""
    half = x.shape[-1] // 2
    frequencies = (1 / 10000 ** (torch.arange(half, dtype=torch.float64) / half)).float()  # rounded, as in all the goldens
    angles = torch.outer(torch.arange(x.shape[-2], dtype=x.dtype), frequencies.to(x.dtype))
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


class NucleotideLayer(nn.Module):
    """Pre-norm attention with rotary positions, and a SiLU gate without biases (Shazeer 2020, arXiv:2002.05202, SwiGLU)."""

    def __init__(self, config):
        super().__init__()
        width, hidden, bias = config.hidden_size, config.intermediate_size, config.add_bias_fnn
        self.heads = config.num_attention_heads
        own = block(query=nn.Linear(width, width), key=nn.Linear(width, width), value=nn.Linear(width, width))
        self.attention = block(self=own, output=block(dense=nn.Linear(width, width)), LayerNorm=nn.LayerNorm(width, config.layer_norm_eps))
        self.LayerNorm = nn.LayerNorm(width, config.layer_norm_eps)
        self.intermediate = block(dense=nn.Linear(width, 2 * hidden, bias))
        self.output = block(dense=nn.Linear(hidden, width, bias))

    def forward(self, x, mask):
        y, own = self.attention.LayerNorm(x), self.attention.self
        q, k, v = (heads_of(linear(y), self.heads) for linear in (own.query, own.key, own.value))
        x = x + self.attention.output.dense(attend(turn(q), turn(k), v, mask))
        gate, value = self.intermediate.dense(self.LayerNorm(x)).chunk(2, -1)
        return x + self.output.dense(functional.silu(gate) * value)


class NucleotideTransformer2(transformers.PreTrainedModel):
    """The second Nucleotide Transformer, a masked language model (Dalla-Torre et al. 2024, doi:10.1038/s41592-024-02523-z, Methods)."""

    config_class, base_model_prefix = transformers.EsmConfig, "esm"

    def __init__(self, config):
        super().__init__(config)
        width = config.hidden_size
        layers = nn.ModuleList(NucleotideLayer(config) for _ in range(config.num_hidden_layers))
        contacts = nn.Linear(config.num_hidden_layers * config.num_attention_heads, 1)
        self.esm = block(embeddings=block(word_embeddings=nn.Embedding(config.vocab_size, width)), contact_head=block(regression=contacts),
                         encoder=block(layer=layers, emb_layer_norm_after=nn.LayerNorm(width, config.layer_norm_eps)))
        self.lm_head = block(dense=nn.Linear(width, width), layer_norm=nn.LayerNorm(width, config.layer_norm_eps),
                             decoder=nn.Linear(width, config.vocab_size, False))
        self.lm_head.bias = nn.Parameter(torch.zeros(config.vocab_size))
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        x, head = self.esm.embeddings.word_embeddings(input_ids), self.lm_head
        for layer in self.esm.encoder.layer:
            x = layer(x, attention_mask)
        x = head.layer_norm(functional.gelu(head.dense(self.esm.encoder.emb_layer_norm_after(x))))
        return transformers.modeling_outputs.MaskedLMOutput(logits=head.decoder(x) + head.bias)


# The name of the class in code on the hub, by the class here.
ON_THE_HUB = {NucleotideTransformer2: "EsmForMaskedLM"}
# The class of a folder.
CLASSES = {"nucleotide2": NucleotideTransformer2}
