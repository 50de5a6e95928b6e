"""transformers' BigBird. Each function of a shape makes a pass for ../peers/worker.py."""

import torch
from transformers import BigBirdConfig
from transformers.models.big_bird.modeling_big_bird import BigBirdModel

from encoders import CLASSES, made

BLOCK, RANDOM = 64, 3  # the window is three blocks, and the global blocks are the first and the last


class BigBird(torch.nn.Module):
    """transformers' BigBirdModel with a linear layer on each token."""

    def __init__(self, s):
        super().__init__()
        self.body = BigBirdModel(BigBirdConfig(
            vocab_size=s.vocab, hidden_size=s.width, num_hidden_layers=s.layers, num_attention_heads=s.heads, intermediate_size=s.hidden,
            max_position_embeddings=s.tokens, block_size=BLOCK, num_random_blocks=RANDOM, attention_type="block_sparse", hidden_act="gelu",
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        ), add_pooling_layer=False)
        self.head = torch.nn.Linear(s.width, CLASSES)

    def forward(self, tokens):
        hidden = self.body(tokens).last_hidden_state
        if self.body.attention_type != "block_sparse":
            raise SystemExit(f"BigBird went to full attention: {tokens.shape[1]} tokens are too few for its blocks")
        return self.head(hidden)


def bigbird(s):
    """As its user has it. A training step draws random blocks; a prediction draws none, and block 0 stands for each."""
    return made(s, BigBird(s))


def bigbird_undrawn(s):
    """A training step without the time to draw random blocks: the layers are in their evaluation mode, without dropout in either."""
    model = BigBird(s)
    step = made(s, model)
    model.eval()
    return step
