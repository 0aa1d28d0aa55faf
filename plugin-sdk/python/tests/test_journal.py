"""The journal, the pace and the record: what is written is read in order, in batches, and never too much of it."""

from __future__ import annotations

import math
import threading
import time

import pytest

from factory_plugin import Cancelled, proto
from factory_plugin.journal import BATCH_BYTES, Journal, Pending
from factory_plugin.pace import PROGRESS_INTERVAL, Pace
from factory_plugin.record import Record

DEADLINE = 30.0


def log(length: int = 1) -> proto.Event:
    return proto.Event(log=proto.LogLine(message="x" * length))


def journal(*events: tuple[str, proto.Event]) -> Journal:
    made = Journal()
    for kind, event in events:
        made.push(kind, event, time.time_ns())
    return made


def seqs(batch: tuple[bytes, int]) -> list[int]:
    encoded, last = batch
    found = [event.seq for event in proto.EventBatch.FromString(encoded).events]
    assert found[-1:] in ([last], [])
    return found


def test_numbers_start_at_one_and_go_on_after_an_acknowledgement() -> None:
    made = journal(*[("log", log())] * 3)
    assert seqs(made.batch(0)) == [1, 2, 3]
    made.acknowledge(2)
    assert made.push("log", log(), 0) == 4
    assert seqs(made.batch(2)) == [3, 4]
    assert seqs(made.batch(3)) == [4]
    assert seqs(made.batch(9)) == []


def test_an_event_has_the_time_at_which_it_was_written() -> None:
    made = Journal()
    made.push("log", log(), 1_500_000_007)
    event = proto.EventBatch.FromString(made.batch(0)[0]).events[0]
    assert (event.time.seconds, event.time.nanos) == (1, 500_000_007)


def test_nothing_follows_a_terminal_event() -> None:
    made = journal(("completed", proto.Event(completed=proto.Completed())), ("log", log()))
    assert (made.last_seq, made.has_ended, made.is_settled) == (1, True, False)
    assert made.pending(0) is Pending.NOW
    assert made.pending(1) is Pending.END
    made.acknowledge(1)
    assert made.is_settled


def test_a_reader_waits_for_more_until_a_batch_is_full() -> None:
    assert journal().pending(0) is Pending.NOTHING
    assert journal(("log", log(10))).pending(0) is Pending.SOME
    half = ("log", log(BATCH_BYTES // 2))
    full = journal(half, half, ("log", log()))
    assert full.pending(0) is Pending.NOW
    assert full.pending(1) is Pending.SOME
    assert seqs(full.batch(0)) == [1, 2]


def test_an_intent_is_not_kept_waiting() -> None:
    intent = proto.Event(resource_intent=proto.ResourceIntent(intent_id="volume"))
    made = journal(("log", log()), ("resource_intent", intent), ("log", log()))
    assert made.pending(0) is Pending.NOW
    assert made.pending(2) is Pending.SOME


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Makes journals full sooner, and answers at how many bytes."""
    monkeypatch.setattr("factory_plugin.journal.FULL_BYTES", 1 << 20)
    return 1 << 20


def test_it_is_full_until_enough_is_acknowledged(small: int) -> None:
    made = journal(*[("log", log(small // 32))] * 32)
    assert made.is_full
    made.acknowledge(1)
    assert not made.is_full


def test_small_events_count_with_what_they_cost_in_memory(small: int) -> None:
    made = Journal()
    while not made.is_full:
        made.push("log", log(), 0)
    assert made.written < small / 4


def test_acknowledging_too_much_or_twice_does_no_harm() -> None:
    made = journal(("log", log()), ("log", log()))
    made.acknowledge(1)
    made.acknowledge(1)
    made.acknowledge(99)
    assert (made.acknowledged, made.last_seq) == (2, 2)


def progress(percent: float | None = None, activity: str = "") -> proto.Progress:
    return proto.Progress(percent=percent, activity=activity)


def test_the_first_report_goes_out_at_once_and_the_newest_of_the_rest_after_the_interval() -> None:
    pace = Pace()
    pace.offer(progress(1.0))
    assert pace.take_due(100.0) == progress(1.0)
    pace.offer(progress(2.0))
    pace.offer(progress(3.0))
    assert pace.take_due(100.0 + PROGRESS_INTERVAL / 2) is None
    assert pace.take_due(100.0 + PROGRESS_INTERVAL) == progress(3.0)
    assert pace.due() == math.inf


def test_percent_never_falls_and_stays_within_its_range() -> None:
    pace = Pace()
    for report, out in [(20.0, 20.0), (10.0, 20.0), (-5.0, 20.0), (250.0, 100.0)]:
        pace.offer(progress(report))
        assert pace.take_held(0.0) == progress(out)
    pace.offer(progress(math.nan))
    assert pace.take_held(0.0) == progress()


def test_a_report_without_percent_does_not_swallow_the_percent_that_waited() -> None:
    pace = Pace()
    pace.offer(progress(40.0))
    pace.offer(progress(activity="unpacking"))
    assert pace.take_held(0.0) == progress(40.0, "unpacking")


def kinds(record: Record) -> list[str | None]:
    batch = record.wait_for_batch(0, 0.0, lambda: False)
    assert batch is not None
    return [event.WhichOneof("kind") for event in proto.EventBatch.FromString(batch[0]).events]


def test_progress_that_waits_goes_out_before_anything_else_does() -> None:
    record = Record()
    for percent in (1.0, 2.0):
        record.progress(progress(percent))
    record.write("log", log())
    assert kinds(record) == ["progress", "progress", "log"]


def test_silence_is_broken_by_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory_plugin.record.HEARTBEAT_INTERVAL", 0.01)
    record = Record()
    end = time.monotonic() + DEADLINE
    assert record.supervise_until(lambda: 3 <= record._journal.last_seq, lambda: end)
    assert set(kinds(record)) == {"heartbeat"}


def test_the_last_report_goes_out_without_another_one() -> None:
    record, done = Record(), threading.Event()
    threading.Thread(target=record.supervise_until, args=(done.is_set, lambda: math.inf), daemon=True).start()
    for percent in range(100):
        record.progress(progress(float(percent)))
    seen: list[float] = []
    while seen[-1:] != [99.0]:
        batch = record.wait_for_batch(len(seen), 0.0, lambda: False)
        assert batch is not None
        seen += [event.progress.percent for event in proto.EventBatch.FromString(batch[0]).events]
    assert len(seen) < 50
    done.set()
    record.wake()


def test_a_writer_waits_for_room_and_goes_on_when_there_is_some(small: int) -> None:
    record = Record()
    record.report("log", log(small))
    written = threading.Event()

    def write() -> None:
        record.report("log", log())
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert not written.wait(0.05)
    record.acknowledge(1)
    assert written.wait(DEADLINE)
    writer.join()
    assert record.seqs() == (2, 1)


def test_a_writer_that_waits_is_released_by_cancellation(small: int) -> None:
    record = Record()
    record.report("log", log(small))
    threading.Timer(0.05, record.cancel).start()
    with pytest.raises(Cancelled):
        record.report("log", log())


def test_a_reader_is_released_when_its_stream_is_closed() -> None:
    record, closed = Record(), threading.Event()

    def close() -> None:
        closed.set()
        record.wake()

    threading.Timer(0.05, close).start()
    assert record.wait_for_batch(0, 0.0, closed.is_set) is None
