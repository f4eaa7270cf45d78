"""Whatever stands at any place of the configuration, it is taken or refused in one line that names the place."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import event, given
from hypothesis import strategies as st

from cragru.config.base import load_yaml
from cragru.core.errors import CragruError
from cragru.plan import loading as planned
from cragru.plan.certificates import Certificates
from cragru.plan.showing import Showing
from cragru.written.yaml_text import load_text

ROOT = Path(__file__).parents[2]
NAMES = ("config", "datasets", "protocols", "params", "tables", "figures", "llms")
SHIPPED = {name: load_yaml(ROOT / f"config/{name}.yaml") for name in NAMES}
PLACE = re.compile(r"^(config|[^ ]*\.yaml(,\s+line\s+\d+)?|[a-z_]+(\.[^ :]+)*)(:\s.*)?:\s", re.S)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


def places(data, path=()):
    """Every key path of a file, its sections and lists included."""
    pairs = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in pairs:
        yield (*path, key)
        yield from places(value, (*path, key))


PLACES = [(name, path) for name in NAMES for path in places(SHIPPED[name])]
WORDS = sorted(
    {str(step) for _, path in PLACES for step in path} | {"original", "CRAGRU", "none", "null"}
)
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=30),
    st.sampled_from(
        ["", " ", "../x", "/x", "a\\b", "x" * 300, "{a}", "100 %_$", "a\n\nb", "\0", "\ud800", "=1"]
    ),
)
NUMBERS = st.one_of(
    st.integers(), st.floats(), st.integers(-1, 20), st.sampled_from([10**12, 10**400])
)
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, st.binary(max_size=5), st.dates())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | LEAVES, inner, max_size=4),
    max_leaves=8,
)
GONE = object()


@st.composite
def configurations(draw):
    """The shipped files with one to three places changed: another value, that of another place, or none at all."""
    files = copy.deepcopy(SHIPPED)
    for _ in range(draw(st.integers(1, 3))):
        name, path = draw(st.sampled_from(PLACES))
        other, others = draw(st.sampled_from(PLACES))
        elsewhere = at(SHIPPED[other], others)
        put(files[name], path, draw(VALUES | st.just(elsewhere) | st.just(GONE)))
    return files


def at(data, path):
    for step in path:
        data = data[step]
    return data


def put(data, path, value):
    """Set a place, if an earlier change has left it."""
    try:
        section = at(data, path[:-1])
        if value is GONE:
            del section[path[-1]]
        else:
            section[path[-1]] = copy.deepcopy(value)
    except (KeyError, IndexError, TypeError):
        return


def refusal(error):
    """The message of a refusal, which is one printable line and names a file or key first."""
    message = str(error)
    assert message.splitlines() == [message]
    assert PLACE.match(message), message
    return message


@pytest.fixture(scope="module")
def from_memory():
    """Files as they were changed, without a way through YAML, which cannot write all of them."""
    files = {}
    with pytest.MonkeyPatch.context() as patch:
        real = planned.load_yaml
        patch.setattr(planned, "load_yaml", lambda path: files.get(Path(path).stem) or real(path))
        yield files


@given(configurations())
def test_any_value_at_any_place(from_memory, changed):
    """What is taken can be planned: its rows, files and certificates."""
    from_memory.clear()
    from_memory.update(changed)
    try:
        project = planned.load_project(changed["config"], ROOT)
    except CragruError as error:
        refusal(error)
        event("refused")
        return
    event("taken")
    assert NAME.fullmatch(project.settings.run)
    assert Showing(project).run_files()
    assert Certificates(project).files() is not None
    assert project.rows


@given(st.sampled_from(NAMES), st.data())
def test_any_text_of_a_file(name, data):
    """A file cut, doubled or with any line between its own: YAML that means one thing, or one line."""
    lines = (ROOT / f"config/{name}.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    start = data.draw(st.integers(0, len(lines)))
    further = data.draw(
        st.text(max_size=40)
        | st.sampled_from(lines)
        | st.sampled_from(["a: &a [*a]\n", "<<: {}\n"])
    )
    text = "".join([*lines[:start], further, *lines[start:]])
    try:
        value = load_text(text, f"{name}.yaml")
    except CragruError as error:
        refusal(error)
        event("refused")
        return
    event("taken")
    assert value == yaml.safe_load(text)
