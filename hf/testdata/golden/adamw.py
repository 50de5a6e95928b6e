"""Three steps of AdamW by PyTorch from golden checkpoints: adamw/FOLDER.safetensors and adamw/adamw.json.

    .venv/bin/python hf/testdata/golden/adamw.py [FOLDER…]

Run it after gen.py and seq2seq.py, with the same environment. Everything is float64. There is no dropout. With folders it makes these anew
and leaves the others.
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

import compute
import gen

HERE = pathlib.Path(__file__).resolve().parent
FOLDERS = ("modernbert", "longformer", "llama", "led", "bart", "t5")
WITH_GRADIENTS = ("bart", "t5")  # in place of the movements with clipping
LENGTHS = [33, 20]
TARGETS = [11, 7]  # of an encoder-decoder
STEPS = 3
LR = 1e-3
BETAS = (0.9, 0.98)
EPS = 1e-6  # of BERT's and Longformer's recipes. The true gradient of a bias of keys is 0, and 1e-8 would make steps of its rounding
SMALL = {"lr": 1e-4, "eps": 1e-5}  # of these, whose third gradient changes by a thousandth where longer steps differ by their rounding
DECAY = 0.05
CLIP = 0.25
IGNORE = -100


def batch(config):
    """The inputs and targets of a step, under transformers' names."""
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    ids, mask = compute.draw_ids(LENGTHS, config.vocab_size, pad, 1)
    inputs = {"input_ids": ids, "attention_mask": mask}
    if config.model_type in ("longformer", "led"):
        inputs["global_attention_mask"] = compute.mark_global(ids, [[0, 5], [0, 5]])
    if config.is_encoder_decoder:
        targets, shown = compute.draw_ids(TARGETS, config.vocab_size, pad, 2)
        inputs["decoder_input_ids"], inputs["decoder_attention_mask"] = targets, shown
        labels = torch.where(shown == 1, torch.roll(targets, 3, 1), IGNORE)
        labels = torch.where(torch.roll(shown, 3, 1) == 1, labels, IGNORE)
    elif config.model_type == "llama":
        labels = torch.where(mask == 1, ids, IGNORE)  # transformers shifts them
    else:
        labels = torch.full_like(ids, IGNORE)
        labels[:, ::4] = torch.where(mask[:, ::4] == 1, (ids[:, ::4] * 7 + 3) % config.vocab_size, IGNORE)
    return inputs, labels


def shifted(config, labels):
    """The target of each token: of a decoder the next token."""
    if config.model_type != "llama":
        return labels
    return torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], IGNORE)], 1)


def decays(parameter):
    """Matrices decay: what has two dimensions of more than one element. Biases, norms and tables of one row do not."""
    return sum(n > 1 for n in parameter.shape) > 1


def steps_of(folder):
    return SMALL if folder in WITH_GRADIENTS else {"lr": LR, "eps": EPS}


def train(folder, clip):
    """The loss of each step, the norms of the gradient, how far the steps have moved each weight, and the first gradient."""
    model = gen.load(HERE / folder, "eager")
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    if model.config.is_encoder_decoder:  # whose masks are made in the default type
        torch.set_default_dtype(torch.float64)
    try:
        with compute.in_float64():
            losses, norms, gradient = run(model, clip, steps_of(folder))
    finally:
        torch.set_default_dtype(torch.float32)
    steps = {name: (p.detach() - before[name]).to(torch.float16).contiguous() for name, p in model.named_parameters()}
    return losses, norms, steps, gradient, model.config


def run(model, clip, steps):
    """The steps: their losses, the norms of the gradient before it is clipped, and the first gradient."""
    inputs, labels = batch(model.config)
    used = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([{"params": [p for p in used if decays(p)], "weight_decay": DECAY},
                                   {"params": [p for p in used if not decays(p)], "weight_decay": 0.0}], betas=BETAS, **steps)
    losses, norms, gradient = [], [], None
    for _ in range(STEPS):
        optimizer.zero_grad()
        logits = model(**inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), shifted(model.config, labels).flatten(), ignore_index=IGNORE)
        loss.backward()
        gradient = gradient or {name: p.grad.clone() for name, p in model.named_parameters()}
        norms.append(torch.nn.utils.clip_grad_norm_(used, clip or float("inf")).item())
        optimizer.step()
        losses.append(loss.item())
    return losses, norms, gradient


def quantised(gradient):
    """Tensors in steps of their largest element / 32767, with an error of 1.6e-5 of it, and these elements."""
    tops = {name: g.abs().max().item() for name, g in gradient.items()}
    steps = {f"gradient.{name}": (g / tops[name] * 32767).round().to(torch.int16).contiguous() for name, g in gradient.items()}
    return steps, tops


def main():
    """Movements are kept in float16, whose error is two thousandths of a step of the optimiser."""
    chosen = sys.argv[1:] or FOLDERS
    told = {"steps": STEPS, "lr": LR, "beta1": BETAS[0], "beta2": BETAS[1], "eps": EPS, "decay": DECAY, "clip": CLIP,
            "versions": gen.versions(), "folders": {}}
    if len(sys.argv) > 1:
        told["folders"] = json.loads((HERE / "adamw" / "adamw.json").read_text())["folders"]
    (HERE / "adamw").mkdir(exist_ok=True)
    for folder in chosen:
        losses, norms, moved, gradient, config = train(folder, None)
        inputs, labels = batch(config)
        kept = {f"moved.{name}": w for name, w in moved.items()}
        told["folders"][folder] = {"losses": losses, "norms": norms}
        if folder in WITH_GRADIENTS:
            told["folders"][folder] |= SMALL
            steps, told["folders"][folder]["gradients"] = quantised(gradient)
            kept |= steps
        else:
            clipped_losses, clipped_norms, clipped, _, _ = train(folder, CLIP)
            told["folders"][folder]["clipped"] = {"losses": clipped_losses, "norms": clipped_norms}
            kept |= {f"clipped.{name}": w for name, w in clipped.items()}
        kept |= {f"inputs.{name}": x for name, x in inputs.items()} | {"labels": shifted(config, labels)}
        save_file(kept, HERE / "adamw" / f"{folder}.safetensors", {"format": "pt"})
        print(folder, losses, norms, flush=True)
    gen.write_json(HERE / "adamw" / "adamw.json", told)


if __name__ == "__main__":
    main()
