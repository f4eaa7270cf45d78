"""Opens what a registry entry says."""

from cragru.config.llms import LlmService, ServerSource
from cragru.io import PathLike
from cragru.llm.base import Engine


def open_engine(entry: LlmService, folder: PathLike, files: dict[str, str], threads: int) -> Engine:
    """The engine of a model.

    Args:
        entry: Its entry in llms.yaml.
        folder: Where its weights and tokenizer are; a server has its own.
        files: SHA-256 of each file in `folder`.
        threads: CPU threads of a local engine.
    """
    if isinstance(entry.source, ServerSource):
        from cragru.llm.server import ServerEngine

        return ServerEngine(entry.source)
    from cragru.llm.vllm_engine import VllmEngine

    return VllmEngine(folder, files, entry.engine, threads)
