"""What importing the toolkit costs beside what any LangChain toolkit costs: `python benchmarks/imports.py`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

OURS = "from ac_tools import ActiveCampaignToolkit"
BASE = "from langchain_core.tools import BaseTool, BaseToolkit; import httpx"
MOST = 1.25
ROUNDS = 11
_TIMED = "import time; t = time.process_time(); exec({code!r}); print(time.process_time() - t)"


def milliseconds(code: str, bytecode: str) -> float:
    """The processor time that a fresh interpreter takes to run this: imports wait for nothing but the processor.

    Args:
        code: What it runs.
        bytecode: The directory of the compiled files, those of ours and of the others alike.
    """
    command = [sys.executable, "-c", _TIMED.format(code=code)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = bytecode
    return float(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout) * 1000


def main() -> int:
    """Interleave the runs, so that whatever else the machine does touches both alike."""
    with tempfile.TemporaryDirectory() as bytecode:
        for code in (BASE, OURS):
            milliseconds(code, bytecode)  # compiles
        pairs = [(milliseconds(BASE, bytecode), milliseconds(OURS, bytecode)) for _ in range(ROUNDS)]
    base, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{base:7.1f} ms  {BASE}")
    print(f"{ours:7.1f} ms  {OURS}")
    print(f"{ours / base:7.2f} times as long; at most {MOST} (medians of {ROUNDS} interleaved runs)")
    return 0 if ours / base <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
