"""What certificates speak of: what the run's tables and figures show of a request, and nothing more."""

from cragru.core.guarantees import method_guarantee
from cragru.core.names import ORIGINAL
from cragru.core.request import Request
from cragru.plan import places
from cragru.plan.cells import cell_file
from cragru.plan.project import Project
from cragru.plan.requests import service_file
from cragru.plan.rows import Row
from cragru.plan.wildcards import Wildcards

CELL_MANIFESTS = (places.PROMPTS_MANIFEST, places.PROOF_MANIFEST, places.MANIFEST)
BEFORE_A_CELL = (places.CANDIDATES_MANIFEST, places.FIT_MANIFEST, places.SELECTION_MANIFEST)


class Certificates:
    """The certificates of a run, and what each of them is made of: everything follows from the rows that are shown."""

    def __init__(self, project: Project) -> None:
        self._run = project
        self._rows: dict[Request, list[Row]] = {}
        starting = project.protocols_that("forget-first")
        for row in project.rows:
            is_whole, is_start = row.request is None, row.protocol in starting
            if row.protocol is not None and is_start == is_whole:
                request = Request(row.dataset, row.protocol, row.seed, row.request)
                self._rows.setdefault(request, []).append(row)

    def files(self) -> list[str]:
        """Return the certificates of the run: one for each request, and each state whose protocol starts with one."""
        found = []
        for request in self._rows:
            template = places.REQUEST_CERTIFICATE if request.request else places.CERTIFICATE
            name = self._run.settings.run
            found.append(places.place(template, run=name, **request._asdict()))
        return found

    def manifests(self, wildcards: Wildcards) -> list[str]:
        """Return the manifests of everything that a certificate speaks of."""
        names = dict(wildcards.items())
        split = places.split_files(places.REQUEST if "request" in names else places.STATE)
        found = places.filled([places.PREPARED_MANIFEST, split["manifest"]], **names)
        for backbone, model in self.models(wildcards):
            names |= {"backbone": backbone, "model": model, "method": model}
            templates = self._model_templates(model, "request" in names)
            found += places.filled(templates, **names)
        for row in self._rows.get(Request.of(wildcards), []):
            found += self._cell_manifests(row)
        return list(dict.fromkeys(found))

    def models(self, wildcards: Wildcards) -> list[tuple[str, str]]:
        """Return backbones and models of a certificate: those behind its rows, and originals that methods read."""
        found: dict[tuple[str, str], None] = {}
        for row in self._rows.get(Request.of(wildcards), []):
            found.update(dict.fromkeys(row.models))
        for backbone, model in list(found):
            if ORIGINAL in self._run.reads(model):
                found[backbone, ORIGINAL] = None
        return list(found)

    def guarantees(self, wildcards: Wildcards) -> dict[str, str]:
        """Return what the methods of a certificate claim, by their entries in params.yaml."""
        guarantees = {}
        models = {model for _, model in self.models(wildcards)}
        for method in sorted(models - {ORIGINAL}):
            partition = self._run.partition(method)
            reads = self._run.method(method).reads
            guarantees[method] = method_guarantee(reads, partition.module if partition else None)
        return guarantees

    def _model_templates(self, model: str, is_single: bool) -> list[str]:
        """Return where manifests of a model are: of a single request, the original's is the deployed state's."""
        folder = places.REQUEST_MODEL if is_single and model != ORIGINAL else places.MODEL
        found = [f"{folder}/{places.MANIFEST}"]
        if self._run.partition(model) is not None:
            found.append(places.PARTITION_MANIFEST)
            if is_single:
                found.append(places.SHARDS_MANIFEST)
        return found

    def _cell_manifests(self, row: Row) -> list[str]:
        """Return manifests of what an LLM answered: from candidates to lists, or of how a request was served."""
        if row.cell is None:
            return []
        if row.request is not None:
            llm = self._run.settings.scoring.llm
            return [service_file(row.cell, row.request, llm, name) for name in CELL_MANIFESTS]
        found = places.filled(BEFORE_A_CELL, **row.cell._asdict())
        return found + [cell_file(self._run, row.cell, name) for name in CELL_MANIFESTS]
