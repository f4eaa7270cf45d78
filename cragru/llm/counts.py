"""What the proof of a cell's prompts counts (`cragru.llm.proof`), as its file has it; tables and the audit read it."""

from cragru.core.place import PathLike
from cragru.kept.files import read_record

COUNTED = ("prompts", "history_rows", "forgotten_in_history", "candidates", "forgotten_candidates")


def read_counts(path: PathLike) -> dict[str, int]:
    """Return the counts of a proof, by the names in `COUNTED`.

    Raises:
        CragruError: If the file is not the record of a proof.
    """
    return read_record(path, dict.fromkeys(COUNTED, int))
