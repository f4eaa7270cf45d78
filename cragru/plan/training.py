"""What the rules depend on that train backbones, unlearn, and let strategies choose."""

from typing import Any

from cragru.config.models import MethodEntry, PartitionEntry, StrategyEntry
from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan import places
from cragru.plan.project import Project
from cragru.plan.wildcards import Wildcards
from cragru.rerun.digest import code_digest
from cragru.unlearning.options import SHARD_OPTIONS, TUNED

REPEATS = 3  # odd, so that one of them is the median
FURTHER = "@training="  # in the name of a backbone: the same again, with other random streams


class Training:
    """What the rules of backbones, methods, partitions and strategies depend on."""

    def __init__(self, run: Project) -> None:
        self._run, self._params = run, run.params
        self._timed = {entry.protocol for entry in run.tables.tables.values() if entry.times}
        self.sharded, self.unsharded, self.damped, self.tuned = [], [], [], []
        for name, entry in run.params.methods.items():
            alike = self.sharded if entry.partition else self.unsharded
            alike.append(name)
            if "damping" in entry.options:
                self.damped.append(name)
            elif entry.partition or name == RETRAIN:
                self.tuned.append(name)

    def options(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return hyper-parameters of the backbone on this data set."""
        return self._run.training_options(wildcards.dataset, wildcards.backbone)

    def backbone_module(self, wildcards: Wildcards) -> str:
        """Return the module of the backbone."""
        return self._run.backbone(wildcards.backbone).module

    def method_module(self, wildcards: Wildcards) -> str:
        """Return the module of the unlearning method."""
        return self._method(wildcards).module

    def method_options(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what params.yaml gives the method on this data set and backbone."""
        return self._run.method_options(wildcards.dataset, wildcards.backbone, wildcards.method)

    def repeats(self, wildcards: Wildcards) -> int:
        """Return how often a request is served, for its cost: once where no table shows it."""
        is_shown = wildcards.protocol in self._timed and FURTHER not in wildcards.backbone
        return REPEATS if is_shown else 1

    def shard_options(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return the method's options that shards are trained with: another aggregation trains no shard anew."""
        given = self.method_options(wildcards)
        return {name: given[name] for name in SHARD_OPTIONS if name in given}

    def options_but_tuned(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return the method's options that the search of its learning rate and patience looks at."""
        given = self.method_options(wildcards)
        return {name: value for name, value in given.items() if name not in TUNED}

    def backbone_options_but_tuned(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return the backbone's, without what the search of Retrain sets; it sets these of no other method."""
        given = self.options(wildcards)
        if wildcards.method != RETRAIN:
            return given
        return given | dict.fromkeys(TUNED, 1)

    def partition_if_cut(self, wildcards: Wildcards) -> str | list[str]:
        """Return the deployed partition of a method that has one."""
        is_cut = self._method(wildcards).partition is not None
        return places.place(places.PARTITION, **dict(wildcards.items())) if is_cut else []

    def options_but_damping(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return the method's options that the search of its damping looks at."""
        given = self.method_options(wildcards)
        given.pop("damping", None)
        return given

    def original(self, wildcards: Wildcards) -> str:
        """Return the deployed state's model."""
        return _model_file(places.ORIGINAL_FOLDER, wildcards)

    def shadows(self, wildcards: Wildcards) -> list[str]:
        """Return the Retrains that a model is held against: of other trainings, as many as its folder says."""
        return self._retrains(wildcards, int(wildcards.shadows))

    def all_shadows(self, wildcards: Wildcards) -> list[str]:
        """Return the Retrains of the run's further trainings."""
        return self._retrains(wildcards, self._run.shadow_count)

    def original_if_read(self, wildcards: Wildcards) -> str | list[str]:
        """Return the model before the request, for a method that reads it: in turn, its own model before."""
        if ORIGINAL not in self._method(wildcards).reads:
            return []
        return self._before(wildcards, f"{places.REQUEST_METHOD}/{places.MODEL_FILE}") or (
            self.original(wildcards)
        )

    def partition_before(self, wildcards: Wildcards) -> str:
        """Return which rows each shard has before a request: as deployed, or as the request before it left them."""
        renewed = places.renewed_files(places.REQUEST_METHOD)["partition"]
        deployed = places.place(places.PARTITION, **dict(wildcards.items()))
        return self._before(wildcards, renewed) or deployed

    def shards_before(self, wildcards: Wildcards) -> str:
        """Return the folder of the shards before a request, likewise."""
        renewed = places.renewed_files(places.REQUEST_METHOD)["shards"]
        deployed = places.place(places.SHARDS, **dict(wildcards.items()))
        return self._before(wildcards, renewed) or deployed

    def forget_if_read(self, wildcards: Wildcards) -> str | list[str]:
        """Return the forget set of the state or of the request, for a method that reads it."""
        if "forget" not in self._method(wildcards).reads:
            return []
        names = dict(wildcards.items())
        folder = places.REQUEST if "request" in names else places.STATE
        return places.place(places.part_file(folder, places.FORGET), **names)

    def model_after(self, wildcards: Wildcards) -> str:
        """Return the model that a request leaves behind: the original is the deployed state's."""
        folder = places.MODEL if wildcards.model == ORIGINAL else places.REQUEST_MODEL
        return _model_file(folder, wildcards)

    def partition_module(self, wildcards: Wildcards) -> str:
        """Return the module of the method's partition."""
        return self._partition(wildcards).module

    def partition_options(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what params.yaml gives the partition."""
        return self._partition(wildcards).options

    def partition_model(self, wildcards: Wildcards) -> str | list[str]:
        """Return the model whose embeddings a partition looks at, if it looks at any."""
        return self.original(wildcards) if ORIGINAL in self._partition(wildcards).reads else []

    def shard_count(self, wildcards: Wildcards) -> int:
        """Return into how many shards the data are cut."""
        return self.method_options(wildcards)["shards"]

    def strategy_module(self, wildcards: Wildcards) -> str:
        """Return the module of the retrieval strategy."""
        return self._strategy(wildcards).module

    def strategy_options(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what params.yaml gives the strategy."""
        return self._strategy(wildcards).options

    def history_limit(self, wildcards: Wildcards) -> int | None:
        """Return K, or None where the strategy keeps whole histories."""
        return None if self._strategy(wildcards).whole else self._run.settings.retrieval.history

    def backbone_code(self, script: str) -> Any:
        """Return a function that digests a script with the module of the backbone."""
        return lambda wildcards: code_digest(script, self.backbone_module(wildcards))

    def method_code(self, script: str) -> Any:
        """Return a function that digests a script with the modules of the method and of the backbone."""
        return lambda wildcards: code_digest(
            script, self.method_module(wildcards), self.backbone_module(wildcards)
        )

    def partition_code(self, script: str) -> Any:
        """Return a function that digests a script with the module of the partition."""
        return lambda wildcards: code_digest(script, self.partition_module(wildcards))

    def strategy_code(self, script: str) -> Any:
        """Return a function that digests a script with the module of the strategy."""
        return lambda wildcards: code_digest(script, self.strategy_module(wildcards))

    def shards_manifest_before(self, wildcards: Wildcards) -> str:
        """Return the manifest of the job that made these shards."""
        renewed = f"{places.REQUEST_METHOD}/{places.MANIFEST}"
        deployed = places.place(places.SHARDS_MANIFEST, **dict(wildcards.items()))
        return self._before(wildcards, renewed) or deployed

    def _retrains(self, wildcards: Wildcards, count: int) -> list[str]:
        """Return the models of so many Retrains of other trainings."""
        names = dict(wildcards.items())
        others = self._run.shadows(wildcards.backbone, count)
        return [places.place(places.RETRAIN_MODEL, **names | {"backbone": name}) for name in others]

    def _before(self, wildcards: Wildcards, template: str) -> str | None:
        """Return a file of the request that a request starts from; None where it starts from the deployed state."""
        names = dict(wildcards.items())
        previous = self._run.previous(names["protocol"], names.get("request"))
        return previous and places.place(template, **names | {"request": previous})

    def _method(self, wildcards: Wildcards) -> MethodEntry:
        return self._run.method(wildcards.method)

    def _partition(self, wildcards: Wildcards) -> PartitionEntry:
        return self._params.partitions[self._method(wildcards).partition]

    def _strategy(self, wildcards: Wildcards) -> StrategyEntry:
        return self._run.strategy(wildcards.strategy)


def _model_file(folder: str, wildcards: Wildcards) -> str:
    return places.place(f"{folder}/{places.MODEL_FILE}", **dict(wildcards.items()))
