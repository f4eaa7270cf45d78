"""What a deletion request would delete, in a few words: for a dry run."""

from collections.abc import Sequence
from pathlib import Path

from cragru.data.request_file import read_lines


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
        return f"all rows of {whole} users, and {len(lines) - whole} single rows"
    # a plan without requests does without pandas, which takes half a second to import
    from cragru.data.requests import read_catalogue, read_request

    catalogue = read_catalogue(prepared)
    *earlier, own = (set(read_request(file, catalogue).tolist()) for file in files)
    rows = sorted(own.difference(*earlier))
    return f"{len(rows)} rows of {len(catalogue.users_of(rows))} users"
