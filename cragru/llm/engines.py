"""Opens the engine that a registry entry asks for."""

import importlib
from collections.abc import Mapping
from pathlib import Path

from cragru.config.llms import LlmService
from cragru.core.errors import CragruError
from cragru.core.place import PathLike, spot
from cragru.core.processor import computes_bfloat16
from cragru.kept.files import read_record, sha256
from cragru.llm.base import Engine


def open_engine(
    entry: LlmService,
    folder: PathLike,
    files: dict[str, str],
    threads: int,
    module: str | None = None,
) -> Engine:
    """Return the engine of a model, by its module's function of the same name.

    Args:
        entry: Its entry in llms.yaml.
        folder: Where its tokenizer is, and its weights where no server has them.
        files: SHA-256 of each file in `folder`.
        threads: CPU threads of a local engine.
        module: The engine's module, where it is not that of the entry.
    """
    opened = importlib.import_module(module or entry.engine_module)
    return opened.open_engine(for_this_machine(entry), folder, files, threads)


def for_this_machine(entry: LlmService) -> LlmService:
    """Return an entry that names its number type: `auto` is bfloat16 where the machine computes it, else float32.

    A processor without instructions for bfloat16 takes twice as long for it as for float32, one that has them half.
    """
    if entry.engine.dtype != "auto":
        return entry
    dtype = "bfloat16" if _computes_bfloat16() else "float32"
    return entry.model_copy(update={"engine": entry.engine.model_copy(update={"dtype": dtype})})


def _computes_bfloat16() -> bool:
    import torch  # late: a server's client has no need of it

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return computes_bfloat16()


def model_files(manifest: PathLike) -> dict[str, str]:
    """Return the SHA-256 of each file of a model, by its name, from the manifest of the job that fetched it.

    Raises:
        CragruError: If it is no such manifest.
    """
    return read_record(manifest, {"facts": {"files": dict[str, str]}})["facts"]["files"]


def check_model(folder: PathLike, files: Mapping[str, str]) -> None:
    """Refuse a model whose files have not the SHA-256 of `files`. An engine calls this before it opens the weights.

    Raises:
        CragruError: If a file is missing, or is another one.
    """
    for name, wanted in files.items():
        path = Path(folder) / name
        if (got := sha256(path) if path.is_file() else "missing") != wanted:
            raise CragruError(
                f"not the file that was fetched, {wanted[:12]}…",
                place=spot(path),
                got=got,
                advice=f"delete {folder}, run again",
            )
