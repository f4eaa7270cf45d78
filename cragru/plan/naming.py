"""What a run calls its methods, backbones and strategies: a name in a path means the same in every run."""

import hashlib
import json
import re
from typing import Any, TypeVar

from cragru.config.models import Params, PluginEntry, Settings
from cragru.config.types import OPTION
from cragru.core.errors import CragruError, Problem, Problems
from cragru.core.names import RETRAIN
from cragru.plan.cells import TABLE_STRATEGY
from cragru.plan.tables import Figures, Tables
from cragru.plan.variants import (
    SECTIONS,
    called,
    changed_options,
    entry_of,
    given_options,
    name_with,
    of_base,
    without_options,
)

FIXED = {"methods": RETRAIN, "strategies": TABLE_STRATEGY}  # which the workflow itself names
WORDS = {"label", "paper"}  # of an entry: they change no result
KEEP = "leave it as it is, and add an entry of another name"  # an advice
DIGITS = 8  # of a digest, in a name

Register = TypeVar("Register", Tables, Figures)


class Naming:
    """The names of a run, as its paths have them.

    What an overlay changes in an entry of params.yaml is a variant, and paths name the variant; the entry's own name
    stays what the file says. A variant that differs in more than options is named by a digest.

    Attributes:
        params: What names in paths stand for: the file's entries, those that an overlay adds, and the run's variants.
        problems: What is wrong with names so far.
    """

    def __init__(self, file: Params, laid: Params, where: str) -> None:
        """Take params.yaml, the file `where`, as it is and with the overlay laid over it."""
        self._file, self._laid, self._where = file, laid, where
        self.problems = Problems()
        sections: dict[str, Any] = {"partitions": laid.partitions | file.partitions}
        for key in SECTIONS:
            own, section = getattr(file, key), getattr(laid, key)
            sections[key] = {
                name: _worded(own.get(name, one), one) for name, one in section.items()
            }
        self.params = file.model_copy(update=sections)
        self._names: dict[tuple[str, str], str] = {}
        for key in SECTIONS:
            for name, entry in getattr(laid, key).items():
                self._names[key, name] = self._laid_name(key, name, entry)

    def settings(self, settings: Settings) -> Settings:
        """Return a run's settings with the names that paths have."""
        scoring, retrieval = settings.scoring, settings.retrieval
        backbones = self._all("backbones", settings.backbones, "backbones")
        compared: dict[str, None] = {}
        for name in scoring.compare_on:
            right = self._one("backbones", name, "scoring.compare_on")
            compared |= dict.fromkeys(_drawn(backbones, name, right))
        strategies = self._all("strategies", retrieval.strategies, "retrieval.strategies")
        update = {
            "backbones": backbones,
            "methods": self._all("methods", settings.methods, "methods"),
            "retrieval": retrieval.model_copy(update={"strategies": strategies}),
            "scoring": scoring.model_copy(update={"compare_on": list(compared)}),
        }
        return settings.model_copy(update=update)

    def shown(self, register: Register, key: str, file: str, methods: list[str]) -> Register:
        """Return the tables or figures of a file with these names: of rivals."""
        entries = {}
        for name, entry in getattr(register, key).items():
            update: dict[str, Any] = {}
            place = f"{file}: {key}.{name}"
            rivals = getattr(entry, "rivals", None)
            if rivals is not None:
                found: dict[str, None] = {}
                for rival in rivals:
                    right = self._one("methods", rival, f"{place}.rivals")
                    found |= dict.fromkeys(_drawn(methods, rival, right))
                update["rivals"] = list(found)
            entries[name] = entry.model_copy(update=update)
        return register.model_copy(update={key: entries})

    def _all(self, key: str, names: list[str], place: str) -> list[str]:
        return [self._one(key, name, place) for name in names]

    def _one(self, key: str, name: str, place: str) -> str:
        """Return what paths call an entry or variant; one that is wrong, or that there is not, stays as it is."""
        try:
            return self._name(key, name)
        except CragruError as error:
            self.problems.found += [one.under(f"{place}.{name}") for one in error.problems]
            return name

    def _name(self, key: str, name: str) -> str:
        section, base = getattr(self.params, key), without_options(name)
        if base not in section or "@" in base:
            return name
        right, words = self._names[key, base], name.removeprefix(base)
        if not words:
            return right
        options = given_options(section[right], words, SECTIONS[key])
        plain = name_with(base, section[right], options, SECTIONS[key])
        if plain != name:
            raise CragruError(f"another name of {plain}", advice=f"write {plain}")
        rest = without_options(right)
        options = given_options(section[rest], right, SECTIONS[key]) | options
        right = name_with(rest, section[rest], options, SECTIONS[key])
        section[right] = entry_of(self.params, key, right)
        return right

    def _laid_name(self, key: str, name: str, entry: PluginEntry) -> str:
        """Return what paths call an entry as an overlay has it."""
        section, kind = getattr(self.params, key), SECTIONS[key]
        own = section[name]
        is_alike = self._rest(self._file, own) == self._rest(self._laid, entry)
        if is_alike and own.options == entry.options:
            return name
        if FIXED.get(key) == name:
            self.problems.found.append(
                Problem("others are held against it", f"{self._where}: {key}.{name}", advice=KEEP)
            )
            return name
        if is_alike:
            options = changed_options(own, entry, kind)
            right = name_with(name, own, options, kind)
            overrides = getattr(entry, "overrides", {}).values()
            is_overridden = any(option in override for override in overrides for option in options)
            if not is_overridden and re.fullmatch(rf"{re.escape(name)}({OPTION})*", right):
                section[right] = entry_of(self.params, key, right)
                return right
        return self._digested(key, name, entry)

    def _digested(self, key: str, name: str, entry: PluginEntry) -> str:
        """Return the name of an entry that differs from the file's in more than options."""
        facts = [self._rest(self._laid, entry), sorted(entry.options.items())]
        alike = json.loads(json.dumps(facts), parse_int=float)  # 5 is 5.0
        digest = hashlib.sha256(json.dumps(alike).encode()).hexdigest()[:DIGITS]
        right, partition = f"{name}@{digest}", getattr(entry, "partition", None)
        if partition is not None:  # it may differ from the file's, too
            cut = f"{partition}@{digest}"
            self.params.partitions[cut] = self._laid.partitions[partition]
            entry = entry.model_copy(update={"partition": cut})
        getattr(self.params, key)[right] = called(entry, f"@{digest}")
        return right

    def _rest(self, params: Params, entry: PluginEntry) -> list[Any]:
        """Return all that an entry's results depend on, but for its options."""
        facts = entry.model_dump(mode="json", exclude=WORDS | {"options", "overrides"})
        facts["overrides"] = [*getattr(entry, "overrides", {}).items()]
        cut = params.partitions.get(facts.get("partition"))
        return [sorted(facts.items()), cut and sorted(cut.model_dump(mode="json").items())]


def _worded(entry: PluginEntry, words: PluginEntry) -> Any:
    """Return an entry with the words of another."""
    return entry.model_copy(update=words.model_dump(include=WORDS))


def _drawn(names: list[str], wanted: str, right: str) -> list[str]:
    """Return what of a run's names is meant by one: it, else its variants that the run has, else the name itself."""
    return [right] if right in names else of_base(names, wanted) or [right]
