"""The library without the workflow: its wheel, its page, and numbers that equal the workflow's to the bit."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from snakemake_calls import METHODS, surroundings

import cragru
from tests.refusals import refused

ROOT = Path(__file__).parents[2]
SOURCES = ("cragru", "config", "envs", "pyproject.toml", "README.md", "LICENSE")
STATE = "results/toy/paper/1/bpr"
EXAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs/library.md").read_text(), re.DOTALL)[1]
MODULES = "for name in sys.modules:\n    if name.startswith('cragru'): print(name, sys.modules[name].__file__)"


@pytest.fixture(scope="module", autouse=True)
def no_local_copy():
    """The toy data are where their configuration says, whatever a person has set for others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CRAGRU_DATA_DIR", raising=False)
        yield


@pytest.fixture(scope="module")
def site(once) -> Path:
    """A folder with the library as pip installs its wheel, and nothing else; the network is not asked."""

    def make(folder):
        sources = folder / "sources"  # pip builds where they are
        sources.mkdir()
        for path in (ROOT / name for name in SOURCES):
            copy = shutil.copytree if path.is_dir() else shutil.copyfile
            copy(path, sources / path.name)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        more = ["--no-build-isolation", "--no-compile", "--target", str(folder / "site")]
        subprocess.run([*pip, *more, str(sources)], check=True)

    return once("wheel", make) / "site"


@pytest.fixture(scope="module")
def said(site, toy, two_seeds, tmp_path_factory):
    """What the page's example prints where the installed library alone is known, on the toy data; then its modules."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "toy.yaml").write_text(two_seeds.read_text())
    code = EXAMPLE
    for shipped, ours in {'"ml-100k"': '"toy", "raw", "toy.yaml"', '"196"': '"5"'}.items():
        assert shipped in code
        code = code.replace(shipped, ours)
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\n{MODULES}"],
        cwd=folder,
        env=surroundings() | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "raw/toy/source.json").is_file()
    return done.stdout


def modules(folder):
    return {path.relative_to(folder).as_posix() for path in (folder / "cragru").rglob("*.py")}


def test_every_module_is_installed_and_every_file_of_the_configuration(site):
    assert modules(site) == modules(ROOT)
    shipped = site / "cragru/shipped"
    found = {path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file()}
    assert found == {path.relative_to(ROOT) for path in (ROOT / "config").rglob("*.*")}
    assert (site / "cragru/py.typed").is_file()


def test_the_page_runs_where_the_library_is_installed(site, said):
    assert "ndcg" in said and "Café" in said
    assert f"cragru {site}" in said


def test_what_the_installed_library_imports_it_asks_for(said):
    """Every module that the example loads, and dgl, which a graph would load later."""
    paths = re.findall(r"^cragru[.\w]* (.*)", said, re.MULTILINE)
    assert len(paths) > 60
    found = {"dgl"}
    for path in paths:
        for node in ast.parse(Path(path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    names = {"yaml": "pyyaml", "sklearn": "scikit-learn"}
    asked = re.findall(r"^[\w-]+", (ROOT / "envs/library.in").read_text(), re.MULTILINE)
    others = found - set(sys.stdlib_module_names) - {"cragru"}
    assert {names.get(name, name) for name in others} <= set(asked)


def test_the_package_stays_light():
    """A plan imports it: what needs torch is loaded with the first data set."""
    code = "import cragru, sys; cragru.load; assert not {'torch', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def split(each_kind, tmp_path_factory):
    data = cragru.load("toy", folder=tmp_path_factory.mktemp("raw"), config=each_kind)
    return data.split("paper", seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["original", *METHODS])
def test_numbers_are_those_of_the_workflow(split, unlearned, model):
    made = split.train("bpr") if model == "original" else split.unlearn(model, "bpr")
    expected = pd.read_parquet(unlearned / STATE / model / "per-user.parquet")
    pd.testing.assert_frame_equal(made.per_user, expected, check_exact=True)
    table = pd.read_csv(unlearned / "results/tiny/tables/table2.csv", float_precision="round_trip")
    shown = table.query("metric == 'ndcg' and k == 10")["mean"].tolist()
    assert made.evaluate(cutoffs=[10]).loc[10, "ndcg"] in shown


def test_a_list_has_nothing_that_the_user_has_seen(split):
    user = split.data.users["raw_id"][3]
    mine = split.data.interactions.query("user == 3")
    hidden = pd.concat([split.parts[name] for name in ("train", "valid", "forget")])
    seen = set(split.data.items["raw_id"][mine[mine.index.isin(hidden["row"])]["item"]])
    found = split.train("bpr").recommend(user, k=8)
    assert list(found.index) == list(range(1, 9)) and seen
    assert not seen & set(found["raw_id"])
    assert found["title"].str.startswith("Café").all()


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        (lambda split: split.train("bprr"), refused(got="bprr")),
        (lambda split: split.unlearn("retrian", "bpr"), refused(got="retrian")),
        (lambda split: split.data.split("papr"), refused(got="papr")),
        (lambda split: split.data.split("one-user"), refused(place="protocol one-user")),
        (lambda split: split.train("bpr").recommend(4), refused(place="user", got=4)),
        (lambda split: split.train("bpr").recommend(5, k=0), refused(place="k", got=0)),
        (lambda split: split.train("bpr").evaluate([7]), refused(place="cutoffs", got=7)),
        (lambda split: split.train("bpr").evaluate(mask="C"), refused(place="mask", got="C")),
    ],
)
def test_unknown_names_are_refused(split, call, wrong):
    with wrong:
        call(split)


def test_files_that_were_altered_are_fetched_anew(each_kind, tmp_path):
    for _ in range(2):
        data = cragru.load("toy", folder=tmp_path, config=each_kind)
        assert len(data.users) == 40
        ratings = tmp_path / "toy" / "u.data"
        whole = ratings.read_bytes()
        ratings.write_bytes(whole[:-1])
    cragru.load("toy", folder=tmp_path, config=each_kind)
    assert ratings.read_bytes() == whole
