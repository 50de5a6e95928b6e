"""Makes the golden checkpoints of encoder-decoders, and what transformers 4 computes with them. Under transformers 5 it adds
config_v5.json, and checks that 5 computes the golden.

    .venv/bin/python hf/testdata/golden/seq2seq.py [FOLDER…] && .venv5/bin/python hf/testdata/golden/seq2seq.py [FOLDER…]

README.md has the format. A checkpoint is a function that returns the class and the config, as in checkpoints.py.
"""

import contextlib
import json
import pathlib
import shutil
import sys
import tempfile
import zlib

import torch
import transformers as t
from safetensors import safe_open
from safetensors.torch import save_file

import checkpoints
import compute

HERE = pathlib.Path(__file__).resolve().parent
ROUNDING = 2.0**-22  # the golden is rounded to float32
BIAS_SPREAD = 0.2  # of final_logits_bias, which is 0 in a new model
BRANCH_GAIN = 3  # times the weights that end a branch of the decoder: else a tied head repeats the token that it has read
BRANCH_ENDS = ("out_proj.weight", "fc2.weight", ".o.weight", ".wo.weight")
STEPS = 20
WRITTEN = 12  # the largest number of tokens

SIDES = dict(vocab_size=checkpoints.VOCAB, d_model=checkpoints.WIDTH, encoder_layers=2, decoder_layers=2,
             encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=40, decoder_ffn_dim=24)
T5 = checkpoints.T5 | dict(decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
ONE = dict(num_layers=1)
V11 = T5 | dict(num_heads=2, d_kv=24, feed_forward_proj="gated-gelu", tie_word_embeddings=False, relative_attention_num_buckets=12,
                relative_attention_max_distance=40)
BART = SIDES | dict(max_position_embeddings=211)


def bart():
    return t.BartForConditionalGeneration, t.BartConfig(**BART, forced_bos_token_id=0)


def bart_plain():
    """No head, other numbers of heads on the two sides, scaled embeddings."""
    small = dict(encoder_layers=1, decoder_layers=1, decoder_attention_heads=2, max_position_embeddings=83)
    return t.BartModel, t.BartConfig(**BART | small, activation_function="relu", scale_embedding=True)


def mbart():
    return t.MBartForConditionalGeneration, t.MBartConfig(**BART, scale_embedding=True, decoder_start_token_id=3)


def led():
    positions = dict(max_encoder_position_embeddings=211, max_decoder_position_embeddings=83)
    return t.LEDForConditionalGeneration, t.LEDConfig(**SIDES | positions | dict(decoder_ffn_dim=16), attention_window=[8, 16])


def pegasus():
    return t.PegasusForConditionalGeneration, t.PegasusConfig(**SIDES | dict(max_position_embeddings=211, decoder_ffn_dim=16),
                                                             scale_embedding=True, forced_bos_token_id=4)


def bigbird_pegasus():
    """Up to 28 tokens are seen whole."""
    config = t.BigBirdPegasusConfig(**BART, block_size=4, num_random_blocks=1)
    return t.BigBirdPegasusForConditionalGeneration, config


def bigbird_pegasus_plain():
    small = dict(encoder_layers=1, decoder_layers=1, decoder_attention_heads=2, max_position_embeddings=83)
    config = t.BigBirdPegasusConfig(**BART | small, attention_type="original_full", use_bias=True, scale_embedding=False)
    return t.BigBirdPegasusModel, config


def t5():
    """T5's first models: relu, and a tied head that reads the hidden states times width^-0.5."""
    return t.T5ForConditionalGeneration, t.T5Config(**T5, num_decoder_layers=1)


def t5v11():
    """T5 v1.1: gated-gelu and a head of its own. Twelve buckets up to a distance of 40."""
    return t.T5ForConditionalGeneration, t.T5Config(**V11)


def longt5():
    return t.LongT5ForConditionalGeneration, t.LongT5Config(**V11, local_radius=9)


def longt5_summaries():
    """Blocks of 8: 77 tokens have 9 blocks, the last of 13; 7 have none."""
    return t.LongT5ForConditionalGeneration, t.LongT5Config(**V11, local_radius=9, global_block_size=8,
                                                            encoder_attention_type="transient-global")


def mt5():
    return t.MT5ForConditionalGeneration, t.MT5Config(**T5 | ONE, feed_forward_proj="gated-gelu", tie_word_embeddings=False)


def umt5():
    """A table of distances in each layer of both sides; tied, and the hidden states that the head reads are scaled."""
    return t.UMT5ForConditionalGeneration, t.UMT5Config(**T5)


# Folders with the cases and outputs of a whole family, and those that show one more setting.
FAMILIES = (bart, mbart, led, pegasus, bigbird_pegasus, t5, t5v11, longt5, longt5_summaries)
VARIANTS = (bart_plain, bigbird_pegasus_plain, mt5, umt5)


@contextlib.contextmanager
def in_float64():
    """compute.in_float64, and masks that are made in the default type: LED's."""
    torch.set_default_dtype(torch.float64)
    try:
        with compute.in_float64():
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def draw(make):
    model = checkpoints.draw(make, zlib.crc32(make.__name__.encode()))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "decoder" in name and name.endswith(BRANCH_ENDS):
                weight.mul_(BRANCH_GAIN)
    for module in model.modules():
        if type(module).__name__.endswith("SinusoidalPositionalEmbedding"):
            module._init_weight()
    for name, buffer in model.named_buffers():
        if name == "final_logits_bias":
            buffer.copy_(BIAS_SPREAD * torch.randn(buffer.shape, generator=generator))
    return model


def case(name, lengths, targets, rows, config, seed, **options):
    """A case: source ids and target ids, side by side and padded at their ends, and the rows of both that are kept."""
    ids, mask = compute.draw_ids(lengths, config.vocab_size, config.pad_token_id, seed)
    starts, _ = compute.draw_ids(targets, config.vocab_size, config.pad_token_id, seed + 1000)
    starts[:, 0] = config.decoder_start_token_id
    inputs = {"ids": ids, "targets": starts}
    if len(lengths) > 1:
        inputs["mask"] = mask
    if "globals" in options:
        inputs["globals"] = compute.mark_global(ids, options["globals"])
    return {"name": name, "lengths": targets, "source_lengths": lengths, "rows": [rows(n) for n in targets],
            "source_rows": [rows(n) for n in lengths], "inputs": inputs}


def cases(config, whole):
    """The cases of a folder, long ones before short ones. A variant has fewer."""
    padded = [34, 36, 33] if config.model_type == "bigbird_pegasus" else [20, 33, 7]  # sequences of a BigBird end in one block
    made = [
        case("len77", [77], [21], compute.spread_rows, config, 77, **global_options(config, [[0, 38, 75]])),
        case("len7", [7], [5], compute.every_row, config, 7),
        case("padded", padded, [9, 5, 12], compute.few_rows, config, 60, **global_options(config, [[0, 19], [3], []])),
    ]
    if whole:
        made.insert(0, case("len200", [200], [40], compute.spread_rows, config, 200))
    return made


def global_options(config, places):
    return {"globals": places} if config.model_type == "led" else {}


def arguments(inputs):
    names = {"ids": "input_ids", "targets": "decoder_input_ids", "mask": "attention_mask", "globals": "global_attention_mask"}
    return {names[name]: x for name, x in inputs.items()}


def sides(model):
    """The layers of the encoder and of the decoder, each with its last norm or None."""
    base = getattr(model, "model", model.base_model)
    last = "layernorm_embedding" if model.config.model_type == "bigbird_pegasus" else "layer_norm"
    found = []
    for side in (base.encoder, base.decoder):
        layers = getattr(side, "layers", None) or side.block
        found.append((layers, getattr(side, last, None) or getattr(side, "final_layer_norm", None)))
    return found


def record(part, into):
    """Hooks that keep the hidden states of a side: what enters layer 0, what leaves each layer, and what leaves the last norm."""
    layers, norm = part

    def enter(_, args, kwargs):
        into.clear()
        into.append(args[0] if args else kwargs["hidden_states"])

    def leave(_, args, out):
        into.append(out[0] if isinstance(out, tuple) else out)

    hooks = [layers[0].register_forward_pre_hook(enter, with_kwargs=True)]
    return hooks + [part.register_forward_hook(leave) for part in [*layers, norm] if part is not None]


def run(model, case):
    """The outputs of one case by name."""
    source, target = [], []
    encoder, decoder = sides(model)
    hooks = record(encoder, source) + record(decoder, target)
    with torch.no_grad():
        out = model(**arguments(case["inputs"]), use_cache=False)
    for hook in hooks:
        hook.remove()
    outputs = {f"source.{i}": compute.pick(x, case["source_rows"]) for i, x in enumerate(source)}
    outputs |= {f"hidden.{i}": compute.pick(x, case["rows"]) for i, x in enumerate(target)}
    if "logits" in out:
        outputs["logits"] = compute.pick(out.logits, case["rows"])
    return outputs


def run_all(model, made):
    return {f"{c['name']}.{name}": x for c in made for name, x in run(model, c).items()}


def alone(model, case):
    """The outputs of a padded case with each of its sequences run by itself."""
    outputs = {}
    for i, (n, m) in enumerate(zip(case["source_lengths"], case["lengths"])):
        inputs = {name: x[i : i + 1, : m if name == "targets" else n] for name, x in case["inputs"].items() if name != "mask"}
        if "globals" in inputs and not inputs["globals"].any():
            del inputs["globals"]
        one = case | {"rows": [case["rows"][i]], "source_rows": [case["source_rows"][i]], "inputs": inputs}
        for name, x in run(model, one).items():
            outputs.setdefault(name, []).append(x)
    return {name: torch.cat(rows) for name, rows in outputs.items()}


def greedy(model, seed):
    """A drawn source, the tokens most likely after the start token, and the least lead of a token over the next best."""
    source, _ = compute.draw_ids([compute.PROMPT], model.config.vocab_size, 0, seed)
    ids, margin = torch.tensor([[model.config.decoder_start_token_id]]), float("inf")
    for _ in range(STEPS):
        with torch.no_grad():
            best = model(input_ids=source, decoder_input_ids=ids, use_cache=False).logits[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        ids = torch.cat([ids, best.indices[:1][None]], 1)
    return source[0].tolist(), ids[0].tolist(), margin


def generate(model):
    """Greedy tokens whose order no rounding can change: the first seed whose least lead is large, with enough different tokens."""
    for seed in range(1000, 1400):
        source, tokens, margin = greedy(model, seed)
        if margin > compute.MARGIN and len(set(tokens)) >= 6 and min(tokens[1:]) >= compute.FIRST_ID:
            return {"source": source, "prompt": tokens[:1], "tokens": tokens[1:], "margin": round(margin, 6)}
    raise SystemExit("no seed gives greedy tokens with a lead")


def written(model):
    """What generate writes with the forced tokens of the folder: a text that reaches its largest length, and one that ends before, if
    a seed gives one."""
    found = {}
    for seed in range(2000, 2100):
        source, _ = compute.draw_ids([compute.PROMPT], model.config.vocab_size, 0, seed)
        out = model.generate(source, num_beams=1, do_sample=False, max_new_tokens=WRITTEN, return_dict_in_generate=True, output_logits=True)
        best = [logits[0].topk(2).values for logits in out.logits]
        tokens = out.sequences[0].tolist()
        ended = len(tokens) - 1 < WRITTEN
        if min(float(a - b) for a, b in best) > compute.MARGIN and len(set(tokens)) >= 5:
            found.setdefault(ended, {"source": source[0].tolist(), "most": WRITTEN, "prompt": tokens[:1], "tokens": tokens[1:]})
        if len(found) == 2:
            break
    return [found[ended] for ended in sorted(found)]


def load(folder, attention="eager", dtype=torch.float64):
    kind = getattr(t, json.loads((folder / "config.json").read_text())["architectures"][0])
    chosen = {} if kind.__name__.startswith("LED") else {"attn_implementation": attention}
    model, info = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32, **chosen)
    missing = [name for name in info["missing_keys"] if not name.endswith("coder.embed_tokens.weight")]  # LongT5 ties them after loading
    if missing or info["mismatched_keys"]:
        raise SystemExit(f"{folder.name}: {info}")
    return compute.keep_blocks(model.to(dtype).eval())


def state_names(model):
    encoder, decoder = [["embedding"] + [f"layer {i}" for i in range(len(layers))] + ["final norm"] * (norm is not None)
                        for layers, norm in sides(model)]
    return {"source_hidden": encoder, "hidden": decoder}


def make_folder(make):
    """Writes a checkpoint and its golden. Returns two differences: of sequences without padding, and of float32."""
    folder, whole = HERE / make.__name__, make in FAMILIES
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name != "config_v5.json":
            path.unlink()
    draw(make).save_pretrained(folder)
    model = load(folder)
    made = cases(model.config, whole)
    versions = {"torch": torch.__version__.split("+")[0], "transformers": t.__version__}
    golden = {"format": 1, "class": type(model).__name__, "versions": versions} | state_names(model)
    with in_float64():
        outputs = run_all(model, made)
        padded = next(c for c in made if c["name"] == "padded")
        apart = compute.difference(run(model, padded), alone(model, padded))
        if whole:
            golden["generate"] = generate(model)
            golden["written"] = written(model)
    plain = run_all(load(folder, "eager", torch.float32), made)
    inputs = {f"{c['name']}.{key}": x for c in made for key, x in c["inputs"].items()}
    save_file(inputs | {key: x.float().contiguous() for key, x in outputs.items()}, folder / "golden.safetensors")
    golden["cases"] = [{key: x for key, x in c.items() if key != "inputs"} | {"inputs": list(c["inputs"])} for c in made]
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    return apart, compute.difference(outputs, plain)


def tensors(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def compare(folder, golden, told):
    """The difference of what a folder gives from the golden."""
    model = load(folder)
    with in_float64():
        outputs = run_all(model, cases(model.config, "len200.ids" in golden))
        if "generate" in told and generate(model)["tokens"] != told["generate"]["tokens"]:
            raise SystemExit(f"{folder.name}: transformers 5 generates other tokens")
        if "written" in told and written(model) != told["written"]:
            raise SystemExit(f"{folder.name}: transformers 5 writes other texts")
    return compute.difference(outputs, {name: x for name, x in golden.items() if name in outputs})


def save_again(folder):
    """Saves a checkpoint of transformers 4 by 5, which must give the golden's outputs."""
    golden, told = tensors(folder / "golden.safetensors"), json.loads((folder / "golden.json").read_text())
    first = compare(folder, golden, told)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        load(folder).float().save_pretrained(work)
        ours, theirs = tensors(folder / "model.safetensors"), tensors(work / "model.safetensors")
        names = sorted(ours.keys() ^ theirs.keys())
        shutil.copyfile(work / "config.json", folder / "config_v5.json")
        second = compare(work, golden, told)
    print(f"{folder.name:26} config 4: {first:.1e}  config 5: {second:.1e}  other tensors: {names}", flush=True)
    if max(first, second) > ROUNDING:
        raise SystemExit(f"{folder.name}: transformers 5 gives other outputs than 4")


def main():
    torch.set_num_threads(1)
    t.logging.set_verbosity_error()
    t.logging.disable_progress_bar()
    for make in FAMILIES + VARIANTS:
        folder = HERE / make.__name__
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        if not t.__version__.startswith("4."):
            save_again(folder)
            continue
        apart, single = make_folder(make)
        kilobytes = sum(f.stat().st_size for f in folder.iterdir()) / 1000
        print(f"{make.__name__:26} {kilobytes:6.1f} kB  unpadded {apart:.1e}  float32 {single:.1e}", flush=True)


if __name__ == "__main__":
    main()
