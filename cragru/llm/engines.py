"""Opens the engine that a registry entry asks for."""

import importlib
from collections.abc import Mapping
from pathlib import Path

from cragru.config.llms import LlmService
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.files import read_record, sha256
from cragru.kept.shapes import Each
from cragru.llm.base import Engine


def open_engine(entry: LlmService, folder: PathLike, files: dict[str, str], threads: int) -> Engine:
    """The engine of a model, by its module's function of the same name.

    Args:
        entry: Its entry in llms.yaml.
        folder: Where its weights and tokenizer are; a server has its own.
        files: SHA-256 of each file in `folder`.
        threads: CPU threads of a local engine.
    """
    return importlib.import_module(entry.engine_module).open_engine(entry, folder, files, threads)


def model_files(manifest: PathLike) -> dict[str, str]:
    """The SHA-256 of each file of a model, by its name, as the manifest of the job that fetched it tells.

    Raises:
        CragruError: If it is no such manifest.
    """
    return read_record(manifest, {"facts": {"files": Each(str)}})["facts"]["files"]


def check_model(folder: PathLike, files: Mapping[str, str]) -> None:
    """Check that a model is the one that was fetched. An engine does so when it starts, before it opens the weights.

    Args:
        folder: Where its files are.
        files: The SHA-256 that each must have.

    Raises:
        CragruError: If a file is missing, or is another one.
    """
    for name, wanted in files.items():
        path = Path(folder) / name
        got = sha256(path) if path.is_file() else None
        if got != wanted:
            what = "no such file" if got is None else f"its SHA-256 is {got[:12]}…"
            raise CragruError(
                f"{path}: is not the model's file that was fetched: {what}, wanted {wanted[:12]}…; delete the folder "
                f"{folder} and run the same command again"
            )
