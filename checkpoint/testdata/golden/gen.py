"""Makes the golden files of package checkpoint and its packages: files of torch.save in both forms, and folders of several files.

    python -m venv .venv && .venv/bin/pip install -r attention/testdata/golden/requirements.txt
    .venv/bin/python checkpoint/testdata/golden/gen.py

tensors.safetensors has the elements that the others must give, row by row. The files of torch:

    zip.bin        the form since torch 1.6
    zip64.bin      the same members by Python's zipfile, with sizes of 64 bits in their headers
    nocrc.bin      the form since 1.6, without checksums
    legacy.bin     the form before it
    many.bin       the same, of 1,100 names for one tensor
    *.refused.bin  files that must be refused; refused.json has words of the error

Folders, of a small BERT with save_pretrained: sharded_safetensors and sharded_bin, the latter with the index that transformers 4 writes.
"""

import collections
import json
import pathlib
import shutil
import zipfile

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel

HERE = pathlib.Path(__file__).resolve().parent


def tensors():
    """A state dict with all that must be honoured: strides, offsets, shared storages, types, parameters, empty and single elements."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 7
    wide = torch.arange(2 * 3 * 4, dtype=torch.float64).reshape(2, 3, 4) * 1e-3 + 1
    plain = {
        "base": base,
        "tied": base,  # the same storage
        "transposed": base.t(),
        "part": base[1:3, 2:5],
        "tail": base[3],
        "every.second": base[::2, ::3],
        "expanded": torch.tensor([1.5, -2.5]).reshape(2, 1).expand(2, 3),  # a stride of 0
        "row.expanded": torch.arange(5).expand(1, -1),  # as transformers' position_ids
        "permuted": wide.permute(2, 0, 1),
        "float16": torch.tensor([[1.0, -0.5, 65504.0], [2**-24, float("inf"), 0.1]]).half(),
        "bfloat16.transposed": (torch.arange(6).reshape(2, 3) / 3).bfloat16().t(),
        "int64": torch.tensor([-1, 2**62, 3]),
        "int32": torch.tensor([[1], [-2]], dtype=torch.int32),
        "int16": torch.tensor([-300, 300], dtype=torch.int16),
        "int8": torch.tensor([-3, 3], dtype=torch.int8),
        "uint8": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "single": torch.tensor(3.25),
        "single.of.base": base[2, 4],
        "empty": torch.empty(0, 3),
        "empty.part": base[4:],
        "empty.half": torch.empty(0, dtype=torch.float16),
    }
    state = collections.OrderedDict(plain)
    state["parameter"] = torch.nn.Parameter(torch.tensor([[0.25, 4.0]]))
    state["frozen"] = torch.nn.Parameter(torch.tensor([7.0]), requires_grad=False)
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    return state


def many():
    """More items than Python writes in one batch, and than fit one byte of the memo."""
    x = torch.tensor([2.5])
    return {str(i): x for i in range(1100)}


class Command:
    def __reduce__(self):
        import os

        return os.system, ("true",)


def refused():
    """Files that must be refused: what they hold, how to save it, and words of the error."""
    x = torch.ones(2)
    attribute = torch.ones(2)
    attribute.note = 1
    odd = collections.OrderedDict(x=x)
    odd.note = 1
    return {
        "command": ({"x": x, "y": Command()}, {}, "found the global posix.system"),
        "training": ({"epoch": 3, "state_dict": {"x": x}}, {}, 'found an int under "epoch"'),
        "wrapped": ({"state_dict": {"x": x}, "lr": 0.1}, {}, 'torch.save(torch.load(FILE, weights_only=True)["state_dict"], NEW)'),
        "module": (torch.nn.Linear(1, 1), {}, "found the global torch.nn.modules.linear.Linear"),
        "tensor": (x, {}, "found a tensor, expected a dictionary of tensors"),
        "list": ([x], {}, "found a list of 1, expected a dictionary"),
        "number": ({0: x}, {}, "found an int as a key"),
        "none": ({"x": None}, {}, 'found None under "x"'),
        "negated": ({"x": torch._neg_view(x)}, {}, "found a tensor with metadata"),
        "complex": ({"x": torch.ones(2, dtype=torch.complex64)}, {}, "found the global torch.ComplexFloatStorage"),
        "uint16": ({"x": torch.ones(2, dtype=torch.uint16)}, {}, "found the global torch._utils._rebuild_tensor_v3"),
        "sparse": ({"x": torch.eye(2).to_sparse()}, {}, "found the global torch._utils._rebuild_sparse_tensor"),
        "attribute": ({"x": attribute}, {}, "found the global torch._tensor._rebuild_from_type_v2"),
        "dict.attribute": (odd, {}, 'found a dictionary with the attribute "note"'),
        "huge": ({"x": torch.ones(1).expand(1 << 40)}, {}, "which is more than the file's"),
        "nine": ({"x": torch.ones([1] * 9)}, {}, "at most 8 numbers"),
        "protocol": ({"x": x}, {"pickle_protocol": 4, "_use_new_zipfile_serialization": True}, "found protocol 4, expected 2"),
        "command.zip": ({"y": Command()}, {"_use_new_zipfile_serialization": True}, "found the global posix.system"),
    }


def rewrite(source, target, **how):
    """The members of a file of torch in an archive by Python's zipfile."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", **how) as new:
        for member in old.infolist():
            with new.open(member.filename, "w", force_zip64=True) as out:
                out.write(old.read(member.filename))


def folders():
    """The same small model in shards, and its weights as one file."""
    torch.manual_seed(11)
    model = BertModel(BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
                                 max_position_embeddings=8), add_pooling_layer=False)
    for name, safe in {"sharded_safetensors": True, "sharded_bin": False}.items():
        shutil.rmtree(HERE / name, ignore_errors=True)
        model.save_pretrained(HERE / name, max_shard_size="2KB", safe_serialization=safe)
    save_file(model.state_dict(), HERE / "bert.safetensors")


def main():
    state = tensors()
    save_file({name: t.detach().clone().contiguous() for name, t in state.items()}, HERE / "tensors.safetensors")
    torch.save(state, HERE / "zip.bin")
    torch.save(state, HERE / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(many(), HERE / "many.bin", _use_new_zipfile_serialization=False)
    rewrite(HERE / "zip.bin", HERE / "zip64.bin")
    torch.serialization.set_crc32_options(False)
    torch.save({"base": state["base"]}, HERE / "nocrc.bin")
    torch.serialization.set_crc32_options(True)
    words = {}
    for name, (value, how, want) in refused().items():
        # The form before torch 1.6 is far smaller.
        torch.save(value, HERE / f"{name}.refused.bin", **{"_use_new_zipfile_serialization": False} | how)
        words[name] = want
    rewrite(HERE / "zip.bin", HERE / "compressed.refused.bin", compression=zipfile.ZIP_DEFLATED)
    words["compressed"] = "compressed or encrypted"
    torch.jit.save(torch.jit.script(torch.nn.Identity()), str(HERE / "script.refused.bin"))
    words["script"] = "found a TorchScript program"
    (HERE / "refused.json").write_text(json.dumps(words, indent=1) + "\n")
    folders()


main()
