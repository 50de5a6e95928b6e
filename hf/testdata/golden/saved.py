"""Checks that transformers opens what this program saves, and that it computes the goldens.

    LONGSPAN_SAVED=/tmp/saved go test ./hf -run TestSavedInItsForm
    .venv/bin/python hf/testdata/golden/saved.py /tmp/saved [FOLDER…]

It prints the largest difference from the golden, as a share of the largest element, and stops where a tensor is missing, unknown or of
another shape. Both versions of transformers run it.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors import safe_open

import compute

HERE = pathlib.Path(__file__).resolve().parent
INPUTS = (".ids", ".mask", ".types", ".globals")


def golden_of(folder):
    told = json.loads((HERE / folder / "golden.json").read_text())
    return golden_of(told["same_as"]) if "same_as" in told else HERE / folder / "golden.safetensors"


def load(folder):
    kind = getattr(transformers, json.loads((folder / "config.json").read_text())["architectures"][0])
    chosen = {} if kind.__name__.startswith("Longformer") else {"attn_implementation": "eager"}
    model, info = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32, **chosen)
    if info["missing_keys"] or info["mismatched_keys"]:
        raise SystemExit(f"{folder.name}: {info}")
    return model.double().eval(), sorted(info["unexpected_keys"])


def main():
    saved = pathlib.Path(sys.argv[1])
    for name in sys.argv[2:] or sorted(path.name for path in saved.iterdir()):
        with safe_open(golden_of(name), "pt") as file:
            golden = {key: file.get_tensor(key) for key in file.keys()}
        model, unexpected = load(saved / name)
        whole = "len200.ids" in golden
        with compute.in_float64():
            outputs = compute.run_all(model, compute.cases(model.config, whole))
        worst = compute.difference(outputs, {key: x for key, x in golden.items() if not key.endswith(INPUTS)})
        print(f"{name}: {worst:.2g}", *unexpected, flush=True)


if __name__ == "__main__":
    main()
