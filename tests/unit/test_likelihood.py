"""The form `likelihood`: prompts of titles, one answer for all cells that ask the same, and what a cell has of it."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from prompt_world import WHERE, builder, check, drawn, history

from cragru.core.errors import CragruError
from cragru.llm.base import Answer, Continuations, union
from cragru.llm.collecting import cell_cost, collect_scores, read_receipts
from cragru.llm.forms.likelihood import FORM
from cragru.llm.prompts import Template
from cragru.llm.scoring import cut_chunks, score_chunks, share_of
from cragru.llm.store import AnswerStore
from tests.refusals import refused

TEMPLATE = "Seen:\n{history_movies}\n{candidate_list}"


def prompt(user, rows, candidates, budget=10_000):
    (record,) = FORM.records(builder(FORM, TEMPLATE, budget), user, history(*rows), candidates, 1)
    return record


# --- prompts and questions


def test_a_prompt_by_hand():
    record = prompt(0, [0, 1], [3, 4])
    assert record.prompt == "Seen:\n- Alien\n- The Usual Suspects\n- Jaws - Ran\n- Big"
    assert (record.rows, record.candidates, record.ids) == ([0, 1], [3, 4], ["904", "905"])
    assert FORM.question(record) == Continuations(
        "Seen:\n- Alien\n- The Usual Suspects\n-", ("904", "905"), (" Jaws - Ran", " Big")
    )


def test_without_a_history_there_is_still_a_text():
    question = FORM.question(prompt(0, [], [4]))
    assert question == Continuations("Seen:\n(none)\n-", ("905",), (" Big",))


def test_the_20_newest_lines_are_shown():
    long = pd.concat([history(0, 1)] * 12)  # 24 lines, by turns of rows 0 and 1
    (record,) = FORM.records(builder(FORM, TEMPLATE), 0, long, [4], 1)
    assert (record.rows, record.dropped) == ([0, 1] * 10, 4)
    room = len("Seen:\n- Alien\n- The Usual Suspects\n- Big")
    (short,) = FORM.records(builder(FORM, TEMPLATE, room), 0, long, [4], 1)
    assert (short.rows, short.dropped) == ([0, 1], 22)


@pytest.mark.parametrize(
    "text", ["{history_movies}\n{candidate_list}.", "{candidate_list}\n{history_movies}"]
)
def test_a_template_must_end_with_the_candidates(text):
    FORM.check_template(Template(TEMPLATE, "t.txt"), "t.txt")
    with refused(place="t.txt"):
        FORM.check_template(Template(text, "t.txt"), "t.txt")


def test_the_shipped_template_is_one():
    FORM.check_template(Template.read("config/prompts/likelihood.txt"), "likelihood.txt")


# --- answers


def answered(text):
    return FORM.scores([prompt(0, [0], [3, 0])], [Answer(text, "stop", 9, 0)], "user 0")


def test_a_cell_has_its_candidates_in_the_order_shown():
    found = answered('{"901":-1.5,"904":-2.25,"905":-3.0}')
    assert list(found.items()) == [(3, -2.25), (0, -1.5)]


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ('{"901":-1.5}', '{"901":-1.5}'),
        ("[1]", "[1]"),
        ("-1.5", "-1.5"),
        ("Sure", "Sure"),
        ('{"901":"x","904":-2.0}', "x"),
        ('{"901":true,"904":-2.0}', True),
        ('{"901":-1.5,"904":-2.0,"905":-Infinity}', float("-inf")),
    ],
)
def test_what_is_no_answer(text, got):
    with refused(place="user 0", got=got):
        answered(text)


# --- one answer for several cells


class Teller:
    """Gives a title minus its length, and counts characters as tokens."""

    start_seconds = 1.0

    def __init__(self):
        self.settings, self.asked = {"engine": "teller", "device": "cpu"}, []

    def ask(self, questions):
        self.asked.append(questions)
        return [self._answer(question) for question in questions]

    def _answer(self, question):
        told = {name: -len(text) for name, text in zip(question.ids, question.texts, strict=True)}
        tokens = len(question.prompt) + sum(map(len, question.texts))
        return Answer(json.dumps(told), "stop", tokens, 0)


BPR, LIGHTGCN, RANDOM = "bpr", "lightgcn", "random"
CELLS = {  # two backbones' candidates behind the same histories, and other histories
    BPR: [prompt(0, [0, 1], [4, 3]), prompt(1, [4], [1])],
    LIGHTGCN: [prompt(0, [0, 1], [3, 2]), prompt(1, [4], [0])],
    RANDOM: [prompt(0, [1], [4, 3]), prompt(1, [4], [1])],
}


@pytest.fixture
def scored(tmp_path):
    engine, store = Teller(), AnswerStore(tmp_path)
    receipt = score_chunks(cut_chunks(CELLS, 2, FORM), engine, store)
    return engine, store, receipt


def test_cells_with_equal_prompts_are_asked_once(scored):
    engine, _, receipt = scored
    both, alone = engine.asked
    seen = "Seen:\n- Alien\n- The Usual Suspects\n-"
    assert both == [
        Continuations(seen, ("903", "904", "905"), (" Heat", " Jaws - Ran", " Big")),
        Continuations("Seen:\n- Heat\n-", ("901", "902"), (" Alien", " The Usual Suspects")),
    ]
    assert [len(question.ids) for question in alone] == [2, 1]
    assert receipt[BPR] == receipt[LIGHTGCN] != receipt[RANDOM]


def test_each_cell_has_its_own_scores(scored):
    _, store, receipt = scored
    found = {}
    for cell, records in CELLS.items():
        scores, _ = collect_scores(records, read_receipts([receipt], cell), store, FORM)
        found[cell] = scores[["user", "shown", "item", "score"]].to_numpy().tolist()
    heat, jaws, big = -5, -11, -4
    assert found[BPR] == [[0, 1, 4, big], [0, 2, 3, jaws], [1, 1, 1, -19]]
    assert found[LIGHTGCN] == [[0, 1, 3, jaws], [0, 2, 2, heat], [1, 1, 0, -6]]
    assert found[RANDOM] == found[BPR]


def test_cells_share_what_their_answers_took(scored):
    _, store, receipt = scored
    (key,) = receipt[BPR].values()
    _, answers = collect_scores(CELLS[BPR], [key], store, FORM)
    # 36 + 5 + 11 + 4 characters for user 0, 14 + 6 + 19 for user 1, half of each for a cell
    assert [answer.prompt_tokens for answer in answers] == [28.0, 19.5]
    before = {
        "filter": {"seconds_per_user": 0.0, "cpu_seconds_per_user": 0.0},
        "prompt": {"seconds_per_user": 0.0, "cpu_seconds_per_user": 0.0, "dropped": 0.0},
    }
    took = {"seconds": 8.0, "cpu_seconds": 6.0, "start_seconds": 1.0, "device": "cpu", "cells": 2}
    cost = cell_cost(before, answers, [took], 0.0, 2)
    wanted = {"generation_seconds": 2.0, "cpu_generation_seconds": 1.5, "prompt_tokens": 23.75}
    assert {name: cost[name] for name in wanted} == wanted
    assert cost["engine_start_seconds"] == 1.0
    assert store.cost(key)["cells"] == 2
    (alone,) = receipt[RANDOM].values()
    assert "cells" not in store.cost(alone)


def test_jobs_part_the_joined_chunks(scored, tmp_path):
    _, _, whole = scored
    chunks = cut_chunks(CELLS, 2, FORM)
    engines, receipts = [Teller(), Teller()], []
    for share, engine in enumerate(engines, start=1):
        own = share_of(chunks, share, 2)
        receipts.append(score_chunks(own, engine, AnswerStore(tmp_path / "other")))
    assert [len(engine.asked) for engine in engines] == [1, 1]
    for cell in CELLS:
        assert read_receipts(receipts, cell) == read_receipts([whole], cell)


def test_another_order_of_candidates_asks_the_same(scored):
    _, store, receipt = scored
    turned = [replace(prompt(0, [1], [3, 4]), user=0), prompt(1, [4], [1])]
    engine = Teller()
    again = score_chunks(cut_chunks({"shuffled": turned}, 2, FORM), engine, store)
    assert (again["shuffled"], engine.asked) == (receipt[RANDOM], [])


def test_the_address_of_an_answer_depends_on_titles(scored, tmp_path):
    _, store, receipt = scored
    other = replace(CELLS[RANDOM][0], prompt=CELLS[RANDOM][0].prompt.replace("Big", "Bigger"))
    cells = {RANDOM: [other, CELLS[RANDOM][1]]}
    assert score_chunks(cut_chunks(cells, 2, FORM), Teller(), store)[RANDOM] != receipt[RANDOM]


def test_a_union_is_in_the_order_of_ids():
    one, two = (
        Continuations("t", ("9", "10"), ("i", "x")),
        Continuations("t", ("5", "9"), ("v", "i")),
    )
    assert union([one, two]) == Continuations("t", ("10", "5", "9"), ("x", "v", "i"))
    assert union([one]) == Continuations("t", ("10", "9"), ("x", "i"))


# --- the proof


def test_clean_prompts_are_proven():
    counts = check(FORM, TEMPLATE, prompt(0, [0, 1], [2, 4]), prompt(1, [4], [0]))
    assert counts == {
        "prompts": 2,
        "history_rows": 3,
        "forgotten_in_history": 0,
        "candidates": 3,
        "forgotten_candidates": 1,
    }


@pytest.mark.parametrize("row", [2, 3, 4])
def test_a_forgotten_row_a_test_row_and_another_users_are_found(row):
    with refused(place=f"{WHERE}: user 0", got=row):
        check(FORM, TEMPLATE, prompt(0, [0, row], [4]))


@pytest.mark.parametrize(
    ("old", "new"), [("Alien", "Heat"), ("- Big", "- Bug"), ("Seen", "seen"), ("- Alien\n", "")]
)
def test_a_prompt_that_says_anything_else_is_found(old, new):
    record = prompt(0, [0, 1], [4])
    altered = replace(record, prompt=record.prompt.replace(old, new))
    assert altered != record
    with pytest.raises(CragruError, match="not what its ids stand for"):
        check(FORM, TEMPLATE, altered)


def test_a_history_that_is_nobodys_is_proven_and_must_not_be_the_users():
    made = FORM.records(builder(FORM, TEMPLATE), 0, drawn(3, 4), [0], 1)
    assert made[0].drawn == [3, 4]
    assert check(FORM, TEMPLATE, *made)["history_rows"] == 2
    for item in (0, 2):  # user 0 has the one and forgets the other
        with refused(place=f"{WHERE}: user 0", got=[item]):
            check(FORM, TEMPLATE, *FORM.records(builder(FORM, TEMPLATE), 0, drawn(item), [1], 1))
