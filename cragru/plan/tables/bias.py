"""Tables of whom unlearning hurt ("Table V"): NDCG@10 and lists of ten under mask B."""

from typing import Any, ClassVar, Literal

from cragru.core.names import ORIGINAL, RETRAIN
from cragru.plan import places
from cragru.plan.rows import Row, common_labels, pairs_of
from cragru.plan.run import Run
from cragru.plan.tables.base import AgainstReplicate, Entries, LeastUsers, Table
from cragru.plan.words import protocol_title


class BiasTable(AgainstReplicate, Table):
    """A table of whom unlearning hurt ("Table V"): NDCG@10 and lists of ten under mask B."""

    maker: ClassVar[str] = "cragru.reporting.bias_table"

    kind: Literal["bias"]
    least_users: LeastUsers = 20

    def rows(self, run: Run, tables: Entries) -> list[Row]:
        """Return the original and every method but Retrain, each under every seed."""
        rows = []
        for pair in pairs_of(run):
            for method in [ORIGINAL, *run.settings.methods]:
                if method not in (RETRAIN, self.replicate):
                    rows += [self._row(run, pair, method, seed) for seed in run.settings.seeds]
        return rows

    def words(self, run: Run, tables: Entries) -> dict[str, Any]:
        """Return what the protocol and the null are called."""
        title = protocol_title(run, self.protocol)
        return {"title": title, "replicate": run.label(self.replicate)}

    def _row(self, run: Run, pair: tuple[str, str], method: str, seed: int) -> Row:
        """Return what is compared under one seed: a method, Retrain, and Retrain with other random streams."""
        dataset, backbone = pair
        names = {"dataset": dataset, "protocol": self.protocol, "seed": seed, "backbone": backbone}
        files = {
            "user_groups": places.place(places.USER_GROUPS, **names),
            "item_rows": places.place(places.ITEM_ROWS, **names),
        }
        models = {"method": method, "retrain": RETRAIN, "replicate": self.replicate}
        for name, model in models.items():
            folder = places.place(places.MODEL, **names, model=model)
            files[f"{name}_per_user"] = f"{folder}/{places.PER_USER}"
            files[f"{name}_lists"] = f"{folder}/{places.RECOMMENDED}"
        references = (RETRAIN, self.replicate)
        labels = common_labels(run, dataset, backbone, None)
        labels["method"] = run.label(method)
        return Row(**names, model=method, references=references, labels=labels, files=files)
