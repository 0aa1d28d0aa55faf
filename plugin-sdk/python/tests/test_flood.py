"""A plugin that says a million things to a reader that stalls: nothing is lost, the connection lives, memory stays flat."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from factory_plugin.journal import FULL_BYTES
from factory_plugin.testing import Harness, base_image, template

PLUGIN = [sys.executable, str(Path(__file__).with_name("plugin_program.py"))]
EVENTS = 1_000_000
STALLS = (0.5, 2.0, 0.5)
"""How long the reader stalls, each time in seconds: for what it tests, and not for somebody else to be done."""
GROWTH_BYTES_MAX = 3 * FULL_BYTES
"""How much memory unacknowledged events, and what gRPC holds of them, may take."""


def resident_bytes(pid: int) -> int:
    """Answers how much memory a process ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def test_a_million_events_reach_a_reader_that_stalls(tmp_path: Path) -> None:
    with Harness(PLUGIN) as harness:
        assert harness.process is not None
        harness.describe()
        before = resident_bytes(harness.process.pid)
        request = base_image(template(), {"events": EVENTS})
        request.message.header.work_dir = str(tmp_path)
        stream = harness.client.stream(request)
        lines, seq, stalls = 0, 0, list(STALLS)
        for batch in stream:
            for event in batch.events:
                assert event.seq == seq + 1
                seq = event.seq
                if event.HasField("log"):
                    assert event.log.message == f"line {lines}"
                    lines += 1
            if stalls and EVENTS / 10 * (len(STALLS) - len(stalls) + 1) < lines:
                time.sleep(stalls.pop())
            harness.client.acknowledge(request.id, seq)
        assert (lines, stalls, event.WhichOneof("kind")) == (EVENTS, [], "completed")
        growth = resident_bytes(harness.process.pid) - before
        assert growth < GROWTH_BYTES_MAX, f"it grew by {growth} bytes"
        print(f"{growth / 2**20:.0f} MiB more")
