"""What a checkpoint gives: the cases, the hidden states of each layer and the outputs, in float64. Runs under transformers 4 and 5."""

import contextlib

import torch

QUERY = 100  # of the probe, in a text of PROBED tokens
PROBED = 200
FIRST_ID = 5  # ids below it are special
PROMPT = 33
STEPS = 20
MARGIN = 1e-3

ONE_ATTENTION = ("Longformer", "BigBird", "T5", "UMT5", "LongT5")  # classes that take no word about their attention


@contextlib.contextmanager
def in_float64():
    """transformers computes norms, softmax and angles in float32 whatever the type of the weights. Here they are float64 too.

    Without this a padded batch is NaN: the mask of float64, −1.8e308, is −∞ in a softmax of float32, and rows of the padding see
    nothing else.
    """
    to_float, float32 = torch.Tensor.float, torch.float32
    torch.Tensor.float, torch.float32 = torch.Tensor.double, torch.float64
    try:
        yield
    finally:
        torch.Tensor.float, torch.float32 = to_float, float32


def spread_rows(length):
    return [0, 1, length // 2, length - 2, length - 1]


def every_row(length):
    return list(range(length))


def quarter_rows(length):
    return [*range(0, length - 1, 4), length - 1]


def block_rows(length):
    """Rows of the first two blocks of 16, of the middle, and of the last two."""
    last = (length - 1) // 16 * 16
    return [0, 15, 16, 31, 32, 33, length // 2, last - 17, last - 16, last - 1, last, length - 1]


def few_rows(length):
    return [0, length // 2, length - 1]


def draw_ids(lengths, vocab, pad, seed):
    """Sequences side by side, [B, T], padded at their ends, and the mask of the tokens that are none."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.full((len(lengths), max(lengths)), pad)
    mask = torch.zeros_like(ids)
    for i, length in enumerate(lengths):
        ids[i, :length] = torch.randint(FIRST_ID, vocab, (length,), generator=generator)
        mask[i, :length] = 1
    return ids, mask


def second_halves(ids, mask):
    """The type ids of a pair: the second text begins a third into each sequence."""
    types = torch.zeros_like(ids)
    for i, length in enumerate(mask.sum(1).tolist()):
        types[i, length // 3:length] = 1
    return types


def mark_global(ids, places):
    marks = torch.zeros_like(ids)
    for i, row in enumerate(places):
        marks[i, row] = 1
    return marks


def case(name, lengths, rows, config, seed, **options):
    """A case: its name, what goes into the model, and the rows that are kept."""
    pad = config.pad_token_id if config.pad_token_id is not None else 0
    ids, mask = draw_ids(lengths, config.vocab_size, pad, seed)
    inputs = {"ids": ids}
    if len(lengths) > 1:
        inputs["mask"] = mask
    if options.get("pair"):
        inputs["types"] = second_halves(ids, mask)
    if "globals" in options:
        inputs["globals"] = mark_global(ids, options["globals"])
    for place in options.get("pads", []):
        ids[0, place] = pad
    for place in options.get("masks", []):
        ids[0, place] = config.mask_token_id
    return {"name": name, "lengths": lengths, "rows": [rows(n) for n in lengths], "inputs": inputs}


def cases(config, whole):
    """The cases of a folder, long ones before short ones. A variant has fewer, and keeps fewer rows."""
    kind = config.model_type
    if kind == "big_bird" and whole:
        return block_cases(config)
    options = {"len77": {}, "len33": {}, "len7": {}, "padded": {}}
    if kind in ("bert", "nomic_bert"):
        options["len33"] = options["padded"] = {"pair": True}
    if kind == "longformer" and whole:
        options = {"len77": {"globals": [[0, 38, 75]]}, "len33": {"globals": [[0]]}, "len7": {}, "padded": {"globals": [[0, 20], [3], []]}}
    made = [
        case("len77", [77], spread_rows, config, 77, **options["len77"]),
        case("len33", [33], quarter_rows if whole else spread_rows, config, 33, **options["len33"]),
        case("len7", [7], every_row if whole else spread_rows, config, 7, **options["len7"]),
        case("padded", [20, 33, 7], few_rows, config, 60, **options["padded"]),
    ]
    if whole:
        made.insert(0, case("len200", [200], spread_rows, config, 200))
    if kind == "esm":
        made.append(case("masked", [21], spread_rows, config, 21, masks=[1, 6, 7, 20]))
    if kind in ("roberta", "xlm-roberta", "longformer") and whole:
        made.append(case("pad_inside", [20], spread_rows, config, 20, pads=[5, 6, 11]))
    return made


def block_cases(config):
    """BigBird with blocks of 16 sees up to 144 tokens whole. The sequences of its padded cases end in the same block: the last block of the
    batch is global, and in a batch with longer ones a sequence gives other outputs than alone."""
    made = [case(f"len{n}", [n], block_rows, config, n, pair=n == 145) for n in (777, 390, 200, 145, 144, 100)]
    return made + [case("padded", [390, 386], block_rows, config, 60), case("short", [60, 144, 7], few_rows, config, 61)]


def arguments(inputs):
    """A case's inputs under transformers' names."""
    names = {"ids": "input_ids", "mask": "attention_mask", "types": "token_type_ids", "globals": "global_attention_mask"}
    return {names[name]: x for name, x in inputs.items()}


def parts(model):
    """The layers of a model, and its final norm or None."""
    base = getattr(model, "model", model.base_model)
    if hasattr(base, "encoder"):
        if hasattr(base.encoder, "block"):  # T5
            return base.encoder.block, base.encoder.final_layer_norm
        return base.encoder.layer, getattr(base.encoder, "emb_layer_norm_after", None)
    if hasattr(base, "h"):
        return base.h, base.ln_f
    return base.layers, getattr(base, "norm", None) or getattr(base, "final_norm", None)


@contextlib.contextmanager
def record(model):
    """The hidden states of a run, [B, T, width]: what enters layer 0, what leaves each layer, and what leaves the final norm."""
    seen, handles = [], []

    def enter(_, args, kwargs):
        seen.clear()
        seen.append(args[0] if args else kwargs["hidden_states"])

    def leave(_, args, out):
        seen.append(out[0] if isinstance(out, tuple) else out)

    layers, norm = parts(model)
    handles.append(layers[0].register_forward_pre_hook(enter, with_kwargs=True))
    handles += [part.register_forward_hook(leave) for part in [*layers, norm] if part is not None]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def pick(x, rows):
    """The kept rows of all sequences, one after the other: [R, …]."""
    return torch.cat([x[i, r] for i, r in enumerate(rows)])


def keep_blocks(model):
    """A short text makes a BigBird of transformers see everything from then on, in long texts too. The config's attention comes back here
    before each text."""
    kind = model.config.model_type
    if kind in ("big_bird", "bigbird_pegasus"):
        part = model.base_model if kind == "big_bird" else model.base_model.encoder
        part.register_forward_pre_hook(lambda part, _: part.set_attention_type(part.config.attention_type))
    return model


def run(model, case):
    """The outputs of one case by name."""
    with torch.no_grad(), record(model) as seen:
        out = model(**arguments(case["inputs"]))
        hidden = list(seen)
    outputs = {f"hidden.{i}": pick(x, case["rows"]) for i, x in enumerate(hidden)}
    if getattr(out, "logits", None) is not None:
        outputs["logits"] = pick(out.logits, case["rows"]) if out.logits.dim() == 3 else out.logits
    if getattr(out, "pooler_output", None) is not None:
        outputs["pooled"] = out.pooler_output
    return outputs


def run_all(model, made):
    return {f"{c['name']}.{name}": x for c in made for name, x in run(model, c).items()}


def alone(model, case):
    """The outputs of a padded case with each of its sequences run by itself."""
    outputs = {}
    for i, length in enumerate(case["lengths"]):
        inputs = {name: x[i : i + 1, :length] for name, x in case["inputs"].items() if name != "mask"}
        for name, x in run(model, case | {"rows": [case["rows"][i]], "inputs": inputs}).items():
            outputs.setdefault(name, []).append(x)
    return {name: torch.cat(rows) for name, rows in outputs.items()}


def difference(a, b):
    """The largest difference of two sets of outputs, as a share of the largest element of its tensor."""
    if a.keys() != b.keys():
        raise SystemExit(f"only one side has {sorted(a.keys() ^ b.keys())}")
    for name, x in [*a.items(), *b.items()]:
        if not x.isfinite().all():
            raise SystemExit(f"{name} has numbers that are not finite")
    return max(float((a[name].double() - b[name].double()).abs().max() / a[name].double().abs().max()) for name in a)


def hidden_names(model):
    layers, norm = parts(model)
    return ["embedding"] + [f"layer {i}" for i in range(len(layers))] + (["final norm"] if norm is not None else [])


def runs_of(places):
    """Sorted places as [first, last] pairs, both ends included."""
    pairs = []
    for place in places:
        if pairs and pairs[-1][1] == place - 1:
            pairs[-1][1] = place
        else:
            pairs.append([place, place])
    return pairs


def probe(model, query, marks=()):
    """The keys that each layer lets one query see: where the gradient of its output by the layer's input is not zero."""
    ids, _ = draw_ids([PROBED], model.config.vocab_size, 0, PROBED)
    inputs = {"ids": ids}
    if marks:
        inputs["globals"] = mark_global(ids, [list(marks)])
    with record(model) as seen:
        model(**arguments(inputs))
        hidden = list(seen)
    weights = torch.randn(hidden[0].shape[-1], generator=torch.Generator().manual_seed(1), dtype=hidden[0].dtype)
    found = []
    for layer in range(len(parts(model)[0])):
        grad = torch.autograd.grad((hidden[layer + 1][0, query] * weights).sum(), hidden[layer], retain_graph=True)[0]
        places = grad[0].abs().sum(-1).nonzero().flatten().tolist()
        found.append({"layer": layer, "tokens": PROBED, "query": query, "globals": list(marks), "keys": runs_of(places)})
    return found


def probe_all(model):
    """The probes of a folder: a query in the middle; in a Longformer with global tokens too, and one that is global itself;
    in a BigBird queries of the first blocks and of the last."""
    found = probe(model, QUERY)
    if model.config.model_type == "big_bird":
        for query in (3, 20, 40, 170, 180, 195):
            found += probe(model, query)
    if model.config.model_type == "longformer":
        found += probe(model, QUERY, (0, 30, 103)) + probe(model, 30, (0, 30, 103))
    return found


def greedy(model, seed):
    """A drawn prompt, the tokens most likely after it, and the least lead of a token over the next best."""
    prompt, _ = draw_ids([PROMPT], model.config.vocab_size, 0, seed)
    ids, margin = prompt, float("inf")
    for _ in range(STEPS):
        with torch.no_grad():
            best = model(input_ids=ids).logits[0, -1].topk(2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        ids = torch.cat([ids, best.indices[:1][None]], 1)
    return prompt[0].tolist(), ids[0, PROMPT:].tolist(), margin


def generate(model):
    """Greedy tokens whose order no rounding can change: the first seed whose least lead is large, with enough different tokens."""
    for seed in range(1000, 1200):
        prompt, tokens, margin = greedy(model, seed)
        if margin > MARGIN and len(set(tokens)) >= 6 and min(tokens) >= FIRST_ID:
            return {"prompt": prompt, "tokens": tokens, "margin": round(margin, 6)}
    raise SystemExit("no seed gives greedy tokens with a lead")


def score(model, case):
    """Nats a token: the mean of −log p over all tokens of the case but the first."""
    ids = case["inputs"]["ids"]
    with torch.no_grad():
        logs = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
    return {"case": case["name"], "predicted": ids.shape[1] - 1, "nats": round(float(-logs.gather(1, ids[0, 1:, None]).mean()), 9)}
