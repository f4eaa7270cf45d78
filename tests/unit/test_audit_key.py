import hashlib
import hmac
import logging
import os
import stat
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest
from refusals import refused

from cragru.audit.commitment import Key, check_key, key_path, read_key


@pytest.fixture
def environment(tmp_path):
    return {"CRAGRU_AUDIT_KEY_FILE": str(tmp_path / "keys" / "audit.key")}


def test_where_the_key_is(monkeypatch):
    monkeypatch.setenv("HOME", "/home/a")
    assert key_path({}) == Path("/home/a/.config/cragru/audit.key")
    assert key_path({"XDG_CONFIG_HOME": "/settings"}) == Path("/settings/cragru/audit.key")
    assert key_path({"XDG_CONFIG_HOME": "/settings", "CRAGRU_AUDIT_KEY_FILE": "/k"}) == Path("/k")


def test_a_commitment_is_an_hmac_of_plain_json():
    expected = hmac.new(
        bytes(32), '["interaction","ü",1,null]'.encode(), hashlib.sha256
    ).hexdigest()
    assert Key(bytes(32)).commit("interaction", "ü", 1, None) == expected
    assert Key(bytes(32)).commit("a", "b") != Key(bytes(32)).commit("ab")


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path, environment, caplog):
    caplog.set_level(logging.DEBUG)
    first = read_key(tmp_path / "results", environment, make=True)
    path = tmp_path / "keys" / "audit.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(tmp_path / "results", environment, make=True).fingerprint == first.fingerprint
    assert [entry.name for entry in path.parent.iterdir()] == ["audit.key"]
    assert len(caplog.records) == 1
    assert path.read_text().strip() not in caplog.text + repr(first)


def test_jobs_that_make_it_at_once_share_one(tmp_path, environment):
    with ThreadPool(8) as pool:
        keys = pool.map(lambda _: read_key(tmp_path / "results", environment, make=True), range(16))
    assert len({key.fingerprint for key in keys}) == 1


def test_verification_makes_no_key(tmp_path, environment):
    with refused(place=environment["CRAGRU_AUDIT_KEY_FILE"]) as caught:
        read_key(tmp_path / "results", environment)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("text", ["password", "00" * 16, "ü"])
def test_what_is_no_key_is_refused(tmp_path, text):
    path = tmp_path / "audit.key"
    path.write_text(text)
    with refused(place=path) as caught:
        read_key(tmp_path / "results", {"CRAGRU_AUDIT_KEY_FILE": str(path)})
    assert "64" in caught.value.problems[0].advice


def strange(path, kind):
    """Put something at a path that is no plain file."""
    match kind:
        case "circle":
            path.symlink_to(path.with_name("b"))
            path.with_name("b").symlink_to(path)
        case "nowhere":
            path.symlink_to(path.with_name("b"))
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case device:
            path.symlink_to(f"/dev/{device}")


@pytest.mark.parametrize("kind", ["circle", "nowhere", "pipe", "folder", "zero", "null"])
def test_what_is_no_plain_file_is_one_line_before_the_run_and_in_a_job(tmp_path, kind):
    """A pipe is not waited for, a device without an end not read."""
    path = tmp_path / "audit.key"
    strange(path, kind)
    environment = {"CRAGRU_AUDIT_KEY_FILE": str(path)}
    for read in (check_key, read_key, lambda *where: read_key(*where, make=True)):
        with refused(place=path) as caught:
            read(tmp_path / "results", environment)
        assert "\n" not in str(caught.value)
        assert "CRAGRU_AUDIT_KEY_FILE" in caught.value.problems[0].advice
    assert not list(tmp_path.glob(".audit.key.*"))


def test_a_folder_that_is_a_circle_is_one_line_before_the_run(tmp_path):
    strange(tmp_path / "keys", "circle")
    with refused(place=tmp_path / "keys/audit.key"):
        check_key(tmp_path / "results", {"CRAGRU_AUDIT_KEY_FILE": f"{tmp_path}/keys/audit.key"})


def test_a_file_that_begins_with_a_key_and_is_longer_is_none(tmp_path):
    (tmp_path / "audit.key").write_text("00" * 32 + "\n" + "0" * 10_000)
    with refused(place=tmp_path / "audit.key", what="not an audit key"):
        read_key(tmp_path / "results", {"CRAGRU_AUDIT_KEY_FILE": str(tmp_path / "audit.key")})


def test_the_key_must_not_lie_in_the_results(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "results")
    for place in ("results/audit.key", "elsewhere/a/audit.key"):
        with refused(place=tmp_path / place, what="an audit key among the results"):
            read_key(
                tmp_path / "results", {"CRAGRU_AUDIT_KEY_FILE": str(tmp_path / place)}, make=True
            )
    assert not list((tmp_path / "results").iterdir())


def test_a_seal_breaks_with_any_change():
    key = Key(bytes(32))
    sealed = key.sealed({"guarantees": {"a": "exact"}})
    key.check_seal(sealed, "certificate.json")
    for altered in (
        {**sealed, "guarantees": {"a": "none"}},
        {**sealed, "more": 1},
        {"guarantees": {"a": "exact"}},
    ):
        with refused(place="certificate.json"):
            key.check_seal(altered, "certificate.json")
