"""Writes golden.json: searches of transformers' generate over a model whose logits are sums of two tables, by the last token and by the
position. Run with transformers 4.57.6; see hf/testdata/golden/README.md for the environment."""

import json
import pathlib

import torch
import transformers
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import CausalLMOutput

VOCAB, PERIOD = 13, 5


class Toy(transformers.PreTrainedModel, GenerationMixin):
    config_class = transformers.GPT2Config

    def __init__(self, config):
        super().__init__(config)
        g = torch.Generator().manual_seed(7)
        round = lambda x: (x * 64).round() / 64  # exact in JSON
        self.token = torch.nn.Parameter(round(2 * torch.randn(VOCAB, VOCAB, generator=g)))
        self.position = torch.nn.Parameter(round(torch.randn(PERIOD, VOCAB, generator=g)))

    def forward(self, input_ids, **unused):
        at = torch.arange(input_ids.shape[1]) % PERIOD
        return CausalLMOutput(logits=self.token[input_ids] + self.position[at])

    def prepare_inputs_for_generation(self, input_ids, **unused):
        return {"input_ids": input_ids}


ONE, LONG = [1], [3, 4, 5, 3, 4, 9, 3]
CASES = [
    (ONE, dict(num_beams=4, max_new_tokens=12)),
    (LONG, dict(num_beams=4, max_new_tokens=12)),
    (LONG, dict(num_beams=2, max_new_tokens=1)),
    (LONG, dict(num_beams=5, num_return_sequences=5, max_length=15)),
    (LONG, dict(num_beams=4, max_new_tokens=12, early_stopping=True, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=30, early_stopping="never", num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=30, early_stopping=False, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=30, early_stopping="never", length_penalty=0.0, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=30, early_stopping="never", length_penalty=-1.5, num_return_sequences=4)),
    (ONE, dict(num_beams=3, max_new_tokens=20, length_penalty=2.0, num_return_sequences=3)),
    (ONE, dict(num_beams=3, max_new_tokens=20, length_penalty=0.6, early_stopping=True, num_return_sequences=3)),
    (ONE, dict(num_beams=3, max_new_tokens=20, length_penalty=-1.0, num_return_sequences=3)),
    (LONG, dict(num_beams=4, max_new_tokens=14, no_repeat_ngram_size=3, num_return_sequences=2)),
    (LONG, dict(num_beams=4, max_new_tokens=14, no_repeat_ngram_size=2, num_return_sequences=2)),
    (LONG, dict(num_beams=2, max_new_tokens=6, no_repeat_ngram_size=1)),
    (LONG, dict(num_beams=4, max_new_tokens=14, encoder_no_repeat_ngram_size=2, num_return_sequences=2)),
    (ONE, dict(num_beams=4, max_new_tokens=14, encoder_no_repeat_ngram_size=4, no_repeat_ngram_size=4)),
    (LONG, dict(num_beams=4, max_length=20, min_length=18, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=12, min_new_tokens=9, num_return_sequences=4)),
    (ONE, dict(num_beams=4, max_new_tokens=12, forced_bos_token_id=6, num_return_sequences=4)),
    (ONE, dict(num_beams=4, max_length=7, forced_bos_token_id=6, forced_eos_token_id=0, min_length=5, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_length=12, forced_eos_token_id=11, num_return_sequences=4, length_penalty=2.0)),
    (LONG, dict(num_beams=4, max_new_tokens=20, eos_token_id=[0, 5, 7], num_return_sequences=4)),
    (LONG, dict(num_beams=2, max_new_tokens=20, eos_token_id=[0, 5, 7], min_new_tokens=4, early_stopping=True)),
    (LONG, dict(num_beams=4, max_new_tokens=20, repetition_penalty=1.7, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=20, bad_words_ids=[[2], [3, 4], [0], [9, 3, 12]], num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=20, suppress_tokens=[2, 9], begin_suppress_tokens=[8, 10], num_return_sequences=4)),
    (ONE, dict(num_beams=4, max_new_tokens=20, begin_suppress_tokens=[8, 10], forced_bos_token_id=6, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=25, exponential_decay_length_penalty=[3, 1.05], num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=20, repetition_penalty=1.3, renormalize_logits=True, num_return_sequences=4)),
    (LONG, dict(num_beams=4, max_new_tokens=9, eos_token_id=None, num_return_sequences=4)),
    (ONE, dict(num_beams=12, max_new_tokens=18, no_repeat_ngram_size=3, length_penalty=2.0, min_length=6, early_stopping=True,
               num_return_sequences=12)),
    (LONG, dict(num_beams=1, max_new_tokens=20)),
    (LONG, dict(num_beams=1, max_new_tokens=20, repetition_penalty=1.7, no_repeat_ngram_size=2, min_new_tokens=15)),
    (ONE, dict(num_beams=1, max_length=9, forced_bos_token_id=6, forced_eos_token_id=0, suppress_tokens=[0])),
]


def main():
    torch.set_num_threads(1)
    model = Toy(transformers.GPT2Config(vocab_size=VOCAB, bos_token_id=1, eos_token_id=0, pad_token_id=12)).eval()
    rows = []
    for prompt, settings in CASES:
        settings = {"eos_token_id": 0, **settings}
        model.generation_config.eos_token_id = settings["eos_token_id"]
        out = model.generate(torch.tensor([prompt]), **settings, pad_token_id=12, output_scores=True, return_dict_in_generate=True,
                             use_cache=False, do_sample=False)
        scores = getattr(out, "sequences_scores", None)
        sequences = []
        for s in out.sequences.tolist():
            s = s[len(prompt):]
            while s[-1] == 12 and (scores is None or len(s) > 1):  # padding; no golden sequence ends with it otherwise
                s.pop()
            sequences.append(s)
        rows.append({"prompt": prompt, "settings": settings, "sequences": sequences,
                     "scores": None if scores is None else scores.tolist()})
    text = json.dumps({"token": model.token.tolist(), "position": model.position.tolist()})
    lines = ",\n".join(json.dumps(r) for r in rows)
    pathlib.Path(__file__).with_name("golden.json").write_text(text[:-1] + ', "searches": [\n' + lines + "\n]}\n")


main()
