"""A toy data set, a copy of the sources, and finished runs.

Everything runs from a copy of the sources: a test may edit it, and an edit of the tree during a test cannot disturb
it (the guard in `cragru.job` would stop the jobs).
"""

import hashlib
import random
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from snakemake_calls import METHODS, REPOSITORY, Workflow

SOURCES = ("Snakefile", "config", "cragru", "envs", "profiles", "scripts", "workflow")
CLOSED = "http://127.0.0.1:9/toy.zip"  # the port of `discard`: nothing listens there
PAPER, DRAW = "results/toy/paper/1/bpr", "results/toy/one-user/1/draw-1/bpr"
GENRES = ("Action", "Comedy", "Drama", "Romance")


@dataclass(frozen=True)
class Toy:
    """The toy data set: 40 users, 60 items, in the layout of MovieLens 100K."""

    archive: Path
    registry: Path
    params: Path
    tables: Path
    ratings: pd.DataFrame  # raw ids, as strings


def toy_ratings() -> pd.DataFrame:
    """12 to 30 ratings a user, six in ten of the genre that the user likes; ids have gaps, lines no order."""
    draw = random.Random(7)
    users, items = (
        [3 * number + 2 for number in range(40)],
        [5 * number + 1 for number in range(60)],
    )
    rows, now = [], 874_000_000
    for place, user in enumerate(users):
        liked = [
            item for number, item in enumerate(items) if number % len(GENRES) == place % len(GENRES)
        ]
        count = draw.randint(12, 30)
        chosen = draw.sample(liked, min(len(liked), count * 6 // 10))
        chosen += draw.sample([item for item in items if item not in liked], count - len(chosen))
        for item in chosen:
            now += draw.randint(1, 900)
            rows.append((user, item, draw.choice((4, 5) if item in liked else (1, 2, 3)), now))
    draw.shuffle(rows)
    return pd.DataFrame(rows, columns=["user", "item", "rating", "timestamp"]).astype(str)


def toy_files(ratings: pd.DataFrame) -> dict[str, bytes]:
    users, items = (sorted(map(int, set(ratings[name]))) for name in ("user", "item"))
    flags = [
        "|".join(str(int(number % len(GENRES) == genre)) for genre in range(len(GENRES)))
        for number in range(60)
    ]
    texts = {
        "u.data": "".join("\t".join(row) + "\n" for row in ratings.itertuples(index=False)),
        "u.user": "".join(
            f"{user}|{20 + user % 50}|{'MF'[user % 2]}|writer|{user:05}\n" for user in users
        ),
        "u.item": "".join(
            f"{item}|Café {number} ({1980 + number % 20})|01-Jan-1995||http://example.org/|{flags[number]}\n"
            for number, item in enumerate(items)
        ),
        "u.genre": "".join(f"{name}|{number}\n" for number, name in enumerate(GENRES)) + "\n",
    }
    return {name: text.encode("latin-1") for name, text in texts.items()}


def toy_registry(files: dict[str, bytes]) -> dict:
    """Two sources that cannot be reached, so that the data must come from a local copy."""
    members = {f"toy/{name}": hashlib.sha256(data).hexdigest() for name, data in files.items()}
    source = {
        "kind": "url",
        "name": "publisher",
        "url": CLOSED,
        "members": members,
        "module": "cragru.data.movielens_100k",
    }
    entry = {"title": "Toy", "version": "1", "licence": "none", "homepage": "https://example.org/"}
    entry |= {"archive": "toy.zip", "folder": "toy"}
    mirror = source | {"name": "mirror", "url": CLOSED.replace("toy.zip", "mirror.zip")}
    return {"datasets": {"toy": entry | {"sources": [source, mirror]}}}


def toy_params() -> dict:
    """The shipped file, smaller; BPR trains for about a second, so that a kill can meet it."""
    params = yaml.safe_load((REPOSITORY / "config/params.yaml").read_text())
    for entry in params["backbones"].values():
        entry["options"] |= {"dimensions": 8, "epochs": 4, "batch_size": 256, "patience": 4}
    params["backbones"]["bpr"]["options"] |= {"epochs": 400, "patience": 400, "learning_rate": 0.01}
    for entry in params["methods"].values():
        if "partition" in entry:
            entry["options"]["shards"] = 3
        if entry["module"].endswith("receraser"):
            entry["options"]["attention_epochs"] = 3
    for name in (
        "blpa",
        "bekm",
    ):  # three shards of forty users cannot be as even as the shipped slack asks
        params["partitions"][name]["options"] = {"slack": 0.1}
    return params


def toy_tables(printed: Path) -> dict:
    """The shipped file without tests of differences, whose further trainings most tests can do without.

    Printed values are read from the folder `printed`: each process of tests has a copy of the sources, and to one that
    did not make a finished run, those of its own copy would be another input of the run's tables.
    """
    tables = yaml.safe_load((REPOSITORY / "config/tables.yaml").read_text())
    for spec in tables["tables"].values():
        if spec["kind"] == "utility":
            spec["tested"] = False
        if "paper" in spec:
            spec["paper"] = str(printed / Path(spec["paper"]).name)
    return tables


@pytest.fixture(scope="session")
def toy(once) -> Toy:
    ratings = toy_ratings()
    folder = once("toy", lambda folder: write_toy(folder, ratings))
    names = ("toy.zip", "datasets.yaml", "params.yaml", "tables.yaml")
    return Toy(*(folder / name for name in names), ratings)


def write_toy(folder: Path, ratings: pd.DataFrame) -> None:
    files = toy_files(ratings)
    with zipfile.ZipFile(folder / "toy.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"toy/{name}", data)
    (folder / "datasets.yaml").write_text(yaml.safe_dump(toy_registry(files)))
    (folder / "params.yaml").write_text(yaml.safe_dump(toy_params()))
    printed = shutil.copytree(REPOSITORY / "config/paper", folder / "paper")
    (folder / "tables.yaml").write_text(yaml.safe_dump(toy_tables(printed)))


@pytest.fixture(scope="session")
def configure(toy, tmp_path_factory):
    """Writes a configuration to lay over the shipped one: the tiny run, with changes."""
    folder = tmp_path_factory.mktemp("config")

    def write(files: dict[str, str] | None = None, **changes) -> Path:
        config = {
            "run": "tiny",
            "datasets": ["toy"],
            "seeds": [1, 2],
            "trainings": 2,
            "device": "cpu",
            "data_dir": str(toy.archive),
        }
        config |= {
            "tables": ["table1", "table2", "table2-released-code"],
            "figures": [],
            "scoring": {"llm": None},
        }
        config["methods"] = ["retrain"]
        own = {"datasets": str(toy.registry), "params": str(toy.params), "tables": str(toy.tables)}
        config |= {"files": own | (files or {}), **changes}
        path = folder / f"{len(list(folder.iterdir()))}.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    return write


@pytest.fixture(scope="session")
def workflow(once, tmp_path_factory) -> Workflow:
    """On a copy of the sources that is this process's own; finished runs are shared, and so is the key."""
    sources = tmp_path_factory.mktemp("checkout") / "cragru"
    for name in SOURCES:
        place = REPOSITORY / name
        if place.is_dir():
            shutil.copytree(place, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            sources.mkdir(exist_ok=True)
            shutil.copy2(place, sources / name)
    return Workflow(sources, once("key", lambda folder: None) / "audit.key")


@pytest.fixture(scope="session")
def changed(workflow, toy, tmp_path_factory):
    """Writes a copy of a file of the configuration, with an entry's key set."""

    def write(name, entry, key, value):
        before = toy.tables if name == "tables" else workflow.sources / f"config/{name}.yaml"
        content = yaml.safe_load(before.read_text())
        content[name][entry][key] = value
        path = tmp_path_factory.mktemp(name) / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content))
        return {name: str(path)}

    return write


@pytest.fixture(scope="session")
def converted(changed, smollm2) -> dict[str, str]:
    """Files of a configuration whose LLM is the shipped one, converted before: that takes half a minute.

    Its engine has one thread: two, beside another process of tests, wait for each other most of the time. Its numbers
    are float32: a processor without AVX-512 takes half again as long for bfloat16.
    """
    files = changed("llms", "smollm2-135m", "source", {"kind": "folder", "path": str(smollm2[0])})
    path = Path(files["llms"])
    content = yaml.safe_load(path.read_text())
    content["llms"]["smollm2-135m"]["engine"] |= {"threads": 1, "dtype": "float32"}
    path.write_text(yaml.safe_dump(content))
    return files


@pytest.fixture(scope="session")
def two_seeds(configure) -> Path:
    """Tables I and II of one backbone under two seeds."""
    return configure(backbones=["bpr"], tables=["table1", "table2"])


@pytest.fixture(scope="session")
def all_tables(configure) -> Path:
    """Every table of both backbones under one seed."""
    return configure(seeds=[1])


@pytest.fixture(scope="session")
def one_cell(configure) -> Path:
    """Table II of what the two runs have in common, under a run name of its own."""
    return configure(run="common", backbones=["bpr"], seeds=[1], tables=["table2"])


@pytest.fixture(scope="session")
def on_one_core(once, workflow, two_seeds, one_cell) -> Path:
    """A directory with the finished run `two_seeds`, seed 1 made on one core; do not write there, take `a_copy`."""

    def make(directory: Path) -> None:
        workflow.make(directory, config=one_cell, cores=1)
        workflow.make(directory, config=two_seeds, cores=2)

    return once("one-core", make)


@pytest.fixture(scope="session")
def on_two_cores(once, workflow, all_tables, one_cell) -> Path:
    """Another directory, with the finished run `all_tables`; do not write there."""

    def make(directory: Path) -> None:
        workflow.make(directory, config=all_tables, cores=2)
        workflow.make(directory, config=one_cell)

    return once("two-cores", make)


@pytest.fixture(scope="session")
def each_kind(configure) -> Path:
    """Table II of a method of each kind."""
    return configure(backbones=["bpr"], seeds=[1], methods=METHODS, tables=["table2"])


@pytest.fixture(scope="session")
def unlearned(once, workflow, each_kind, on_one_core) -> Path:
    """`on_one_core` with the run `each_kind`, and a request that each but Retrain served; do not write there."""

    def make(directory: Path) -> None:
        shutil.copytree(on_one_core, directory, dirs_exist_ok=True)
        served = [f"{DRAW}/{method}/cost.json" for method in METHODS if method != "retrain"]
        workflow.make(
            directory, "table2", *served, f"{PAPER}/ifru/damping.csv", config=each_kind, cores=2
        )

    return once("unlearned", make)


@pytest.fixture
def a_copy(on_one_core, tmp_path) -> Path:
    """A copy of the finished run of one core, to be changed."""
    return shutil.copytree(on_one_core, tmp_path / "run")
