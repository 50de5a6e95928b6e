"""Makes the golden checkpoints of package hf: tiny random models in Hugging Face's form, and what transformers computes with them.

    python -m venv .venv && .venv/bin/pip install -r hf/testdata/golden/requirements.txt
    .venv/bin/python hf/testdata/golden/gen.py [FOLDER…]

README.md has the format. Run by transformers 5, it makes the folders whose class 4 does not have. v5.py adds what transformers 5 writes,
hub.py what authors published before transformers had a class, bad.py the configs to refuse.
"""

import importlib.metadata
import json
import pathlib
import platform
import shutil
import sys
import tempfile
import zlib

import torch
import transformers
from safetensors.torch import save_file

import checkpoints
import compute
import forms
import references

HERE = pathlib.Path(__file__).resolve().parent
LIBRARIES = ("torch", "transformers", "safetensors")


def versions():
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")




def publish_window(folder, make):
    """Writes the window as it is published. 4.57 has halved it, and would halve it again: 16 is then 9, exclusive, a window of ±8."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    if config.get("use_bidirectional_attention"):
        config["sliding_window"] = 2 * (config["sliding_window"] - 1)
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def load(folder, attention, dtype=torch.float64):
    """The model in a folder. Longformer, BigBird and the references have one attention only, and take no word about it."""
    kind = references.CLASSES.get(folder.name)
    chosen = {}
    if kind is None:
        kind = getattr(transformers, json.loads((folder / "config.json").read_text())["architectures"][0])
        chosen = {} if kind.__name__.startswith(compute.ONE_ATTENTION) else {"attn_implementation": attention}
    model, info = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32, **chosen)
    if info["missing_keys"] or info["mismatched_keys"]:
        raise SystemExit(f"{folder.name}: {info}")
    return compute.keep_blocks(model.to(dtype).eval())


def publish_class(folder):
    """Writes the name that a reference's class has on the hub."""
    name = references.ON_THE_HUB.get(folder.name)
    if name is not None:
        path = folder / "config.json"
        config = json.loads(path.read_text()) | {"architectures": [name]}
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def clear(folder):
    """Removes what is in a folder but the file of v5.py, which another environment makes."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name != "config_v5.json":
            path.unlink()


def make_folder(make):
    """Writes a checkpoint and its golden. Returns three differences: of sdpa, of sequences without padding, and of float32."""
    name = make.__name__
    folder = HERE / name
    clear(folder)
    checkpoints.draw(make, zlib.crc32(name.encode())).save_pretrained(folder)
    publish_window(folder, make)
    publish_class(folder)
    model, other = load(folder, "eager"), load(folder, "sdpa")
    made = compute.cases(model.config, make in checkpoints.FAMILIES + checkpoints.FAMILIES_5)
    golden = {"format": 1, "class": type(model).__name__, "versions": versions(), "hidden": compute.hidden_names(model)}
    with compute.in_float64():
        outputs = compute.run_all(model, made)
        fused = compute.run_all(other, made)
        padded = next(c for c in made if c["name"] == "padded")
        apart = compute.difference(compute.run(model, padded), compute.alone(model, padded))
        if make in checkpoints.WINDOWS:
            golden["sees"] = compute.probe_all(model)
        if make in checkpoints.GENERATES:
            golden["generate"] = compute.generate(model)
        if name in ("llama", "mistral", "qwen2", "qwen3", "gemma3", "gpt2"):
            golden["score"] = compute.score(model, made[0])
    plain = compute.run_all(load(folder, "sdpa", torch.float32), made)
    inputs = {f"{c['name']}.{key}": x for c in made for key, x in c["inputs"].items()}
    save_file(inputs | {key: x.float().contiguous() for key, x in outputs.items()}, folder / "golden.safetensors")
    golden["cases"] = [{"name": c["name"], "lengths": c["lengths"], "rows": c["rows"], "inputs": list(c["inputs"])} for c in made]
    write_json(folder / "golden.json", golden)
    return compute.difference(outputs, fused), apart, compute.difference(outputs, plain)


def make_form(make, base):
    """Writes a checkpoint again, in another form. Returns the difference of its outputs, which must be none."""
    folder = HERE / make.__name__
    folder.mkdir(exist_ok=True)
    make(HERE / base, folder)
    write_json(folder / "golden.json", {"format": 1, "same_as": base, "versions": versions()})
    models = load(HERE / base, "eager"), load(folder, "eager")
    made = compute.cases(models[0].config, True)
    with compute.in_float64():
        return compute.difference(*(compute.run_all(model, made) for model in models))


def make_older(name):
    """Writes config_v4old.json. Returns the difference of its outputs, which must be none."""
    folder = HERE / name
    write_json(folder / "config_v4old.json", forms.older_config(folder))
    with tempfile.TemporaryDirectory() as work:
        shutil.copyfile(folder / "config_v4old.json", pathlib.Path(work) / "config.json")
        shutil.copyfile(folder / "model.safetensors", pathlib.Path(work) / "model.safetensors")
        models = load(folder, "eager"), load(pathlib.Path(work), "eager")
    made = compute.cases(models[0].config, True)
    with compute.in_float64():
        return compute.difference(*(compute.run_all(model, made) for model in models))


def size(folder):
    return sum(f.stat().st_size for f in folder.iterdir()) / 1000


def make_all(makes, chosen):
    """Makes the chosen ones of some folders, all if none is chosen."""
    for make in makes:
        if not chosen or make.__name__ in chosen:
            fused, apart, single = make_folder(make)
            kilobytes = size(HERE / make.__name__)
            print(f"{make.__name__:26} {kilobytes:6.1f} kB  sdpa {fused:.1e}  unpadded {apart:.1e}  float32 {single:.1e}", flush=True)


def main():
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    chosen = sys.argv[1:]
    if transformers.__version__.startswith("5"):
        make_all(checkpoints.FAMILIES_5 + checkpoints.VARIANTS_5, chosen)
        return
    make_all(checkpoints.FAMILIES + checkpoints.VARIANTS, chosen)
    for make, base in forms.FORMS.items():
        if not chosen or make.__name__ in chosen:
            same = make_form(make, base)
            print(f"{make.__name__:26} {size(HERE / make.__name__):6.1f} kB  from {base} {same:.1e}", flush=True)
    for name in forms.OLDER:
        if not chosen or name in chosen:
            print(f"{name + '/config_v4old.json':32} {make_older(name):.1e}", flush=True)


if __name__ == "__main__":
    main()
