"""Manifests: what a job has read and made, with checksums. They tell whether a file is still as its job wrote it.

A job's manifest lies beside what the job made. It is an output of the rule, or is named after the rule's first output
(`per-user.parquet`: `per-user-manifest.json`).
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.names import RESULTS, SOURCE_FILE
from cragru.core.place import PathLike, spot
from cragru.kept.files import json_checksum, read_record, sha256
from cragru.kept.machine import REPEAT
from cragru.kept.shapes import Shape

ENDING = "manifest.json"
LLM_ROOM = "llm"  # language models are in this folder of `results/`
OUTPUTS = {"outputs": dict[str, str]}
RECORD = OUTPUTS | {"rule": str, "params": dict}
RECORD |= dict.fromkeys(["wildcards", "inputs"], dict[str, str])
KEYS = {*RECORD, "role", "code", "commit", "processor", "versions", "facts", "sha256"}
PUBLISHED = {"members": dict[str, str]}
DELETE = "delete it with the files that it names"  # an advice
SHORT = 12  # hex digits of a checksum in a message

# by file: the manifests that name it, and the checksum that each records
Recorded = dict[str, list[tuple[str, str]]]


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with its SHA-256: one that was altered would accuse the files that it names."""
    content = json.loads(json.dumps(content))  # as JSON is read: keys are text
    return content | {"sha256": json_checksum(content)}


def read_manifest(path: PathLike, shape: Shape = RECORD) -> dict[str, Any]:
    """Read a manifest, of which the caller needs a `shape`; an old one may have no checksum of its own.

    Raises:
        CragruError: If the file is no manifest, or was altered.
    """
    record = read_record(path, shape)
    seal = json_checksum({name: value for name, value in record.items() if name != "sha256"})
    if record.keys() - KEYS or record.get("sha256", seal) != seal:
        raise CragruError("was altered", place=spot(path), advice=f"{DELETE} and {REPEAT}")
    return record


def place_beside(output: PathLike) -> Path:
    """Return the manifest path for a rule without a manifest output, by the job's first output."""
    output = Path(output)
    return output.with_name(f"{output.stem}-{ENDING}")


def files_at(path: PathLike) -> list[Path]:
    """Return the file at a path, or every file in the folder there but Snakemake's own."""
    if Path(path).is_file():
        return [Path(path)]
    found = filter(Path.is_file, Path(path).rglob("*"))
    return sorted(file for file in found if not file.name.startswith(".snakemake"))


class Makers(dict[Path, Recorded]):
    """What the manifests in folders under `results/` record; each folder is looked into once."""

    def __missing__(self, folder: Path) -> Recorded:
        recorded: Recorded = {}
        for name, manifest, checksum in _recorded_in(folder):
            recorded.setdefault(name, []).append((manifest.as_posix(), checksum))
        self[folder] = recorded
        return recorded

    def of(self, name: str) -> list[tuple[str, str]]:
        """Return the manifests that name a file as made by their job, and the checksum that each records.

        The file's path is relative to the working directory and has slashes.

        Raises:
            CragruError: If a manifest on the way up to `results/` is damaged.
        """
        found = []
        for folder in _up_to_room(name):
            found += self[folder].get(name, [])
        return found

    def fit(self, name: str, checksum: str) -> bool:
        """Return whether a file with this checksum is as the job wrote it that made it last."""
        made = self.of(name)
        return bool(made) and not difference(checksum, made)


def _recorded_in(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield the files that manifests in a folder name, the manifest of each, and the checksum that it records.

    A manifest that is a link comes from Snakemake's cache. It may be of another protocol that is equal; its files lie
    beside the link. `source.json` is the manifest of published files.
    """
    for manifest in sorted(folder.glob(f"*{ENDING}")):
        for name, checksum in read_manifest(manifest, OUTPUTS)["outputs"].items():
            beside = (folder / PurePosixPath(name).name).as_posix()
            yield beside if manifest.is_symlink() else name, manifest, checksum
    source = folder / SOURCE_FILE
    if source.is_file():
        for name, checksum in read_record(source, PUBLISHED)["members"].items():
            yield (folder / name).as_posix(), source, checksum


def is_llm_weights(name: str) -> bool:
    """Return whether a file is weights of a language model.

    Weights may be many gigabytes, and hundreds of jobs have them as inputs, for the tokenizer beside them. So the
    checksum in their manifest is taken, unless they are younger than it. The engine hashes them when it starts
    (`cragru.llm.engines.check_model`).
    """
    return name.endswith(".safetensors") and PurePosixPath(name).parts[:2] == (RESULTS, LLM_ROOM)


def checked_inputs(paths: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each file that a job reads, by POSIX path, after comparing it with its manifest.

    The paths are files, and folders of files. A file that no manifest names, such as a prompt's template, is somebody's
    own, and is only hashed.

    Raises:
        CragruError: If a file is not as its job wrote it, or a folder lacks one.
    """
    makers, found = Makers(), {}
    for path in dict.fromkeys(paths):
        _check_whole(Path(path).as_posix(), makers)
        for file in files_at(path):
            found[file.as_posix()] = _checked_checksum(file, path, makers.of(file.as_posix()))
    return found


def _check_whole(folder: str, makers: Makers) -> None:
    """Refuse a folder that lacks a file which its job wrote."""
    for above in _up_to_room(f"{folder}/file"):
        for name in sorted(makers[above]):
            if name.startswith(f"{folder}/") and not Path(name).exists():
                advice = f"delete the folder {folder} and {REPEAT}"
                raise CragruError(
                    "no such file, though its job wrote it", place=name, advice=advice
                )


def _checked_checksum(file: Path, path: str, recorded: list[tuple[str, str]]) -> str:
    """Return a file's checksum; refuse a file that differs from what its manifests record."""
    if recorded and is_llm_weights(file.as_posix()):
        manifest, checksum = recorded[0]
        if file.stat().st_mtime_ns <= Path(manifest).stat().st_mtime_ns:
            return checksum
    got = sha256(file)
    wrong = difference(got, recorded)
    if wrong:
        # the whole folder: Snakemake does not see that one of its files is gone
        delete = "it" if file == Path(path) else f"the folder {path}"
        if file.is_symlink():
            delete += f" and {file.resolve()}, which it links to,"
        what = f"is not the file that its job wrote: {wrong}"
        raise CragruError(what, place=file.as_posix(), advice=f"delete {delete} and {REPEAT}")
    return got


def difference(got: str, recorded: Iterable[tuple[str, str]]) -> str | None:
    """Say how a checksum differs from those that manifests record; return None where it does not."""
    for manifest, checksum in recorded:
        if got != checksum:
            return f"its SHA-256 is {got[:SHORT]}…, and {checksum[:SHORT]}… in {manifest}"
    return None


def _up_to_room(name: str) -> list[Path]:
    """Return the folders above a file up to `results/`; none for a file elsewhere."""
    path = Path(name)
    return list(path.parents)[:-1] if path.parts[:1] == (RESULTS,) else []
