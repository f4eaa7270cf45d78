"""One page of several runs, yours and others': every row with the run that it is of, after a check of each folder.

python -m cragru.reporting.gathered results/default results/ml-100k --to results/all.html
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cragru.core.errors import CragruError
from cragru.core.place import spot
from cragru.kept.files import sha256, write_text
from cragru.kept.manifest import ENDING, read_manifest
from cragru.reporting.page import SHORT, Section, in_html, rendered, saved

RUN = "Run"  # the column that says which run a row is of
ALTERED = "take the folder anew from whoever made it"  # an advice


@dataclass(frozen=True)
class Gathered:
    """A table of one run, as its Markdown has it.

    Attributes:
        run: The run's name.
        header: Names of columns.
        rows: Cells below them.
        words: The caption and the notes, a paragraph each.
    """

    run: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    words: list[str]


def checked_files(folder: Path) -> dict[str, str]:
    """Check that a run's tables are as their jobs wrote them; return the commit behind each table, by its file.

    Raises:
        CragruError: If the folder has no tables, or one that is altered or that no manifest names.
    """
    found = {}
    for manifest in sorted(folder.glob(f"tables/*{ENDING}")):
        record = read_manifest(manifest)
        for name, checksum in record["outputs"].items():
            path = manifest.with_name(Path(name).name)
            if not path.is_file() or sha256(path) != checksum:
                raise CragruError("not as its job wrote it", place=spot(path), advice=ALTERED)
            found[path.name] = (record["commit"] or "unknown")[:SHORT]
    unnamed = {path.name for path in folder.glob("tables/*.*") if not path.name.endswith(ENDING)}
    unnamed -= found.keys()
    if unnamed:
        name = min(unnamed)
        raise CragruError(
            "no manifest names it", place=spot(folder / "tables" / name), advice=ALTERED
        )
    if not found:
        raise CragruError("no folder of a run: it has no tables", place=spot(folder))
    return found


def read_table(run: str, path: Path) -> Gathered:
    """Read a table's Markdown: a caption, lines that begin with `|`, notes."""
    lines = path.read_text(encoding="utf-8").splitlines()
    header, _, *rows = [_cells(line) for line in lines if line.startswith("|")]
    words = [line for line in lines if line and not line.startswith("|")]
    return Gathered(run, header, rows, words)


def _cells(line: str) -> tuple[str, ...]:
    """Return the cells of a line; a `|` inside one is escaped."""
    hidden = line.strip().strip("|").replace(r"\|", "\0")
    return tuple(cell.strip().replace("\0", r"\|") for cell in hidden.split("|"))


def joined(tables: Sequence[Gathered]) -> Iterator[str]:
    """Yield Markdown of tables of one name: rows of equal columns in one table, and below it each run's words."""
    headers = dict.fromkeys(table.header for table in tables)
    for header in headers:
        own = [table for table in tables if table.header == header]
        yield _line([RUN, *header])
        yield _line(["---"] * (1 + len(header)))
        for table in own:
            yield from (_line([table.run, *row]) for row in table.rows)
        yield ""
    said: dict[str, list[str]] = {}
    for table in tables:
        for words in table.words:
            said.setdefault(words, []).append(table.run)
    for words, runs in said.items():
        yield words if len(runs) == len(tables) else f"*{', '.join(runs)}:* {words}"
        yield ""


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def gather(folders: Sequence[Path], path: Path) -> None:
    """Check the folders of runs, and write one page of their tables.

    Raises:
        CragruError: If a folder is none of a run, was altered, or has the name of another.
    """
    names = [folder.resolve().name for folder in folders]
    tables: dict[str, list[Gathered]] = {}
    commits: dict[str, list[str]] = {}
    for name, folder in zip(names, folders, strict=True):
        if names.count(name) > 1:
            raise CragruError("two runs of one name", place=spot(folder), advice="rename a folder")
        commits[name] = sorted(set(checked_files(folder).values()))
        for words in sorted(folder.glob("tables/*.md")):
            tables.setdefault(words.stem, []).append(read_table(name, words))
    sections = []
    for table, own in tables.items():
        files = [folder / "tables" / f"{table}.csv" for folder in folders]
        shown = {
            f"{folder}-{file}": address
            for folder, csv in zip(names, files, strict=True)
            if csv.is_file()
            for file, address in saved([str(csv)]).items()
        }
        sections.append(Section(table, in_html("\n".join(joined(own))), shown))
    write_text(path, rendered("gathered.html", sections=sections, facts=commits))


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command was given."""
    parser = argparse.ArgumentParser(prog="python -m cragru.reporting.gathered")
    parser.add_argument("folders", nargs="+", type=Path, help="of runs: results/{run}")
    parser.add_argument("--to", type=Path, required=True, help="the page")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; say an expected failure in one line."""
    options = options_of(arguments)
    try:
        gather(options.folders, options.to)
    except CragruError as error:
        print(f"cragru: {error}", file=sys.stderr)
        return 1
    print(f"cragru: {len(options.folders)} runs are on {options.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
