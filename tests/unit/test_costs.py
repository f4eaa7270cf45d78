"""Which seconds count, by hand: CPU seconds on a CPU, wall seconds elsewhere and where CPU seconds are unknown."""

import pandas as pd
import pytest

from cragru.reporting.costs import (
    PARALLEL,
    SEQUENTIAL,
    count_seconds,
    counted,
    counts_note,
    marked,
    unit,
)

LABELS = ["method"]


def record(method="SISA", device="cpu", wall=4.0, cpu=1.0, parallel=None, cpu_parallel=None):
    return {
        "method": method,
        "device": device,
        SEQUENTIAL: wall,
        f"cpu_{SEQUENTIAL}": cpu,
        PARALLEL: parallel,
        f"cpu_{PARALLEL}": cpu_parallel,
    }


def what_counts(*records):
    frame = count_seconds(records, [SEQUENTIAL, PARALLEL], LABELS)
    values = frame[["counts", counted(SEQUENTIAL), counted(PARALLEL)]]
    return values.astype(object).where(values.notna(), None).to_numpy().tolist()


def test_cpu_seconds_count_on_a_cpu():
    assert what_counts(record(parallel=2.0, cpu_parallel=0.5)) == [["cpu", 1, 0.5]]


@pytest.mark.parametrize("device", ["cuda:0", "NVIDIA H200", "server", "cpu and server", None])
def test_wall_seconds_count_elsewhere(device):
    assert what_counts(record(device=device, parallel=2.0, cpu_parallel=0.5)) == [["wall", 4, 2]]


def test_what_has_no_parallel_seconds_lacks_none():
    assert what_counts(record()) == [["cpu", 1, None]]


def test_wall_seconds_count_where_cpu_seconds_are_unknown():
    assert what_counts(record(cpu=None)) == [["wall", 4, None]]
    assert what_counts(record(parallel=2.0)) == [["wall", 4, 2]]
    older = {"method": "SISA", "device": "cpu", SEQUENTIAL: 4.0, PARALLEL: 2.0}
    assert what_counts(older) == [["wall", 4, 2]]


def test_a_row_has_seconds_of_one_kind():
    """One old answer of two makes the row count by wall seconds; other rows stay as they are."""
    rows = [record(), record(cpu=None), record("Retrain", wall=9.0, cpu=8.0)]
    assert what_counts(*rows) == [["wall", 4, None], ["wall", 4, None], ["cpu", 8, None]]


def test_no_other_process_changes_what_counts():
    idle, busy = record(wall=1.1), record(wall=8.0)
    assert what_counts(idle) == what_counts(busy)


def test_headers_and_marks_name_what_is_in_the_column():
    mixed = pd.Series(["cpu", "wall"])
    assert [unit(mixed), unit(["cpu"]), unit(["wall"])] == ["CPU s", "CPU s", "s"]
    assert [marked("2.0", own, mixed) for own in mixed] == ["2.0", "2.0 wall"]
    assert [marked("2.0", "wall", ["wall"]), marked("", "wall", mixed)] == ["2.0", ""]


def test_notes_say_which_seconds_there_are():
    assert counts_note(["cpu"]).startswith("Seconds are CPU seconds")
    assert "wall seconds, in which" not in counts_note(["cpu"])
    assert counts_note(["wall"]).startswith("Seconds are wall seconds")
    assert 'Those marked "wall" are wall seconds' in counts_note(["wall", "cpu"])
