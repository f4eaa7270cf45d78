import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from configuration import FILES, ROOT

from cragru.config.base import load_yaml
from cragru.evaluation import completeness_columns
from cragru.evaluation.metrics import METRICS
from tests.serving import serving


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, body, length, delay = self.server.answers.get(self.path, (404, b"", 0, 0))
        time.sleep(delay)
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        if status == 302:
            self.send_header("Location", body.decode())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """A web server on this machine; `put` says what an address answers, any other answers 404."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address, self.answers, self.asked = f"http://127.0.0.1:{self.server_port}", {}, []

    def put(self, path, body, length=-1, delay=0.0):
        self.answers[path] = (200, body, len(body) if length == -1 else length, delay)
        return self.address + path


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running, serving(running):
        yield running


@pytest.fixture
def wheelhouse(tmp_path, monkeypatch, request):
    """A folder with the wheel minidata 1.0, of the test module's WHEEL_FILES; pip looks nowhere else."""
    about = {
        "METADATA": b"Metadata-Version: 2.1\nName: minidata\nVersion: 1.0\n",
        "WHEEL": b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": b"",
    }
    files = {f"minidata/{name}": data for name, data in request.module.WHEEL_FILES.items()}
    files |= {f"minidata-1.0.dist-info/{name}": data for name, data in about.items()}
    with zipfile.ZipFile(tmp_path / "minidata-1.0-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


@pytest.fixture(scope="session")
def shipped():
    """The shipped configuration files as they stand, by name; `configuration.changed` makes changed copies."""
    return {name: load_yaml(ROOT / path) for name, (path, _) in FILES.items()}


@pytest.fixture
def hr_and_ndcg(monkeypatch):
    """The paper's two metrics alone, for tests that write down a table whole; others may be registered beside them."""
    schema, further = completeness_columns, set(METRICS) - {"hr", "ndcg"}
    for name in further:
        monkeypatch.delitem(METRICS, name)
        monkeypatch.delitem(schema.FORGET_REMAIN, name, raising=False)
    left_out = {schema.OF_METRIC.get(name) for name in further}
    monkeypatch.setattr(
        schema, "MEASURES", tuple(name for name in schema.MEASURES if name not in left_out)
    )
