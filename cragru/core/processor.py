"""The machine's processor: what of it the last bits of a result, and the speed of bfloat16, depend on."""

import platform
import re
from pathlib import Path

CPUINFO = "/proc/cpuinfo"
FLAGS = re.compile(r"^(?:flags|Features)\s*:(.*)$", re.MULTILINE)  # of x86's and of ARM's
VECTORS = ("avx512f", "avx2", "avx", "sve", "asimd")  # the widest first
BFLOAT16 = {"avx512_bf16", "amx_bf16", "bf16"}


def flags() -> set[str]:
    """Return what the first core can do, as Linux names it; nothing on another system."""
    try:
        found = FLAGS.search(Path(CPUINFO).read_text(encoding="utf-8"))
    except OSError:
        return set()
    return set(found[1].split()) if found else set()


def kind() -> str:
    """Return the architecture and the widest vectors: on another kind a sum has its terms in another order."""
    known = flags()
    widest = next((name for name in VECTORS if name in known), "")
    return f"{platform.machine()} {widest}".strip()


def computes_bfloat16() -> bool:
    """Return whether there are instructions for bfloat16."""
    return bool(BFLOAT16 & flags())
