"""Adds what transformers 5 writes: FAMILY/config_v5.json. Checks that its weights are the same bytes, and its outputs the golden's.
Where 5 writes other tensors, it adds the folder FAMILY_v5 too.

    python -m venv .venv5 && .venv5/bin/pip install -r hf/testdata/golden/requirements-v5.txt
    .venv5/bin/python hf/testdata/golden/v5.py [FOLDER…]
"""

import json
import pathlib
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors import safe_open

import compute

HERE = pathlib.Path(__file__).resolve().parent
FAMILIES = ("bert", "roberta", "xlmr", "modernbert", "longformer", "bigbird", "llama", "llama3rope", "llama_yarn", "llama_linear",
            "esm", "esm_learned", "mistral", "qwen2", "qwen2_window", "qwen3", "gemma3", "gemma3_bidirectional", "gpt2",
            "t5_encoder", "umt5_encoder", "longt5_local", "longt5_global")
OTHER_TENSORS = ("esm",)  # one of rotary frequencies, where 4 has one in each layer
ROUNDING = 2.0**-22  # the golden is rounded to float32, the frequencies of rotary angles too


def tensors(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def weights(path):
    """The tensors that are learned."""
    return {name: x for name, x in tensors(path).items() if not name.endswith("inv_freq")}


def same(a, b):
    return a.keys() == b.keys() and all(a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]) for name in a)


def load(folder):
    kind = getattr(transformers, json.loads((folder / "config.json").read_text())["architectures"][0])
    chosen = {} if kind.__name__.startswith(compute.ONE_ATTENTION) else {"attn_implementation": "eager"}
    return compute.keep_blocks(kind.from_pretrained(folder, dtype=torch.float32, **chosen).double().eval())


def check_told(model, told, name):
    """Stops if windows, greedy tokens or score are not what golden.json tells."""
    with compute.in_float64():
        if "sees" in told and compute.probe_all(model) != told["sees"]:
            raise SystemExit(f"{name}: transformers 5 sees other keys")
        if "generate" in told and compute.generate(model)["tokens"] != told["generate"]["tokens"]:
            raise SystemExit(f"{name}: transformers 5 generates other tokens")
        if "score" in told and abs(compute.score(model, compute.cases(model.config, True)[0])["nats"] - told["score"]["nats"]) > 1e-8:
            raise SystemExit(f"{name}: transformers 5 gives another score")


def compare(folder, golden, told):
    """The difference of what a folder gives from the golden."""
    model = load(folder)
    check_told(model, told, folder.name)
    with compute.in_float64():
        outputs = compute.run_all(model, compute.cases(model.config, "len200.ids" in golden))
    inputs = tuple(f".{name}" for name in ("ids", "mask", "types", "globals"))
    return compute.difference(outputs, {name: x for name, x in golden.items() if not name.endswith(inputs)})


def save_again(folder, work):
    """Loads a checkpoint of transformers 4 and saves it by transformers 5. Returns the difference of each from the golden,
    and whether the files of weights are the same bytes."""
    golden, told = tensors(folder / "golden.safetensors"), json.loads((folder / "golden.json").read_text())
    first = compare(folder, golden, told)
    load(folder).float().save_pretrained(work)
    if not same(weights(folder / "model.safetensors"), weights(work / "model.safetensors")):
        raise SystemExit(f"{folder.name}: transformers 5 saves other weights")
    bytes_too = (folder / "model.safetensors").read_bytes() == (work / "model.safetensors").read_bytes()
    shutil.copyfile(work / "config.json", folder / "config_v5.json")
    if folder.name in OTHER_TENSORS:
        keep(folder, work)
    return first, compare(work, golden, told), bytes_too


def keep(folder, work):
    """Writes what transformers 5 saved as a folder of its own."""
    own = folder.parent / (folder.name + "_v5")
    own.mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(work / name, own / name)
    told = {"format": 1, "same_as": folder.name, "versions": {"torch": torch.__version__, "transformers": transformers.__version__}}
    (own / "golden.json").write_text(json.dumps(told, indent=1) + "\n")


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in sys.argv[1:] or FAMILIES:
        with tempfile.TemporaryDirectory() as work:
            first, second, bytes_too = save_again(HERE / name, pathlib.Path(work))
        print(f"{name:22} config 4: {first:.1e}  config 5: {second:.1e}  same file: {bytes_too}", flush=True)
        if max(first, second) > ROUNDING:
            raise SystemExit(f"{name}: transformers 5 gives other outputs than 4")


if __name__ == "__main__":
    main()
