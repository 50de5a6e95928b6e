"""Commands as processes of their own: their seconds, their memory, and an end when the time is over."""

import dataclasses
import os
import signal
import subprocess
import tempfile
import time


class Failed(Exception):
    """A command did not do its work; says why in a line."""


class Clock:
    """The time that all measurements have together."""

    def __init__(self, minutes):
        self.minutes, self.end = minutes, time.monotonic() + 60 * minutes

    def left(self):
        seconds = self.end - time.monotonic()
        if seconds < 1:
            raise Failed(f"the {self.minutes:g} minutes were over")
        return seconds


@dataclasses.dataclass(frozen=True)
class Done:
    seconds: float  # of the whole process
    peak: int  # bytes: its largest resident memory
    text: str  # what it printed


def run(command, clock, **environment):
    """Runs a command to its end, or to the clock's.

    time(1) counts the memory: the system counts in that of a child of Python what Python had before it ran the program.
    """
    with tempfile.NamedTemporaryFile("r") as peak:
        timed = ["/usr/bin/time", "-f", "%M", "-o", peak.name, *map(str, command)]
        left, began = clock.left(), time.perf_counter()
        process = subprocess.Popen(timed, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
                                   start_new_session=True)
        try:
            text, errors = process.communicate(timeout=left)
        except BaseException as ended:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(ended, subprocess.TimeoutExpired):
                raise Failed(f"the {clock.minutes:g} minutes were over") from None
            raise
        seconds = time.perf_counter() - began
        if process.returncode != 0:
            reason = (errors.strip() or text.strip() or f"exit status {process.returncode}").splitlines()
            raise Failed(reason[-1].strip())
        return Done(seconds, int(peak.read().split()[-1]) * 1024, text)
