"""envs/install.sh, with a stub in place of Python: no network, no second of waiting."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ENVS = Path(__file__).parents[2] / "envs"
OBEYED = "'\"`$\\:;&|<>(){}[]*?"  # by a shell, by PATH or by Snakemake
TOOLS = "awk bash cat cut df dirname du find flock grep mkdir mv realpath rm sed sha256sum sleep tail timeout true wc"

# Answers what install.sh asks of a Python, and records every question.
PYTHON = r"""#!/usr/bin/env bash
echo "$(basename "$0") $*" >>"$CALLS"
case "$*" in
  "-c import sys"*) echo "${FAKE_VERSION:-3.11} $0" ;;
  "-c import ctypes"*) exit "${FAKE_LIBNUMA_FAILS:-0}" ;;
  "-c import "*) if [ -n "${FAKE_IMPORT_FAILS:-}" ]; then echo "ImportError: no such library"; exit 1; fi ;;
  "-m venv "*)
    mkdir -p "$3/bin" "$3/lib/python3.11/site-packages/torch"
    cat "$0" >"$3/bin/python" && chmod +x "$3/bin/python"
    echo "version = 3.11.9" >"$3/pyvenv.cfg" ;;
  "-m pip install "*)
    echo "${PIP_TARGET-unset} ${PIP_PREFIX-unset} ${PIP_INDEX_URL-unset}" >"$CALLS.pip"
    sleep "${FAKE_PIP_SECONDS:-0}"
    if [ -n "${FAKE_PIP_FAILS:-}" ]; then
      printf '%s\n' "WARNING: noise" "ERROR: No matching distribution found for dgl"
      exit 1
    fi
    cd "$(dirname "$0")/../lib/python3.11/site-packages/torch"
    echo "cuda: Optional[str] = ${FAKE_CUDA:-None}" >version.py ;;
esac
"""


class Machine:
    """A machine that has the tools of a base system, this stub as its Python, and a copy of envs/."""

    def __init__(self, root):
        self.root = root
        self.bin = root / "bin"
        self.calls_file = root / "calls"
        self.venv = root / ".venv"
        self.started: list[subprocess.Popen] = []
        self.bin.mkdir()
        shutil.copytree(ENVS, root / "envs")
        for tool in [*TOOLS.split(), "basename", "chmod", "env"]:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.put("python3.11", PYTHON)

    def put(self, name, text):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *arguments, **environment):
        process = subprocess.Popen(
            ["bash", "envs/install.sh", *(arguments or [".venv"])],
            cwd=self.root,
            env={"PATH": str(self.bin), "CALLS": str(self.calls_file), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def stop(self):
        """End whatever a test started and, having failed, left."""
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=20)

    def install(self, *arguments, expect=0, **environment):
        """Runs install.sh; returns what it printed."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=60)
        assert process.returncode == expect, err
        assert out == ""
        return err

    @property
    def stamp(self):
        return self.venv / ".cragru-lock"

    def calls(self, containing=""):
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        return [line for line in text.splitlines() if containing in line]

    def locks(self):
        """The locks that pip was given, in order."""
        return [Path(call.split()[-1]).name for call in self.calls(" -m pip install ")]


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.stop()


def place(tmp_path, name):
    """A machine whose checkout has this name; its tools are elsewhere."""
    root = tmp_path / "tools"
    root.mkdir()
    machine = Machine(root)
    checkout = tmp_path / name
    (checkout / "envs").mkdir(parents=True)
    shutil.copytree(ENVS, checkout / "envs", dirs_exist_ok=True)
    machine.root, machine.venv = checkout, checkout / ".venv"
    return machine


@pytest.mark.parametrize("name", ["a b", "a\tb", "a\nb", *(f"a{letter}b" for letter in OBEYED)])
def test_a_folder_that_jobs_cannot_start_from_is_refused_before_anything_is_installed(
    tmp_path, name
):
    machine = place(tmp_path, name)
    told = machine.install(expect=1)
    assert told.startswith(
        "install: nothing was installed: Snakemake's jobs cannot start from the folder "
    )
    assert told.count("\n") == 1
    assert machine.calls() == []
    assert [path.name for path in machine.root.iterdir()] == ["envs"]


@pytest.mark.parametrize("name", ["é映", "a%b#c~d+e@f,g=h!i-_.^"])
def test_other_folders_are_fine(tmp_path, name):
    machine = place(tmp_path, name)
    machine.install()
    assert machine.stamp.exists()


def nvidia_smi(machine, answer, status=0):
    machine.put("nvidia-smi", f"#!/usr/bin/env bash\necho '{answer}'\nexit {status}\n")


def test_without_a_gpu_the_cpu_lock_is_installed(machine):
    printed = machine.install()
    assert machine.locks() == ["cpu.lock"]
    assert machine.stamp.exists()
    assert "import torch, snakemake, dgl, pandas" in machine.calls()[-1]
    count = sum("==" in line for line in (ENVS / "cpu.lock").read_text().splitlines())
    assert f"installing {count} packages" in printed
    assert "GB" in printed
    assert "minutes" in printed


@pytest.mark.parametrize("lock", ["cpu", "cuda"])
def test_what_lacks_libnuma_for_a_cpu_is_told_and_installed(machine, lock):
    told = machine.install(FAKE_LIBNUMA_FAILS="1", CRAGRU_LOCK=lock)
    assert ("libnuma1" in told) == (lock == "cpu")
    assert machine.stamp.exists()


def test_pip_neither_resolves_nor_asks(machine):
    machine.install()
    (call,) = machine.calls(" -m pip install ")
    assert {"--no-deps", "--no-input", "--disable-pip-version-check"} <= set(call.split())


def test_variables_that_would_install_elsewhere_are_left_out(machine):
    machine.install(
        PIP_TARGET="/elsewhere", PIP_PREFIX="/elsewhere", PIP_INDEX_URL="https://own.example.org"
    )
    assert Path(f"{machine.calls_file}.pip").read_text() == "unset unset https://own.example.org\n"


@pytest.mark.parametrize(
    ("answer", "status", "lock"),
    [
        ("GPU 0: H200 (UUID: GPU-1)", 0, "cuda.lock"),
        ("No devices found.", 0, "cpu.lock"),
        ("GPU 0: lost", 9, "cpu.lock"),
    ],
)
def test_nvidia_smi_chooses_the_lock(machine, answer, status, lock):
    nvidia_smi(machine, answer, status)
    machine.install()
    assert machine.locks() == [lock]


@pytest.mark.parametrize("lock", ["cpu", "cuda"])
def test_the_variable_overrules_nvidia_smi(machine, lock):
    nvidia_smi(machine, "GPU 0: H200 (UUID: GPU-1)" if lock == "cpu" else "No devices found.")
    machine.install(CRAGRU_LOCK=lock)
    assert machine.locks() == [f"{lock}.lock"]


def test_the_second_argument_overrules_both(machine):
    machine.install(".venv", "recbole", CRAGRU_LOCK="cuda")
    assert machine.locks() == ["recbole.lock"]
    assert "import torch, recbole" in machine.calls()[-1]


def test_another_lock_is_refused_by_name(machine):
    printed = machine.install(expect=1, CRAGRU_LOCK="gpu")
    assert printed.count("\n") == 1
    assert "'gpu'" in printed
    assert "allowed: cpu, cuda" in printed
    assert "'tpu'" in machine.install(".venv", "tpu", expect=1)
    assert machine.calls() == []
    assert not machine.venv.exists()


def test_a_cuda_build_of_torch_gets_its_libraries(machine):
    machine.install(FAKE_CUDA="'13.0'")
    assert machine.locks() == ["cpu.lock", "cuda-libs.lock"]


def test_a_second_call_does_nothing_and_says_nothing(machine):
    machine.install()
    before = machine.calls()
    assert machine.install() == ""
    assert machine.calls() == before


def test_a_changed_lock_makes_the_environment_anew(machine):
    machine.install()
    leftover = machine.venv / "lib/python3.11/site-packages/torchvision"
    leftover.touch()
    with (machine.root / "envs/cpu.lock").open("a") as file:
        file.write("zstandard==0.25.0\n")
    machine.install()
    assert machine.locks() == ["cpu.lock"] * 2
    assert not leftover.exists(), "what the lock does not name must go"
    assert not machine.venv.with_name(".venv.old").exists()


def test_a_moved_environment_is_made_anew(machine):
    machine.install()
    machine.venv.rename(machine.root / "elsewhere")
    machine.install("elsewhere")
    assert machine.locks() == ["cpu.lock"] * 2


def test_an_environment_whose_python_is_gone_is_made_anew(machine):
    machine.install()
    (machine.venv / "bin/python").unlink()
    machine.install()
    assert len(machine.calls(" -m venv ")) == 2


@pytest.mark.parametrize("broken", ["FAKE_PIP_FAILS", "FAKE_IMPORT_FAILS"])
def test_a_failure_is_told_and_the_next_run_goes_on(machine, broken):
    printed = machine.install(expect=1, **{broken: "1"})
    assert not machine.stamp.exists()
    assert str(machine.venv / "install.log") in printed
    assert "No matching distribution" in printed or "ImportError: no such library" in printed
    assert "noise" not in printed
    machine.install()
    assert machine.stamp.exists()
    assert len(machine.calls(" -m venv ")) == 1, "what was installed before must not be thrown away"


def test_an_interruption_leaves_no_stamp(machine, interruptible):
    process = machine.start(FAKE_PIP_SECONDS="30")
    while not machine.locks():
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
    process.communicate(timeout=20)
    assert process.returncode != 0
    assert not machine.stamp.exists()
    machine.install()
    assert machine.stamp.exists()


def test_two_at_once_install_once(machine):
    both = [machine.start(FAKE_PIP_SECONDS="0.5") for _ in range(2)]
    printed = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert machine.locks() == ["cpu.lock"]
    assert sum("waiting for another install" in text for text in printed) == 1


def test_the_pip_of_a_killed_run_is_waited_for(machine):
    process = machine.start(FAKE_PIP_SECONDS="2")
    while not machine.locks():
        time.sleep(0.02)
    process.kill()  # the script alone: its pip goes on
    process.wait(timeout=20)
    assert "waiting for another install" in machine.install()
    assert machine.stamp.exists()
    process.communicate(timeout=20)  # nothing of it is left that would hold its output


def test_without_python_3_11_one_line_says_what_was_found(machine):
    machine.put("python3", PYTHON)
    (machine.bin / "python3.11").unlink()
    printed = machine.install(expect=1, FAKE_VERSION="3.13")
    assert printed.count("\n") == 1
    assert "needs Python 3.11, but python3.11 is not there, python3 is 3.13" in printed
    assert "PYTHON=" in printed
    assert not machine.venv.exists()


def test_python_3_is_taken_where_it_is_3_11_and_python_names_another(machine):
    (machine.bin / "python3.11").rename(machine.bin / "python3")
    machine.install()
    (machine.bin / "python3").rename(machine.root / "mine")
    machine.install("other", PYTHON=str(machine.root / "mine"))
    assert [call.split()[0] for call in machine.calls(" -m venv ")] == ["python3", "mine"]


def test_a_full_disk_is_told_before_anything_is_fetched(machine):
    machine.put(
        "df",
        "#!/usr/bin/env bash\nprintf 'Filesystem blocks Used Available\\n/dev/x 1 1 2097152 1%% /\\n'\n",
    )
    printed = machine.install(expect=1)
    assert "needs 6 GB free" in printed
    assert "there are 2 GB" in printed
    assert machine.locks() == []


def test_a_folder_of_somebody_else_is_left_alone(machine):
    thesis = machine.root / "papers/thesis.tex"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    assert "is no virtual environment" in machine.install("papers", expect=1)
    assert thesis.read_text() == "years of work"
