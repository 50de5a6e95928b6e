"""Makes the golden searches: what transformers 4's generate finds by beam search with the golden checkpoints.

    .venv/bin/python hf/testdata/golden/beams.py [FOLDER…]

It reads the folders of gen.py and seq2seq.py, and writes beams/FOLDER.json. README.md has the format.
"""

import json
import pathlib
import sys

import torch
import transformers as t

import compute

HERE = pathlib.Path(__file__).resolve().parent
NOISE = 1e-3  # of the logits, under which a search must find the same: no rounding then changes an order
DECODERS = ("gpt2", "llama", "mistral", "gemma3", "qwen3")
SEQ2SEQ = ("bart", "mbart", "led", "t5", "longt5", "pegasus", "bigbird_pegasus")

BOTH = [
    dict(num_beams=4, max_new_tokens=20),
    dict(num_beams=1, max_new_tokens=20, repetition_penalty=1.5, no_repeat_ngram_size=3),
    dict(num_beams=4, max_new_tokens=24, no_repeat_ngram_size=3, length_penalty=2.0, early_stopping=True, num_return_sequences=4),
    dict(num_beams=5, max_new_tokens=30, early_stopping="never", length_penalty=0.8, min_new_tokens=6, num_return_sequences=3),
    dict(num_beams=9, max_new_tokens=12, length_penalty=-0.5, repetition_penalty=1.3, num_return_sequences=9),
]
OF_SOURCE = [
    dict(num_beams=4, max_length=40, min_length=8, no_repeat_ngram_size=3, encoder_no_repeat_ngram_size=3, forced_bos_token_id=6,
         forced_eos_token_id=2, length_penalty=2.0, num_return_sequences=2),
]


class Noise(t.LogitsProcessor):
    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, ids, scores):
        return scores + NOISE * torch.randn(scores.shape, generator=self.generator)


def search(model, prompt, settings, seed=None):
    """The new tokens of each sequence, without padding, and the scores; a seed adds noise."""
    noise = [] if seed is None else [Noise(seed)]
    out = model.generate(torch.tensor([prompt]), **settings, logits_processor=noise, do_sample=False, pad_token_id=0, output_scores=True,
                         return_dict_in_generate=True)
    start = 1 if model.config.is_encoder_decoder else len(prompt)
    ends, sequences = settings["eos_token_id"], []
    for ids in out.sequences[:, start:].tolist():
        end = min([ids.index(e) for e in ends if e in ids], default=len(ids))
        sequences.append(ids[:end + 1])  # what follows is padding
    scores = out.sequences_scores.tolist() if settings["num_beams"] > 1 else None
    return sequences, scores


def steady(model, settings, length, seed):
    """A search from the first drawn prompt that noise does not change, with sequences that end and are not all alike."""
    for seed in range(seed, seed + 300):
        prompt, _ = compute.draw_ids([length], model.config.vocab_size, 0, seed)
        prompt = prompt[0].tolist()
        found, scores = search(model, prompt, settings)
        if max(map(len, found)) < 5 or len(set(found[0])) < 4:
            continue
        if all(search(model, prompt, settings, noise)[0] == found for noise in range(3)):
            return {"prompt": prompt, "settings": settings, "sequences": found, "scores": scores}
    raise SystemExit(f"no prompt of {length} tokens gives a search with a lead: {settings}")


def load(name):
    config = json.loads((HERE / name / "config.json").read_text())
    kind = getattr(t, config["architectures"][0])
    chosen = {} if kind.__name__.startswith(("LED", "BigBird", "LongT5", "T5")) else {"attn_implementation": "eager"}
    return kind.from_pretrained(HERE / name, dtype=torch.float32, **chosen).eval()


def searches(model):
    made = []
    for i, settings in enumerate(BOTH + OF_SOURCE * model.config.is_encoder_decoder):
        ends = {"eos_token_id": [2, 17, 40, 61, 80] if i else [2]}
        made.append(steady(model, ends | settings, 33 if i % 2 else 50, 1000 * i))
    return made


def main():
    torch.set_num_threads(1)
    t.logging.set_verbosity_error()
    (HERE / "beams").mkdir(exist_ok=True)
    for name in DECODERS + SEQ2SEQ:
        if name not in (sys.argv[1:] or DECODERS + SEQ2SEQ) or not (HERE / name).is_dir():
            continue
        made = searches(load(name))
        lines = ",\n".join(json.dumps(m) for m in made)
        text = f'{{"format": 1, "transformers": "{t.__version__}", "searches": [\n{lines}\n]}}\n'
        (HERE / "beams" / f"{name}.json").write_text(text)
        print(name, [sum(len(s) for s in m["sequences"]) for m in made], flush=True)


if __name__ == "__main__":
    main()
