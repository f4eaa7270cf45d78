"""Manifests: what a job has read and made, with checksums. They tell whether a file is still as its job wrote it.

A job's manifest lies beside what the job made. It is an output of the rule, or is named after the rule's first output
(`per-user.parquet`: `per-user-manifest.json`).
"""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.names import RESULTS, SOURCE_FILE
from cragru.core.place import PathLike, spot
from cragru.kept.files import json_checksum, read_record, sha256
from cragru.kept.shapes import Shape

ENDING = "manifest.json"
LLM_ROOM = "llm"  # language models are in this folder of `results/`
OUTPUTS = {"outputs": dict[str, str]}
RECORD = OUTPUTS | {
    "rule": str,
    "wildcards": dict[str, str],
    "params": dict,
    "inputs": dict[str, str],
}
KEYS = {*RECORD, "role", "code", "commit", "versions", "facts", "sha256"}
PUBLISHED = {"members": dict[str, str]}
SHORT = 12  # hex digits of a checksum in a message

# by file: the manifests that name it, and the checksum that each records
Recorded = dict[str, list[tuple[str, str]]]


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with its SHA-256: one that was altered would accuse the files that it names."""
    content = json.loads(json.dumps(content))  # as JSON is read: keys are text
    return content | {"sha256": json_checksum(content)}


def read_manifest(path: PathLike, shape: Shape = RECORD) -> dict[str, Any]:
    """Read a manifest; an old one may have no checksum of its own.

    Args:
        path: The file.
        shape: What the caller needs of it.

    Raises:
        CragruError: If the file is no manifest, or was altered.
    """
    record = read_record(path, shape)
    strange = sorted(record.keys() - KEYS)
    content = {name: value for name, value in record.items() if name != "sha256"}
    wanted = record.get("sha256")
    if strange or (wanted is not None and wanted != json_checksum(content)):
        raise CragruError(
            f"was altered (unknown keys: {strange})" if strange else "was altered (other checksum)",
            place=spot(path),
            advice="delete it with the files that it names and run the same command again",
        )
    return record


def place_beside(output: PathLike) -> Path:
    """Return the manifest path for a rule without a manifest output.

    Args:
        output: The job's first output.
    """
    output = Path(output)
    return output.with_name(f"{output.stem}-{ENDING}")


def files_at(path: PathLike) -> list[Path]:
    """Return the file at a path, or every file in the folder there but Snakemake's own."""
    if Path(path).is_file():
        return [Path(path)]
    found = filter(Path.is_file, Path(path).rglob("*"))
    return sorted(file for file in found if not file.name.startswith(".snakemake"))


class Makers:
    """Find the manifests that name a file under `results/`; look into each folder once."""

    def __init__(self) -> None:
        self._of_folder: dict[Path, Recorded] = {}

    def of(self, name: str) -> list[tuple[str, str]]:
        """Return the manifests that name a file as made by their job, and the checksum that each records.

        Args:
            name: The file's path, relative to the working directory, with slashes.

        Raises:
            CragruError: If a manifest on the way up to `results/` is damaged.
        """
        found = []
        for folder in _up_to_room(name):
            found += self._recorded(folder).get(name, [])
        return found

    def under(self, name: str) -> list[str]:
        """Return the files in a folder that manifests name, whether they are there or not; as `of`."""
        found: set[str] = set()
        for folder in _up_to_room(f"{name}/file"):
            found.update(file for file in self._recorded(folder) if file.startswith(f"{name}/"))
        return sorted(found)

    def _recorded(self, folder: Path) -> Recorded:
        """Return what the manifests in a folder record; `source.json` is the manifest of published files."""
        if folder in self._of_folder:
            return self._of_folder[folder]
        recorded: Recorded = {}
        for manifest in sorted(folder.glob(f"*{ENDING}")):
            for name, checksum in read_manifest(manifest, OUTPUTS)["outputs"].items():
                place = _place_of(name, manifest)
                recorded.setdefault(place, []).append((manifest.as_posix(), checksum))
        source = folder / SOURCE_FILE
        if source.is_file():
            for name, checksum in read_record(source, PUBLISHED)["members"].items():
                member = (folder / name).as_posix()
                recorded.setdefault(member, []).append((source.as_posix(), checksum))
        self._of_folder[folder] = recorded
        return recorded


def is_llm_weights(name: str) -> bool:
    """Return whether a file is weights of a language model.

    Weights may be many gigabytes, and hundreds of jobs have them as inputs, for the tokenizer beside them. So the
    checksum in their manifest is taken, unless they are younger than it. The engine hashes them when it starts
    (`cragru.llm.engines.check_model`).
    """
    return name.endswith(".safetensors") and PurePosixPath(name).parts[:2] == (RESULTS, LLM_ROOM)


def checked_inputs(paths: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of each file that a job reads, by POSIX path, after comparing it with its manifest.

    A file that no manifest names, such as a prompt's template, is somebody's own, and is only hashed.

    Args:
        paths: Files, and folders of files.

    Raises:
        CragruError: If a file is not as its job wrote it, or a folder lacks one.
    """
    makers, found = Makers(), {}
    for path in paths:
        _check_whole(path, makers)
        for file in files_at(path):
            name = file.as_posix()
            if name in found:
                continue
            recorded = makers.of(name)
            if recorded and is_llm_weights(name) and not _is_younger(file, recorded):
                found[name] = recorded[0][1]
                continue
            found[name] = sha256(file)
            wrong = difference(found[name], recorded)
            if wrong:
                what = f"is not the file that its job wrote: {wrong}"
                raise CragruError(what, place=name, advice=_remedy(file, path))
    return found


def difference(got: str, recorded: Iterable[tuple[str, str]]) -> str | None:
    """Say how a file differs from what its manifests record; return None where it does not.

    Args:
        got: The file's checksum now.
        recorded: The manifests that name it, and the checksums that they record.
    """
    for manifest, checksum in recorded:
        if got != checksum:
            return f"its SHA-256 is {got[:SHORT]}…, and {checksum[:SHORT]}… in {manifest}"
    return None


def _place_of(name: str, manifest: Path) -> str:
    """Return where a file lies that a manifest names.

    A manifest that is a link comes from Snakemake's cache. It may be of another protocol that is equal; its files lie
    beside the link.
    """
    beside = manifest.with_name(PurePosixPath(name).name)
    return beside.as_posix() if manifest.is_symlink() else name


def _check_whole(path: str, makers: Makers) -> None:
    """Refuse a folder that lacks a file which its job wrote."""
    if not Path(path).is_dir():
        return
    folder = PurePosixPath(path).as_posix()
    for name in makers.under(folder):
        if not Path(name).exists():
            what = "no such file, though the job that made its folder wrote it"
            advice = f"delete the folder {folder} and run the same command again"
            raise CragruError(what, place=name, advice=advice)


def _remedy(file: Path, path: str) -> str:
    """Say what to delete: the whole folder, for Snakemake misses none of its files, and what a link leads to."""
    what = "it" if file == Path(path) else f"the folder {path}"
    if file.is_symlink():
        what = f"{what} and {file.resolve()}, which it links to,"
    return f"delete {what} and run the same command again"


def _is_younger(file: Path, recorded: Iterable[tuple[str, str]]) -> bool:
    written = file.stat().st_mtime_ns
    return any(written > Path(manifest).stat().st_mtime_ns for manifest, _ in recorded)


def _up_to_room(name: str) -> list[Path]:
    """Return the folders above a file up to `results/`; none for a file elsewhere."""
    path = Path(name)
    return list(path.parents)[:-1] if path.parts[:1] == (RESULTS,) else []
