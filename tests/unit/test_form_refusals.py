"""Forms of scoring are refused before anything runs where the LLM, the candidates or the files are not for them."""

import pytest
from configuration import load_changed
from snakemake.iocontainers import Wildcards

from cragru.plan.scoring import Scoring
from tests.refusals import refused

FORM, COMPARED = "config/scoring/form", "config/scoring/compare_form"
SERVER = {"config/scoring/llm": "local-server", COMPARED: "listwise"}


@pytest.fixture
def load(shipped, tmp_path):
    """Load the shipped configuration with changes: a key path that starts with the file's name -> value."""
    return lambda changes=(): load_changed(shipped, tmp_path, changes)


@pytest.mark.parametrize("form", ["likelihood", "labels", "encoder"])
@pytest.mark.parametrize("key", [FORM, COMPARED])
def test_a_server_answers_in_the_papers_form_alone(load, form, key):
    place = key.removeprefix("config/").replace("/", ".")
    with refused(place=place, got=form, allowed=["listwise"]) as caught:
        load(SERVER | {key: form})
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


def test_the_whole_line(load):
    with refused() as caught:
        load(SERVER | {FORM: "labels"})
    assert str(caught.value) == (
        "scoring.form: local-server is a server, which writes answers and shows nothing else, got 'labels' "
        "(allowed: listwise); take that one, or a model that is not a server's"
    )


def test_what_answers_is_not_refused(load):
    for form in ("likelihood", "labels", "encoder", "listwise"):
        assert load({FORM: form, COMPARED: form}).settings.scoring.compare_form == form
    assert load(SERVER).settings.scoring.llm == "local-server"


def test_there_are_letters_for_52_candidates(load):
    more = {"config/retrieval/candidates": 53, "config/scoring/tokens": None}
    load(more | {FORM: "likelihood"})
    load(more | {FORM: "labels", "config/retrieval/candidates": 52})
    for key in (FORM, COMPARED):
        with refused(place=key.removeprefix("config/").replace("/", "."), got="labels"):
            load(more | {key: "labels"})


def test_what_a_table_asks_is_refused_too(load):
    """Nothing else would tell: a server's entry names a tokenizer, whose own model would be encoded with."""
    shown = "tables/tables/llm-worth/asked"
    place = "config/tables.yaml: tables.llm-worth.asked.0.form"
    for asked in ({"form": "encoder", "llm": "local-server"}, {"form": "labels"}):
        with refused(place=place, got=asked["form"], allowed=["listwise"]):
            load(SERVER | {shown: [asked]})
    with refused(place=place, got="labels"):
        more = {"config/retrieval/candidates": 53, "config/scoring/tokens": None}
        load(more | {shown: [{"form": "labels"}]})


def test_short_answers_leave_room_for_candidates(load):
    """50 candidates take 200 tokens of a prompt, or 150 as titles alone, and a list of their scores takes 400."""
    tight = {"config/retrieval/candidates": 50, "config/scoring/tokens": None}
    tight |= {"llms/llms/smollm2-135m/engine/context": 500, "config/tables": ["table1", "table2"]}
    load(tight | {FORM: "likelihood"})
    load(tight | {FORM: "labels"})
    with refused(place="retrieval.candidates", got=50):
        load(tight)
    with refused(place="retrieval.candidates", got=50):
        load(tight | {FORM: "likelihood", COMPARED: "listwise"})


@pytest.mark.parametrize("form", ["labels", "likelihood"])
def test_templates_of_forms_must_be_there(load, form):
    place = f"config/datasets.yaml: datasets.ml-1m.form_prompts.{form}"
    with refused(place=place, got="config/prompts/none.txt"):
        load({"datasets/datasets/ml-1m/form_prompts": {form: "config/prompts/none.txt"}})


@pytest.mark.parametrize(
    ("form", "engine", "template"),
    [
        ("listwise", "vllm_engine", "movielens.txt"),
        ("likelihood", "packed_engine", "likelihood.txt"),
        ("labels", "label_engine", "labels.txt"),
    ],
)
def test_each_form_has_its_engine_and_its_template(load, form, engine, template):
    scoring = Scoring(load())
    wildcards = Wildcards(fromdict={"dataset": "ml-100k", "llm": "smollm2-135m", "form": form})
    assert scoring.engine_module(wildcards) == f"cragru.llm.{engine}"
    assert scoring.template(wildcards).endswith(f"config/prompts/{template}")
