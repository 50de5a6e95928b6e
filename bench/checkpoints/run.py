"""Times Longspan and other libraries on whole models; README.md says what."""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BIN = HERE.parents[1] / "bin"


class Peer:
    """A worker.py that runs only when it is asked to."""

    def __init__(self, threads, name, *arguments):
        command = [sys.executable, HERE / "worker.py", name, str(threads), *map(str, arguments)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.read("ready")

    def read(self, word):
        for line in self.process.stdout:
            if line.startswith(word):
                return [float(x) for x in line.split()[1:]]
        raise SystemExit(f"{self.process.args[2]} ended with status {self.process.wait()}")

    def run(self):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return self.read("seconds")

    def close(self):
        """Ends the process, and returns its peak memory in KiB."""
        self.process.stdin.close()
        peak, = self.read("peak")
        self.process.wait()
        return peak


def ours(*arguments):
    """The JSON of a command of Longspan."""
    out = subprocess.run([BIN / "longspan", *map(str, arguments), "--json"], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def made(folder, kind):
    """A folder of drawn weights in the shape of a published model, made once."""
    if not (folder / "model.safetensors").exists():
        import torch
        import transformers as t

        torch.manual_seed(0)
        model = {
            "modernbert": lambda: t.ModernBertModel(t.ModernBertConfig()),
            "longformer": lambda: t.LongformerModel(t.LongformerConfig(vocab_size=50265, max_position_embeddings=16386, attention_window=512,
                                                                       type_vocab_size=1, layer_norm_eps=1e-5)),
            "led": lambda: t.LEDForConditionalGeneration(t.LEDConfig(
                attention_window=1024, encoder_layers=6, decoder_layers=6, d_model=768, encoder_ffn_dim=3072, decoder_ffn_dim=3072,
                encoder_attention_heads=12, decoder_attention_heads=12)),
            "bigbird_pegasus": lambda: t.BigBirdPegasusForConditionalGeneration(t.BigBirdPegasusConfig()),
        }[kind]()
        model.save_pretrained(folder)
    return folder


class Table:
    def __init__(self):
        self.rows = []

    def add(self, case, us, them, unit, aim, ratio=None):
        ratio = ratio if ratio is not None else statistics.median(b / a for a, b in zip(us, them))
        row = [case, f"{statistics.median(us):.3g} {unit}", f"{statistics.median(them):.3g} {unit}", f"{ratio:.2f}", aim]
        self.rows.append(row)
        print(" | ".join(row), flush=True)

    def write(self, path, head):
        lines = [head, "", "| case | Longspan | other | ratio | aim |", "|---|---|---|---|---|"]
        path.write_text("\n".join(lines + ["| " + " | ".join(r) + " |" for r in self.rows]) + "\n")


def passes(o, table, kind, tokens, implementation, aim):
    folder = made(o.made / kind, kind)
    peer = Peer(o.threads, "body", folder, tokens, implementation)
    us, them = [], []
    extra = ["--global", "0"] if kind == "longformer" else []
    for _ in range(o.rounds):
        us.append(ours("bench", "model", folder, "--tokens", tokens, "--threads", o.threads, "--runs", 1, *extra)["seconds"])
        them.append(peer.run()[0])
    peer.close()
    table.add(f"{kind} {tokens}", us, them, "s", aim)


def summaries(o, table, kind, tokens, new, beams, aim):
    """A source read, and a summary of a fixed length searched for; with one token the encoder alone."""
    folder = made(o.made / kind, kind)
    peer = Peer(o.threads, "summary", folder, tokens, new, beams)
    us, them, peak = [], [], 0
    extra = ["--global", "0"] if kind == "led" else []
    if beams > 1:
        extra += ["--decode", new, "--beams", beams]
    for _ in range(o.rounds):
        r = ours("bench", "model", folder, "--tokens", tokens, "--threads", o.threads, "--runs", 1, *extra)
        us.append(r["seconds"] + ((new - 1) / r["decoded_per_second"] if beams > 1 else 0))
        peak = max(peak, r["peak_bytes"])
        them.append(peer.run()[0])
    theirs = peer.close()
    what = f"{new} out, beam {beams}" if beams > 1 else "the encoder"
    table.add(f"{kind} {tokens}, {what}", us, them, "s", aim)
    print(f"peak memory: {peak / 2**30:.2f} GiB, {theirs / 2**20:.2f} GiB")


def growth(o, table):
    folder = made(o.made / "modernbert", "modernbert")
    short, long = ([ours("bench", "model", folder, "--tokens", n, "--threads", o.threads, "--runs", 1) for _ in range(2)] for n in (8192, 32768))
    table.add("modernbert 32768 against 8192", [r["seconds"] for r in short], [r["seconds"] for r in long], "s", "4.4 less the global layers")
    peak = max(r["peak_bytes"] for r in long)
    print(f"peak memory at 32768: {peak / 2**30:.2f} GiB; at 8192: {max(r['peak_bytes'] for r in short) / 2**30:.2f} GiB")


def minilm(o, table):
    folder = o.real / "all-MiniLM-L6-v2"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        text = " ".join(p.read_text(errors="replace") for p in sorted(pathlib.Path("/usr/share/common-licenses").iterdir()) if p.is_file())
        words = text.split()
        lines, at, i = [], 0, 0
        while len(lines) < 1000:  # 5 to 44 words
            n = 5 + i * 7 % 40
            lines.append(" ".join(words[at:at + n]))
            at, i = (at + n) % (len(words) - 50), i + 1
        file.write("\n".join(lines))
        file.flush()
        for name, aim in (("sentences", "2"), ("onnx", "1")):
            peer = Peer(o.threads, name, folder, file.name)
            us, them = [], []
            for _ in range(o.rounds):
                us.append(ours("embed", folder, file.name, "--lines", "--threads", o.threads)["seconds"])
                them.append(peer.run()[0])
            peer.close()
            table.add(f"minilm, 1,000 texts, {name}", us, them, "s", aim)


def smollm(o, table):
    import gguf_bf16

    source = o.real / "SmolLM2-135M-Instruct.Q4_1.gguf"
    path = gguf_bf16.widen(source, o.made / "SmolLM2-135M-Instruct.BF16.gguf")
    peer = Peer(o.threads, "llama", path, 7168, 128)
    us, them = [], []
    for _ in range(o.rounds):
        r = ours("bench", "model", path, "--tokens", 7168, "--decode", 128, "--precision", "bf16", "--threads", o.threads, "--runs", 1)
        us.append((r["seconds"], 128 / r["decoded_per_second"]))
        them.append(peer.run())
    peer.close()
    table.add("smollm2 prompt 7168, bf16", [u[0] for u in us], [t[0] for t in them], "s", "1.3")
    table.add("smollm2 128 tokens after it, bf16", [u[1] for u in us], [t[1] for t in them], "s", "1")


def gemma(o, table):
    path = o.real / "gemma-3-270m" / "gemma-3-270m-q4_k_m.gguf"
    rates, state = [], []
    for tokens in (1024, 32768):
        r = ours("bench", "model", path, "--tokens", tokens, "--decode", 64, "--precision", "bf16", "--threads", o.threads, "--runs", 2)
        rates.append(r["decoded_per_second"])
        state.append(r["state_bytes"])
    table.add("gemma3 decoding at 32768 against 1024", [rates[1]], [rates[0]], "tokens/s", "0.7", ratio=rates[1] / rates[0])
    print(f"state: {state[0]} bytes at 1,024 tokens, {state[1]} at 32,768")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--real", type=pathlib.Path, default=HERE.parents[1] / ".real")
    parser.add_argument("--made", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "longspan-made")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    o = parser.parse_args()
    o.made.mkdir(parents=True, exist_ok=True)
    table = Table()
    cases = {
        "modernbert": lambda: passes(o, table, "modernbert", 8192, "sdpa", "2.5"),
        "growth": lambda: growth(o, table),
        "longformer": lambda: passes(o, table, "longformer", 4096, "eager", "4"),
        "longformer16": lambda: passes(o, table, "longformer", 16384, "eager", "4"),
        "led": lambda: summaries(o, table, "led", 16384, 1, 1, "4"),
        "bigbird_pegasus": lambda: summaries(o, table, "bigbird_pegasus", 4096, 128, 5, "3"),
        "minilm": lambda: minilm(o, table),
        "smollm": lambda: smollm(o, table),
        "gemma": lambda: gemma(o, table),
    }
    for name, run in cases.items():
        if not o.only or name in o.only.split(","):
            run()
    level = subprocess.run([BIN / "longspan", "info", "--quick"], capture_output=True, text=True).stdout
    table.write(BIN / "checkpoints.md", f"{platform.processor() or platform.machine()}, {o.threads} threads\n\n```\n{level}```")


main()
