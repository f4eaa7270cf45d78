"""The run's own deletion requests: served in turn, certified, purged, killed in between, and served again."""

import re
import shutil
import subprocess

import pandas as pd
import pytest
import yaml
from killing import killed, wait_until
from safetensors.numpy import load_file
from test_docs import ROOT, blocks

from cragru.kept.files import read_json

pytestmark = pytest.mark.slow

STATE, ALONE = "results/toy/from-file/1", "results/toy/from-file-alone/1"
CERTIFICATES = "results/own/certificates/toy/from-file/1"
METHODS = ["retrain", "sisa-users", "ifru"]
OF_REQUEST = {"apply_request": 1, "unlearn_request": 2, "unlearn_request_shards": 1}
OF_REQUEST |= {"certificate_request": 1, "in_service": 1, "requests": 1}


@pytest.fixture(scope="module")
def people(toy):
    """Three users by the publisher's ids."""
    return sorted(set(toy.ratings["user"]), key=int)[4:7]


@pytest.fixture(scope="module")
def own(configure, people, tmp_path_factory):
    """Writes the configuration of a run with the first so many of its requests."""
    folder = tmp_path_factory.mktemp("own")
    files = {}
    for name, user in zip(("autumn", "spring", "winter"), people, strict=True):
        files[name] = folder / f"{name}.csv"
        files[name].write_text(f"user,item\n{user},\n")

    def write(count, **requests):
        named = {name: str(files[name]) for name in list(files)[:count]}
        return configure(
            run="own",
            backbones=["bpr"],
            seeds=[1],
            methods=METHODS,
            tables=["table1"],
            requests={"files": named, **requests},
        )

    return write


@pytest.fixture(scope="module")
def served(workflow, own, on_one_core, tmp_path_factory):
    """A directory in which two requests were served in turn; do not write there."""
    directory = tmp_path_factory.mktemp("served") / "run"
    for folder in ("results/raw", "results/toy/prepared"):
        shutil.copytree(on_one_core / folder, directory / folder)
    shutil.copytree(on_one_core / ".snakemake", directory / ".snakemake")
    workflow.make(directory, "requests", config=own(2), cores=2)
    return directory


@pytest.fixture
def run(served, tmp_path):
    return shutil.copytree(served, tmp_path / "run")


def user_ids(directory, people):
    users = pd.read_parquet(directory / "results/toy/prepared/users.parquet")
    return users.set_index("raw_id")["user"].loc[people].tolist()


def rows_left(directory, users):
    """Files with rows of some users, the prepared data aside."""
    found = {}
    for path in directory.glob("results/toy/from-file/**/*.parquet"):
        frame = pd.read_parquet(path)
        if "user" in frame and frame["user"].isin(users).any():
            found[path.relative_to(directory).as_posix()] = int(frame["user"].isin(users).sum())
    return found


def test_requests_are_served_in_their_order_and_the_last_state_serves(served, people):
    first, second = user_ids(served, people[:2])
    in_service = read_json(served / "results/own/in-service.json")
    assert [one["request"] for one in in_service[0]["requests"]] == ["autumn", "spring"]
    assert in_service[0]["serves"] == f"{STATE}/spring"
    assert set(in_service[0]["models"]) == {
        f"{STATE}/spring/bpr/{method}/model.safetensors" for method in METHODS
    }
    certificate = read_json(served / CERTIFICATES / "spring/certificate.json")
    assert certificate["state"] == {"before": f"{STATE}/autumn", "after": f"{STATE}/spring"}
    left = pd.read_parquet(served / STATE / "spring/split/train.parquet")
    assert not left["user"].isin([first, second]).any()
    gone = pd.read_parquet(served / STATE / "spring/split/forget.parquet")
    assert set(gone["user"]) == {second}


def test_an_exact_model_is_the_same_as_if_all_had_asked_at_once(
    served, workflow, own, configure, people, tmp_path
):
    """In turn: autumn, then spring. At once: one file with both, from the deployed state."""
    both = tmp_path / "both.csv"
    both.write_text("user,item\n" + "".join(f"{user},\n" for user in people[:2]))
    config = configure(
        run="own", backbones=["bpr"], seeds=[1], methods=METHODS,
        requests={"files": {"both": str(both)}, "protocol": "from-file-alone"},
    )  # fmt: skip
    directory = shutil.copytree(served, tmp_path / "run")
    models = [f"{ALONE}/both/bpr/{method}/model.safetensors" for method in METHODS[:2]]
    workflow.make(directory, *models, config=config, cores=2)
    for model in models:
        at_once = load_file(directory / model)
        in_turn = load_file(directory / model.replace(f"{ALONE}/both", f"{STATE}/spring"))
        assert at_once.keys() == in_turn.keys()
        assert all((at_once[name] == in_turn[name]).all() for name in at_once), model


def test_a_finished_run_of_requests_is_audited_and_makes_nothing_more(run, workflow, own):
    done = workflow.make(run, "audit", config=own(2))
    assert (
        len(re.findall(r"verified \S+certificate.json: \d+ interactions removed", done.output)) == 2
    )
    assert workflow.plan(run, "requests", config=own(2)) == {}
    page = (run / CERTIFICATES / "spring/certificate.md").read_text()
    assert f"| `{STATE}/spring/bpr/retrain/model.safetensors` | exact |" in page


def test_a_plan_says_what_each_request_deletes(run, workflow, own, toy, people):
    rows = (toy.ratings["user"] == people[2]).sum()
    done = workflow.run(run, "requests", "--dry-run", config=own(3))
    assert f"Take request winter out of toy, seed 1: {rows} rows of 1 user" in done.output
    assert workflow.plan(run, "requests", config=own(3)) == OF_REQUEST


def test_what_was_purged_stays_purged_while_requests_go_on(run, workflow, own, people):
    """A kill in the midst of serving, too; in the end no file that serves has a row of anybody who left."""
    users = user_ids(run, people)
    workflow.make(run, "purge", config=own(2))
    assert rows_left(run, users[:2]) == {}
    workflow.make(run, "audit", config=own(2))
    assert workflow.plan(run, "requests", config=own(3)) == OF_REQUEST
    log = run / "results/logs/unlearn/toy/from-file/1/winter/bpr/retrain.log"
    command = workflow.command(run, "requests", config=own(3))
    assert killed(command, workflow.environment(), lambda: wait_until(log.exists, 120))
    assert workflow.run(run, "--unlock", config=own(3)).rc == 0
    workflow.make(run, "requests", config=own(3), cores=2)
    workflow.make(run, "purge", config=own(3))
    assert rows_left(run, users) == {}
    assert not list((run / STATE / "spring").rglob("*.safetensors"))
    assert (run / STATE / "winter/bpr/retrain/model.safetensors").is_file()
    done = workflow.make(run, "audit", config=own(3))
    assert done.output.count("files purged") == 3


def test_nothing_makes_a_purged_file_again_but_restore(run, workflow, own):
    workflow.make(run, "purge", config=own(2))
    model = f"{STATE}/bpr/original/model.safetensors"
    for more in ([], ["--forceall"]):
        refused = workflow.run(run, model, "--dry-run", *more, config=own(2))
        assert refused.rc == 1
        assert re.search(f"{model}: purged.*restore", refused.output), refused.output
    assert "train_original" not in workflow.plan(run, "requests", "--forceall", config=own(2))
    workflow.make(run, "restore", config=own(2))
    assert workflow.plan(run, model, config=own(2)) == {"split": 1, "train_original": 1}


def test_a_purged_row_that_is_back_is_an_error_of_the_audit(run, workflow, own, people):
    users = user_ids(run, people[:1])
    parts = [pd.read_parquet(run / STATE / f"split/{name}.parquet") for name in ("train", "test")]
    workflow.make(run, "purge", config=own(2))
    path = run / STATE / "spring/split/train.parquet"
    rows = pd.concat(parts)
    rows = rows[rows["user"].isin(users)]
    pd.concat([pd.read_parquet(path), rows]).to_parquet(path, index=False)
    refused = workflow.run(run, "audit", config=own(2))
    assert refused.rc != 0
    said = f"{STATE}/spring/split/train.parquet: rows are back that request autumn had purged, got {len(rows)};"
    assert said in refused.errors[0]


def test_a_person_is_found_wherever_there_are_rows(run, workflow, own, people, toy):
    (user,) = user_ids(run, people[1:2])
    done = workflow.make(run, "person", people[1], config=own(2))
    found = dict(
        re.findall(r"^cragru: (results/toy/from-file/\S+\.parquet): (\d+) rows$", done.output, re.M)
    )
    assert found == {path: str(count) for path, count in rows_left(run, [user]).items()}
    trained = re.findall(
        r"^cragru: (\S+)/model.safetensors: \d+ rows that the model", done.output, re.M
    )
    assert set(trained) == {
        f"{STATE}/bpr/original",
        *(f"{STATE}/autumn/bpr/{method}" for method in METHODS),
        f"{STATE}/spring/bpr/ifru",
    }
    assert re.search(r"spring\.csv: 1 lines of a request", done.output)
    unknown = workflow.run(run, "person", "999999", config=own(2))
    assert "unknown user, got '999999'" in unknown.output


def test_a_request_of_which_nothing_is_left_is_refused(
    run, workflow, own, configure, people, tmp_path
):
    again = tmp_path / "again.csv"
    again.write_text(f"user,item\n{people[0]},\n")
    settings = yaml.safe_load(own(2).read_text())
    files = settings["requests"]["files"] | {"zz": str(again)}
    refused = workflow.run(
        run, "requests", config=configure(**settings | {"requests": {"files": files}})
    )
    assert refused.rc == 1
    assert refused.errors[0].startswith(
        f"cragru: error in apply_request: {again}: no row that it asks for is left"
    )


def test_the_readme_deletes_somebody_from_real_data(workflow, configure, toy, tmp_path):
    """The commands of README's section, on ML-100K with few epochs."""
    page = ROOT / "README.md"
    (commands,) = [block for block in blocks(page, "sh") if "purge" in block]
    settings = yaml.safe_load(blocks(page, "yaml")[0])
    params = yaml.safe_load((ROOT / "config/params.yaml").read_text())
    params["backbones"]["bpr"]["options"]["epochs"] = 3
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    settings |= {"files": {"params": str(tmp_path / "params.yaml")}}
    raw = ROOT / "results/raw/ml-100k"
    settings |= {"data_dir": str(raw)} if raw.is_dir() else {}
    config, run = tmp_path / "service.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(settings))
    run.mkdir()
    for line in commands.splitlines():
        name, *words = line.removesuffix("--configfile service.yaml").split()
        if name == "snakemake":
            workflow.make(run, *words, config=config)
        else:
            said = subprocess.check_output(line, shell=True, cwd=run, text=True)
    assert "39 interactions of 1 user" in said
    page = run / "results/service/certificates/ml-100k/from-file/1/autumn/certificate.md"
    assert "files were deleted on" in page.read_text()
