"""Enlarges a PNG with a model of @upscalerjs in PyTorch: esrgan.py PACKAGES SIZE THREADS IN OUT.

PACKAGES is the folder that has node_modules. The network and its weights are those of the package. It prints the seconds of the enlarging
alone, the model being loaded.
"""

import json
import pathlib
import sys
import time

import numpy
import torch
from PIL import Image

BETA = 0.2  # MultiplyBeta, a layer of the package's own


class Network:
    """The layers of a Keras model in the format of TensorFlow.js, in their order, which is topological."""

    def __init__(self, folder):
        model = json.loads((folder / "model.json").read_text())
        self.layers = model["modelTopology"]["model_config"]["config"]["layers"]
        self.weights = weights(folder, model["weightsManifest"])
        self.last = {}  # of each layer the one that reads it last, after which its result is forgotten
        for layer in self.layers:
            for source in inputs(layer):
                self.last[source] = layer["name"]

    def __call__(self, x):
        known = {}
        for layer in self.layers:
            sources = inputs(layer)
            x = self.apply(layer, [known[s] for s in sources] or [x])
            known[layer["name"]] = x
            for s in sources:
                if self.last[s] == layer["name"]:
                    known.pop(s, None)
        return x

    def apply(self, layer, xs):
        kind, config = layer["class_name"], layer["config"]
        if kind == "InputLayer":
            return xs[0]
        if kind == "Conv2D" and config["activation"] == "linear" and config["strides"] == [1, 1]:
            kernel = self.weights[layer["name"] + "/kernel"]
            return torch.nn.functional.conv2d(xs[0], kernel, self.weights.get(layer["name"] + "/bias"), padding=kernel.shape[-1] // 2)
        if kind == "Activation" and config["activation"] == "relu":
            return torch.relu(xs[0])
        if kind == "Concatenate":
            return torch.cat(xs, dim=1)
        if kind == "Add":
            return sum(xs[1:], xs[0])
        if kind == "MultiplyBeta":
            return xs[0] * BETA
        if kind == "PixelShuffle4x":
            return depth_to_space(xs[0], 4)
        if kind == "UpSampling2D" and config["interpolation"] == "nearest":
            return torch.nn.functional.interpolate(xs[0], scale_factor=config["size"][0], mode="nearest")
        raise SystemExit(f"found a layer {kind} {config}, which is not known here")


def inputs(layer):
    return [source[0] for node in layer["inbound_nodes"] for source in node]


def weights(folder, manifest):
    """Kernels as [out, in, height, width], and biases."""
    found = {}
    for group in manifest:
        data, at = b"".join((folder / name).read_bytes() for name in group["paths"]), 0
        for w in group["weights"]:
            if w["dtype"] != "float32" or "quantization" in w:
                raise SystemExit(f"found weights {w}, expected float32 that is not quantized")
            count = int(numpy.prod(w["shape"]))
            tensor = torch.from_numpy(numpy.frombuffer(data, "<f4", count, at).reshape(w["shape"]).copy())
            found[w["name"]] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.dim() == 4 else tensor
            at += 4 * count
    return found


def depth_to_space(x, block):
    """TensorFlow's: a pixel's channels are rows, columns and then colours of its block."""
    n, channels, height, width = x.shape
    x = x.reshape(n, block, block, channels // block**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, channels // block**2, height * block, width * block)


def main():
    packages, size, threads, source, out = sys.argv[1:]
    torch.set_num_threads(int(threads))
    network = Network(pathlib.Path(packages, "node_modules", "@upscalerjs", f"esrgan-{size}", "models", "x4"))
    most = 1 if size == "thick" else 255  # the range of values, as the packages have it
    with Image.open(source) as opened:
        picture = torch.from_numpy(numpy.array(opened.convert("RGB")))
    began = time.perf_counter()
    with torch.inference_mode():
        x = picture.permute(2, 0, 1)[None].float() / 255 * most
        y = network(x)[0] / most * 255
        pixels = y.round().clamp(0, 255).byte().permute(1, 2, 0).contiguous()
    print(time.perf_counter() - began)
    Image.fromarray(pixels.numpy()).save(out, compress_level=1)


if __name__ == "__main__":
    main()
