"""Checks that transformers opens fine-tuned encoder-decoders, and that it computes the same logits.

    LONGSPAN_TUNED=/tmp/tuned go test ./recipe -run TestFineTunePairs
    .venv/bin/python hf/testdata/golden/tuned.py /tmp/tuned

It prints the largest difference, as a share of the largest logit. Both versions of transformers run it.
"""

import pathlib
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForSeq2SeqLM


def main():
    for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        want = load_file(folder / "logits.safetensors")["logits"]
        model = AutoModelForSeq2SeqLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        inputs = {"input_ids": torch.arange(5, 38)[None], "decoder_input_ids": torch.arange(40, 51)[None]}
        if model.config.model_type == "led":
            inputs["global_attention_mask"] = (inputs["input_ids"] == 5).long()
        with torch.no_grad():
            logits = model(**inputs).logits[0]
        print(f"{folder.name}: {((logits - want).abs().max() / want.abs().max()).item():.2g}", flush=True)


if __name__ == "__main__":
    main()
