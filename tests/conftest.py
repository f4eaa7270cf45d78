"""What all tests share: where two processes run them side by side, whose turn it is, and the language model.

`make test` runs two processes (pytest-xdist). Tests of a file stay in one of them, so that what a file makes is made
once; what several files need is made by whichever process comes first, and the other waits (`once`).
"""

import fcntl
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.side_by_side import group_of, place_of

os.environ["OMP_NUM_THREADS"] = (
    "1"  # before torch: two processes that each take all cores are 30 times slower
)

ROOT = Path(__file__).parents[1]
SLOW = {
    "smollm2",
    "on_one_core",
    "on_two_cores",
    "unlearned",
}  # fixtures: whoever asks first waits for them


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a slow fixture, and order files for two processes; a single one keeps pytest's order."""
    for item in items:
        if SLOW & set(item.fixturenames):
            item.add_marker("slow")
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {file_of(item) for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: place_of(file_of(item), slow))


def file_of(item: pytest.Item) -> str:
    return item.nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Hand out groups; xdist's own groups (`--dist loadgroup`) are lost on pytest 9.2, whose ids cannot be marked."""
    from xdist.scheduler import LoadFileScheduling

    class LoadOurGroups(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(super()._split_scope(nodeid))

    return LoadOurGroups(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder once for all processes of a test run; whoever comes second waits. Do not write there."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(
                lock, fcntl.LOCK_EX
            )  # let go when the file is closed, also by a process that dies
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # what a failure left
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture
def interruptible():
    """Let Ctrl-C work, also where the tests inherit an ignored SIGINT, as all that a shell starts with `&` does.

    What a test starts inherits it: Python's own handler becomes the default action there, and Bash could not undo an
    ignored signal.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def smollm2(once):
    """Convert the shipped language model once for all tests that need its weights.

    Returns its folder, and the checksums that fetching it returned.
    """
    folder = once("smollm2", convert)
    return folder / "results" / "model", json.loads(
        (folder / "files.json").read_text(encoding="utf-8")
    )


def convert(folder: Path) -> None:
    from huggingface_hub import constants

    from cragru.config.base import load_yaml, parse
    from cragru.config.llms import Llms
    from cragru.llm.fetching import fetch_model

    path = ROOT / "config/llms.yaml"
    source = parse(Llms, load_yaml(path), str(path)).llms["smollm2-135m"].source
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("HF_HUB_OFFLINE", raising=False)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        files = fetch_model(source, folder / "results" / "model")
        assert "HF_HUB_OFFLINE" not in os.environ  # a model of the hub may be next
        assert constants.HF_HUB_OFFLINE is False
    (folder / "files.json").write_text(json.dumps(files), encoding="utf-8")
