"""What a deletion request would delete, in a few words: for a dry run."""

from collections.abc import Sequence
from pathlib import Path

from cragru.data.request_file import read_lines
from cragru.written.texts import counted


def deletion(files: Sequence[str], prepared: str) -> str:
    """Return how many rows of how many users the last of some requests deletes.

    Args:
        files: Files of the requests that are served before it, and its own.
        prepared: Folder of the prepared data; if nothing is there yet, the answer is what the file asks for.

    Raises:
        CragruError: If a file is refused.
    """
    if not Path(prepared, "interactions.parquet").is_file():
        lines = read_lines(files[-1])
        whole = len({line.cells[0] for line in lines if not line.cells[1]})
        single = counted(len(lines) - whole, "single row")
        return f"all rows of {counted(whole, 'user')}, and {single}"
    # a plan without requests does without pandas, which takes half a second to import
    from cragru.data.requests import read_catalogue, read_request

    catalogue = read_catalogue(prepared)
    *earlier, own = (set(read_request(file, catalogue).tolist()) for file in files)
    rows = sorted(own.difference(*earlier))
    users = catalogue.users_of(rows)
    return f"{counted(len(rows), 'row')} of {counted(len(users), 'user')}"
