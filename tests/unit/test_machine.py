"""Failures of the machine are told apart from faults of cragru, in whatever clothes a library puts them."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import SafetensorError

from cragru.core.errors import CragruError
from cragru.kept.files import read_parquet, write_parquet, write_text
from cragru.kept.machine import killed, trouble

ROOT = Path(__file__).parents[2]
FULL = "no space is left on the disk; free some"


def raised(error, cause):
    """An error with a cause, as `raise … from …` leaves it."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), f"a/b: {FULL}"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), "a: permission denied; see that"),
        (OSError(errno.EROFS, "Read-only file system", "a"), "a: the file system is read-only"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk quota is used up"),
        (OSError(errno.EIO, "Input/output error"), "the disk failed to read or to write"),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open"),
        (OSError(errno.ENOSPC, "No space", "read", None, "written"), f"written: {FULL}"),
        (OSError(errno.EROFS, "No", "read", None, "written"), "written: the file system is"),
        (OSError(errno.EIO, "No", "read", None, "written"), "read: the disk failed"),
        (MemoryError(), "no memory is left"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
            "no memory is left",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "no memory is left"),
        (SafetensorError("Error while serializing: I/O error: x (os error 28)"), FULL),
        (OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space"), FULL),
        (raised(RuntimeError("no"), OSError(errno.ENOSPC, "No space left")), FULL),
        (np._core._exceptions._ArrayMemoryError((1 << 40,), np.dtype("f8")), "no memory is left"),
    ],
)
def test_what_the_machine_is_to_blame_for(error, said):
    assert trouble(error).startswith(said)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("salt"),
        ValueError("28"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        FileNotFoundError(errno.ENOENT, "No such file", "a"),
        OSError("no number"),
        CragruError("a: wrong"),
    ],
)
def test_what_it_is_not_to_blame_for(error):
    assert trouble(error) is None


def test_an_error_while_another_was_handled_is_not_the_machines():
    """What went wrong in the handling is a fault of its own."""
    with pytest.raises(KeyError) as caught:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError:
            {}["salt"]
    assert trouble(caught.value) is None


def test_a_killed_job_is_told():
    assert "out of memory" in killed("Command '…' died with <Signals.SIGKILL: 9>.")
    assert killed("Command '…' returned non-zero exit status 1.") is None


@pytest.mark.parametrize("kind", ["text", "parquet", "model", "copy"])
def test_a_disk_that_takes_no_more(tmp_path, monkeypatch, kind):
    """What each kind of writer raises where a file cannot grow, in a process of its own that may write 4 kB."""
    write = {
        "text": "from cragru.kept.files import write_text; write_text('out', 'x' * 100_000)",
        "parquet": "import numpy as np, pandas as pd; from cragru.kept.files import write_parquet; "
        "frame = pd.DataFrame({'a': np.random.default_rng(1).random(100_000)}); "
        "write_parquet('out', frame, {'a': 'float64'})",
        "model": "import torch; from cragru.backbones.base import FactorModel; "
        "table = torch.rand(1000, 64); FactorModel(table, table, table, table).save('out')",
        "copy": "import shutil, sys; from cragru.kept.files import atomic_path\n"
        "    with atomic_path('out') as temporary: shutil.copyfile(sys.executable, temporary)",
    }[kind]
    lines = [
        "import resource, signal",
        "from cragru.kept.machine import trouble",
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))",
        "try:",
        f"    {write}",
        "except Exception as error:",
        "    print(trouble(error))",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "larger than this system allows" in done.stdout, done.stderr
    if kind == "copy":  # which names two files
        assert done.stdout.startswith("out: ")
    assert list(tmp_path.iterdir()) == []


def test_advice_to_delete_is_not_given_where_the_file_may_be_whole(tmp_path):
    """The limit of open files is the machine's, and the table is right."""
    path = tmp_path / "a.parquet"
    write_parquet(path, pd.DataFrame({"a": [1]}), {"a": "int64"})
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)  # the next file would have this number
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        with pytest.raises(OSError) as caught:
            read_parquet(path, {"a": "int64"})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert "too many files are open" in trouble(caught.value)


def test_the_file_that_could_not_be_written_is_named_and_not_its_temporary_copy(
    tmp_path, monkeypatch
):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError) as caught:
        write_text(tmp_path / "a.txt", "text")
    assert trouble(caught.value) == f"{tmp_path}/a.txt: {FULL}"
    assert list(tmp_path.iterdir()) == []
