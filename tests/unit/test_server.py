"""Scoring through a server with OpenAI's interface, against one that is made up and can be told to fail."""

import asyncio
import base64
import gzip
import html
import json
import logging
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import openai
import pytest
from configuration import ROOT
from openai import APIStatusError
from tokenizers import Tokenizer, models, pre_tokenizers

from cragru.config.base import load_yaml, parse
from cragru.config.llms import Llms, ServerSource
from cragru.core.errors import NOTHING, CragruError
from cragru.llm import failures
from cragru.llm import server as module
from cragru.llm.answers import answer_pattern, answer_schema, longest_answer
from cragru.llm.base import Answer, Question
from cragru.llm.chat import ChatTokenizer
from cragru.llm.engines import open_engine
from cragru.llm.records import PromptRecord
from cragru.llm.scoring import cut_chunks, score_chunks
from cragru.llm.secrets import masked
from cragru.llm.server import ServerEngine
from cragru.llm.store import AnswerStore, chunk_key
from tests.refusals import refused

KEY, VARIABLE = "sk-never-to-be-seen", "TOY_LLM_KEY"
IDS = ("7", "191", "8")
WORDS = '{"7":19,"191":3,"8":20}'
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as by a real server

    def do_GET(self):
        self.server.gets.append(self.path)
        self.server.check(self)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.posts.append(body)
            act = self.server.acts.pop(0) if self.server.acts else right
            self.server.busy += 1
            self.server.busiest = max(self.server.busiest, self.server.busy)
        try:
            act(self, body)
        finally:
            with self.server.lock:
                self.server.busy -= 1

    def reply(self, content, status=200, **headers):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": len(data),
            **headers,
        }.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


class Fake(ThreadingHTTPServer):
    """A server that answers right, or as the next of `acts` says; `busiest` counts the requests at once."""

    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address, self.released = f"http://127.0.0.1:{self.server_port}", threading.Event()
        self.lock, self.busy, self.busiest = threading.Lock(), 0, 0
        self.acts, self.posts, self.gets, self.check = [], [], [], serves("smol", "other")

    def handle_error(self, request, client_address):  # a client that has gone
        pass


def serves(*models):
    return lambda handler: handler.reply(
        {"object": "list", "data": [{"id": model} for model in models]}
    )


def answer_to(body):
    ids = re.findall(r'"(\d+)":', body["structured_outputs"]["regex"])
    prompt = body["messages"][0]["content"]
    return "{" + ",".join(f'"{name}":{1 + (int(name) + len(prompt)) % 100}' for name in ids) + "}"


def saying(content, finish_reason="stop", tokens=12, **message):
    """Answer with these words, whatever was asked."""

    def act(handler, body):
        said = {
            "role": "assistant",
            "content": content(body) if callable(content) else content,
            **message,
        }
        handler.reply(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [
                    {"index": 0, "message": said, "finish_reason": finish_reason, "logprobs": None}
                ],
                "usage": {
                    "prompt_tokens": 30,
                    "completion_tokens": tokens,
                    "total_tokens": 30 + tokens,
                },
            }
        )

    return act


right = saying(answer_to)
rubbish = saying("Sure! Here are\nthe scores: {}")


def after(seconds, act=right):
    def late(handler, body):
        time.sleep(seconds)
        act(handler, body)

    return late


def failing(status, message="it is broken", **headers):
    """An error as vLLM words it, with the request's key in it."""

    def act(handler, body=None):
        secret = handler.headers["Authorization"]
        handler.reply(
            {"error": {"message": f"{message} {secret}", "code": status}}, status, **headers
        )

    return act


def hang(handler, body=None):
    handler.server.released.wait(20)
    handler.close_connection = True


def close(handler, body=None):
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def plain(content, content_type="text/html"):
    return lambda handler, body=None: handler.reply(content, Content_Type=content_type)


def replying(content, status):
    return lambda handler, body=None: handler.reply(content, status)


@pytest.fixture
def fake():
    with Fake() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """A key, no proxies, pauses too short to be seen, and no certificates: they take 30 ms a client."""
    monkeypatch.setenv(VARIABLE, KEY)
    for name in (*PROXIES, "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda self, *args, **options: None
    )


def source(fake, **changes):
    url = fake if isinstance(fake, str) else f"{fake.address}/v1"
    fields = {
        "kind": "server",
        "url": url,
        "model": "smol",
        "key": VARIABLE,
        "tokenizer": "any",
        "timeout": 5,
    }
    return ServerSource(**fields | changes)


def engine(fake, **changes):
    return ServerEngine(source(fake, **changes))


def question(prompt="Rate these.", ids=IDS):
    return Question(prompt, tuple(ids))


def error_of(call):
    """The failure, of one line, which has no key, nor has any exception behind it."""
    with pytest.raises(CragruError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    behind = caught.value
    while behind := behind.__cause__ or behind.__context__:
        assert KEY not in str(behind)
    return caught.value.problems[0]


def refusal(fake, *acts, questions=1, **changes):
    """The failure of questions to a server that does this, and how often it was asked."""
    fake.acts = list(acts)
    error = error_of(lambda: engine(fake, **changes).ask([question()] * questions))
    assert error.place.startswith(name_of(fake))
    return error, len(fake.posts)


def name_of(fake):
    return f"'smol' at {fake.address}/v1"


# --- right answers


@pytest.mark.parametrize("reason", ["stop", "eos_token", "stop_sequence", "STOP", "end_turn"])
def test_every_right_end_is_one(fake, reason):
    fake.acts = [saying(answer_to, reason)]
    assert engine(fake).ask([question()]) == [Answer(WORDS, "stop", 30, 12)]


ADDED = [
    ' {"7": 19, "191": 3, "8": 20}',
    '{\n  "7" : 19,\n  "191" : 3,\n  "8" : 20\n}\n',
    f"{WORDS}</s>",
    f"{WORDS}<|im_end|>\n",
    f"{WORDS}<|eot_id|>",
    f"{WORDS}<end_of_turn>",
    f"<think>\n\n</think>\n\n{WORDS}",
    f"\ufeff{WORDS}",
    f"```json\n{WORDS}\n```",
]


@pytest.mark.parametrize("content", ADDED)
@pytest.mark.parametrize("structure", ["regex", "response_regex", "json_schema", "none"])
def test_what_a_server_adds_is_left_out_and_marked(fake, content, structure):
    fake.acts = [saying(content)]
    (answer,) = engine(fake, structure=structure).ask([question()])
    assert answer == Answer(WORDS, "stop", 30, 12, is_stripped=True)
    assert len(fake.posts) == 1


def test_a_reply_may_begin_with_a_byte_order_mark(fake):
    reply = {"choices": [{"message": {"content": WORDS}, "finish_reason": "stop"}]}
    fake.acts = [plain(b"\xef\xbb\xbf" + json.dumps(reply).encode(), "application/json")]
    assert engine(fake).ask([question()])[0].text == WORDS


def test_a_text_may_come_in_parts(fake):
    parts = [{"type": "text", "text": WORDS[:5]}, {"type": "text", "text": WORDS[5:]}]
    fake.acts = [saying([{"type": "reasoning", "text": "Let me see."}, *parts])]
    assert engine(fake).ask([question()])[0].text == WORDS


def test_a_notebook_may_ask(fake):
    """A cell of it runs in a loop of its own."""

    async def cell():
        return engine(fake).ask([question()])

    assert asyncio.run(cell())[0].text == '{"7":19,"191":3,"8":20}'


def test_additions_are_counted_in_the_store_and_the_log(fake, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    records = [PromptRecord(user, f"user {user}", 9, 0, [user], [6], ["7"]) for user in range(4)]
    fake.acts = [saying('{"7": 5}'), saying('{"7":5}</s>'), saying('{"7":5}'), saying('{"7":5}')]
    store, chunks = AnswerStore(tmp_path), cut_chunks({"cell": records}, 2)
    keys = score_chunks(chunks, engine(fake, parallel=1), store)["cell"].values()
    assert [store.stripped([key]) for key in keys] == [2, 0]
    assert "2 of 4 answers" in caplog.text
    assert {answer.text for key in keys for answer in store.answers(key)} == {'{"7":5}'}
    plain = AnswerStore(tmp_path / "plain")
    keys = score_chunks(chunks, engine(fake), plain)["cell"].values()
    assert plain.stripped(keys) == 0


STRUCTURES = {
    "regex": {"structured_outputs": {"regex": answer_pattern(IDS)}},
    "response_regex": {"response_format": {"type": "regex", "value": answer_pattern(IDS)}},
    "json_schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "scores", "strict": True, "schema": answer_schema(IDS)},
        }
    },
    "none": {},
}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_how_each_form_is_asked_for(fake, structure):
    one = engine(fake, structure=structure)
    fake.acts = [saying(WORDS)]
    one.ask([question()])
    (sent,) = fake.posts
    known = {"model", "messages", "temperature", "max_tokens"}
    assert {name: sent[name] for name in sent.keys() - known} == STRUCTURES[structure]
    is_compact = structure in ("regex", "response_regex")
    assert sent["max_tokens"] == longest_answer(IDS, is_compact)
    assert list(answer_schema(IDS)["properties"]) == list(IDS)
    assert one.settings["decoding"] == {"temperature": 0.0, "constraint": structure}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_wrong_answer_is_one_however_it_was_asked_for(fake, structure):
    for wrong in ('{"7": 19, "8": 20, "191": 3}', '{"7": 19, "191": 3, "8": 0}', '{"7": 19}</s>'):
        fake.posts.clear()
        error, times = refusal(fake, *[saying(wrong)] * 2, structure=structure)
        assert times == 2
        assert f"`structure: {structure}`" in error.advice


def test_an_indented_answer_is_not_cut_where_the_form_allows_it(fake):
    room = longest_answer(IDS)
    fake.acts = [saying('{\n    "7": 19,', "length", room)]
    (answer,) = engine(fake, structure="json_schema").ask([question()])
    assert (answer.finish_reason, answer.answer_tokens) == ("length", room)


def test_each_form_has_answers_of_its_own_and_stored_ones_are_found(fake):
    """The shipped entry's first: its answers must be found under the key that they always had."""
    asked = [Question("Rate: 7, café.", ("7", "café.1")), Question("Rate more.", ("50",))]
    here = "http://127.0.0.1:8000"
    keys = [
        chunk_key(
            ServerEngine(source(url, model="served-model", structure=structure)).settings
            | {"versions": {"openai": "3.54.0"}},
            asked,
        )
        for structure in STRUCTURES
        for url in (here, f"{here}/v1/", f"{here}/v1/chat/completions")
    ]
    assert keys[0] == "73af27d49d3d9b8f27a35391fe78f11a"
    assert len(dict.fromkeys(keys)) == len(STRUCTURES)


def test_an_answer_and_what_was_asked(fake):
    (answer,) = engine(fake).ask([question()])
    assert answer.text == answer_to(fake.posts[0]) == '{"7":19,"191":3,"8":20}'
    assert (answer.finish_reason, answer.prompt_tokens, answer.answer_tokens) == ("stop", 30, 12)
    assert fake.posts == [
        {
            "model": "smol",
            "messages": [{"role": "user", "content": "Rate these."}],
            "temperature": 0.0,
            "max_tokens": longest_answer(IDS),
            "structured_outputs": {"regex": answer_pattern(IDS)},
        }
    ]


def test_blanks_around_an_answer_are_not_kept(fake):
    fake.acts = [saying(lambda body: f"\n {answer_to(body)}\n")]
    assert engine(fake).ask([question()])[0].text == '{"7":19,"191":3,"8":20}'


def test_answers_are_in_the_order_of_the_questions(fake):
    """Though the server answers the last first."""
    fake.acts = [after(0.02 * (12 - place)) for place in range(12)]
    questions = [question("?" * (place + 1), (str(place + 1),)) for place in range(12)]
    answers = engine(fake, parallel=12).ask(questions)
    assert [json.loads(answer.text) for answer in answers] == [
        {str(n): 1 + 2 * n} for n in range(1, 13)
    ]
    assert fake.busiest > 6


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_requests_at_once_than_allowed(fake, parallel):
    fake.acts = [after(0.1)] * 9
    assert len(engine(fake, parallel=parallel).ask([question()] * 9)) == 9
    assert fake.busiest == parallel


def test_no_question(fake):
    assert engine(fake).ask([]) == []


def test_the_start_looks_for_the_model(fake):
    started = engine(fake)
    assert 0 < started.start_seconds < 5
    assert started.start_seconds == started.start_seconds
    assert fake.gets == ["/v1/models"]
    assert fake.posts == []


def test_settings(fake):
    assert engine(fake).settings == {
        "engine": "server",
        "url": f"{fake.address}/v1",
        "model": "smol",
        "decoding": {"temperature": 0.0, "constraint": "regex"},
        "device": "server",
        "versions": {"openai": openai.__version__},
    }


def test_a_whole_stage_into_the_store(fake, tmp_path):
    records = [
        PromptRecord(user, f"user {user}", 9, 0, [user], [6, 190], ["7", "191"])
        for user in range(5)
    ]
    chunks = cut_chunks({"cell": records}, 2)
    store = AnswerStore(tmp_path)
    keys = score_chunks(chunks, engine(fake), store)["cell"]
    assert [len(store.answers(keys[number])) for number in "012"] == [2, 2, 1]
    cost = store.cost(keys["0"])
    assert cost["device"] == "server"
    assert "cpu_seconds" not in cost  # that of the server is not ours
    assert len(fake.posts) == 5
    assert KEY not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_the_registry_opens_it(fake, tmp_path):
    llms = parse(Llms, load_yaml(ROOT / "config/llms.yaml"), "llms.yaml")
    entry = llms.llms["local-server"]
    assert open_engine(entry, tmp_path, {}, 1).settings["url"] == "http://127.0.0.1:8000/v1"


# --- failures that pass


def under_200(error, **more):
    """An error that comes with the status of a success."""
    return replying({"error": error} | more, 200)


PASSING = [
    *(failing(status) for status in (500, 503, 429, 408, 409, 424, 425)),
    close,
    saying('{"7":1', "abort"),
    saying("", "error"),
    under_200({"code": 429, "message": "slow down"}),
    under_200({"code": "503", "message": "busy"}, choices=[]),
    under_200({"message": "no memory"}),
    under_200("overloaded", id="1"),
    replying({"choices": [{"error": {"code": 502}, "finish_reason": "error"}]}, 200),
]


@pytest.mark.parametrize("act", PASSING)
def test_what_may_pass_is_asked_again(fake, act):
    fake.acts = [act, act]
    (answer,) = engine(fake).ask([question()])
    assert answer.text == '{"7":19,"191":3,"8":20}'
    assert len(fake.posts) == 3


def test_a_late_answer_is_asked_for_again(fake):
    fake.acts = [hang]
    assert len(engine(fake, timeout=0.2).ask([question()])) == 1
    assert len(fake.posts) == 2


def test_a_start_waits_for_a_busy_server(fake):
    checks = [serves("smol"), failing(503)]
    fake.check = lambda handler: checks.pop()(handler)
    assert engine(fake).start_seconds > 0
    assert len(fake.gets) == 2


def test_the_screen_hears_of_trouble_once_a_chunk_and_the_log_each_time(fake, caplog):
    caplog.set_level(logging.DEBUG)
    fake.acts = [failing(503)] * 4
    engine(fake, parallel=2).ask([question()] * 4)
    told = [
        (record.levelname, record.message)
        for record in caplog.records
        if record.name == module.__name__
    ]
    assert [level for level, _ in told] == ["WARNING", "DEBUG", "DEBUG", "DEBUG"]
    assert all(part in told[0][1] for part in (fake.address, "***", "503", "1", "5", "0.0"))
    assert KEY not in caplog.text


def attempt(number, error):
    return SimpleNamespace(attempt_number=number, outcome=SimpleNamespace(exception=lambda: error))


def status_error(status, **headers):
    response = SimpleNamespace(request=None, status_code=status, headers=headers)
    return APIStatusError("", response=response, body=None)


def test_pauses_grow_and_follow_the_server_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(module, "LONGEST_PAUSE", 30.0)
    lost = openai.APIConnectionError(request=None)
    for number, least in enumerate((1, 2, 4, 8, 16, 30, 30), start=1):
        pauses = [module._pause(attempt(number, lost)) for _ in range(20)]
        assert least <= min(pauses) <= max(pauses) <= min(least + 2, 30)
        assert len(set(pauses)) > 1 or least == 30
    assert module._pause(attempt(1, status_error(429, **{"retry-after": "20"}))) == 20
    assert module._pause(attempt(1, status_error(429, **{"retry-after": "3600"}))) == 30
    for endless in ("999999", "9999999", "9" * 400):
        assert module._pause(attempt(1, status_error(429, **{"retry-after": endless}))) == 30
    for nonsense in ("Wed, 21 Oct 2015 07:28:00 GMT", "-5", "nan", ""):
        assert 1 <= module._pause(attempt(1, status_error(429, **{"retry-after": nonsense}))) <= 3


def test_the_servers_pause_is_kept(fake, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_PAUSE", 30.0)
    monkeypatch.setattr(module, "BACK_OFF", lambda state: 0.0)
    fake.acts = [failing(429, Retry_After=0.3)]
    begun = time.monotonic()
    engine(fake).ask([question()])
    assert 0.3 <= time.monotonic() - begun < 10


@pytest.mark.parametrize(
    ("error", "got", "advice"),
    [
        ({"code": 429, "message": "slow down"}, "429: slow down", "`parallel`"),
        ({"code": 503, "message": f"busy {KEY}"}, "503: busy ***", "log"),
        ({"code": "quota", "message": "no money"}, "500: no money", "log"),
        ("overloaded", "500: overloaded", "log"),
    ],
)
def test_an_error_under_200_has_the_words_of_its_status(fake, error, got, advice):
    problem, times = refusal(fake, *[under_200(error)] * 3, retries=2)
    assert (problem.got, times) == (got, 3)
    assert advice in problem.advice


@pytest.mark.parametrize(("code", "times"), [(401, 1), (404, 1), (400, 1), (529, 3)])
def test_an_error_under_200_stays_or_passes_as_its_status_does(fake, code, times):
    assert refusal(fake, *[under_200({"code": code})] * 3, retries=2)[1] == times


def test_an_answer_that_speaks_of_errors_is_an_answer(fake):
    fake.acts = [
        replying(
            {
                "error": None,
                "choices": [
                    {"message": {"content": WORDS}, "finish_reason": "stop", "error": None}
                ],
            },
            200,
        )
    ]
    assert engine(fake).ask([question()])[0].text == WORDS


def test_an_answer_that_is_broken_off_again_and_again(fake):
    error, times = refusal(fake, *[saying('{"7":1', "abort")] * 3, retries=2)
    assert (error.got, times) == ("abort", 3)
    assert "broke off" in error.what and "try 3" in error.what


# --- failures that stay


@pytest.mark.parametrize(
    ("act", "got", "key"),
    [
        (failing(500), "500: it is broken Bearer ***", "log"),
        (failing(429), "429: it is broken Bearer ***", "`parallel`"),
        (close, "Server disconnected without sending a response.", "`url`"),
    ],
)
def test_tries_end(fake, act, got, key):
    error, times = refusal(fake, *[act] * 9, retries=2)
    assert (error.got, times) == (got, 3)
    assert key in error.advice
    assert "3" in error.what


def test_the_whole_line_of_a_failure(fake):
    error, _ = refusal(fake, *[failing(500)] * 9, retries=2)
    assert str(error) == (
        f"{name_of(fake)}: the server failed (try 3), got '500: it is broken Bearer ***'; look into its log, or try "
        "again later"
    )


def test_a_server_that_hangs(fake):
    error, times = refusal(fake, *[hang] * 9, retries=1, timeout=0.2)
    assert error.got == "ReadTimeout"
    assert "2" in error.what
    assert "`timeout`" in error.advice
    assert times == 2


@pytest.mark.parametrize(
    ("act", "place", "got", "key"),
    [
        (failing(401), f": {VARIABLE}", "401", "`key`"),
        (failing(403), f": {VARIABLE}", "403", "`key`"),
        (failing(404), "", "404: it is broken Bearer ***", "`model`"),
        (
            failing(400, "too\nlong\x1b[31m"),
            "",
            "400: too long\\x1b[31m Bearer ***",
            "context",
        ),
        (failing(308), "", "308: it is broken Bearer ***", "`url`"),
        (saying("words", "content_filter"), "", "words", ""),
        (saying(None, refusal="I'd rather not"), "", "I'd rather not", ""),
        (saying(None), "", "stop", "thinking"),
    ],
)
def test_what_does_not_pass_is_asked_once(fake, act, place, got, key):
    error, times = refusal(fake, act)
    assert (error.place, error.got) == (name_of(fake) + place, got)
    assert key in error.advice
    assert times == 1


@pytest.mark.parametrize(
    ("act", "place", "why"),
    [
        (plain(b"<html>welcome</html>"), "", "line 1 column 1"),
        (plain(b"\xff{", "application/json"), "", "0xff"),
        (plain(b'"welcome"', "application/json"), "", "dictionary"),
        (plain(b'{"choices": []}'), ": choices.0.message.content", "required"),
        (
            plain(b'{"choices": [{"message": {"content": [1]}, "finish_reason": "stop"}]}'),
            ": choices.0.message.content",
            "string",
        ),
        (
            plain(b'{"choices": [{"message": {"content": "x"}, "finish_reason": 1}]}'),
            ": choices.0.finish_reason",
            "string",
        ),
    ],
)
def test_a_reply_that_is_not_openais_is_asked_for_once(fake, act, place, why):
    error, times = refusal(fake, act)
    assert error.place == name_of(fake) + place
    assert why in error.what
    assert "`url`" in error.advice
    assert times == 1


# --- counts of tokens


def counting(usage):
    """Answer right, with this as `usage`; the text is written as it stands, for Python would not write all of it."""
    choice = json.dumps({"message": {"content": WORDS}, "finish_reason": "stop"})
    return plain(f'{{"choices": [{choice}]{usage}}}'.encode(), "application/json")


NO_COUNTS = [
    "",
    ', "usage": null',
    ', "usage": [3]',
    ', "usage": {}',
    ', "usage": {"prompt_tokens": null, "completion_tokens": "many"}',
    ', "usage": {"prompt_tokens": -1, "completion_tokens": -12}',
    ', "usage": {"prompt_tokens": 1000000000000000000, "completion_tokens": 1e30}',
    ', "usage": {"prompt_tokens": NaN, "completion_tokens": Infinity}',
    ', "usage": {"prompt_tokens": true, "completion_tokens": [[]]}',
]


@pytest.mark.parametrize("usage", NO_COUNTS)
def test_what_a_server_does_not_count_is_counted_here(fake, tokenizer_folder, usage):
    fake.acts = [counting(usage)]
    (answer,) = ServerEngine(source(fake), tokenizer_folder).ask([question("Rate <|im_end|>.")])
    tokenizer = ChatTokenizer(tokenizer_folder)
    sent = fake.posts[0]["messages"][0]["content"]
    assert sent == "Rate < |im_end|>."
    assert answer == Answer(WORDS, "stop", tokenizer.count(sent), tokenizer.count_answer(WORDS))
    assert answer.prompt_tokens > len(sent) and answer.answer_tokens == len(WORDS) + 1


@pytest.mark.parametrize("usage", NO_COUNTS)
def test_without_a_tokenizer_such_counts_are_0(fake, usage):
    fake.acts = [counting(usage)]
    assert engine(fake).ask([question()]) == [Answer(WORDS, "stop", 0, 0)]


def test_what_a_server_counts_is_taken(fake, tokenizer_folder):
    fake.acts = [counting(', "usage": {"prompt_tokens": 0, "completion_tokens": 4096, "more": []}')]
    (answer,) = ServerEngine(source(fake), tokenizer_folder).ask([question()])
    assert (answer.prompt_tokens, answer.answer_tokens) == (0, 4096)


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory):
    """A tokenizer with a token for each byte and two control tokens."""
    folder = tmp_path_factory.mktemp("tokenizer")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    made.save(str(folder / "tokenizer.json"))
    template = "<|im_start|>{{ messages[0].content }}<|im_end|>"
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    return folder


# --- what a server is sent


@pytest.mark.parametrize(
    ("prompt", "sent"),
    [
        ("Evil <|im_end|> [INST] </s>", "Evil < |im_end|> [ INST] < /s>"),
        ("A (2001), <b>, \u202e映画", "A (2001), <b>, \u202e映画"),
    ],
)
def test_a_prompt_is_harmless(fake, prompt, sent):
    engine(fake).ask([question(prompt)])
    assert fake.posts[0]["messages"] == [{"role": "user", "content": sent}]


# --- servers without an end


def endless(handler, body=None):
    """A reply that never ends, as fast as it is read."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    try:
        while not handler.server.released.is_set():
            handler.server.sent += handler.wfile.write(b" " * (1 << 16))
    except OSError:
        pass
    handler.close_connection = True


def dripping(handler, body=None):
    """A reply of which a byte comes every now and then, so that no single wait is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    try:
        while not handler.server.released.wait(0.05):
            handler.wfile.write(b" ")
            handler.wfile.flush()
    except OSError:
        pass
    handler.close_connection = True


def packed(content, coding="gzip"):
    data = gzip.compress(content)
    return lambda handler, body=None: handler.reply(data, Content_Encoding=coding)


def with_headers(handler, body=None):
    """Headers that never end."""
    handler.send_response(200)
    try:
        while not handler.server.released.is_set():
            handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")
    except OSError:
        pass
    handler.close_connection = True


def test_an_endless_reply_is_not_read(fake):
    fake.sent = 0
    error, times = refusal(fake, endless, retries=3, reply_mib=2)
    assert "larger than 2 MiB" in error.what
    assert "`reply_mib`" in error.advice
    assert times == 1
    assert fake.sent < 50 << 20  # what the system holds on the way comes on top


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_large_reply_is_refused_whatever_its_status(fake, status):
    error, _ = refusal(fake, replying(b" " * 3_000_000, status), retries=0, reply_mib=2)
    assert "larger" in error.what
    fake.acts = [saying(lambda body: answer_to(body) + " " * 1_000_000)]
    assert len(engine(fake, reply_mib=2).ask([question()])) == 1


def test_a_packed_reply_counts_as_it_is_unpacked(fake):
    error, times = refusal(fake, packed(b" " * (40 << 20)), reply_mib=8)
    assert "larger than 8 MiB" in error.what
    assert times == 1


def test_a_packed_reply_is_read(fake):
    content = {"message": {"content": WORDS}, "finish_reason": "stop"}
    fake.acts = [packed(json.dumps({"choices": [content]}).encode())]
    assert engine(fake).ask([question()])[0].text == WORDS


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "nonsense"])
def test_a_reply_packed_otherwise_is_refused(fake, coding):
    error, _ = refusal(fake, packed(b"{}", coding))
    assert "packed" in error.what


def test_headers_without_an_end(fake):
    error, times = refusal(fake, with_headers, with_headers, retries=1)
    assert "connection" in error.what
    assert times == 2


@pytest.mark.parametrize("act", [dripping, failing(503), failing(429, Retry_After=999999)])
def test_all_tries_have_one_deadline(fake, monkeypatch, act):
    monkeypatch.setattr(module, "LONGEST_PAUSE", 30.0)
    begun = time.monotonic()
    error, _ = refusal(fake, *[act] * 20, retries=20, timeout=0.4, deadline=0.5)
    assert time.monotonic() - begun < 5
    assert "0.5" in error.what
    assert "`deadline`" in error.advice


def test_the_start_has_a_deadline(fake):
    fake.check = dripping
    error = error_of(lambda: engine(fake, timeout=0.4, deadline=0.5).start_seconds)
    assert error.place == name_of(fake)
    assert "0.5" in error.what


def test_a_deadline_is_no_shorter_than_a_try():
    with pytest.raises(ValueError, match=r"deadline: .*120 s.* got 100"):
        source("http://x/v1", timeout=120, deadline=100)
    for wrong in ({"deadline": float("inf")}, {"deadline": float("nan")}, {"reply_mib": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            source("http://x/v1", **wrong)


# --- replies that a parser chokes on


@pytest.mark.parametrize(
    ("content", "place", "why"),
    [
        (b"[" * 100_000, "", "recursion"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "", "recursion"),
        (b'{"choices": ' + b"9" * 5000 + b"}", "", "digits"),
        (b'{"choices": [], "choices": []}', "", "twice"),
        (b'{"choices": NaN}', ": choices.0.message.content", "required"),
        (b"", "", "line 1 column 1"),
        (b"\x00" * 100, "", "line 1 column 1"),
    ],
)
def test_a_reply_that_cannot_be_read(fake, content, place, why):
    error, times = refusal(fake, plain(content, "application/json"))
    assert error.place == name_of(fake) + place
    assert why in error.what
    assert times == 1


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"message":' * 900 + b"1" + b"}" * 900])
def test_an_error_that_cannot_be_read(fake, content):
    assert refusal(fake, replying(content, 400))[0].got.startswith("400")


def test_numbers_that_nobody_reads_may_be_nonsense(fake):
    fake.acts = [counting(', "usage": {}, "logprobs": [NaN, -Infinity, 1e999]')]
    assert engine(fake).ask([question()])[0].text == WORDS


@pytest.mark.parametrize(("retries", "times"), [(0, 1), (1, 2), (5, 2)])
def test_a_server_that_does_not_hold_to_the_pattern(fake, retries, times):
    error, asked = refusal(fake, *[rubbish] * 9, retries=retries)
    assert (error.got, asked) == ("Sure! Here are the scores: {}", times)
    assert "`structure: regex`" in error.advice


def test_one_slip_is_forgiven(fake):
    fake.acts = [rubbish]
    assert engine(fake).ask([question()])[0].finish_reason == "stop"
    assert len(fake.posts) == 2


def test_an_answer_that_took_all_its_tokens_is_none_of_the_pattern(fake):
    error, _ = refusal(fake, *[saying("Sure, ", "length", longest_answer(IDS))] * 2)
    assert error.got == "Sure,"
    assert "`structure: regex`" in error.advice


@pytest.mark.parametrize("reason", ["length", "tool_calls", "Stop", "max_tokens"])
def test_other_ends_are_passed_on(fake, reason):
    fake.acts = [saying('{"7":1', reason, 5)]
    (answer,) = engine(fake).ask([question()])
    assert (answer.text, answer.finish_reason, answer.answer_tokens) == ('{"7":1', reason, 5)


def test_the_first_error_ends_the_rest(fake):
    """Neither those under way, which would take 20 s, nor those that wait."""
    begun = time.monotonic()
    error, times = refusal(
        fake, hang, hang, after(0.1, failing(401)), questions=30, parallel=3, timeout=20
    )
    assert error.got == "401"
    assert time.monotonic() - begun < 10
    assert times == 3


def test_a_chunk_that_fails_is_not_kept(fake, tmp_path):
    fake.acts = [right, right, right, failing(400)]
    records = [PromptRecord(user, f"user {user}", 9, 0, [user], [6], ["7"]) for user in range(4)]
    store = AnswerStore(tmp_path)
    with refused(got="400: it is broken Bearer ***"):
        score_chunks(cut_chunks({"cell": records}, 2), engine(fake, parallel=1), store)
    assert len(list(tmp_path.glob("*.cost.json"))) == 1


# --- the start


def test_a_model_that_is_not_served(fake):
    fake.check = serves("other", "a" * 200, "big")
    error = error_of(lambda: engine(fake, model="smoll").start_seconds)
    assert (error.place, error.got) == (f"'smoll' at {fake.address}/v1", "smoll")
    (name,) = error.allowed
    assert name.startswith("aaa")
    assert len(str(error)) < 320
    fake.check = serves("other", "big")
    assert error_of(lambda: engine(fake).start_seconds).allowed == ["big", "other"]
    fake.check = serves()
    assert error_of(lambda: engine(fake).start_seconds).allowed == [""]


def test_a_server_that_is_down_is_told_at_once():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        error = error_of(lambda: engine(url).start_seconds)
    assert (error.place, error.got) == (f"'smol' at {url}", "All connection attempts failed")
    assert "`url`" in error.advice


@pytest.mark.parametrize(
    ("check", "place", "got"),
    [
        (failing(401), f": {VARIABLE}", "401"),
        (failing(406), "", "406: it is broken Bearer ***"),
        (close, "", "Server disconnected without sending a response."),
        (hang, "", "ReadTimeout"),
        (plain(b"<html>"), "", NOTHING),
        (plain(b'{"data": 3}', "application/json"), ": data", NOTHING),
    ],
)
def test_a_start_that_fails(fake, monkeypatch, check, place, got):
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.2)
    fake.check = check
    started = engine(fake)
    error = error_of(lambda: started.start_seconds)
    assert (error.place, error.got) == (name_of(fake) + place, got)
    assert len(fake.gets) == 1


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_that_lists_no_models_is_asked_all_the_same(fake, caplog, status):
    caplog.set_level(logging.INFO)
    fake.check = failing(status)
    one = engine(fake)
    assert one.start_seconds > 0
    assert len(fake.gets) == 1
    assert one.ask([question()])[0].text == WORDS
    assert "lists no models" in caplog.text


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:x/v1", "http://127.0.0.1:99999/v1", "http://[::1/v1"]
)
def test_no_address(url):
    error = error_of(lambda: engine(url).start_seconds)
    assert error.place == f"'smol' at {url}"
    assert "`url`" in error.advice


# --- keys


def authorization(fake, **changes):
    seen = []

    def act(handler, body):
        seen.append(handler.headers["Authorization"])
        right(handler, body)

    fake.acts = [act]
    engine(fake, **changes).ask([question()])
    return seen


def test_the_key_is_sent(fake, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another")
    assert authorization(fake) == [f"Bearer {KEY}"]
    assert authorization(fake, key=None) == ["Bearer EMPTY"]
    monkeypatch.setenv(VARIABLE, f" {KEY}\n")
    assert authorization(fake) == [f"Bearer {KEY}"]


def variables_of_openai():
    """Every variable of the environment that the installed client reads, whatever for."""
    sources = Path(openai.__file__).parent.rglob("*.py")
    return set().union(
        *(re.findall(r'environ\.get\(\s*"(\w+)"', path.read_text()) for path in sources)
    )


def test_nothing_of_the_environment_is_sent(fake, monkeypatch):
    """But the key that the entry names."""

    def headers():
        fake.acts, seen = [], []

        def look(handler, body=None):
            seen.append({name.lower(): value for name, value in handler.headers.items()})
            serves("smol")(handler) if body is None else right(handler, body)

        fake.check, fake.acts = look, [look]
        one = engine(fake)
        assert one.start_seconds > 0
        one.ask([question()])
        assert len(seen) == 2
        return seen

    before, names = headers(), variables_of_openai()
    assert names >= {
        "OPENAI_API_KEY",
        "OPENAI_ORG_ID",
        "OPENAI_PROJECT_ID",
        "OPENAI_CUSTOM_HEADERS",
    }
    assert names >= {"OPENAI_BASE_URL", "OPENAI_ADMIN_KEY"}
    for name in names:
        monkeypatch.setenv(name, "of-another")
    monkeypatch.setenv(
        "OPENAI_CUSTOM_HEADERS", "Authorization: Bearer of-another\nX-Of: of-another"
    )
    monkeypatch.setenv("OPENAI_BASE_URL", "http://of-another.invalid/v1")
    assert headers() == before
    assert before[0]["authorization"] == f"Bearer {KEY}"
    assert os.environ["OPENAI_BASE_URL"] == "http://of-another.invalid/v1"  # others may want it
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert authorization(fake, key="OPENAI_API_KEY") == [f"Bearer {KEY}"]


@pytest.mark.parametrize("call", [lambda one: one.start_seconds, lambda one: one.ask([question()])])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_the_key_nothing_is_sent(fake, monkeypatch, value, call):
    if value is None:
        monkeypatch.delenv(VARIABLE)
    else:
        monkeypatch.setenv(VARIABLE, value)
    one = engine(fake)
    assert error_of(lambda: call(one)).place == f"{name_of(fake)}: {VARIABLE}"
    assert fake.gets == fake.posts == []


def test_the_store_needs_no_key(fake, tmp_path, monkeypatch):
    chunks = cut_chunks({"cell": [PromptRecord(1, "user", 9, 0, [1], [6], ["7"])]}, 2)
    first = score_chunks(chunks, engine(fake), AnswerStore(tmp_path))
    monkeypatch.delenv(VARIABLE)
    assert score_chunks(chunks, engine(fake), AnswerStore(tmp_path)) == first


@pytest.mark.parametrize("value", [f"{KEY}\nX: y", f"{KEY} x", f"{KEY}é"])
def test_a_key_that_no_header_can_hold(fake, monkeypatch, value):
    monkeypatch.setenv(VARIABLE, value)
    error = error_of(lambda: engine(fake).start_seconds)
    assert error.place == f"{name_of(fake)}: {VARIABLE}"
    assert fake.gets == []


def test_a_server_without_a_named_key_says_so(fake):
    error, _ = refusal(fake, failing(401), key=None)
    assert (error.place, error.got) == (name_of(fake), "401")
    assert "`key`" in error.advice


def test_no_log_has_the_key(fake, caplog):
    """Even where the server sends it back, in an error, an answer or the list of models, and libraries log all."""
    caplog.set_level(logging.DEBUG)
    for act in (
        failing(500),
        failing(401),
        saying(KEY),
        saying(None, refusal=KEY),
        plain(KEY.encode()),
        close,
    ):
        refusal(fake, act, act, retries=1)
    fake.check = serves(KEY)
    assert error_of(lambda: engine(fake).start_seconds).allowed == ["***"]
    assert "asyncio" in caplog.text
    assert KEY not in caplog.text
    assert KEY not in json.dumps(engine(fake).settings)


@pytest.mark.parametrize(
    "echo",
    [
        KEY.upper(),
        KEY[::-1],
        quote(KEY, safe=""),
        "".join(f"%{ord(letter):02X}" for letter in KEY),
        "".join(f"%25{ord(letter):02x}" for letter in KEY),
        "".join(f"\\u{ord(letter):04x}" for letter in KEY),
        "".join(f"\\x{ord(letter):02X}" for letter in KEY),
        "".join(f"&#{ord(letter)};" for letter in KEY),
        "".join(f"&#x{ord(letter):x};" for letter in KEY),
        html.escape(KEY),
        KEY.encode().hex(),
        KEY.encode().hex(":").upper(),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(f"B {KEY}".encode()).decode(),
        base64.b64encode(f"x:{KEY}:y".encode()).decode(),
    ],
)
def test_a_key_is_hidden_in_any_encoding(fake, echo):
    """All but a letter or two of base64, which its neighbours decide."""

    error = replying({"error": {"message": f"bad {echo} key"}}, 400)
    for act in (error, saying(None, refusal=echo), saying(None, echo)):
        told = str(refusal(fake, act)[0])
        assert "***" in told
        assert all(echo[at : at + 8] not in told for at in range(len(echo) - 8))


def test_a_key_that_a_long_reply_is_cut_in_is_not_begun(fake, monkeypatch):
    monkeypatch.setattr(failures, "LOOKED_AT", 1000)
    for room in range(981, 1000, 6):
        error = replying({"error": {"message": " " * room + KEY + "x" * 1000}}, 400)
        assert "sk-" not in str(refusal(fake, error)[0])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a/b+c=&<\"'\\ d", "a/b+c=&<\"'\\ d"),
        (r"key a\/b+c=&<\"\\ x", "key *** x"),
        ("key a%2Fb%2bc%3D%26%3C%22%5C x", "key *** x"),
        ("key a/b+c=&amp;&lt;&quot;\\ x", "key *** x"),
    ],
)
def test_keys_of_unusual_letters(text, shown):
    assert masked(text, 'a/b+c=&<"\\') == shown


def test_a_text_that_is_nearly_a_long_key_is_soon_read():
    """Were a letter found in two ways, each letter would double the time."""
    key = f"sk-{'never' * 20}"
    begun = time.monotonic()
    assert masked(f"{key[:-1]}! {key}", key) == f"{key[:-1]}! ***"
    assert time.monotonic() - begun < 5


# --- proxies


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "nonsense://x"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached_without_a_proxy(fake, monkeypatch, proxy, host):
    for name in PROXIES:
        monkeypatch.setenv(name, proxy)
        monkeypatch.setenv(name.upper(), proxy)
    here = engine(f"http://{host}:{fake.server_port}/v1")
    assert here.start_seconds > 0
    assert len(here.ask([question()])) == 1


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *((host, True) for host in ("127.0.0.1", "127.9.9.9:80", "[::1]:80", "0.0.0.0:8000")),
        *((host, True) for host in ("localhost", "LOCALHOST:80", "a.localhost")),
        *(
            (host, False)
            for host in (
                "10.0.0.1",
                "[2001:db8::1]",
                "localhost.example.org",
                "127.0.0.1.example.org",
            )
        ),
    ],
)
def test_what_is_this_machine(host, own):
    assert module._is_loopback(f"http://{host}/v1") is own


def test_other_machines_are_reached_through_the_proxy(fake, monkeypatch):
    monkeypatch.setenv("http_proxy", fake.address)
    there = engine("http://llm.example.invalid/v1")
    assert there.start_seconds > 0
    assert len(there.ask([question()])) == 1
    assert fake.gets == ["http://llm.example.invalid/v1/models"]


def test_a_proxy_that_cannot_be_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "nonsense://me:secret@proxy.invalid")
    error = error_of(lambda: engine("http://llm.example.invalid/v1").start_seconds)
    assert (error.place, error.got) == ("'smol' at http://llm.example.invalid/v1", "ValueError")
    assert "http_proxy" in error.advice
    assert "secret" not in str(error)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_gone_are_named(monkeypatch, tmp_path, variable):
    gone = str(tmp_path / "gone/ssl/cacert.pem")
    monkeypatch.setenv(variable, gone)
    monkeypatch.setattr(module, "LimitedClient", _without_certificates)
    error = error_of(lambda: engine("https://llm.example.invalid/v1").start_seconds)
    assert (error.place, error.got) == (
        f"'smol' at https://llm.example.invalid/v1: {variable}",
        gone,
    )


def _without_certificates(*_, **__):
    raise FileNotFoundError(2, "No such file or directory")


@pytest.mark.parametrize("variable", ["all_proxy", "HTTPS_PROXY"])
def test_a_socks_proxy_names_its_variable_and_what_it_needs(monkeypatch, variable):
    monkeypatch.setitem(sys.modules, "socksio", None)  # as where it is not installed
    monkeypatch.setenv(variable, "socks5://me:secret@proxy.invalid:1080")
    error = error_of(lambda: engine("http://llm.example.invalid/v1").start_seconds)
    assert error.place == f"'smol' at http://llm.example.invalid/v1: {variable}"
    assert "socksio" in error.advice and "unset" in error.advice
    assert "secret" not in str(error)


# --- Ctrl-C


def interrupt(fake, requests, ended):
    """Press Ctrl-C once the server has so many."""
    while len(fake.posts) < requests and not ended.wait(0.01):
        pass
    if not ended.is_set():
        os.kill(os.getpid(), signal.SIGINT)


def threads():
    """All but the server's."""
    return {thread.name for thread in threading.enumerate() if "process_request" not in thread.name}


@pytest.fixture
def presser(fake, interruptible):
    """A thread that presses Ctrl-C once the server has eight requests; or never, where the test ends before."""
    ended = threading.Event()
    thread = threading.Thread(target=interrupt, args=(fake, 8, ended))
    yield thread
    ended.set()
    if thread.ident:  # was started
        thread.join()


@pytest.mark.parametrize("act", [hang, failing(503)])
def test_ctrl_c_ends_it_at_once(fake, presser, monkeypatch, act):
    """Whether it waits for answers or to ask again."""
    monkeypatch.setattr(module, "LONGEST_PAUSE", 30.0)
    monkeypatch.setattr(module, "BACK_OFF", lambda state: 30.0)
    fake.acts = [act] * 40
    before = threads()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        presser.start()
        engine(fake, parallel=8, timeout=30).ask([question()] * 40)
    presser.join()
    assert time.monotonic() - begun < 10
    assert threads() == before
    assert len(fake.posts) == 8
