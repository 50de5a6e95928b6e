"""Training steps: forward, backward, clipping by the norm of the gradient, AdamW. The models have the sizes of longspan bench train."""

import torch
from torch.nn import functional

from shape import DTYPES

VOCAB, WIDTH, HEADS, POSITIONS = 50257, 768, 12, 2048
LONGFORMER_VOCAB, LONGFORMER_POSITIONS, ONE_SIDE = 50265, 4096, 256


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(WIDTH), torch.nn.LayerNorm(WIDTH)
        self.qkv, self.out = torch.nn.Linear(WIDTH, 3 * WIDTH), torch.nn.Linear(WIDTH, WIDTH)
        self.up, self.down = torch.nn.Linear(WIDTH, 4 * WIDTH), torch.nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        batch, tokens, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, tokens, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(x.shape))
        return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT2(torch.nn.Module):
    """GPT-2 with its head tied to the embedding. Called with tokens and targets it returns the loss."""

    def __init__(self, layers):
        super().__init__()
        self.embedding, self.positions = torch.nn.Embedding(VOCAB, WIDTH), torch.nn.Embedding(POSITIONS, WIDTH)
        self.blocks = torch.nn.ModuleList([Block() for _ in range(layers)])
        self.norm = torch.nn.LayerNorm(WIDTH)
        for table in (self.embedding, self.positions):
            torch.nn.init.normal_(table.weight, std=0.02)

    def forward(self, tokens, targets):
        x = self.embedding(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = functional.linear(self.norm(x), self.embedding.weight)
        return functional.cross_entropy(logits.view(-1, VOCAB), targets.view(-1))


class LongformerClassifier(torch.nn.Module):
    """transformers' LongformerModel with a linear layer on its first token, which is global."""

    def __init__(self, layers):
        super().__init__()
        from transformers import LongformerConfig, LongformerModel

        config = LongformerConfig(
            vocab_size=LONGFORMER_VOCAB, hidden_size=WIDTH, num_hidden_layers=layers, num_attention_heads=HEADS, intermediate_size=4 * WIDTH,
            attention_window=[2 * ONE_SIDE] * layers, max_position_embeddings=LONGFORMER_POSITIONS + 2, type_vocab_size=1,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, pad_token_id=1,
        )
        self.model = LongformerModel(config, add_pooling_layer=False)
        self.head = torch.nn.Linear(WIDTH, 2)

    def forward(self, tokens, labels):
        is_global = torch.zeros_like(tokens)
        is_global[:, 0] = 1
        hidden = self.model(tokens, global_attention_mask=is_global).last_hidden_state
        return functional.cross_entropy(self.head(hidden[:, 0]), labels)


def trained(s, model, tokens, targets, compiled):
    """A step as a function to time. The type bf16 is autocast over weights in f32; pure-bf16 has weights and optimiser in bf16 too."""
    autocast = s.dtype == "bf16"
    model = model.train() if autocast else model.to(DTYPES[s.dtype.removeprefix("pure-")]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    loss_of = torch.compile(model) if compiled else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = loss_of(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimizer.step()

    step.weights = sum(p.numel() for p in model.parameters())
    return step


def gpt2(s, compiled=False):
    size = (s.sequences, s.tokens)
    return trained(s, GPT2(s.layers), torch.randint(VOCAB, size), torch.randint(VOCAB, size), compiled)


def gpt2_compiled(s):
    return gpt2(s, compiled=True)


def longformer(s):
    tokens = torch.randint(2, LONGFORMER_VOCAB, (s.sequences, s.tokens))  # 1 is padding
    return trained(s, LongformerClassifier(s.layers), tokens, torch.randint(2, (s.sequences,)), False)
