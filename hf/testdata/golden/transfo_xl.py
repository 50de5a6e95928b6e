"""Makes the golden checkpoints of Transformer-XL, and what transformers 4 computes with them. transformers 5 does not have the class.

    .venv/bin/python hf/testdata/golden/transfo_xl.py [FOLDER…]

README.md has the format. Of transformers 4.57 every forward pass fails: it calls type_as with a keyword that PyTorch's method does not
have. The method that is put in its place below takes it.
"""

import json
import pathlib
import sys
import zlib

import torch
import transformers as t
from safetensors.torch import save_file

import checkpoints
import compute

HERE = pathlib.Path(__file__).resolve().parent
SEGMENT = 40  # tokens of the first segment of the case segments
BIASES = ("r_w_bias", "r_r_bias")
BIAS_SPREAD = 0.5
PROJECTION_SPREAD = 0.3
STEPS = 20

BASE = dict(vocab_size=checkpoints.VOCAB, d_model=checkpoints.WIDTH, d_embed=checkpoints.WIDTH, n_head=checkpoints.HEADS, d_head=8,
            d_inner=checkpoints.HIDDEN, n_layer=2, cutoffs=[], div_val=1, mem_len=24, clamp_len=16)

type_as = torch.Tensor.type_as
torch.Tensor.type_as = lambda self, other=None, dtype=None: self.to(dtype) if other is None else type_as(self, other)


def transfo_xl():
    return t.TransfoXLLMHeadModel, t.TransfoXLConfig(**BASE | dict(n_layer=3, tie_word_embeddings=False))


def transfo_xl_whole():
    """Norms before the branches, one pair of biases for all layers, every distance told apart, and tokens that see their whole segment."""
    settings = dict(pre_lnorm=True, untie_r=False, clamp_len=-1, same_length=False)
    return t.TransfoXLLMHeadModel, t.TransfoXLConfig(**BASE | settings)


def transfo_xl_plain():
    return t.TransfoXLModel, t.TransfoXLConfig(**BASE | dict(n_layer=1, d_head=16, n_head=2))


def transfo_xl_classify():
    return t.TransfoXLForSequenceClassification, t.TransfoXLConfig(**BASE | dict(n_layer=1), **checkpoints.LABELS, pad_token_id=0)


def transfo_xl_adaptive():
    """As transfo-xl-wt103: shorter vectors for rarer tokens, all weights but the first projection shared with the softmax."""
    return t.TransfoXLLMHeadModel, t.TransfoXLConfig(**BASE | dict(cutoffs=[20, 50], div_val=4))


def transfo_xl_clusters():
    """Clusters of one table, whose vectors are shorter than the model is wide. One projection of the embedding, one of the softmax."""
    return t.TransfoXLLMHeadModel, t.TransfoXLConfig(**BASE | dict(n_layer=1, cutoffs=[30, 31], d_embed=24))


def transfo_xl_softmax():
    """A softmax that shares nothing with the embedding but the projection of the last cluster."""
    settings = dict(n_layer=1, cutoffs=[11, 60], div_val=2, d_embed=24, tie_word_embeddings=False, tie_projs=[False, False, True])
    return t.TransfoXLLMHeadModel, t.TransfoXLConfig(**BASE | settings)


FOLDERS = (transfo_xl, transfo_xl_whole, transfo_xl_plain, transfo_xl_classify, transfo_xl_adaptive, transfo_xl_clusters, transfo_xl_softmax)
GENERATES = (transfo_xl, transfo_xl_adaptive)


def draw(make):
    """The model that make describes, with drawn weights. Queries and keys are drawn wider, as in checkpoints.py; they lie in one tensor."""
    kind, config = make()
    model = kind(config).eval()
    generator = torch.Generator().manual_seed(zlib.crc32(make.__name__.encode()))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            drawn = torch.randn(weight.shape, generator=generator)
            if name.endswith(BIASES):
                drawn *= BIAS_SPREAD
            elif weight.dim() == 1:
                drawn = weight + checkpoints.NOISE * drawn
            elif "_projs" in name:
                drawn *= PROJECTION_SPREAD
            elif "emb_layers" in name or "cluster_weight" in name:
                drawn *= checkpoints.EMBEDDING_SPREAD
            else:
                drawn *= checkpoints.SPREAD
            if name.endswith("qkv_net.weight"):
                drawn[: 2 * weight.shape[0] // 3] *= checkpoints.PEAKED_SPREAD / checkpoints.SPREAD
            weight.copy_(drawn)
        for name, bias in model.named_parameters():
            if "out_layers" in name and name.endswith("bias"):
                bias.copy_(0.5 * torch.randn(bias.shape, generator=generator))
    return model


def cases(config):
    """The cases, long ones before short ones. The sequences of segments are read in two parts, the second with the memory of the first."""
    made = [
        compute.case("len77", [77], compute.spread_rows, config, 77),
        compute.case("len33", [33], compute.quarter_rows, config, 33),
        compute.case("len7", [7], compute.every_row, config, 7),
    ]
    return made


def run(model, ids, mems=None):
    with torch.no_grad():
        return model(input_ids=ids, mems=mems, output_hidden_states=True)


def pick(out, rows):
    """The kept rows of hidden states and of log-probabilities, by name."""
    outputs = {f"hidden.{i}": compute.pick(x, rows) for i, x in enumerate(out.hidden_states)}
    if "prediction_scores" in out:
        outputs["logprobs"] = compute.pick(out.prediction_scores, rows)
    elif "logits" in out:
        outputs["logits"] = out.logits
    return outputs


def run_all(model, made):
    outputs = {}
    for case in made:
        found = pick(run(model, case["inputs"]["ids"]), case["rows"])
        outputs |= {f"{case['name']}.{name}": x for name, x in found.items()}
    return outputs


def segments(model, config):
    """Two segments of one text: the rows of the second, and its log-probabilities and hidden states."""
    ids, _ = compute.draw_ids([SEGMENT + 33], config.vocab_size, 0, 73)
    first = run(model, ids[:, :SEGMENT])
    second = run(model, ids[:, SEGMENT:], first.mems)
    return {"segments.ids": ids} | {f"segments.{name}": x for name, x in pick(second, [compute.quarter_rows(33)]).items()}


def greedy(model, seed):
    prompt, _ = compute.draw_ids([compute.PROMPT], model.config.vocab_size, 0, seed)
    out = run(model, prompt)
    tokens, margin = [], float("inf")
    for _ in range(STEPS):
        best = out.prediction_scores[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        tokens.append(int(best.indices[0]))
        out = run(model, best.indices[:1][None], out.mems)
    return prompt[0].tolist(), tokens, margin


def generate(model):
    for seed in range(1000, 1040):
        prompt, tokens, margin = greedy(model, seed)
        if margin > compute.MARGIN and len(set(tokens)) >= 6 and min(tokens) >= compute.FIRST_ID:
            return {"prompt": prompt, "tokens": tokens, "margin": round(margin, 6)}
    raise SystemExit("no seed gives greedy tokens with a lead")


def score(model, case):
    """transformers' own loss of a text, in nats."""
    ids = case["inputs"]["ids"]
    with torch.no_grad():
        losses = model(input_ids=ids, labels=ids.clone()).losses
    return {"case": case["name"], "predicted": ids.shape[1] - 1, "nats": round(float(losses.mean()), 9)}


def load(folder, dtype=torch.float64):
    kind = getattr(t, json.loads((folder / "config.json").read_text())["architectures"][0])
    model, info = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32)
    if info["mismatched_keys"]:
        raise SystemExit(f"{folder.name}: {info}")
    return model.to(dtype).eval()


def make_folder(make):
    """Writes a checkpoint and its golden. Returns the difference of float32, and of the model before it was saved."""
    folder = HERE / make.__name__
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    drawn = draw(make)
    drawn.save_pretrained(folder, safe_serialization=drawn.config.untie_r)  # biases that layers share are not safe to transformers
    model = load(folder)
    config, made = model.config, cases(model.config)
    versions = {"torch": torch.__version__.split("+")[0], "transformers": t.__version__}
    names = ["embedding"] + [f"layer {i}" for i in range(config.n_layer)]
    golden = {"format": 1, "class": type(model).__name__, "versions": versions, "hidden": names}
    with compute.in_float64():
        outputs = run_all(model, made)
        saved = compute.difference(run_all(drawn.double(), made), outputs)
        parts = segments(model, config)
        if make in GENERATES:
            golden["generate"] = generate(model)
        if hasattr(model, "crit"):
            golden["score"] = score(model, made[0])
    single = compute.difference(outputs, run_all(load(folder, torch.float32), made))
    inputs = {f"{c['name']}.{key}": x for c in made for key, x in c["inputs"].items()}
    inputs["segments.ids"] = parts.pop("segments.ids")
    save_file(inputs | {key: x.float().contiguous() for key, x in (outputs | parts).items()}, folder / "golden.safetensors")
    golden["cases"] = [{key: x for key, x in c.items() if key != "inputs"} | {"inputs": list(c["inputs"])} for c in made]
    golden["segments"] = {"first": SEGMENT, "rows": compute.quarter_rows(33)}
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    return single, saved


def main():
    torch.set_num_threads(1)
    t.logging.set_verbosity_error()
    t.logging.disable_progress_bar()
    for make in FOLDERS:
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        single, saved = make_folder(make)
        kilobytes = sum(f.stat().st_size for f in (HERE / make.__name__).iterdir()) / 1000
        print(f"{make.__name__:26} {kilobytes:6.1f} kB  float32 {single:.1e}  before saving {saved:.1e}", flush=True)


if __name__ == "__main__":
    main()
