"""What an LLM scores for a run, and what the configuration of that stage must hold to."""

import itertools
from collections import Counter

import pytest
from configuration import DELETE, ROOT, load_changed
from snakemake.iocontainers import Wildcards

from cragru.config.base import load_yaml
from cragru.core.errors import NOTHING, CragruError
from cragru.plan.cells import Cell
from cragru.plan.rows import cells_of
from cragru.plan.showing import Showing
from tests.refusals import AtLeast, refused

NO_LLM = {"config/scoring/llm": None, "config/tables": ["table1", "table2"], "config/figures": []}
STRATEGIES = ["none", "random", "preference", "diversity", "attention"]


@pytest.fixture
def load(shipped, tmp_path):
    """Load the shipped configuration with changes: a key path that starts with the file's name -> value."""
    return lambda changes=(): load_changed(shipped, tmp_path, changes)


def cells(project, name):
    """What an LLM answers for a table or figure."""
    return cells_of(
        {**project.tables.tables, **project.figures.figures}[name].rows(
            project, project.tables.tables
        )
    )


def cell(backbone, strategy="none", order="backbone", candidates_of="original", seed=1):
    asked = ("smollm2-135m", "listwise", "pilot")
    return Cell("ml-100k", "paper", seed, backbone, candidates_of, strategy, order, *asked)


def refusal(load, changes):
    with pytest.raises(CragruError) as caught:
        load(changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- which cells

TABLE2 = [cell("bpr"), cell("lightgcn")]
COMPARED = {"form": "encoder", "cohort": "all"}
FIGURE4 = [cell("bpr", strategy)._replace(**COMPARED) for strategy in STRATEGIES]
OF_RETRAIN = cell("bpr", candidates_of="retrain")
TABLE4 = [TABLE2[0], OF_RETRAIN, TABLE2[1]]
PLAIN = [cell("bpr"), cell("lightgcn")]
WORTH = [  # llm-worth: the encoder on everybody, as it is, with drawn histories, and fused
    cell(backbone, candidates_of=source)._replace(**COMPARED, history=history, fusion=fusion)
    for backbone, source in itertools.product(["bpr"], ["original", "retrain"])
    for history, fusion in (("own", "none"), ("other", "none"), ("own", "validation"))
]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("table1", []),
        ("table2", TABLE2),
        ("table2-released-code", []),
        ("table4", TABLE4),
        ("figure3", [cell("bpr"), cell("lightgcn")]),
        ("figure4", FIGURE4),
        ("cragru-cost", PLAIN),
    ],
)
def test_cells_of_the_shipped_configuration(load, name, wanted):
    project = load()
    assert cells(project, name) == wanted


def test_a_run_scores_each_cell_once(load):
    found = load().cells
    assert set(found) == {*TABLE4, *FIGURE4, *WORTH}
    assert len(set(found)) == len(found)
    assert found == load().cells


@pytest.mark.parametrize(
    ("tables", "figures", "wanted"),
    [
        (["table1"], [], []),
        (["table2"], [], TABLE2),
        (["table1"], ["figure4"], FIGURE4),
        (["cragru-cost"], [], PLAIN),
        (["cragru-cost", "table2"], ["figure4"], TABLE2 + FIGURE4),
        (["table1"], ["figure3"], [cell("bpr"), cell("lightgcn")]),
        (["claims"], [], [cell("bpr"), cell("lightgcn")]),
        (["request-size"], [], [cell("bpr"), cell("lightgcn")]),
        (["table4"], [], TABLE4),
    ],
)
def test_only_what_the_run_shows_is_scored(load, tables, figures, wanted):
    assert Counter(load({"config/tables": tables, "config/figures": figures}).cells) == Counter(
        wanted
    )


@pytest.mark.parametrize("name", ["table2", "table4", "figure3"])
def test_without_an_llm_there_are_no_cells(load, name):
    project = load(NO_LLM)
    assert cells(project, name) == []
    assert project.cells == []


@pytest.mark.parametrize("name", ["figure4", "cragru-cost"])
def test_what_is_nothing_without_an_llm_says_so_when_it_is_asked_for(load, name):
    showing, key = Showing(load(NO_LLM)), "figure" if name == "figure4" else "table"
    with refused(place=name) as caught:
        showing.inputs(Wildcards(fromdict={"run": "default", key: name}))
    assert "scoring.llm and scoring.compare_on" in caught.value.problems[0].advice


def test_seeds_sources_and_data_sets_multiply(load):
    changes = {
        "seeds": [1, 2, 3],
        "retrieval/candidates_of": ["original", "retrain"],
        "datasets": ["ml-100k", "ml-1m"],
    }
    project = load({f"config/{key}": value for key, value in changes.items()})
    for name, own in {"table2": TABLE2, "figure4": FIGURE4}.items():
        grid = itertools.product(*changes.values(), own)
        wanted = [
            one._replace(dataset=dataset, seed=seed, candidates_of=candidates_of)
            for seed, candidates_of, dataset, one in grid
        ]
        assert Counter(cells(project, name)) == Counter(wanted)
    assert set(Counter(project.cells).values()) == {1}
    of_state = 2 * (2 + 5) + len(WORTH) - 2  # those of no strategy are in Figure 4, too
    assert len(project.cells) == 2 * 3 * of_state


def test_comparing_on_every_backbone_and_on_fewer_strategies(load):
    project = load(
        {
            "config/scoring/compare_on": ["lightgcn", "bpr"],
            "config/retrieval/strategies": ["random", "attention"],
            "config/scoring/controls": ["shuffled"],
            "config/scoring/compare_form": None,
            "config/scoring/compare_cohort": None,
        }
    )
    compared = [
        cell(backbone, strategy)
        for backbone in ("lightgcn", "bpr")
        for strategy in ("random", "attention")
    ]
    assert cells(project, "figure4") == compared
    assert cells(project, "cragru-cost") == [*compared, *PLAIN]
    orders = ("backbone", "shuffled")
    both = [cell(backbone, order=order) for backbone in ("bpr", "lightgcn") for order in orders]
    assert cells(project, "table2") == both


def test_each_figure_and_table_has_its_own_protocol(load):
    changes = {
        "figures/figures/figure4/protocol": "released-code",
        "tables/tables/table2/panel": False,
    }
    project = load(changes | {"config/tables": ["table2"]})
    assert {found.protocol for found in cells(project, "figure4")} == {"released-code"}
    assert cells(project, "table2") == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scoring/compare_on", ["bpr", "bpr"]),
        ("retrieval/strategies", ["none", "random", "none"]),
        ("retrieval/candidates_of", ["original", "original"]),
    ],
)
def test_a_name_that_is_repeated_is_refused(load, key, value):
    told = refusal(load, {f"config/{key}": value})
    assert f"{key.replace('/', '.')}:" in told
    assert f"['{value[0]}']" in told


# --- what the configuration must hold to

CONFIG_TABLES, CONFIG_FIGURES = "config/tables.yaml: tables", "config/figures.yaml: figures"
UNKNOWN = [  # changes; the place of the problem and what it got; names that are allowed, or facts
    ({"config/scoring/llm": "smollm2"}, "scoring.llm", "smollm2", "smollm2-135m local-server"),
    ({"config/scoring/cohort": "pilots"}, "config: scoring.cohort", "pilots", "all pilot"),
    (
        {"config/scoring/compare_on": ["bpr", "lightgnc"]},
        "scoring.compare_on",
        "lightgnc",
        "bpr lightgcn",
    ),
    (
        {"config/backbones": ["bpr"], "config/scoring/compare_on": ["lightgcn"]},
        "scoring.compare_on",
        "lightgcn",
        "bpr",
    ),
    ({"config/figures": ["figure5"]}, "figures", "figure5", "figure3 figure4 config/figures.yaml"),
    (
        {"tables/tables/table3/cragru": False},
        f"{CONFIG_TABLES}.claims.time",
        "table3",
        "cragru true",
    ),
    (
        {"tables/tables/table2/panel": False},
        f"{CONFIG_TABLES}.claims.utility",
        "table2",
        "panel true",
    ),
    ({"config/methods": ["scif"]}, "methods", NOTHING, "'retrain', table2 tested"),
    (
        {"tables/tables/request-size/protocol": "released-code"},
        f"{CONFIG_TABLES}.request-size.protocol",
        "released-code",
        "users, interactions",
    ),
    ({"config/retrieval/strategies": ["randon"]}, "retrieval.strategies", "randon", "random"),
    (
        {"figures/figures/figure4/protocol": "papers"},
        f"{CONFIG_FIGURES}.figure4.protocol",
        "papers",
        "paper",
    ),
    (
        {"figures/figures/figure4/cutoffs": [5, 7, 50]},
        f"{CONFIG_FIGURES}.figure4.cutoffs",
        [7, 50],
        "1 3 5 10 20",
    ),
    (
        {"tables/tables/cragru-cost/protocol": "papers"},
        f"{CONFIG_TABLES}.cragru-cost.protocol",
        "papers",
        "paper",
    ),
]


@pytest.mark.parametrize(("changes", "place", "got", "facts"), UNKNOWN)
def test_unknown_names_are_met_with_the_nearest(load, changes, place, got, facts):
    with pytest.raises(CragruError) as caught:
        load(changes)
    own = [str(one) for one in caught.value.problems if (one.place, one.got) == (place, got)]
    assert own, str(caught.value)
    assert all(fact in own[0] for fact in facts.split()), own[0]


def test_an_unknown_name_is_one_sentence(load):
    assert refusal(load, {"config/figures": ["figure5"]}) == (
        "figures: unknown name, got 'figure5' (did you mean 'figure4'? allowed: figure3, figure4, "
        "llm-worth-chain); "
        "name one of these, or add it to config/figures.yaml"
    )


@pytest.mark.parametrize(
    ("tables", "figures", "needing"),
    [
        (["table1", "cragru-cost", "table2"], ["figure4"], "cragru-cost, figure4"),
        (["cragru-cost"], [], "cragru-cost"),
        (["table2"], ["figure4"], "figure4"),
    ],
)
def test_what_needs_an_llm_must_have_one(load, tables, figures, needing):
    changes = {"config/scoring/llm": None, "config/tables": tables, "config/figures": figures}
    with refused(place="scoring.llm", got=NOTHING) as caught:
        load(changes)
    told = [(problem.place, problem.what) for problem in caught.value.problems]
    names = needing.split(", ")
    assert told == [("scoring.llm", f"null, but {name} needs an LLM") for name in names]


@pytest.mark.parametrize("protocol", ["one-user", "from-file"])
@pytest.mark.parametrize("where", ["tables.table2", "tables.cragru-cost", "figures.figure4"])
def test_cragru_is_shown_for_protocols_that_forget_first(load, protocol, where):
    file, name = where.split(".")
    place, known = f"config/{file}.yaml: {where}.protocol", AtLeast(["paper", "released-code"])
    with refused(place=place, got=protocol, allowed=known) as caught:
        load({f"{file}/{file}/{name}/protocol": protocol})
    assert len(caught.value.problems) == 1


def test_a_table_without_that_panel_may_have_any_protocol(load):
    changes = {"tables/tables/table2/protocol": "one-user", "tables/tables/table2/panel": False}
    changes["config/tables"] = ["table2"]
    assert load(changes).tables.tables["table2"].protocol == "one-user"


def test_the_strategy_of_table_2_must_be_there(load):
    changes = {"params/strategies/none": DELETE, "config/retrieval/strategies": ["random"]}
    with refused(place="config/params.yaml: strategies") as caught:
        load(changes)
    assert "'none'" in caught.value.problems[0].what


def test_two_strategies_must_not_share_a_label(load):
    changes = {"params/strategies/random/label": "Latest history"}
    file = "config/params.yaml"
    assert refusal(load, changes) == (
        f"{file}: strategies.random.label: {file}: strategies.none.label is the same, got 'Latest history'; "
        "give each its own label"
    )


def test_which_strategies_keep_whole_histories(load):
    assert [name for name, entry in load().params.strategies.items() if entry.whole] == ["none"]


def test_data_sets_have_a_template_of_their_own_or_the_one_with_a_profile(load):
    project = load({"datasets/datasets/ml-1m/prompt": "config/prompts/no-profile.txt"})
    shipped = ("ml-100k", "ml-1m")
    assert {name: project.registry.datasets[name].prompt for name in shipped} == {
        "ml-100k": "config/prompts/movielens.txt",
        "ml-1m": "config/prompts/no-profile.txt",
    }


def laid_over(path):
    """The values of a configuration file that Snakemake lays over config.yaml, by key path."""
    found, sections = {}, [("config", load_yaml(path))]
    while sections:
        where, values = sections.pop()
        for key, value in values.items():
            if isinstance(value, dict) and key != "overlays":  # config.yaml's are empty
                sections.append((f"{where}/{key}", value))
            else:
                found[f"{where}/{key}"] = value
    return found


def test_shipped_run_without_an_llm(load):
    project = load(laid_over(ROOT / "config" / "no-llm.yaml"))
    assert project.settings.scoring.llm is None
    assert project.cells == []


@pytest.mark.parametrize("name", ["paper.yaml", "ml-100k.yaml"])
def test_other_shipped_runs(load, name, monkeypatch, tmp_path):
    for file in (
        "movie_titles.csv",
        "combined_data_1.txt",
    ):  # of Netflix's copy: only that it is there
        (tmp_path / file).touch()
    monkeypatch.setenv("CRAGRU_DATA_DIR", str(tmp_path))
    project = load(laid_over(ROOT / "config" / name))
    found, settings = project.cells, project.settings
    assert len(set(found)) == len(found)
    assert {one.seed for one in found} == set(settings.seeds)
    assert {one.dataset for one in found} == set(settings.datasets)
