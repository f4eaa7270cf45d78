"""What an LLM may answer, and what is read from it."""

import json
import re

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cragru.core.errors import CragruError
from cragru.llm.answers import (
    answer_pattern,
    answer_schema,
    compacted,
    longest_answer,
    read_scores,
)
from tests.refusals import refused

IDS = ["347", "50", "6"]
LEGAL = '{"347":80,"50":1,"6":100}'

id_lists = st.lists(st.integers(1, 99_999).map(str), min_size=1, max_size=8, unique=True)
scored = id_lists.flatmap(
    lambda ids: st.tuples(
        st.just(ids), st.lists(st.integers(1, 100), min_size=len(ids), max_size=len(ids))
    )
)


def written(ids, scores):
    return (
        "{" + ",".join(f'"{name}":{score}' for name, score in zip(ids, scores, strict=True)) + "}"
    )


def accepted(answer, ids):
    """The scores that are read, or None where the answer is refused."""
    try:
        return read_scores(answer, ids)
    except CragruError:
        return None


def test_by_hand():
    assert answer_pattern(["347", "50"]) == r'\{"347":(100|[1-9][0-9]?),"50":(100|[1-9][0-9]?)\}'
    assert re.fullmatch(answer_pattern(IDS), LEGAL)
    assert read_scores(LEGAL, IDS) == [80, 1, 100]
    assert longest_answer(["347", "50"]) == 2 + len('"347":100,') + len('"50":100,')


@settings(deadline=None)
@given(scored)
def test_every_legal_answer_matches_is_read_and_is_short_enough(pair):
    ids, scores = pair
    answer = written(ids, scores)
    assert re.fullmatch(answer_pattern(ids), answer)
    assert read_scores(answer, ids) == scores
    assert len(answer) <= longest_answer(ids)


def test_the_scores_from_1_to_100_are_legal_and_no_others():
    legal = [
        score
        for score in range(-10, 1200)
        if re.fullmatch(answer_pattern(["7"]), f'{{"7":{score}}}')
    ]
    assert legal == [score for score in range(-10, 1200) if accepted(f'{{"7":{score}}}', ["7"])]
    assert legal == list(range(1, 101))


@settings(deadline=None)
@given(id_lists)
def test_the_longest_answer_leaves_room_for_the_end_of_it_and_no_more(ids):
    assert longest_answer(ids) == len(written(ids, [100] * len(ids))) + 1


NO_SCORES = [
    ('{"347":0,"50":1,"6":100}', 0),
    ('{"347":101,"50":1,"6":100}', 101),
    ('{"347":-5,"50":1,"6":100}', -5),
    ('{"347":80,"50":5.0,"6":100}', 5.0),
    ('{"347":80,"50":1e1,"6":100}', 10.0),
    ('{"347":"80","50":1,"6":100}', "80"),
    ('{"347":true,"50":1,"6":100}', True),
    ('{"347":null,"50":1,"6":100}', None),
    ('{"347":[80],"50":1,"6":100}', [80]),
]
NO_JSON = [
    ('{"347":05,"50":1,"6":100}', "column 9"),
    ('{"347":80,"50":1,"6":100', "column 25"),
    ('{"347":80,"50":1,"6":100}}', "column 26"),
    ('{"347":80,"50":1,"6":100} as you wished', "column 27"),
    ('Sure! {"347":80,"50":1,"6":100}', "column 1"),
    ('```json\n{"347":80,"50":1,"6":100}\n```', "column 1"),
    ("", "column 1"),
]
OTHER_CANDIDATES = [
    '{"347":80,"50":1}',
    '{"347":80,"50":1,"6":100,"8":1}',
    '{"347":80,"50":1,"50":2,"6":100}',
    '{"347":80,"50":1,"50":2}',
    '{"50":80,"347":1,"6":100}',
    '{"0347":80,"50":1,"6":100}',
    '{"347 ":80,"50":1,"6":100}',
    "{}",
    '[["347",80],["50",1],["6",100]]',
    '[{"347":80,"50":1,"6":100}]',
    "80",
    "null",
    '"{347}"',
]


@pytest.mark.parametrize(("answer", "got"), NO_SCORES)
def test_what_is_no_score_is_told(answer, got):
    assert not re.fullmatch(answer_pattern(IDS), answer)
    with refused(got=got):
        read_scores(answer, IDS)


def test_a_score_that_is_no_number_is_told():
    with pytest.raises(CragruError) as caught:
        read_scores('{"347":80,"50":NaN,"6":100}', IDS)
    assert str(caught.value).endswith("nan")


@pytest.mark.parametrize(("answer", "where"), NO_JSON)
def test_what_is_no_json_is_told(answer, where):
    assert not re.fullmatch(answer_pattern(IDS), answer)
    with refused(got=answer) as caught:
        read_scores(answer, IDS)
    assert where in caught.value.problems[0].what
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", OTHER_CANDIDATES)
def test_other_candidates_are_told(answer):
    assert not re.fullmatch(answer_pattern(IDS), answer)
    with refused(got=answer) as caught:
        read_scores(answer, IDS)
    assert f" {len(IDS)} " in caught.value.problems[0].what


@pytest.mark.parametrize(
    "answer", [LEGAL.replace(":", ": "), f" {LEGAL}", LEGAL.replace(",", ",\n"), LEGAL + "\n"]
)
def test_blanks_are_read_though_the_decoder_writes_none(answer):
    """Whoever is not held to the pattern, such as a server, may write JSON with blanks."""
    assert not re.fullmatch(answer_pattern(IDS), answer)
    assert read_scores(answer, IDS) == [80, 1, 100]


def test_messages_show_the_beginning_of_a_long_answer():
    with refused(got="{" + "x" * 5000) as caught:
        read_scores("{" + "x" * 5000, IDS)
    assert str(caught.value).endswith("'{" + "x" * 118 + "…")


def test_ids_are_not_read_as_patterns():
    ids = ["1.5", "a+b", "(c|d)"]
    assert re.fullmatch(answer_pattern(ids), written(ids, [1, 2, 3]))
    assert not re.fullmatch(answer_pattern(ids), written(["1x5", "aab", "c"], [1, 2, 3]))


PIECES = [*'{}[]":,.-+ e0123456789\n', "00", "100", "101", ":0", ',"6"', "true"]


@st.composite
def near_legal(draw):
    """A legal answer with a few places cut out, put in or changed."""
    ids, scores = draw(scored)
    text = written(ids, scores)
    for _ in range(draw(st.integers(1, 3))):
        at, cut = draw(st.integers(0, len(text))), draw(st.integers(0, 2))
        text = text[:at] + draw(st.sampled_from(["", *PIECES])) + text[at + cut :]
    return ids, text


@settings(deadline=None)
@given(near_legal())
def test_reader_and_pattern_agree_near_legal_answers(pair):
    """What matches is read; what is read matches, once JSON's blanks are gone."""
    ids, answer = pair
    scores = accepted(answer, ids)
    if re.fullmatch(answer_pattern(ids), answer):
        assert scores is not None
        assert answer == written(ids, scores)
    if scores is not None:
        assert all(type(score) is int and 1 <= score <= 100 for score in scores)
        compact = json.dumps(json.loads(answer), separators=(",", ":"))
        assert re.fullmatch(answer_pattern(ids), compact)
        assert compact == written(ids, scores)


# --- what servers add


ODD_IDS = ["a,b", "a, b", "7 : 8", "{}", "café", "<|im_end|>", "```"]
BEFORE = [
    "",
    "\n ",
    "\ufeff",
    "```json\n",
    "```\n",
    "<think></think>\n",
    "<think>\n\n</think>",
    " \ufeff```",
]
AFTER = [
    "",
    "\n",
    "</s>",
    "<|im_end|>\n",
    "\n```",
    "```<|eot_id|>",
    "<end_of_turn>",
    "<eos> ",
    "<\uff5cend\uff5c>",
]


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("after", AFTER)
def test_additions_are_taken_away(before, after):
    wide = json.dumps(json.loads(LEGAL), indent=4)
    for form in (LEGAL, wide, LEGAL.replace(":", " : ").replace(",", " ,\t")):
        assert compacted(before + form + after) == LEGAL


id_texts = st.one_of(st.sampled_from(ODD_IDS), st.text(min_size=1, max_size=4))
values = st.one_of(st.integers(-5, 120), st.booleans(), st.none(), st.floats(), st.text(max_size=3))
objects = st.lists(st.tuples(id_texts, values), max_size=6)


@settings(deadline=None)
@given(
    objects,
    st.sampled_from(BEFORE),
    st.sampled_from(AFTER),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_no_id_order_or_score_is_changed(pairs, before, after, is_ascii, indent):
    """A key that is there twice, too: the object is written by hand."""
    written_one = [
        f"{json.dumps(name, ensure_ascii=is_ascii)}{' ' * (indent or 0)}: {json.dumps(value)}"
        for name, value in pairs
    ]
    joined = before + "{" + " , ".join(written_one) + "}" + after
    read = json.loads(compacted(joined), object_pairs_hook=list)
    assert json.dumps(read) == json.dumps(
        [list(pair) for pair in pairs]
    )  # as text, for NaN is not NaN


@settings(deadline=None)
@given(scored)
def test_an_answer_without_additions_stays_as_it_is(pair):
    answer = written(*pair)
    assert compacted(answer) == answer


@pytest.mark.parametrize(
    "text",
    [
        '{"347":80,"50":1,"6":1 0}',
        '{"347":80,"50":1,"6":010}',
        '{"347":80,"50":1,"6":10.0}',
        '{"347":80,"50":1,"6":1e1}',
        '{"347":80,"50":1,"6":"10"}',
        '{"347":80,"50":1,"6":10,}',
        '{"347":80,"50":1}',
        '{"347":80,"6":1,"50":10}',
        '{"347":80,"50":1,"50":1,"6":10}',
        '{"347":80,"50":1,"6":10} {"347":80,"50":1,"6":10}',
        '{"347":80,"50":1,"6":10',
        '[{"347":80,"50":1,"6":10}]',
        'Sure: {"347":80,"50":1,"6":10}',
        '{"347":80,"50":1,"6":10} as asked',
        '<think>{"347":80,"50":1,"6":10}',
        '<think>{"347":80,"50":1,"6":10}</think>',
        '<think>best first</think>{"347":80,"50":1,"6":10}',
        '{"347\\":80,\\"50":1,"6":10}',
        '{"347 ":80,"50":1,"6":10}',
        '{"scores":{"347":80,"50":1,"6":10}}',
        "{" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"347":' + "9" * 5000 + "}",
    ],
)
def test_what_is_wrong_or_partial_stays_so(text):
    assert re.fullmatch(answer_pattern(IDS), compacted(text)) is None
    assert accepted(compacted(text), IDS) is None


def test_a_long_text_of_braces_is_soon_read():
    assert compacted("{" + "} " * 200_000 + "x") == "{" + "} " * 200_000 + "x"


# --- the schema


@settings(deadline=None)
@given(scored)
def test_the_schema_holds_for_right_answers_and_no_others(pair):
    ids, scores = pair
    schema = answer_schema(ids)
    jsonschema.Draft202012Validator.check_schema(schema)
    valid = jsonschema.Draft202012Validator(schema).is_valid
    right = dict(zip(ids, scores, strict=True))
    assert valid(right)
    assert list(schema["properties"]) == schema["required"] == ids
    assert not valid(right | {"0": 1})
    assert not valid(right | {ids[0]: 0}) and not valid(right | {ids[0]: 101})
    assert not valid(right | {ids[0]: 1.5}) and not valid(right | {ids[0]: "1"})
    assert not valid({name: score for name, score in right.items() if name != ids[-1]})


@settings(deadline=None)
@given(id_lists)
def test_the_longest_answer_has_room_for_additions(ids):
    indented = json.dumps(dict.fromkeys(ids, 100), indent=4)
    longest = f"\ufeff<think>\n\n</think>\n\n```json\n{indented}\n```<|im_end|>"
    assert len(longest) <= longest_answer(ids, is_compact=False)
    assert compacted(longest) == written(ids, [100] * len(ids))
