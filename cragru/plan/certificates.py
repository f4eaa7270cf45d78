"""What certificates speak of: what the run shows of a request, and the models that its own requests leave."""

from cragru.core.guarantees import method_guarantee
from cragru.core.names import NO_FUSION, ORIGINAL, OWN, TRAINING
from cragru.core.request import Request
from cragru.plan import places
from cragru.plan.project import Project
from cragru.plan.requests import service_file, service_rows
from cragru.plan.rows import Row
from cragru.plan.wildcards import Wildcards

SERVICE_MANIFESTS = (places.PROMPTS_MANIFEST, places.PROOF_MANIFEST, places.MANIFEST)
BEFORE_A_CELL = (places.CANDIDATES_MANIFEST, places.FIT_MANIFEST, places.SELECTION_MANIFEST)
OF_CONTROLS = (places.CANDIDATES_MANIFEST, places.CONTROLS_MANIFEST)
OF_SCORES = f"{places.SCORED}/{places.MANIFEST}"
OF_PROMPTS = (
    f"{places.SCORED}/{places.PROMPTS_MANIFEST}",
    f"{places.SCORED}/{places.PROOF_MANIFEST}",
    OF_SCORES,
)
OF_VECTORS = (places.VECTORS_MANIFEST, OF_SCORES)
OF_WEIGHTS = (places.SELECTION_MANIFEST, f"{places.SCORED}/{places.FUSION_MANIFEST}")


class Certificates:
    """The certificates of a run, and what each of them is made of: everything follows from rows."""

    def __init__(self, project: Project) -> None:
        self._run = project
        self._rows: dict[Request, list[Row]] = {}
        starting = project.protocols_that("forget-first")
        served = service_rows(project)
        self._served = {_request(row) for row in served}
        for row in [*project.rows, *served]:
            is_whole, is_start = row.request is None, row.protocol in starting
            if row.protocol is not None and is_start == is_whole:
                self._rows.setdefault(_request(row), []).append(row)

    def files(self) -> list[str]:
        """Return the certificates of the run: one for each request, and each state whose protocol starts with one."""
        return list(map(self._file, self._rows))

    def served(self, wildcards: Wildcards | None = None) -> list[str]:
        """Return the certificates of the run's own requests, in the order in which they are served."""
        return [self._file(request) for request in self._rows if request in self._served]

    def requests_files(self) -> list[str]:
        """Return what `snakemake requests` makes; nothing where the configuration has no requests."""
        if not self._served:
            return []
        name = self._run.settings.run
        shown = places.ended(places.IN_SERVICE, places.IN_SERVICE_ENDINGS).values()
        return [*self.served(), *places.filled(shown, run=name)]

    def manifests(self, wildcards: Wildcards) -> list[str]:
        """Return the manifests of everything that a certificate speaks of."""
        names = dict(wildcards.items())
        split = places.split_files(places.REQUEST if "request" in names else places.STATE)
        found = places.filled([places.PREPARED_MANIFEST, split["manifest"]], **names)
        for backbone, model in self.models(wildcards):
            names |= {"backbone": backbone, "model": model, "method": model}
            found += self._model_manifests(model, names)
        for row in self._rows.get(Request.of(wildcards), []):
            found += self._cell_manifests(row)
        return list(dict.fromkeys(found))

    def models(self, wildcards: Wildcards) -> list[tuple[str, str]]:
        """Return backbones and models of a certificate: those behind its rows, and originals that methods read."""
        found: dict[tuple[str, str], None] = {}
        for row in self._rows.get(Request.of(wildcards), []):
            found.update(dict.fromkeys(row.models))
        is_first = self._run.previous(wildcards.protocol, wildcards.get("request")) is None
        for backbone, model in list(found):
            if is_first and ORIGINAL in self._run.reads(model):
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

    def _file(self, request: Request) -> str:
        """Return the certificate of a request."""
        template = places.REQUEST_CERTIFICATE if request.request else places.CERTIFICATE
        return places.place(template, run=self._run.settings.run, **request._asdict())

    def _model_manifests(self, model: str, names: dict[str, str]) -> list[str]:
        """Return the manifests of a model, and of what it was made from: of a single request, what served before it."""
        request = names.get("request")
        is_single = request is not None and model != ORIGINAL
        of_request = f"{places.REQUEST_MODEL}/{places.MANIFEST}"
        found = [of_request if is_single else f"{places.MODEL}/{places.MANIFEST}"]
        previous = self._run.previous(names["protocol"], request)
        if (
            previous is not None and is_single
        ):  # its model before, whether it reads that or not: a purge deletes it
            before = places.place(of_request, **names | {"request": previous})
            return [*places.filled(found, **names), before]
        if self._run.partition(model) is not None:
            found.append(places.PARTITION_MANIFEST)
            if is_single:
                found.append(places.SHARDS_MANIFEST)
        return places.filled(found, **names)

    def _cell_manifests(self, row: Row) -> list[str]:
        """Return manifests of what an LLM answered: from candidates to lists, or of how a request was served.

        Of an order that no LLM takes part in: of the candidates and of the weights.
        """
        if row.candidates_of is not None:
            return places.filled(OF_CONTROLS, **vars(row))
        if row.cell is None:
            return []
        if row.request is not None:
            return [service_file(row.cell, row.request, name) for name in SERVICE_MANIFESTS]
        if row.cell.history != OWN:  # nobody is served so
            return []
        asked = OF_PROMPTS if row.cell.has_prompts else OF_VECTORS
        templates = [*BEFORE_A_CELL, *asked, f"{places.CELL}/{places.MANIFEST}"]
        if self._run.settings.scoring.controls:
            templates.append(places.CONTROLS_MANIFEST)
        found = places.filled(templates, **row.cell._asdict())
        if row.cell.fusion != NO_FUSION:
            weighed = row.cell._replace(history=TRAINING)._asdict()
            found += places.filled([*OF_WEIGHTS, *asked], **weighed)
        return found


def _request(row: Row) -> Request:
    return Request(row.dataset, row.protocol, row.seed, row.request)
