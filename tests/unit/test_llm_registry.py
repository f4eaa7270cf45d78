import copy
import json

import jsonschema
import pytest
import yaml
from configuration import DELETE, ROOT, changed

from cragru.config.llms import Llms, load_llms
from cragru.core.errors import CragruError
from cragru.llm.engines import open_engine

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
SOURCES = {"package": PACKAGE, "hub": HUB, "folder": FOLDER, "server": SERVER}
ENTRIES = {
    "llms": {
        name: {"label": name, "source": one, "engine": ENGINE} for name, one in SOURCES.items()
    }
}

WRONG = [
    ({"package/source/package": "mini-llm"}, r"llms.package.source.package: got 'mini-llm'"),
    (
        {"package/source/file": "models/mini.gguf"},
        r"llms.package.source.file: got 'models/mini.gguf'",
    ),
    ({"package/source/file": "mini.safetensors"}, r"\\.gguf\$"),
    ({"package/source/sha256": "abc"}, r"llms.package.source.sha256: got 'abc'"),
    ({"package/source/sha256": DELETE}, r"llms.package.source.sha256: missing; add it"),
    ({"package/source/path": "x"}, r"llms.package.source.path: unknown key"),
    (
        {"package/source/kind": "torrent"},
        r"llms.package.source: .*'package', 'hub', 'folder', 'server'",
    ),
    ({"package/source/kind": DELETE}, r"llms.package.source.kind: missing"),
    ({"hub/source/repository": "Mini-1B"}, r"llms.hub.source.repository: got 'Mini-1B'"),
    ({"hub/source/revision": "main"}, r"llms.hub.source.revision: got 'main'"),
    ({"folder/source/path": ""}, r"llms.folder.source.path: got ''"),
    (
        {"server/source/url": "https://example.org/v1/"},
        r"llms.server.source.url: got 'https://example.org/v1/'",
    ),
    ({"server/source/url": "https://example.org"}, r"/v1\$"),
    ({"server/source/url": "ftp://example.org/v1"}, r"https\?"),
    ({"server/source/model": DELETE}, r"llms.server.source.model: missing; add it"),
    ({"server/source/timeout": 0}, r"llms.server.source.timeout: got 0; .*greater than 0"),
    ({"server/source/retries": -1}, r"llms.server.source.retries: got -1"),
    ({"server/source/parallel": 0}, r"llms.server.source.parallel: got 0"),
    (
        {"hub/engine/dtype": "int8"},
        r"llms.hub.engine.dtype: got 'int8'.*'bfloat16', 'float16' or 'float32'",
    ),
    ({"hub/engine/context": DELETE}, r"llms.hub.engine.context: missing; add it"),
    ({"hub/engine/sequences": 0}, r"llms.hub.engine.sequences: got 0"),
    ({"hub/engine/cache_gib": 0}, r"llms.hub.engine.cache_gib: got 0"),
    ({"hub/engine/threads": 0}, r"llms.hub.engine.threads: got 0"),
    ({"hub/engine/contxt": 1}, r"llms.hub.engine.contxt: unknown key .did you mean 'context'"),
    ({"hub/label": ""}, r"llms.hub.label: got ''"),
]


def load(tmp_path, changes, name="llms.yaml"):
    path = tmp_path / name
    path.write_text(
        yaml.safe_dump(changed(ENTRIES, {f"llms/{key}": value for key, value in changes.items()}))
    )
    return load_llms(path)


def refusal(tmp_path, changes):
    with pytest.raises(CragruError) as caught:
        load(tmp_path, changes)
    assert str(caught.value).startswith(f"{tmp_path / 'llms.yaml'}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def schema():
    content = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(content)
    return jsonschema.Draft202012Validator(content)


def test_shipped_registry():
    llms = load_llms(SHIPPED)
    kinds = {name: entry.source.kind for name, entry in llms.llms.items()}
    assert (
        kinds
        | {
            "smollm2-135m": "package",
            "llama-3.1-8b-instruct": "hub",
            "local-folder": "folder",
            "local-server": "server",
        }
        == kinds
    )
    small = llms.entry("smollm2-135m")
    assert small.label == "SmolLM2-135M"
    assert small.engine.model_dump() == {
        "dtype": "bfloat16",
        "context": 4096,
        "sequences": 64,
        "cache_gib": 1,
        "eager": True,
        "threads": 8,
    }
    paper = llms.entry("llama-3.1-8b-instruct")
    assert (paper.source.repository, paper.source.token) == (
        "meta-llama/Llama-3.1-8B-Instruct",
        "HF_TOKEN",
    )
    assert (paper.engine.context, paper.engine.sequences, paper.engine.cache_gib) == (
        16384,
        256,
        None,
    )


def test_what_is_left_out_has_the_values_that_the_header_names(tmp_path):
    llms = load(tmp_path, {"hub/source/token": DELETE, "server/source/key": DELETE})
    assert llms.entry("hub").source.token is None
    server = llms.entry("server").source
    assert (server.key, server.timeout, server.retries, server.parallel) == (None, 120, 5, 16)
    engine = llms.entry("hub").engine
    assert (engine.dtype, engine.sequences, engine.cache_gib) == ("bfloat16", 64, None)
    assert (engine.eager, engine.threads) == (False, 8)


def test_round_trip(tmp_path):
    llms = load(tmp_path, {})
    assert Llms.model_validate(llms.model_dump()) == llms


def test_shipped_file_fits_the_schema(schema):
    schema.validate(yaml.safe_load(SHIPPED.read_text()))
    schema.validate(ENTRIES)


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_wrong_values_are_one_line_errors(tmp_path, schema, changes, said):
    with pytest.raises(CragruError, match=said):
        load(tmp_path, changes)
    refusal(tmp_path, changes)
    assert not schema.is_valid(
        changed(ENTRIES, {f"llms/{key}": value for key, value in changes.items()})
    )


@pytest.mark.parametrize("name", ["a_b", "a/b", ".hidden", ""])
def test_names_are_one_step_of_a_path(tmp_path, name):
    entries = copy.deepcopy(ENTRIES)
    entries["llms"][name] = entries["llms"]["hub"]
    path = tmp_path / "llms.yaml"
    path.write_text(yaml.safe_dump(entries))
    with pytest.raises(CragruError) as caught:
        load_llms(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "secret"), [("hub/source/token", "hf_AbCdEf123456"), ("server/source/key", "sk-12ab")]
)
def test_a_secret_in_place_of_a_variable_is_refused_and_not_shown(tmp_path, schema, key, secret):
    told = refusal(tmp_path, {key: secret})
    assert secret not in told
    assert f"llms.{key.replace('/', '.')}: not the name of an environment variable" in told
    assert not schema.is_valid(changed(ENTRIES, {f"llms/{key}": secret}))


@pytest.mark.parametrize("url", ["http://me:hush@example.org/v1", "http://me:hush@example.org/v1/"])
def test_a_password_in_an_address_is_refused_and_not_shown(tmp_path, url):
    told = refusal(tmp_path, {"server/source/url": url})
    assert "llms.server.source.url: holds a user name or a password" in told
    assert "hush" not in told


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/v1", "https://example.org/some/where/v1", "http://[::1]:80/v1"]
)
def test_addresses(tmp_path, url):
    assert load(tmp_path, {"server/source/url": url}).entry("server").source.url == url


def test_a_tokenizer_must_be_an_entry(tmp_path):
    told = refusal(tmp_path, {"server/source/tokenizer": "packages"})
    assert told.endswith(
        "llms.server.source.tokenizer: got 'packages', which is no entry; name an entry that has a tokenizer "
        "(did you mean 'package'? allowed: folder, hub, package)"
    )


def test_a_tokenizer_must_not_be_a_server(tmp_path):
    told = refusal(tmp_path, {"server/source/tokenizer": "server"})
    assert (
        "got 'server', which is a server itself; name an entry that has a tokenizer (allowed: folder, hub"
        in told
    )


def test_unknown_model_names_the_nearest():
    with pytest.raises(CragruError) as caught:
        load_llms(SHIPPED).entry("smollm2")
    assert str(caught.value).startswith(
        "'smollm2': unknown language model (did you mean 'smollm2-135m'? allowed: "
    )
    assert "\n" not in str(caught.value)


def test_missing_registry(tmp_path):
    with pytest.raises(CragruError, match="no such configuration file"):
        load_llms(tmp_path / "llms.yaml")


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
    with pytest.raises(
        CragruError, match=r"module: .* answers for a source of kind server; got hub"
    ):
        open_engine(named, tmp_path, {}, 1)


def test_an_engine_that_is_not_there_is_refused(tmp_path):
    said = (
        r"llms.hub.module: got 'cragru.llm.vlm_engine', which is no module of cragru \(did you mean"
    )
    with pytest.raises(CragruError, match=said):
        load(tmp_path, {"hub/module": "cragru.llm.vlm_engine"})


def test_which_module_answers_is_no_setting_of_the_answers(tmp_path):
    """Else naming vLLM would throw away every answer that it gave unnamed."""
    entries = [load(tmp_path, {}), load(tmp_path, {"hub/module": "cragru.llm.vllm_engine"})]
    first, second = (open_engine(one.llms["hub"], tmp_path, {}, 1).settings for one in entries)
    assert first == second
    assert "module" not in first["options"]
