"""Wall and CPU seconds, and which of the two count.

Wall seconds grow with whatever else a machine does, CPU seconds hardly. But the CPU seconds of a process say nothing of
what a GPU or another machine does for it: there wall seconds count.
"""

import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass

CPU = "cpu"  # the device whose work is the process's own


@dataclass(frozen=True)
class Seconds:
    """A span of time: wall seconds, and CPU seconds of the process and of its children that have ended."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: "Seconds") -> "Seconds":
        """Add another span."""
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def __sub__(self, other: "Seconds") -> "Seconds":
        """Take away another span, or the moment at which this one began."""
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)

    def counted(self, device: str) -> float:
        """Return the seconds that count for work on a device."""
        return self.cpu if counts_cpu(device) else self.wall


def counts_cpu(device: str) -> bool:
    """Say whether CPU seconds count for work on a device, such as `cpu` or `cuda`; else wall seconds do."""
    return device == CPU


def now() -> Seconds:
    """Return this moment; the difference of two is a span. All threads of the process count."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    of_children = children.ru_utime + children.ru_stime
    return Seconds(time.perf_counter(), time.process_time() + of_children)


def total(spans: Iterable[Seconds]) -> Seconds:
    """Return the sum of spans: one after the other."""
    return sum(spans, Seconds())


def longest(spans: Iterable[Seconds]) -> Seconds:
    """Return the most wall and the most CPU seconds of spans that can run at the same time; nothing of none."""
    spans = list(spans)
    return Seconds(
        max((span.wall for span in spans), default=0.0),
        max((span.cpu for span in spans), default=0.0),
    )
