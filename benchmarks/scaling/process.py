"""Runs a command and notes when it said what, how long it took, and how much memory it had."""

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass


@dataclass
class Watched:
    """The JSON objects that a command printed, each with the seconds since its start as `at`."""

    lines: list[dict]
    other: list[str]
    seconds: float
    memory: int
    """At most, in bytes."""
    status: int

    @property
    def failure(self) -> str | None:
        """Why it failed, if it did."""
        if self.status == 0:
            return None
        last = self.other[-1] if self.other else ""
        if self.status < 0:
            return f"ended by {signal.Signals(-self.status).name}" + (f": {last}" if last else "")
        return last or f"ended with status {self.status}"


def watch(command: list, folder, patience: float, listen: str = "stdout") -> Watched:
    """Listens to what the command prints to `listen`, and kills it where it takes longer than `patience` seconds.

    The memory of a child is at least that of its parent at the start, so the parent should be small.
    """
    started = time.monotonic()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    if listen == "stderr":
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen([str(word) for word in command], cwd=folder, text=True, **streams)
    timer = threading.Timer(patience, process.kill)
    timer.start()
    lines, other = [], []
    for line in getattr(process, listen):
        at = time.monotonic() - started
        try:
            lines.append({"at": at} | json.loads(line))
        except ValueError:
            if line.strip():
                other.append(line.strip())
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Watched(lines, other, seconds, usage.ru_maxrss * 1024, process.returncode)
