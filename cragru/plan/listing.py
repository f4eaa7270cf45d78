"""What `snakemake --list` says of a rule, and a dry run of the time that its jobs will take."""

import re
import textwrap
from collections.abc import Sequence

from cragru.core.place import PathLike
from cragru.plan.timing import Times

LONGEST_LINE = 100


def first_words(caption: str) -> str:
    """Return the beginning of a caption: its first sentence, or as many of its words as stand on a line."""
    (first, *_) = re.split(r"[.;:] ", caption.strip(), maxsplit=1)
    return textwrap.shorten(first.rstrip("."), LONGEST_LINE, placeholder=" …")


def as_line(message: str) -> str:
    """Return what a rule says of a job as a line on the rule: `DATASET` stands for ``{wildcards.dataset}``."""
    return re.sub(r"\{\w+\.(\w+)\}", lambda found: found[1].upper(), message)


def expected_time(benchmarks: Sequence[PathLike | None]) -> str:
    """Say how long jobs will take, one after the other, by what earlier runs wrote.

    Args:
        benchmarks: Where each job writes its seconds; None for a job that is not timed.
    """
    times = Times()
    seconds = [times.expected(path) for path in benchmarks if path is not None]
    known = [one for one in seconds if one is not None]
    if not known:
        return "how long they take is not known before their rules have run here"
    total, more = sum(known), len(benchmarks) - len(known)
    length = f"{total / 60:.0f} minutes" if total > 90 else f"{total:.0f} seconds"
    others = f"; {more} of {len(benchmarks)} jobs have no time yet" if more else ""
    return f"about {length} one after the other, by earlier runs of the same rules{others}"
