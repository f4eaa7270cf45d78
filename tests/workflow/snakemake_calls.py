"""Snakemake as a user calls it, in surroundings of the tests' own.

To load Snakemake takes as long as a small plan. So a server loads it once and forks for every call, each of which is a
process of its own as before; tests of a cache and of a killed run start `python -m snakemake` anew.
"""

import hashlib
import json
import multiprocessing
import os
import re
import runpy
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
METHODS = [
    "retrain",
    "sisa-users",
    "receraser-ubp",
    "ifru",
]  # one of each kind; tests/contract has all
LONGEST = 1500  # seconds of a call: those with the language model are slow where the processor is
LOADED = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(["snakemake.cli"])


@dataclass(frozen=True)
class Finished:
    """What Snakemake said: on the screen, and in its log, which a dry run has none of."""

    rc: int
    output: str
    log: str

    @property
    def jobs(self) -> dict[str, int]:
        """The first table of jobs, rule by rule; empty where nothing was to be done."""
        table = re.search(
            r"^Job stats:\njob +count\n-+ +-+\n(.*?)^total +\d+$",
            self.log or self.output,
            re.DOTALL | re.MULTILINE,
        )
        if table is None:
            assert "Nothing to be done" in self.output, self.output
            return {}
        return {
            name: int(count) for name, count in (line.split() for line in table[1].splitlines())
        }

    @property
    def errors(self) -> list[str]:
        """Cragru's own lines about what went wrong."""
        return [
            line
            for line in self.output.splitlines()
            if re.match(r"cragru: (error|unexpected|config)", line)
        ]


def pass_for_made(directory: Path, name: str) -> None:
    """Have the manifests beside a file that a test has altered tell of it as it is, so that jobs read it."""
    path = directory / name
    for manifest in path.parent.glob("*manifest.json"):
        record = json.loads(manifest.read_text(encoding="utf-8"))
        if name in record["outputs"]:
            record["outputs"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
            del record["sha256"]
            manifest.write_text(json.dumps(record), encoding="utf-8")


def copied(directory: Path, to: Path) -> Path:
    """Copy a finished run as `cp -r` does, to dates of now; what Snakemake dates folders by comes last."""
    shutil.copytree(directory, to, symlinks=True, copy_function=shutil.copy)
    for date in to.rglob(".snakemake_timestamp"):
        date.touch()
    return to


def surroundings() -> dict[str, str]:
    """The environment variables without those that would reach into a run or into what it prints."""
    unwanted = re.compile(r"CRAGRU_|SNAKEMAKE_|PYTEST_|FORCE_COLOR$|.*_proxy$", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if not unwanted.match(name)}


def _be_snakemake(
    arguments: list[str], folder: str, environment: dict[str, str], output: str
) -> None:
    """In a process of its own: what `python -m` does with these arguments, in these surroundings."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with Path(output).open("wb") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


class Workflow:
    """Snakemake on a copy of the sources."""

    def __init__(self, sources: Path, key: Path | None = None) -> None:
        self.sources = sources
        self.key = key or sources.parent / "audit.key"

    def edit(self, path: str, old: str, new: str) -> None:
        """Put `new` into the place of the first `old` of a file of the sources."""
        text = (self.sources / path).read_text()
        assert old in text
        (self.sources / path).write_text(text.replace(old, new, 1))

    def command(
        self, directory: Path, *args: str, config: Path | None = None, cores: int = 1
    ) -> list[str]:
        command = [sys.executable, "-m", "snakemake", "-s", str(self.sources / "Snakefile")]
        command += ["--configfile", str(config)] if config else []
        command += ["--workflow-profile", str(self.sources / "profiles/default")]
        return [*command, "--directory", str(directory), "--cores", str(cores), *args]

    def environment(self, **changes: str) -> dict[str, str]:
        return surroundings() | {"CRAGRU_AUDIT_KEY_FILE": str(self.key)} | changes

    def run(
        self,
        directory: Path,
        *args: str,
        config: Path | None = None,
        cores: int = 1,
        **environment: str,
    ) -> Finished:
        command = self.command(directory, *args, config=config, cores=cores)
        logs = directory / ".snakemake/log"
        before = set(logs.glob("*"))
        with tempfile.NamedTemporaryFile(mode="r", encoding="utf-8") as output:
            there = (str(self.sources.parent), self.environment(**environment), output.name)
            process = LOADED.Process(target=_be_snakemake, args=(command[2:], *there))
            process.start()
            try:
                process.join(LONGEST)
                assert process.exitcode is not None, (
                    f"{command} takes over {LONGEST} s: {output.read()}"
                )
                own = "".join(path.read_text() for path in set(logs.glob("*")) - before)
                return Finished(process.exitcode, output.read(), own)
            finally:
                process.kill()  # where it has not ended: the test was interrupted, or has waited in vain
                process.join()
                process.close()

    def make(self, directory: Path, *args: str, config: Path, cores: int = 1) -> Finished:
        """Run, and insist on success."""
        done = self.run(directory, *args, config=config, cores=cores)
        assert done.rc == 0, done.output
        return done

    def plan(self, directory: Path, *args: str, config: Path | None = None) -> dict[str, int]:
        """How many jobs of each rule a dry run plans."""
        done = self.run(directory, "--dry-run", *args, config=config)
        assert done.rc == 0, done.output
        return done.jobs
