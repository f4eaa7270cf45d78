"""What an LLM is worth: its rows, and by hand the differences, the headroom and the words of the note."""

import numpy as np
import pandas as pd
import pytest
import yaml
from configuration import ROOT
from making import make
from metric_columns import metric_columns
from refusals import refused
from snakemake.iocontainers import Wildcards

from cragru.evaluation.bootstrap import Resampling
from cragru.evaluation.columns import PER_USER
from cragru.evaluation.significance import over_users_and_seeds
from cragru.kept.files import write_json, write_parquet
from cragru.plan.certificates import Certificates
from cragru.plan.loading import load_project
from cragru.plan.rows import cells_of
from cragru.reporting import points as points_module
from cragru.reporting.llm_worth_table import worth_of

RESAMPLING = Resampling(seed=1, resamples=200)
STATE = {"run": "default", "dataset": "ml-100k", "protocol": "paper", "seed": "1"}


# --- rows


def load(asked=(), **changes):
    """The shipped project with a table that asks so; sections of the run's settings are merged."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    own = {"tables": ["llm-worth"], "figures": ["llm-worth-chain"], "backbones": ["bpr"]}
    for key, value in (own | changes).items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    config["overlays"] = {"tables": {"tables": {"llm-worth": {"asked": list(asked)}}}}
    return load_project(config, ROOT)


def rows_of(project):
    tables = project.tables.tables
    return tables["llm-worth"].rows(project, tables)


def test_without_an_llm_the_orders_stay_that_need_none():
    project = load([{"form": "encoder"}], scoring={"llm": None})
    assert not cells_of(rows_of(project))
    assert [(row.labels["order"], row.candidates_of) for row in rows_of(project)] == [
        (name, source)
        for source in ("original", "retrain")
        for name in (
            "Random order",
            "Candidates, no LLM",
            "Popularity, no LLM",
            "Popularity fused, no LLM",
            "Content, no LLM",
            "Best order",
        )
    ]


def test_an_entry_names_another_llm_and_a_run_without_one_asks_none():
    asked = [{"form": "encoder", "llm": "qwen2.5-coder-0.5b"}]
    assert [cell.llm for cell in cells_of(rows_of(load(asked)))] == ["qwen2.5-coder-0.5b"]
    assert cells_of(rows_of(load(asked, scoring={"llm": None}))) == []


def test_what_is_asked_stands_before_the_best_order():
    asked = [{"form": "encoder", "cohort": "all", "other": True, "fused": True}]
    rows = rows_of(load(asked, seeds=[1, 2]))
    own = [row for row in rows if row.cell]
    label = "SmolLM2-135M, encoder"
    assert [row.labels["order"] for row in own[::2]] == [
        label,
        f"{label}, drawn history",
        f"{label}, fused",
    ]
    assert [row.seed for row in own] == 3 * [1, 2]
    first, drawn, fused = own[::2]
    assert (first.labels["other"], first.labels["fused"]) == (
        drawn.labels["method"],
        fused.labels["method"],
    )
    assert (drawn.labels["other"], fused.labels["fused"]) == (None, None)
    folder = "results/ml-100k/paper/1/bpr/cragru/original/none"
    rest = "backbone/smollm2-135m/encoder/all"
    assert fused.files == {
        "per_user": f"{folder}/own/{rest}/validation/per-user.parquet",
        "cohort": "results/ml-100k/paper/1/cohorts/all.json",
        "cost": f"{folder}/own/{rest}/cost.json",
        "weight": f"{folder}/train/{rest}/fusion.json",
    }
    assert drawn.files["per_user"] == f"{folder}/other/{rest}/none/per-user.parquet"
    place = rows.index(own[-1])
    assert rows[place + 1].labels["control"] == "best-order"


def test_only_fused_popularity_has_a_weight_without_an_llm():
    weights = {row.labels["control"]: row.files["weight"] for row in rows_of(load())}
    named = {name: path for name, path in weights.items() if path}
    assert named == {
        "popularity-fused": "results/ml-100k/paper/1/bpr/cragru/retrain/controls/weights.json"
    }


def test_entries_choose_backbones_sources_and_strategies():
    asked = [
        {"form": "listwise", "strategies": ["none", "diversity"], "backbones": ["lightgcn"]},
        {"form": "encoder", "candidates_of": ["retrain"], "backbones": ["bpr"]},
    ]
    project = load(asked, backbones=["bpr@dimensions=128", "lightgcn"])
    found = [(c.backbone, c.candidates_of, c.strategy, c.form) for c in cells_of(rows_of(project))]
    assert found == [
        ("bpr@dimensions=128", "retrain", "none", "encoder"),
        ("lightgcn", "original", "none", "listwise"),
        ("lightgcn", "original", "diversity", "listwise"),
    ]
    labels = [row.labels["order"] for row in rows_of(project) if row.cell]
    assert labels[-1] == "SmolLM2-135M, listwise, Diversity"


def test_the_figure_has_the_rows_and_words_of_its_table():
    project = load([{"form": "encoder"}])
    tables = project.tables.tables
    figure = project.figures.figures["llm-worth-chain"]
    assert figure.rows(project, tables) == rows_of(project)
    assert figure.words(project, tables) == tables["llm-worth"].words(project, tables)


def test_certificates_know_orders_without_an_llm():
    certificates = Certificates(load(scoring={"llm": None}))
    wildcards = Wildcards(fromdict=STATE)
    assert set(certificates.models(wildcards)) == {("bpr", "original"), ("bpr", "retrain")}
    manifests = certificates.manifests(wildcards)
    for source in ("original", "retrain"):
        folder = f"results/ml-100k/paper/1/bpr/cragru/{source}"
        assert {f"{folder}/manifest.json", f"{folder}/controls/manifest.json"} <= set(manifests)


WRONG = {
    "llm": ({"form": "encoder", "llm": "gpt"}, "llm", "gpt"),
    "cohort": ({"form": "encoder", "cohort": "everybody"}, "cohort", "everybody"),
    "strategy": ({"form": "listwise", "strategies": ["luck"]}, "strategies", "luck"),
    "backbone": ({"form": "listwise", "backbones": ["mf"]}, "backbones", "mf"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_unknown_name_is_refused(name):
    entry, key, got = WRONG[name]
    with refused(place=f"config: overlays.tables.tables.llm-worth.asked.0.{key}", got=got):
        load([entry])


def test_two_entries_that_ask_the_same_are_refused():
    with refused(place="config: overlays.tables.tables.llm-worth.asked"):
        load([{"form": "encoder"}, {"form": "encoder", "llm": "smollm2-135m", "fused": True}])


# --- numbers

ORDERS = {
    "random-order": [0.1, 0.3, 0.1, 0.3],
    "no-llm": [0.2, 0.4, 0.2, 0.4],
    "popularity": [0.2, 0.4, 0.2, 0.4],
    "popularity-fused": [0.2, 0.5, 0.2, 0.5],
    "content": [0.3, 0.5, 0.3, 0.5],
    "best-order": [0.8, 1.0, 0.8, 1.0],
}
LLM = [0.2, 0.6, 0.4, 0.4]
T_OF_3 = 3.182446  # Student's t of 3 degrees of freedom, 97.5 %
ERROR = (0.04 / 3 / 4) ** 0.5  # of 0, 0.2, 0.2, 0


def per_user(values):
    """NDCG@10 of users 0, 1, …, and numbers of another mask and cut-off that no table may show."""
    frames = []
    for mask, k, own in (
        ("A", 10, values),
        ("A", 5, [0.9] * len(values)),
        ("B", 10, [0.8] * len(values)),
    ):
        head = {"user": range(len(own)), "mask": mask, "k": k}
        frames.append(pd.DataFrame(head | metric_columns(hr=1.0, ndcg=own) | {"relevant": 3}))
    return pd.concat(frames).astype(PER_USER)


def results(values):
    return {(1, 0): per_user(values)}


def worth(own=LLM, **against):
    others = {name: results(values) for name, values in (ORDERS | against).items()}
    return worth_of(results(own), others, "A", 10, RESAMPLING)


def test_differences_by_hand():
    found = worth(other=[0.1, 0.5, 0.3, 0.3])
    assert (found["users"], found["seeds"]) == (4, 1)
    assert found["ndcg"] == pytest.approx(0.4)
    assert found["less_candidates"] == pytest.approx(0.1)  # of 0, 0.2, 0.2, 0
    assert found["less_candidates_se"] == pytest.approx(ERROR)
    assert found["less_candidates_high"] == pytest.approx(0.1 + T_OF_3 * ERROR)
    assert found["less_candidates_low"] == pytest.approx(0.1 - T_OF_3 * ERROR)
    assert found["less_popularity"] == pytest.approx(0.05)
    assert found["less_content"] == pytest.approx(0)
    # every user gains 0.1 by the own history
    ends = [found[f"own_less_other{end}"] for end in ("", "_low", "_high")]
    assert ends == pytest.approx([0.1, 0.1, 0.1])
    assert np.isnan(found["less_candidates_p"])  # one split would pass for all


def test_headroom_is_a_ratio_of_means():
    """The best order gains 0.6 for every user, the LLM 0.1 on average: a resample gains between 0 and 0.2."""
    found = worth()
    assert found["headroom"] == pytest.approx(1 / 6)
    assert 0 <= found["headroom_low"] < 1 / 6 < found["headroom_high"] <= 1 / 3
    assert "own_less_other" not in found


def test_an_order_is_not_held_against_itself():
    others = {name: results(values) for name, values in ORDERS.items()}
    found = worth_of(others["content"], others, "A", 10, RESAMPLING)
    assert "less_content" not in found
    assert found["less_candidates"] == pytest.approx(0.1)
    assert (found["headroom"], found["headroom_low"]) == pytest.approx((1 / 6, 1 / 6))


def test_others_count_on_the_users_of_a_row_alone():
    found = worth(own=LLM[:2])
    assert found["users"] == 2
    assert found["less_candidates"] == pytest.approx(0.1)  # of 0, 0.2
    with refused(got=[4]):
        worth(own=[*LLM, 0.5])


def test_several_seeds_vary_too():
    """Users' means 0.2 and 0.3, seeds' means 0.2 and 0.3: two variances of 0.0025 with one degree of freedom each."""
    users = pd.Index([0, 1], name="user")
    found = over_users_and_seeds([pd.Series([0.1, 0.3], users), pd.Series([0.3, 0.3], users)])
    assert found["value"] == pytest.approx(0.25)
    assert found["se"] == pytest.approx(0.005**0.5)
    assert found["high"] - 0.25 == pytest.approx(4.302653 * 0.005**0.5)  # t of 2 degrees
    assert np.isnan(found["p"])


def test_three_seeds_have_a_p():
    users = pd.Index([0, 1], name="user")
    assert over_users_and_seeds(3 * [pd.Series([-0.1, 0.1], users)])["p"] == 1


# --- the table and the figure

COST = {
    "filter_seconds": 0.25,
    "prompt_seconds": 0.25,
    "generation_seconds": 1.5,
    "cpu_filter_seconds": 0.25,
    "cpu_prompt_seconds": 0.25,
    "cpu_generation_seconds": 0.5,
    "prompt_tokens": 240.0,
    "answer_tokens": 2.0,
    "tie_rate": 0.25,
    "device": "cpu",
}
WEIGHT = {"weight": 0.5, "gain": 0.01, "error": 0.004, "users": 4}
FEW = (0, 2)  # users of the cohort


def row(folder, name, values, **changed):
    path = folder / f"{name}.parquet"
    write_parquet(path, per_user(values), PER_USER)
    names = {
        "panel": "all users",
        "dataset": "Toy",
        "backbone": "BPR",
        "method": name,
        "order": name,
        "printed": name,
        "candidates_of": "Original",
        "seed": 1,
        "training": 0,
        "source": "original",
        "control": None,
        "history": None,
        "fused": None,
        "other": None,
        "per_user": str(path),
        "cohort": None,
        "cost": None,
        "weight": None,
    }
    return names | changed


def made_rows(folder, fused=(0.6, 0.5, 0.6, 0.5), drawn=LLM):
    """Rows of the controls on four users, and of an LLM on two of them: alone, with a drawn history, and fused."""
    write_json(folder / "cohort.json", {"users": list(FEW)})
    write_json(folder / "weights.json", {"popularity-fused": WEIGHT | {"weight": 0.25}})
    write_json(folder / "fusion.json", WEIGHT)
    write_json(folder / "cost.json", COST)
    *controls, best = [row(folder, name, own, control=name) for name, own in ORDERS.items()]
    controls[3]["weight"], controls[2]["fused"] = str(folder / "weights.json"), "popularity-fused"
    asked = {"panel": "cohort few", "history": "own"}
    asked |= {name: str(folder / f"{name}.json") for name in ("cohort", "cost")}
    own = row(folder, "LLM", LLM, **asked, other="LLM, drawn", fused="LLM, fused")
    other = row(folder, "LLM, drawn", drawn, **asked | {"history": "other"})
    weight = str(folder / "fusion.json")
    return [*controls, own, other, row(folder, "LLM, fused", fused, **asked, weight=weight), best]


WORDS = {"title": "by hand", "mask": "A", "cutoff": 10, "note": "Of an LLM."}


def test_the_table_is_made(tmp_path):
    made = make("table", tmp_path, "llm_worth_table", made_rows(tmp_path), {}, WORDS)
    table = pd.read_csv(made["csv"]).set_index("order")
    assert [*table.index] == [*list(ORDERS)[:-1], "LLM", "LLM, fused", "best-order"]
    assert table.loc["LLM", ["users", "ndcg", "less_candidates", "own_less_other"]].tolist() == (
        pytest.approx([2, 0.3, 0.1, 0])  # users 0 and 2: 0.2 and 0.4, less 0.2 and 0.2
    )
    assert table.loc["LLM, fused", "less_content"] == pytest.approx(0.3)
    assert table.loc[["popularity-fused", "LLM, fused"], "weight"].tolist() == [0.25, 0.5]
    assert table["weight"].count() == 2
    shown = ["counts", "seconds", "wall_seconds", "tokens", "ties"]
    assert table.loc["LLM", shown].tolist() == ["cpu", 1, 2, 242, 0.25]
    assert table.loc["content", shown].isna().all()
    assert table.loc["content", "users"] == 4
    text = made["md"].read_text()
    header, line = (
        next(own for own in text.splitlines() if name in own) for name in ("| Users", "| LLM ")
    )
    assert [cell.strip() for cell in header.split("|")[-4:-1]] == [
        "Ties [%]",
        "CPU s",
        "Tokens",
    ]
    assert [cell.strip() for cell in line.split("|")[5:-1]] == [
        "2",
        "0.30 ± 1.27",  # t of 1 degree: 12.7062 * 0.1
        "+0.10 ± 1.27",
        "+0.00 ± 1.27",
        "+0.0000",
        "17 ± 17",
        "",
        "25",
        "1.0",
        "242",
    ]


def test_the_note_names_the_best_order_and_who_reads_no_tastes(tmp_path):
    made = make("table", tmp_path, "llm_worth_table", made_rows(tmp_path), {}, WORDS)
    text = made["md"].read_text()
    where = "Toy, BPR, candidates of Original"
    # 0.6 and 0.6, less 0.3 and 0.3: content is beaten for each user alike
    assert (
        f"{where}: the best order without an LLM is content; LLM, fused is recommended, as its gain"
        in text
    )
    assert f"titles, not tastes, as far as these users show, for LLM ({where}, n = 2)." in text
    assert "LLM, fused (" not in text
    assert "above 0, so that part" not in text
    assert text.endswith("Of an LLM.\n")


def test_the_note_names_who_reads_tastes_and_recommends_no_gain_by_chance(tmp_path):
    drawn = [value - 0.1 for value in LLM]
    rows = made_rows(tmp_path, fused=[0.2, 0.5, 0.5, 0.5], drawn=drawn)
    made = make("table", tmp_path, "llm_worth_table", rows, {}, WORDS | {"note": ""})
    text = made["md"].read_text()
    assert "is content; it is recommended, as no fused row's gain over content is beyond" in text
    assert "above 0, so that part of what the LLM reads is personal, for LLM (Toy, BPR" in text
    assert "titles, not tastes" not in text


def test_a_table_without_an_llm(tmp_path):
    rows = [own for own in made_rows(tmp_path) if own["control"]]
    made = make("table", tmp_path, "llm_worth_table", rows, {}, WORDS | {"note": ""})
    assert pd.read_csv(made["csv"])["seconds"].isna().all()
    assert "Own less other is" not in made["md"].read_text()


def test_the_chain_is_drawn(tmp_path):
    """Of a score that also stands beside the backbone's, that row alone."""
    made = make("figure", tmp_path, "llm_worth_figure", made_rows(tmp_path), {}, WORDS)
    table = pd.read_csv(made["csv"])
    assert table["order"].tolist() == [
        "random-order",
        "no-llm",
        "popularity-fused",
        "content",
        "LLM, fused",
        "best-order",
    ]
    text = made["tex"].read_text()
    assert "n = 2 to 4 users. Lines: 95" in text and "Of an LLM." in text
    assert made["png"].read_bytes().startswith(b"\x89PNG")


def test_points_have_a_line_for_each_label():
    points = pd.DataFrame(
        {
            "panel": ["one", "one", "two"],
            "point": ["low", "high", "high"],
            "kind": ["bound", "own", "own"],
            "mean": [0.1, 0.5, 0.6],
            "low": [0.0, 0.4, 0.5],
            "high": [0.2, 0.6, 0.7],
            "axis": "NDCG@10",
        }
    )
    figure = points_module._figure(points, "Title", "Note")
    one, two = figure.axes
    assert [text.get_text() for text in one.get_yticklabels()] == ["low", "high"]
    assert two.lines[0].get_xydata().tolist() == [[0.6, 1]]
    (bars,) = two.collections
    assert bars.get_segments()[0].tolist() == [[0.5, 1], [0.7, 1]]
    assert one.get_xlim() == two.get_xlim()
    assert one.get_ylim()[0] > one.get_ylim()[1]  # the first is on top
    assert [text.get_text() for text in figure.texts] == ["Note", "Title"]
