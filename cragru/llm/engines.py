"""Opens the engine that a registry entry asks for."""

import importlib

from cragru.config.llms import LlmService
from cragru.io import PathLike
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
