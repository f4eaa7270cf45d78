"""Seconds: what adds up, which count, and that other processes do not."""

import subprocess
import sys
import threading
import time

import pytest
import torch

from cragru.backbones.trainer import Stopwatch
from cragru.core.clock import Seconds, counts_cpu, longest, now, total

BUSY = "import time\nwhile time.process_time() < .3: pass"


def work(seconds):
    """Keep a thread busy for CPU seconds of its own."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_spans_in_turn_add_up_and_the_longest_stands_for_those_side_by_side():
    spans = [Seconds(1, 4), Seconds(3, 2)]
    assert total(spans) == Seconds(4, 6)
    assert longest(spans) == Seconds(3, 4)
    assert total([]) == longest([]) == Seconds(0, 0)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "NVIDIA H200", "server", "cpu and server"])
def test_cpu_seconds_count_on_a_cpu_alone(device):
    assert counts_cpu("cpu") and not counts_cpu(device)
    assert Seconds(3, 2).counted("cpu") == 2
    assert Seconds(3, 2).counted(device) == 3


def test_sleep_takes_no_cpu_seconds():
    begun = now()
    time.sleep(0.2)
    span = now() - begun
    assert span.wall >= 0.2
    assert span.cpu < 0.1


def test_all_threads_and_ended_children_count():
    begun = now()
    thread = threading.Thread(target=work, args=[0.2])
    thread.start()
    thread.join()
    of_thread = now()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    of_child = now() - of_thread
    assert (of_thread - begun).cpu >= 0.19
    assert of_child.cpu >= 0.29


def test_a_stopwatch_gives_laps_of_both():
    watch = Stopwatch(torch.device("cpu"))
    work(0.1)
    first = watch.lap()
    second = watch.lap()
    assert first.cpu >= 0.1 and first.wall >= 0.1
    assert second.cpu < 0.05
