"""Manifests: what a job made of what, with checksums, and whether a file is still the one that its maker wrote.

A job's manifest lies beside what it made: an output of its rule, or, where the rule has none, a file that is named
after the first output (`per-user.parquet`: `per-user-manifest.json`).
"""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from cragru.core.errors import CragruError
from cragru.core.names import RESULTS, SOURCE_FILE
from cragru.core.place import PathLike
from cragru.kept.files import json_checksum, read_record, sha256
from cragru.kept.shapes import Each, Shape

ENDING = "manifest.json"
LLM_ROOM = "llm"  # language models are in this folder of `results/`
TOLD = {"outputs": Each(str)}
RECORD = TOLD | {"rule": str, "wildcards": Each(str), "params": dict, "inputs": Each(str)}
KEYS = {*RECORD, "role", "code", "commit", "versions", "facts", "sha256"}
PUBLISHED = {"members": Each(str)}
SHORT = 12  # hex digits of a checksum in a message

Told = dict[
    str, list[tuple[str, str]]
]  # of each file: manifests that name it, and the checksums that they tell


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """A manifest's content with the SHA-256 of it: a manifest that was altered would accuse the files that it names."""
    content = json.loads(json.dumps(content))  # as it will be read: with text for keys
    return content | {"sha256": json_checksum(content)}


def read_manifest(path: PathLike, shape: Shape = RECORD) -> dict[str, Any]:
    """A manifest.

    Args:
        path: The file.
        shape: What of it is asked for.

    Raises:
        CragruError: If it is none, or not the one that was written; one of before there were checksums has none.
    """
    record = read_record(path, shape)
    strange = sorted(record.keys() - KEYS)
    content = {name: value for name, value in record.items() if name != "sha256"}
    wanted = record.get("sha256")
    if strange or (wanted is not None and wanted != json_checksum(content)):
        what = f"has the unknown key {strange[0]!r}" if strange else "its checksum is another one"
        raise CragruError(
            f"{path}: was altered ({what}); delete it with the files that it names and run the same command again"
        )
    return record


def place_beside(output: PathLike) -> Path:
    """Where the manifest of a job is whose rule names none.

    Args:
        output: The job's first output.
    """
    output = Path(output)
    return output.with_name(f"{output.stem}-{ENDING}")


def files_at(path: PathLike) -> list[Path]:
    """The file at a path, or every file in the folder there, Snakemake's own aside."""
    if Path(path).is_file():
        return [Path(path)]
    found = (file for file in Path(path).rglob("*") if file.is_file())
    return sorted(file for file in found if not file.name.startswith(".snakemake"))


class Makers:
    """What manifests tell of files under `results/`; each folder is looked into once."""

    def __init__(self) -> None:
        self._of_folder: dict[Path, Told] = {}

    def of(self, name: str) -> list[tuple[str, str]]:
        """The manifests that name a file as made by their job, and the checksum that each tells.

        Args:
            name: The file's path, relative to the working directory, with slashes.

        Raises:
            CragruError: If a manifest on the way up to `results/` is damaged.
        """
        found = []
        for folder in _up_to_room(name):
            found += self._told(folder).get(name, [])
        return found

    def under(self, name: str) -> list[str]:
        """The files in a folder that manifests name, whether they are there or not; as `of`."""
        told = [one for folder in _up_to_room(f"{name}/file") for one in self._told(folder)]
        return sorted({one for one in told if one.startswith(f"{name}/")})

    def _told(self, folder: Path) -> Told:
        """What the manifests in a folder tell, by the file's path; `source.json` is the manifest of published files."""
        if folder not in self._of_folder:
            told: Told = {}
            for manifest in sorted(folder.glob(f"*{ENDING}")):
                outputs = read_manifest(manifest, TOLD)["outputs"]
                for name, checksum in outputs.items():
                    place = _place_of(name, manifest)
                    told.setdefault(place, []).append((manifest.as_posix(), checksum))
            source = folder / SOURCE_FILE
            if source.is_file():
                for name, checksum in read_record(source, PUBLISHED)["members"].items():
                    member = (folder / name).as_posix()
                    told.setdefault(member, []).append((source.as_posix(), checksum))
            self._of_folder[folder] = told
        return self._of_folder[folder]


def is_llm_weights(name: str) -> bool:
    """Whether a file is weights of a language model.

    They may be many gigabytes, and hundreds of jobs have them as inputs, for the tokenizer beside them. So what their
    manifest tells is taken, unless they are younger; the engine hashes them when it starts
    (`cragru.llm.engines.check_model`).
    """
    return name.endswith(".safetensors") and PurePosixPath(name).parts[:2] == (RESULTS, LLM_ROOM)


def checked_inputs(paths: Iterable[str]) -> dict[str, str]:
    """The SHA-256 of what a job reads, files of folders included, each held against what its maker wrote.

    A file that no manifest names, such as a prompt's template, is somebody's own, and is only hashed.

    Args:
        paths: Of files and folders.

    Returns:
        Checksums by POSIX path.

    Raises:
        CragruError: If a file is not the one that its maker wrote, or a folder lacks one.
    """
    makers, found = Makers(), {}
    for path in paths:
        _check_whole(path, makers)
        for file in files_at(path):
            name = file.as_posix()
            if name in found:
                continue
            told = makers.of(name)
            if told and is_llm_weights(name) and not _is_younger(file, told):
                found[name] = told[0][1]
                continue
            found[name] = sha256(file)
            _check_file(file, found[name], told, path)
    return found


def difference(got: str, told: Iterable[tuple[str, str]]) -> str | None:
    """Say how a file differs from what its maker wrote, or None where it does not.

    Args:
        got: The file's checksum now.
        told: Manifests that name it, and the checksums that they tell.
    """
    for manifest, checksum in told:
        if got != checksum:
            return f"its SHA-256 is {got[:SHORT]}…, but {manifest} tells {checksum[:SHORT]}…"
    return None


def _check_file(file: Path, got: str, told: list[tuple[str, str]], path: str) -> None:
    wrong = difference(got, told)
    if wrong:
        raise CragruError(
            f"{file.as_posix()}: is not the file that its job wrote: {wrong}; {_remedy(file, path)}"
        )


def _place_of(name: str, manifest: Path) -> str:
    """The place of a file that a manifest names.

    One that is a link comes from Snakemake's cache, and may have been written for another protocol that is equal.
    What lies there lies beside its manifest.
    """
    beside = manifest.with_name(PurePosixPath(name).name)
    return beside.as_posix() if manifest.is_symlink() else name


def _check_whole(path: str, makers: Makers) -> None:
    """Check that a folder has every file that its maker wrote."""
    folder = PurePosixPath(path).as_posix()
    missing = (
        [name for name in makers.under(folder) if not Path(name).exists()]
        if Path(path).is_dir()
        else []
    )
    if missing:
        raise CragruError(
            f"{missing[0]}: no such file, though the job that made its folder wrote it; delete the folder {folder} and "
            "run the same command again"
        )


def _remedy(file: Path, path: str) -> str:
    """What to delete: Snakemake does not see that a file of a folder is gone, and a link may lead into its cache."""
    what = "it" if file == Path(path) else f"the folder {path}"
    if file.is_symlink():
        what = f"{what} and {file.resolve()}, which it links to,"
    return f"delete {what} and run the same command again"


def _is_younger(file: Path, told: Iterable[tuple[str, str]]) -> bool:
    written = file.stat().st_mtime_ns
    return any(written > Path(manifest).stat().st_mtime_ns for manifest, _ in told)


def _up_to_room(name: str) -> list[Path]:
    """The folders above a file as far as `results/`; none of a file elsewhere."""
    path = Path(name)
    return list(path.parents)[:-1] if path.parts[:1] == (RESULTS,) else []
