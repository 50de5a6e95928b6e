"""Makes the golden checkpoints of Nyströmformer, and what transformers 4 computes with them. Under transformers 5 it adds config_v5.json,
and checks that 5 computes the golden.

    .venv/bin/python hf/testdata/golden/nystrom.py [FOLDER…] && .venv5/bin/python hf/testdata/golden/nystrom.py [FOLDER…]

README.md has the format. A checkpoint is a function that returns the class and the config, as in checkpoints.py. The sequences of the
case padded are run one by one: the convolution reads padding, so that transformers' results of a padded batch depend on its neighbours.
"""

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
BASE = checkpoints.BERT | dict(type_vocab_size=2)


def nystromformer():
    """As many landmarks as segment_means_seq_len: all tokens are seen."""
    return t.NystromformerForMaskedLM, t.NystromformerConfig(**BASE, num_hidden_layers=3, max_position_embeddings=209, conv_kernel_size=9)


def nystromformer_landmarks():
    """64 landmarks, each of 16 tokens, and published convolutions of 65 tokens."""
    small = dict(intermediate_size=24, type_vocab_size=1, num_hidden_layers=2, max_position_embeddings=1024)
    return t.NystromformerForMaskedLM, t.NystromformerConfig(**BASE | small, num_landmarks=64, segment_means_seq_len=1024)


def nystromformer_classify():
    """32 landmarks, each of 8 tokens."""
    small = dict(num_hidden_layers=2, max_position_embeddings=256)
    config = t.NystromformerConfig(**BASE | small, **checkpoints.LABELS, num_landmarks=32, segment_means_seq_len=256, conv_kernel_size=33)
    return t.NystromformerForSequenceClassification, config


def nystromformer_tag():
    """No convolution."""
    small = dict(num_hidden_layers=1, max_position_embeddings=83)
    config = t.NystromformerConfig(**BASE | small, **checkpoints.TAGS, conv_kernel_size=None, hidden_act="relu")
    return t.NystromformerForTokenClassification, config


FOLDERS = (nystromformer, nystromformer_landmarks, nystromformer_classify, nystromformer_tag)
NOT_V5 = (nystromformer_tag,)  # transformers 5 refuses a conv_kernel_size of null


def cases(config):
    """The cases of a folder, long ones before short ones. With landmarks there is one length alone."""
    length = config.segment_means_seq_len
    if config.num_landmarks != length:
        return [compute.case(f"len{length}", [length], compute.spread_rows, config, length)]
    made = [
        compute.case("len77", [77], compute.spread_rows, config, 77),
        compute.case("len33", [33], compute.quarter_rows, config, 33, pair=True),
        compute.case("len7", [7], compute.every_row, config, 7),
        compute.case("padded", [20, 33, 7], compute.few_rows, config, 60, pair=True),
    ]
    if config.max_position_embeddings >= 200:
        made.insert(0, compute.case("len200", [200], compute.spread_rows, config, 200))
    return made


def run_all(model, made):
    outputs = {}
    for case in made:
        one = compute.alone(model, case) if len(case["lengths"]) > 1 else compute.run(model, case)
        outputs |= {f"{case['name']}.{name}": x for name, x in one.items()}
    return outputs


def load(folder, dtype=torch.float64):
    kind = getattr(t, json.loads((folder / "config.json").read_text())["architectures"][0])
    model, info = kind.from_pretrained(folder, output_loading_info=True, dtype=torch.float32, attn_implementation="eager")
    if info["missing_keys"] or info["mismatched_keys"]:
        raise SystemExit(f"{folder.name}: {info}")
    return model.to(dtype).eval()


def make_folder(make):
    """Writes a checkpoint and its golden. Returns two differences: of a padded batch, and of float32."""
    folder = HERE / make.__name__
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name != "config_v5.json":
            path.unlink()
    checkpoints.draw(make, zlib.crc32(make.__name__.encode())).save_pretrained(folder)
    model = load(folder)
    made = cases(model.config)
    versions = {"torch": torch.__version__.split("+")[0], "transformers": t.__version__}
    golden = {"format": 1, "class": type(model).__name__, "versions": versions, "hidden": compute.hidden_names(model)}
    with compute.in_float64():
        outputs = run_all(model, made)
        padded = [c for c in made if c["name"] == "padded"]
        apart = [compute.difference(compute.run(model, c), compute.alone(model, c)) for c in padded]
    plain = run_all(load(folder, torch.float32), made)
    inputs = {f"{c['name']}.{key}": x for c in made for key, x in c["inputs"].items()}
    save_file(inputs | {key: x.float().contiguous() for key, x in outputs.items()}, folder / "golden.safetensors")
    golden["cases"] = [{key: x for key, x in c.items() if key != "inputs"} | {"inputs": list(c["inputs"])} for c in made]
    (folder / "golden.json").write_text(json.dumps(golden, indent=1) + "\n")
    return apart, compute.difference(outputs, plain)


def tensors(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def compare(folder, golden):
    """The difference of what a folder gives from the golden."""
    model = load(folder)
    with compute.in_float64():
        outputs = run_all(model, cases(model.config))
    return compute.difference(outputs, {name: x for name, x in golden.items() if name in outputs})


def save_again(folder):
    """Saves a checkpoint of transformers 4 by 5, which must give the golden's outputs."""
    golden = tensors(folder / "golden.safetensors")
    first = compare(folder, golden)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        load(folder).float().save_pretrained(work)
        names = sorted(tensors(folder / "model.safetensors").keys() ^ tensors(work / "model.safetensors").keys())
        shutil.copyfile(work / "config.json", folder / "config_v5.json")
        second = compare(work, golden)
    print(f"{folder.name:26} config 4: {first:.1e}  config 5: {second:.1e}  other tensors: {names}", flush=True)
    if max(first, second) > ROUNDING:
        raise SystemExit(f"{folder.name}: transformers 5 gives other outputs than 4")


def main():
    torch.set_num_threads(1)
    t.logging.set_verbosity_error()
    t.logging.disable_progress_bar()
    for make in FOLDERS:
        folder = HERE / make.__name__
        if sys.argv[1:] and make.__name__ not in sys.argv[1:]:
            continue
        if not t.__version__.startswith("4."):
            if make not in NOT_V5:
                save_again(folder)
            continue
        apart, single = make_folder(make)
        kilobytes = sum(f.stat().st_size for f in folder.iterdir()) / 1000
        print(f"{make.__name__:26} {kilobytes:6.1f} kB  padded {apart}  float32 {single:.1e}", flush=True)


if __name__ == "__main__":
    main()
