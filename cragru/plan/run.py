"""A run: its settings, what the other files define for it, and what follows from these."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cragru.config.datasets import Registry
from cragru.config.llms import Llms
from cragru.config.models import (
    BackboneEntry,
    MethodEntry,
    Option,
    Params,
    PartitionEntry,
    Protocol,
    Settings,
    StrategyEntry,
)
from cragru.core.names import ORIGINAL, ORIGINAL_LABEL, RETRAIN
from cragru.plan.variants import base_of, entry_of, with_options
from cragru.rerun.digest import code_digest
from cragru.written.paths import as_input

WHOLE_MACHINE = (
    1000  # all that a run has to give (`cragru.plan.surroundings`); every other job asks for 1
)


@dataclass(frozen=True)
class Run:
    """A run's settings with the files they name, but for what it shows.

    Attributes:
        root: The repository, which files that the configuration names are relative to.
    """

    root: Path
    settings: Settings
    registry: Registry
    protocols: dict[str, Protocol]
    params: Params
    llms: Llms

    @property
    def gpus(self) -> int:
        """GPUs that a job asks for which trains: one where the configuration demands CUDA."""
        return 1 if self.settings.device == "cuda" else 0

    @property
    def machine(self) -> int:
        """Shares of the machine, which has `WHOLE_MACHINE`, that a job asks for which is timed: all beside a GPU.

        A GPU's work is timed in wall seconds, which every other job may change. On a CPU its own seconds are.
        """
        return WHOLE_MACHINE if self.gpus else 1

    def protocols_that(self, order: str) -> list[str]:
        """Return names of the protocols that `forget-first` or `split-first`."""
        return [name for name, protocol in self.protocols.items() if protocol.order == order]

    def download_entry(self, dataset: str) -> dict[str, Any]:
        """Return what of a data set's entry its download depends on: new words and another loader fetch nothing."""
        return self.registry.datasets[dataset].raw_files.model_dump(mode="json")

    def loaders(self, dataset: str) -> dict[str, str]:
        """Return the module that reads a data set's files, by the source that they came from."""
        return self.registry.datasets[dataset].loaders

    def loader_options(self, dataset: str) -> dict[str, dict[str, Any]]:
        """Return the options of the module that reads a data set's files, by the source that they came from."""
        return self.registry.datasets[dataset].loader_options

    def keep(self, dataset: str) -> dict[str, Any]:
        """Return which rows of a data set are kept, as its entry writes it."""
        return self.registry.datasets[dataset].keep.rules

    def own_files(self, dataset: str) -> list[str]:
        """Return the files of one's own that a data set is made of, as inputs of a rule."""
        own = self.registry.datasets[dataset].own
        place = f"{self.settings.files.datasets}: datasets.{dataset}.sources.0.path"
        return [as_input(file, place, self.root) for file in own.files] if own else []

    def loader_code(self, dataset: str) -> dict[str, str | list[str]]:
        """Return a digest of what prepares a data set, its loaders included."""
        modules = set(self.loaders(dataset).values())
        return code_digest("scripts/prepare.py", *sorted(modules))

    def file(self, path: str) -> str:
        """Return a file that the configuration names, as an input of a rule."""
        return as_input(path, "config", self.root)

    def request_file(self, request: str) -> str:
        """Return the file of a deletion request."""
        path = self.settings.requests.files[request]
        return as_input(path, f"requests.files.{request}", self.root)

    def backbone(self, name: str) -> BackboneEntry:
        """Return the entry of a backbone, or of a variant."""
        return entry_of(self.params, "backbones", name)

    def method(self, name: str) -> MethodEntry:
        """Return the entry of a method, or of a variant."""
        return entry_of(self.params, "methods", name)

    def training(self, backbone: str, number: int) -> str:
        """Return the name of a further training of a backbone, with other random streams; 0: the backbone itself."""
        key = (backbone, number)
        if key not in self._trainings:  # a large plan asks some ten thousand times for a few names
            options = {"training": number}
            self._trainings[key] = with_options(self.params, "backbones", backbone, options)
        return self._trainings[key]

    @cached_property
    def _trainings(self) -> dict[tuple[str, int], str]:
        return {}

    def trainings(self, model: str) -> int:
        """Return how often a model is trained on a split: shards once, for the noise of ten averages out."""
        return 1 if self.partition(model) else self.settings.trainings

    @property
    def shadow_count(self) -> int:
        """How many Retrains a model is held against: all, but for one, which is the model itself where it is one."""
        return self.settings.trainings - 1

    def nulls(self, model: str) -> int:
        """Return how many trainings a table shows that has further Retrains as its null: of other models one."""
        return self.settings.trainings if model == RETRAIN else 1

    def shadows(self, backbone: str, count: int) -> list[str]:
        """Return so many trainings of a backbone whose Retrains a model is held against: none is its own."""
        names = [self.training(backbone, number) for number in range(count + 1)]
        return [name for name in names if name != backbone][:count]

    def strategy(self, name: str) -> StrategyEntry:
        """Return the entry of a strategy, or of a variant."""
        return entry_of(self.params, "strategies", name)

    def training_options(self, dataset: str, backbone: str) -> dict[str, Option]:
        """Return hyper-parameters of a backbone on a data set, overrides included."""
        return self.backbone(backbone).options_in(dataset, base_of(backbone))

    def method_options(self, dataset: str, backbone: str, method: str) -> dict[str, Option]:
        """Return options of a method on a data set and backbone, overrides included."""
        return self.method(method).options_in(dataset, base_of(backbone))

    def partition(self, model: str) -> PartitionEntry | None:
        """Return how a method's data are cut, or None for what has no shards."""
        name = None if model == ORIGINAL else self.method(model).partition
        return self.params.partitions[name] if name else None

    def reads(self, model: str) -> set[str]:
        """Return what a method and its partition read beside the rows that remain; nothing for the original."""
        found: set[str] = set()
        for entry in (model != ORIGINAL and self.method(model), self.partition(model)):
            found.update(entry.reads if entry else ())
        return found

    def requests(self, protocol: str) -> list[str]:
        """Return names of the requests of a protocol that serves them one at a time; none for the others."""
        kind = self.protocols[protocol].forget.kind
        requests = self.settings.requests
        if kind == "one-user":
            return [f"draw-{number}" for number in range(1, requests.one_user + 1)]
        return list(requests.files) if kind == "file" else []

    def previous(self, protocol: str, request: str | None) -> str | None:
        """Return the request whose leavings a request starts from; None where that is the deployed state."""
        known = self.requests(protocol)
        if not self.protocols[protocol].in_turn or request not in known:
            return None
        position = known.index(request)
        return known[position - 1] if position else None

    def label(self, model: str) -> str:
        """Return what tables call a method, or the original model."""
        return ORIGINAL_LABEL if model == ORIGINAL else self.method(model).label

    def paper_label(self, model: str) -> str:
        """Return what the paper's tables call it."""
        paper = None if model == ORIGINAL else self.method(model).paper
        return paper or self.label(model)
