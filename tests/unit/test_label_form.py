"""The form `labels`: candidates as letters, two orders, and a prior; and what is asked of vLLM for it."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from prompt_world import WHERE, builder, check, drawn, history

from cragru.config.llms import EngineOptions
from cragru.core.errors import CragruError
from cragru.core.seeds import numpy_stream
from cragru.llm import label_engine, vllm_engine
from cragru.llm.base import LETTERS, Answer, Choice
from cragru.llm.collecting import collect_scores, read_receipts
from cragru.llm.forms.labels import FORM
from cragru.llm.scoring import cut_chunks, score_chunks
from cragru.llm.store import AnswerStore
from tests.refusals import refused

TEMPLATE = "{user_profile_text}\n{history_movies}\n{candidate_list}"
SHOWN = [3, 4, 2]


def prompts(user=0, rows=(0, 1), shown=SHOWN, seed=1):
    return FORM.records(builder(FORM, TEMPLATE), user, history(*rows), shown, seed)


# --- prompts and questions


def test_a_user_is_asked_in_two_orders_with_the_history_and_without():
    stream = numpy_stream(1, "labels", 0)
    first, second = stream.permutation(SHOWN).tolist(), stream.permutation(SHOWN).tolist()
    made = prompts()
    assert [record.candidates for record in made] == [first, first, second, second]
    assert [record.rows for record in made] == [[0, 1], [], [0, 1], []]
    assert [record.ranked for record in made] == [SHOWN] * 4
    assert made == prompts()


def test_a_prompt_by_hand():
    lines = {3: '"Jaws - Ran" (1975)', 4: '"Big" (1988)', 2: '"Heat"'}
    own, prior = prompts()[:2]
    shown = [lines[item] for item in own.candidates]
    listed = f"A. {shown[0]}\nB. {shown[1]}\nC. {shown[2]}"
    seen = '- "Alien" (1979); genres: Drama\n- "The Usual Suspects" (1995); genres: Drama'
    assert own.prompt == f"The user is of age 24.\n{seen}\n{listed}"
    assert prior.prompt == f"The user is of age 24.\n(none)\n{listed}"
    assert own.ids == [str(901 + item) for item in own.candidates]


def test_a_question_has_a_letter_for_each_candidate():
    question = FORM.question(prompts()[0])
    assert question == Choice(prompts()[0].prompt, ("A", "B", "C"))
    assert (question.pattern, question.longest) == ("A|B|C", 1)
    assert FORM.longest(["901", "902"], False) == 1


def test_there_are_52_letters():
    names = FORM.question(replace(prompts()[0], candidates=list(range(52)))).ids
    assert (names[0], names[25], names[26], names[51]) == ("A", "Z", "a", "z")
    with refused(got=53):
        FORM.question(replace(prompts()[0], candidates=list(range(53))))


# --- answers


def answers(*told):
    return [Answer(json.dumps(one), "stop", 9, 1) for one in told]


def test_scores_by_hand():
    made = [
        replace(record, candidates=order)
        for record, order in zip(prompts(), [[3, 4, 2]] * 2 + [[2, 3, 4]] * 2, strict=True)
    ]
    own_first, prior_first = {"A": -1.0, "B": -2.0, "C": -3.0}, {"A": -2.0, "B": -2.5, "C": -1.0}
    own_second, prior_second = {"A": -4.0, "B": -0.5, "C": -1.0}, {"A": -2.0, "B": -2.0, "C": -2.0}
    found = FORM.scores(made, answers(own_first, prior_first, own_second, prior_second), "user 0")
    # film 3: (-1 + 2) and (-.5 + 2); film 4: (-2 + 2.5) and (-1 + 2); film 2: (-3 + 1) and (-4 + 2)
    assert list(found.items()) == [(3, 1.25), (4, 0.75), (2, -2.0)]


def test_sums_that_differ_in_their_last_bits_are_ties():
    own, prior = {"A": -0.3, "B": -0.1, "C": -1.0}, {"A": -0.1, "B": 0.1, "C": -1.0}
    made = [replace(record, candidates=SHOWN) for record in prompts()]
    found = FORM.scores(made, answers(own, prior, own, prior), "user 0")
    assert -0.3 + 0.1 != -0.1 - 0.1
    assert found[3] == found[4]


@pytest.mark.parametrize(
    ("told", "got"),
    [({"A": -1.0, "B": -1.0}, '{"A": -1.0, "B": -1.0}'), ({"A": "x", "B": -1.0, "C": 0}, "x")],
)
def test_what_is_no_answer(told, got):
    right = {"A": -1.0, "B": -1.0, "C": -1.0}
    with refused(place="user 0", got=got):
        FORM.scores(prompts(), answers(right, right, told, right), "user 0")


class Biased:
    """Likes letter A by 5, each later one less, and with a history film n by n / 8 more."""

    start_seconds = 0.0

    def __init__(self):
        self.settings = {"engine": "biased", "device": "abacus"}

    def ask(self, questions):
        return [self._answer(question) for question in questions]

    def _answer(self, question):
        titles, told = ["Alien", "Usual", "Heat", "Jaws", "Big"], {}
        lines = question.prompt.split("\n")[-len(question.ids) :]
        for place, (label, line) in enumerate(zip(question.ids, lines, strict=True)):
            (film,) = [number for number, title in enumerate(titles) if title in line]
            told[label] = 5 - place + (0 if "(none)" in question.prompt else film / 8)
        return Answer(json.dumps(told), "stop", 7, 1)


def test_a_liking_for_letters_goes_away(tmp_path):
    cells = {"cell": [*prompts(0), *prompts(1, [4], [0, 1])]}
    store = AnswerStore(tmp_path)
    chunks = cut_chunks(cells, 1, FORM)
    assert [len(chunk.records) for chunk in chunks] == [4, 4]
    receipt = score_chunks(chunks, Biased(), store)
    keys = read_receipts([receipt], "cell")
    scores, told = collect_scores(cells["cell"], keys, store, FORM)
    assert scores[["user", "shown", "item", "score"]].to_numpy().tolist() == [
        [0, 1, 3, 0.375],
        [0, 2, 4, 0.5],
        [0, 3, 2, 0.25],
        [1, 1, 0, 0.0],
        [1, 2, 1, 0.125],
    ]
    assert len(told) == 8


# --- the proof


def test_clean_prompts_are_proven_and_users_count_once():
    counts = check(FORM, TEMPLATE, *prompts(), *prompts(1, [4], [0, 1]))
    assert counts == {
        "prompts": 8,
        "history_rows": 3,
        "forgotten_in_history": 0,
        "candidates": 5,
        "forgotten_candidates": 1,
    }


@pytest.mark.parametrize("row", [2, 3, 4])
def test_a_forgotten_row_a_test_row_and_another_users_are_found(row):
    with refused(place=f"{WHERE}: user 0", got=row):
        check(FORM, TEMPLATE, *prompts(rows=[0, row]))


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize(("old", "new"), [("A. ", "B. "), ("Big", "Bug")])
def test_a_prompt_that_says_anything_else_is_found(number, old, new):
    made = prompts()
    made[number] = replace(made[number], prompt=made[number].prompt.replace(old, new))
    with pytest.raises(CragruError, match="not what its ids stand for"):
        check(FORM, TEMPLATE, *made)


def test_a_history_that_is_nobodys_is_proven_and_must_not_be_the_users():
    made = FORM.records(builder(FORM, TEMPLATE), 0, drawn(3, 4), [0], 1)
    assert made[0].drawn == [3, 4]
    assert check(FORM, TEMPLATE, *made)["history_rows"] == 2
    for item in (0, 2):  # user 0 has the one and forgets the other
        with refused(place=f"{WHERE}: user 0", got=[item]):
            check(FORM, TEMPLATE, *FORM.records(builder(FORM, TEMPLATE), 0, drawn(item), [1], 1))


# --- the engine


@pytest.fixture
def engines(monkeypatch):
    """vLLM as it answers lists, and as it answers labels; letter n is token 100 + n."""
    for variable in [*vllm_engine.ENVIRONMENT, "OMP_NUM_THREADS"]:
        monkeypatch.setenv(variable, "")  # an engine sets them; this puts them back
    monkeypatch.setattr(vllm_engine, "device_name", lambda: "abacus")
    given = "model", {"a": "0" * 64}, EngineOptions(context=128), 1
    labels = label_engine.LabelEngine(*given)
    tokenizer = SimpleNamespace(label=lambda text: 100 + LETTERS.index(text))
    labels.__dict__["_tokenizer"] = tokenizer
    return vllm_engine.VllmEngine(*given), labels


def test_vllm_is_held_to_the_labels_and_gives_all_of_them(engines):
    _, labels = engines
    asked = labels._constraint(Choice("x", ("A", "B", "C")))
    assert asked == {"allowed_token_ids": [100, 101, 102], "logprobs": 3}
    said = SimpleNamespace(
        logprobs=[{100 + n: SimpleNamespace(logprob=-n / 3) for n in (1, 0, 2)}],
        text="A",
        finish_reason="length",
    )
    read = labels._read(Choice("x", ("A", "B", "C")), said)
    assert read == ('{"A":0.0,"B":-0.3333,"C":-0.6667}', "stop")


def test_only_labels_ask_for_processed_log_probabilities(engines):
    lists, labels = engines
    assert lists._further_options() == {}
    wanted = {"logprobs_mode": "processed_logprobs", "max_logprobs": 52}
    assert labels._further_options() == wanted
    assert lists.settings["decoding"] == {
        "temperature": 0.0,
        "constraint": "regex",
        "prefix_caching": False,
    }
    assert labels.settings["decoding"]["constraint"] == "labels"
    same = {**labels.settings, "decoding": lists.settings["decoding"]}
    assert same == lists.settings
