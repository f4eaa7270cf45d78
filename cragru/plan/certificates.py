"""What certificates speak of: what the run's tables and figures show of a request, and nothing more."""

from cragru.core.guarantees import method_guarantee
from cragru.core.names import ORIGINAL
from cragru.plan import places
from cragru.plan.cells import cell_file
from cragru.plan.project import Project
from cragru.plan.requests import service_file
from cragru.plan.rows import Row
from cragru.plan.wildcards import Wildcards

CELL_MANIFESTS = (places.PROMPTS_MANIFEST, places.PROOF_MANIFEST, places.MANIFEST)


class Certificates:
    """The certificates of a run, and what each of them is made of: everything follows from the rows that are shown."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def files(self) -> list[str]:
        """The certificates of the run: one for each state whose protocol starts with a request, and each request."""
        found: dict[str, None] = {}
        for row in self._project.rows:
            if not self._is_certified(row):
                continue
            template = places.CERTIFICATE if row.request is None else places.REQUEST_CERTIFICATE
            names = {
                "dataset": row.dataset,
                "protocol": row.protocol,
                "seed": row.seed,
                "request": row.request,
            }
            found[places.place(template, run=self._project.settings.run, **names)] = None
        return list(found)

    def manifests(self, wildcards: Wildcards) -> list[str]:
        """The manifests of everything that a certificate speaks of."""
        names = dict(wildcards.items())
        split = places.split_files(places.REQUEST if "request" in names else places.STATE)[
            "manifest"
        ]
        found = [places.place(places.PREPARED_MANIFEST, **names), places.place(split, **names)]
        return [*found, *self._model_manifests(wildcards), *self._cell_manifests(wildcards)]

    def models(self, wildcards: Wildcards) -> list[tuple[str, str]]:
        """Backbones and models of a certificate: what is behind its rows, and the original where it was read."""
        found: dict[tuple[str, str], None] = {}
        for row in self._rows(wildcards):
            found.update(dict.fromkeys(row.models))
        for backbone, model in list(found):
            if model != ORIGINAL and self._is_from_original(model):
                found[backbone, ORIGINAL] = None
        return list(found)

    def guarantees(self, wildcards: Wildcards) -> dict[str, str]:
        """What the methods of a certificate claim, by their entries in params.yaml."""
        methods = {model for _, model in self.models(wildcards) if model != ORIGINAL}
        guarantees = {}
        for method in sorted(methods):
            partition = self._project.partition(method)
            reads = self._project.params.methods[method].reads
            guarantees[method] = method_guarantee(reads, partition.module if partition else None)
        return guarantees

    def _is_certified(self, row: Row) -> bool:
        """Whether a row is of a deletion request: the one that its protocol starts with, or a single one."""
        if row.protocol is None:
            return False
        starts_with_it = self._project.protocols[row.protocol].order == "forget-first"
        return starts_with_it == (row.request is None)

    def _rows(self, wildcards: Wildcards) -> list[Row]:
        """The rows that a certificate speaks of."""
        wanted = (
            wildcards.dataset,
            wildcards.protocol,
            int(wildcards.seed),
            wildcards.get("request"),
        )
        rows = self._project.rows
        return [row for row in rows if (row.dataset, row.protocol, row.seed, row.request) == wanted]

    def _is_from_original(self, model: str) -> bool:
        """Whether a method, or its partition, reads the model before the request."""
        partition = self._project.partition(model)
        reads = [
            *self._project.params.methods[model].reads,
            *(partition.reads if partition else []),
        ]
        return ORIGINAL in reads

    def _model_manifests(self, wildcards: Wildcards) -> list[str]:
        """Manifests of models: after the request in a folder of its own, before it in the deployed state's."""
        found, own = [], dict(wildcards.items())
        is_single = "request" in own
        for backbone, model in self.models(wildcards):
            names = {**own, "backbone": backbone, "model": model, "method": model}
            folder = places.REQUEST_MODEL if is_single and model != ORIGINAL else places.MODEL
            found.append(f"{places.place(folder, **names)}/{places.MANIFEST}")
            if model != ORIGINAL and self._project.partition(model) is not None:
                found.append(places.place(places.PARTITION_MANIFEST, **names))
                found += [places.place(places.SHARDS_MANIFEST, **names)] if is_single else []
        return found

    def _cell_manifests(self, wildcards: Wildcards) -> list[str]:
        """Manifests of what an LLM answered: from candidates to lists, or of how a request was served."""
        found: dict[str, None] = {}
        for row in self._rows(wildcards):
            if row.cell is None:
                continue
            if row.request is not None:
                llm = self._project.settings.scoring.llm
                own = [service_file(row.cell, row.request, llm, name) for name in CELL_MANIFESTS]
            else:
                before = (
                    places.CANDIDATES_MANIFEST,
                    places.FIT_MANIFEST,
                    places.SELECTION_MANIFEST,
                )
                own = [places.place(template, **row.cell._asdict()) for template in before]
                own += [cell_file(self._project, row.cell, name) for name in CELL_MANIFESTS]
            found.update(dict.fromkeys(own))
        return list(found)
