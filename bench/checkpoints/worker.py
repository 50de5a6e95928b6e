"""The other side in a process of its own: worker.py NAME THREADS ARGUMENT…. It prints "ready", and for every line read the seconds of a run."""

import os
import sys
import time

THREADS = int(sys.argv[2])
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


def body(folder, tokens, implementation):
    """A pass of a transformers model over one text of drawn tokens."""
    import torch
    from transformers import AutoModel

    torch.set_num_threads(THREADS)
    model = AutoModel.from_pretrained(folder, attn_implementation=implementation).eval()
    ids = torch.randint(5, 30000, (1, int(tokens)), generator=torch.Generator().manual_seed(1))
    extra = {}
    if model.config.model_type == "longformer":
        extra["global_attention_mask"] = torch.zeros_like(ids)
        extra["global_attention_mask"][:, 0] = 1

    def run():
        with torch.inference_mode():
            model(ids, **extra)

    return run


def summary(folder, tokens, new, beams):
    """A source read, and a summary of new tokens searched for by a transformers model; with one beam its encoder alone."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    torch.set_num_threads(THREADS)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    ids = torch.randint(5, 30000, (1, int(tokens)), generator=torch.Generator().manual_seed(1))
    extra = {}
    if model.config.model_type == "led":
        extra["global_attention_mask"] = torch.zeros_like(ids)
        extra["global_attention_mask"][:, 0] = 1
    mask = torch.ones_like(ids)

    def run():
        with torch.inference_mode():
            if int(beams) == 1:
                model.get_encoder()(ids, attention_mask=mask, **extra)
            else:
                model.generate(ids, attention_mask=mask, num_beams=int(beams), min_new_tokens=int(new), max_new_tokens=int(new),
                               do_sample=False, length_penalty=1.0, **extra)

    return run


def sentences(folder, path):
    """The vectors of the lines of a file, by sentence-transformers with its default batches."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    model = SentenceTransformer(folder, device="cpu")
    texts = open(path).read().splitlines()

    def run():
        model.encode(texts)

    return run


def onnx(folder, path):
    """The same by ONNX Runtime: batches of 32, sorted by length as sentence-transformers does."""
    import numpy as np
    import onnxruntime
    from transformers import AutoTokenizer

    file = export(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = sorted(open(path).read().splitlines(), key=len, reverse=True)

    def run():
        for i in range(0, len(texts), 32):
            batch = tokenizer(texts[i:i + 32], padding=True, truncation=True, max_length=256, return_tensors="np")
            states = session.run(None, {k: batch[k].astype(np.int64) for k in ("input_ids", "attention_mask", "token_type_ids")})[0]
            mask = batch["attention_mask"][..., None]
            vectors = (states * mask).sum(1) / mask.sum(1)
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    return run


def export(folder):
    """Writes the model as an ONNX file once."""
    import pathlib
    import tempfile

    import torch
    from transformers import AutoModel

    file = pathlib.Path(tempfile.gettempdir()) / "longspan-minilm.onnx"
    if file.exists():
        return str(file)

    class Body(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()

        def forward(self, input_ids, attention_mask, token_type_ids):
            return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state

    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tuple(torch.ones(2, 16, dtype=torch.long) for _ in names)
    torch.onnx.export(Body(), example, str(file), input_names=names, output_names=["states"], dynamo=False, opset_version=17,
                      dynamic_axes={n: {0: "batch", 1: "tokens"} for n in names + ["states"]})
    return str(file)


def llama(path, prompt, decode):
    """A prompt and the tokens after it by llama.cpp. The seconds of the two parts are printed by the run."""
    import llama_cpp

    model = llama_cpp.Llama(path, n_ctx=int(prompt) + int(decode) + 8, n_threads=THREADS, n_threads_batch=THREADS, n_batch=2048, n_ubatch=512,
                            flash_attn=True, verbose=False)
    ids = [5 + i * 7919 % 30000 for i in range(int(prompt))]

    def run():
        model.reset()
        start = time.perf_counter()
        model.eval(ids)
        middle = time.perf_counter()
        for i in range(int(decode)):
            model.eval([ids[i]])
        return middle - start, time.perf_counter() - middle

    return run


def main():
    run = globals()[sys.argv[1]](*sys.argv[3:])
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        parts = run()
        print("seconds", *(parts or (time.perf_counter() - start,)), flush=True)
    import resource

    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


main()
