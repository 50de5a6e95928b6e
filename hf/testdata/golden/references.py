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


def slopes(heads):
    """2^(−8/n), 2^(−16/n) … 2^−8 for n = 2^k heads. For others those of the next lower 2^k, then every other one of the next higher
    (Press et al. 2021, arXiv:2108.12409, and the paper's program)."""
    power = 2 ** int(math.log2(heads))
    geometric = [2 ** (-8 * i / power) for i in range(1, power + 1)]
    return geometric + [2 ** (-4 * i / power) for i in range(1, 2 * (heads - power), 2)]


def distances(heads, length, dtype):
    """−m·|i − j| for each head, [H, T, T]: ALiBi to both sides (Günther et al. 2023, arXiv:2310.19923, equation 1)."""
    places = torch.arange(length, dtype=dtype)
    return -torch.tensor(slopes(heads), dtype=dtype)[:, None, None] * (places[:, None] - places).abs()


class DistanceLayer(nn.Module):
    """Post-norm attention with ALiBi, and a GELU gate with a bias behind it alone (Shazeer 2020, arXiv:2002.05202, GEGLU)."""

    def __init__(self, config):
        super().__init__()
        width, hidden, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.heads = config.num_attention_heads
        self.packed = hasattr(config, "alibi_starting_size")
        own = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        if self.packed:
            own = {"Wqkv": nn.Linear(width, 3 * width)}
        self.attention = block(self=block(**own), output=block(dense=nn.Linear(width, width), LayerNorm=nn.LayerNorm(width, eps)))
        self.mlp = block(gated_layers=nn.Linear(width, 2 * hidden, False), wo=nn.Linear(hidden, width), layernorm=nn.LayerNorm(width, eps))

    def forward(self, x, mask):
        own, output = self.attention.self, self.attention.output
        qkv = own.Wqkv(x).chunk(3, -1) if self.packed else (own.query(x), own.key(x), own.value(x))
        attended = attend(*(heads_of(y, self.heads) for y in qkv), mask, distances(self.heads, x.shape[1], x.dtype))
        x = output.LayerNorm(x + output.dense(attended))
        gate, value = self.mlp.gated_layers(x).chunk(2, -1)
        return self.mlp.layernorm(x + self.mlp.wo(functional.gelu(gate) * value))


class DistanceBert(transformers.PreTrainedModel):
    """BERT with ALiBi, a masked language model: Jina's (Günther et al. 2023, arXiv:2310.19923, section 3), and with packed projections
    DNABERT-2 (Zhou et al. 2023, arXiv:2306.15006, section 3.2)."""

    config_class, base_model_prefix = transformers.BertConfig, "bert"

    def __init__(self, config):
        super().__init__(config)
        width, eps = config.hidden_size, config.layer_norm_eps
        tables = {"word_embeddings": nn.Embedding(config.vocab_size, width),
                  "token_type_embeddings": nn.Embedding(config.type_vocab_size, width)}
        layers = nn.ModuleList(DistanceLayer(config) for _ in range(config.num_hidden_layers))
        self.bert = block(embeddings=block(**tables, LayerNorm=nn.LayerNorm(width, eps)), encoder=block(layer=layers),
                          pooler=block(dense=nn.Linear(width, width)))
        self.make_head(config)
        self.post_init()

    def make_head(self, config):
        width = config.hidden_size
        transform = block(dense=nn.Linear(width, width), LayerNorm=nn.LayerNorm(width, config.layer_norm_eps))
        self.cls = block(predictions=block(transform=transform))
        owner = self.cls.predictions
        if hasattr(config, "alibi_starting_size"):  # as in the files of DNABERT-2, whose head's other name is that of its layer
            owner.decoder = owner = nn.Module()
        owner.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def body(self, input_ids, attention_mask, token_type_ids):
        tables = self.bert.embeddings
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        x = tables.LayerNorm(tables.word_embeddings(input_ids) + tables.token_type_embeddings(types))
        for layer in self.bert.encoder.layer:
            x = layer(x, attention_mask)
        return x

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        head = self.cls.predictions
        x = self.body(input_ids, attention_mask, token_type_ids)
        x = head.transform.LayerNorm(functional.gelu(head.transform.dense(x)))
        bias = head.decoder.bias if hasattr(head, "decoder") else head.bias
        return transformers.modeling_outputs.MaskedLMOutput(logits=x @ self.bert.embeddings.word_embeddings.weight.T + bias)


class DistanceBertForSequenceClassification(DistanceBert):
    """The same with classes, read at the first token behind a pooler."""

    def make_head(self, config):
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        first = self.body(input_ids, attention_mask, token_type_ids)[:, 0]
        logits = self.classifier(self.bert.pooler.dense(first).tanh())
        return transformers.modeling_outputs.SequenceClassifierOutput(logits=logits)


# The class of a folder, and the name of the class in code on the hub.
CLASSES = {"nucleotide2": NucleotideTransformer2, "jina2": DistanceBert, "jina2_classify": DistanceBertForSequenceClassification,
           "dnabert2": DistanceBert}
ON_THE_HUB = {"nucleotide2": "EsmForMaskedLM", "jina2": "JinaBertForMaskedLM", "jina2_classify": "JinaBertForSequenceClassification",
              "dnabert2": "BertForMaskedLM"}
