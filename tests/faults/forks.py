"""Starts `python -m pipeline …` again and again in one workspace without importing torch each time.

Run in the workspace's folder, by its path: it imports the workspace's code once, then reads one JSON line
per run from stdin, forks, and prints two lines: {"pid"} at once, {"code", "said"} at the end. The child is a
process like any other: it has its own environment, limits and connections, and dies by SIGKILL.
"""

import atexit
import ctypes
import gc
import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

# In place of this file's own folder: what is imported is the workspace's.
sys.path[0] = str(Path.cwd())


def start(task: dict[str, Any], output: int) -> list[str]:
    """Become the child: what it says goes to `output`."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(task["environment"])
    os.chdir(task["workspace"])  # the folder may be another one than at the start
    if task["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_bytes"], task["file_bytes"]))
    return [str(argument) for argument in task["arguments"]]


def serve() -> list[str] | None:
    """Fork for each line; return in the children, with their arguments, and at the end with None."""
    ours = ("pipeline.__main__", "pipeline.commands.release", "pipeline.embedding.loading")
    for module in (*ours, "sentence_transformers"):
        importlib.import_module(module)
    gc.freeze()  # or a child's first collection copies all that was imported
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            return start(task, writer)
        os.close(writer)
        print(json.dumps({"pid": pid}), flush=True)
        with os.fdopen(reader, "rb") as pipe:
            said = pipe.read().decode(errors="replace")
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status), "said": said}), flush=True)
    return None


if __name__ == "__main__":
    arguments = serve()
    if arguments is not None:
        from pipeline.__main__ import main

        code = main(arguments)
        sys.stdout.flush()
        atexit._run_exitfuncs()
        os._exit(code)  # to take a thousand modules down takes longer than the run
