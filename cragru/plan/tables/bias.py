"""Tables of whom unlearning hurt ("Table V"): NDCG@10 and lists of ten under mask B."""

from typing import Any, ClassVar, Literal

from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan import places
from cragru.plan.rows import Row, common_labels, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import AgainstRetrain, Entries, LeastUsers, Table
from cragru.plan.words import protocol_title


class BiasTable(AgainstRetrain, Table):
    """A table of whom unlearning hurt ("Table V"): NDCG@10 and lists of ten under mask B."""

    maker: ClassVar[str] = "cragru.reporting.bias_table"

    kind: Literal["bias"]
    least_users: LeastUsers = 20

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the original and every method but Retrain, each under every seed."""
        rows = []
        for pair in pairs_of(run):
            for method in [ORIGINAL, *run.settings.methods]:
                if method != RETRAIN:
                    rows += [self._row(run, pair, method, seed) for seed in run.settings.seeds]
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what the protocol and the aim are called."""
        title = protocol_title(run, self.protocol)
        return {"title": title, "retrain": run.label(RETRAIN)}

    def _row(self, run: Run, pair: tuple[str, str], method: str, seed: int) -> Row:
        """Return what is compared under one seed: a method, Retrain, and the Retrains of further trainings."""
        dataset, backbone = pair
        state = {"dataset": dataset, "protocol": self.protocol, "seed": seed}
        again = run.shadows(backbone, run.shadow_count)
        references = ((backbone, RETRAIN), *((name, RETRAIN) for name in again))
        models = {"method": (backbone, method), "retrain": references[0]}
        models |= {f"again_{number}": model for number, model in enumerate(references[1:], 1)}
        files = {
            "user_groups": places.place(places.USER_GROUPS, **state, backbone=backbone),
            "item_rows": places.place(places.ITEM_ROWS, **state, backbone=backbone),
        }
        for name, (trained, model) in models.items():
            folder = places.place(places.MODEL, **state, backbone=trained, model=model)
            files[f"{name}_per_user"] = f"{folder}/{places.PER_USER}"
            files[f"{name}_lists"] = f"{folder}/{places.RECOMMENDED}"
        labels = common_labels(run, dataset, backbone, None)
        labels["method"] = run.label(method)
        own = {"backbone": backbone, "model": method, "references": references}
        return Row(**state, **own, labels=labels, files=files)
