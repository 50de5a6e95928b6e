"""One peer in a process of its own: worker.py MODULE.FUNCTION CLASS SHAPE THREADS, the shape of that class in JSON.

It makes the pass ready and prints "ready". Then, for every line read, it runs the pass and prints
the seconds of one, the bytes that the process has grown by at most since its libraries were loaded, and the number of weights, 0 of a pass
that has none.
"""

import importlib
import json
import math
import os
import sys
import time

SHORTEST = 0.02  # seconds of a sample; a shorter pass is repeated within it, as in longspan bench


def resident(name):
    """VmRSS: bytes of this process that are in memory; VmHWM: the most that ever were. 0 where the system does not tell."""
    try:
        lines = open("/proc/self/status").read().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def main():
    peer, kind, shape, threads = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before anything is imported that reads it
    import torch

    import shape as shapes

    torch.set_num_threads(threads)
    module, function = peer.split(".")
    make = getattr(importlib.import_module(module), function)
    if module == "steps":
        importlib.import_module("transformers.models.longformer.modeling_longformer")
    before = resident("VmRSS")
    run = make(getattr(shapes, kind)(**shape))

    def sample(repeat):
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        return (time.perf_counter() - start) / repeat

    first = sample(1)
    repeat = 1 if first > 50 * SHORTEST else math.ceil(SHORTEST / sample(1))  # a pass of seconds is warm after one
    print("ready", flush=True)
    for _ in sys.stdin:
        print(sample(repeat), resident("VmHWM") - before, getattr(run, "weights", 0), flush=True)


if __name__ == "__main__":
    main()
