"""What an LLM answers: cells, the batches they are answered in, and the receipts of the jobs that do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from cragru.config.llms import LlmEntry
from cragru.plan import places
from cragru.plan.wildcards import Wildcards
from cragru.rerun.digest import code_digest

if TYPE_CHECKING:
    from cragru.plan.project import Project

TABLE_STRATEGY = "none"  # what Table II shows of CRAGRU, as in the paper
SHOWN, SHUFFLED = "backbone", "shuffled"  # orders of the candidates in a prompt
ORDERS = (SHOWN, SHUFFLED)
TOGETHER = "together"  # the batch of all cells, or all requests, of a state


class Cell(NamedTuple):
    """One way to make a cohort's prompts; the fields are the wildcards of its path."""

    dataset: str
    protocol: str
    seed: int
    backbone: str
    candidates_of: str
    strategy: str
    order: str

    @property
    def state(self) -> dict[str, str | int]:
        """Its data set, protocol and seed, by name."""
        return {"dataset": self.dataset, "protocol": self.protocol, "seed": self.seed}

    @property
    def pair(self) -> tuple[str, str]:
        """Its data set and backbone."""
        return self.dataset, self.backbone


def cell_file(
    project: Project, cell: Cell, name: str, llm: str | None = None, cohort: str | None = None
) -> str:
    """A file of a cell: of the run's LLM and cohort, unless others are asked for."""
    scoring = project.settings.scoring
    folder = places.place(
        places.CELL, **cell._asdict(), llm=llm or scoring.llm, cohort=cohort or scoring.cohort
    )
    return f"{folder}/{name}"


def plain_cells(project: Project, protocol: str) -> list[Cell]:
    """CRAGRU as in the paper's Table II, on every backbone; none where the run has no LLM."""
    return list(_grid(project, protocol, project.settings.backbones, [TABLE_STRATEGY]))


def compared_cells(project: Project, protocol: str) -> list[Cell]:
    """Those of them that are on the backbones to compare on."""
    return [
        cell
        for cell in plain_cells(project, protocol)
        if cell.backbone in project.settings.scoring.compare_on
    ]


def shuffled_cells(project: Project, protocol: str) -> list[Cell]:
    """The controls of these: the same with shuffled candidates."""
    return [cell._replace(order=SHUFFLED) for cell in compared_cells(project, protocol)]


def strategy_cells(project: Project, protocol: str) -> list[Cell]:
    """Every strategy, on the backbones to compare on."""
    settings = project.settings
    return list(
        _grid(project, protocol, settings.scoring.compare_on, settings.retrieval.strategies)
    )


def _grid(
    project: Project, protocol: str, backbones: Sequence[str], strategies: Sequence[str]
) -> Iterator[Cell]:
    settings = project.settings
    if settings.scoring.llm is None:
        return
    grid = product(
        settings.datasets, backbones, settings.retrieval.candidates_of, strategies, settings.seeds
    )
    for dataset, backbone, candidates_of, strategy, seed in grid:
        yield Cell(dataset, protocol, seed, backbone, candidates_of, strategy, SHOWN)


class Scoring:
    """What the rules of scoring depend on."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def llm_source(self, wildcards: Wildcards) -> dict[str, Any]:
        """Where the model comes from."""
        return self._entry(wildcards).model_dump(mode="json", include={"source"})

    def llm_files(self, wildcards: Wildcards) -> list[str]:
        """The files of a model that is a folder of this machine: new weights there are another model."""
        return self._entry(wildcards).source.files()

    def llm_service(self, wildcards: Wildcards) -> dict[str, Any]:
        """What answers depend on in the model's entry: not its label."""
        return self._entry(wildcards).model_dump(mode="json", exclude={"label"})

    def engine_code(self, script: str) -> Any:
        """A function that digests a script with the module of the engine."""
        return lambda wildcards: code_digest(script, self._entry(wildcards).engine_module)

    def context(self, wildcards: Wildcards) -> int:
        """Most tokens of a prompt and its answer together."""
        return self._entry(wildcards).engine.context

    def is_remote(self, wildcards: Wildcards) -> bool:
        """Whether a server answers, which turns prompts into tokens itself."""
        return self._entry(wildcards).source.is_remote

    def threads(self, wildcards: Wildcards) -> int:
        """CPU threads of the engine at the most, for Snakemake gives no more than there are cores; one for a server."""
        entry = self._entry(wildcards)
        return 1 if entry.source.is_remote else entry.engine.threads

    def gpus(self, wildcards: Wildcards) -> int:
        """GPUs that a scoring job asks for: none for a server, which has its own."""
        return 0 if self._entry(wildcards).source.is_remote else self._project.gpus

    def tokenizer_folder(self, wildcards: Wildcards) -> str:
        """Model folder of the LLM, or of the one that counts tokens in a server's stead."""
        return places.place(places.LLM_FOLDER, llm=self._tokenizer(wildcards))

    def tokenizer_manifest(self, wildcards: Wildcards) -> str:
        """The manifest of the tokenizer's folder."""
        return places.place(places.LLM_MANIFEST, llm=self._tokenizer(wildcards))

    def template(self, wildcards: Wildcards) -> str:
        """The data set's prompt template."""
        return self._project.file(self._project.registry.datasets[wildcards.dataset].prompt)

    def cohort_size(self, wildcards: Wildcards) -> int | None:
        """How many users the cohort is to have, or None for all."""
        return self._project.settings.scoring.cohorts[wildcards.cohort]

    def is_of_forgetting_users(self, wildcards: Wildcards) -> bool:
        """Whether the cohort's users must have forgotten something: where interactions are forgotten, not users."""
        return self._project.protocols[wildcards.protocol].forget.kind == "interactions"

    def prompts(self, wildcards: Wildcards) -> list[str]:
        """The prompts of every cell of a batch."""
        return self._batch_files(wildcards, places.PROMPTS)

    def proofs(self, wildcards: Wildcards) -> list[str]:
        """The proofs that belong to these prompts."""
        return self._batch_files(wildcards, places.PROOF)

    def receipts(self, wildcards: Wildcards) -> list[str]:
        """The receipts of all jobs that answer a part of a cell's batch."""
        shares = self._project.settings.scoring.jobs
        names = {**dict(wildcards.items()), "batch": self._batch_of(wildcards), "shares": shares}
        return [
            places.place(places.RECEIPT, **names, share=share) for share in range(1, shares + 1)
        ]

    def _batch_of(self, wildcards: Wildcards) -> str:
        """The batch that a cell is answered in, as the path of its receipts has it.

        What this run's tables and figures do not show, but a target asks for, is a batch of its own.
        """
        cell = cell_of(wildcards)
        scoring = self._project.settings.scoring
        is_of_run = (wildcards.llm, wildcards.cohort) == (
            scoring.llm,
            scoring.cohort,
        ) and cell in self._project.cells
        if scoring.batch == "state" and is_of_run:
            return TOGETHER
        return f"{cell.backbone}/{cell.candidates_of}/{cell.strategy}/{cell.order}"

    def _batch_files(self, wildcards: Wildcards, name: str) -> list[str]:
        """A file of every cell of a batch."""
        llm, cohort = wildcards.llm, wildcards.cohort
        return [
            cell_file(self._project, cell, name, llm, cohort)
            for cell in self._batch_cells(wildcards)
        ]

    def _batch_cells(self, wildcards: Wildcards) -> list[Cell]:
        state = {
            "dataset": wildcards.dataset,
            "protocol": wildcards.protocol,
            "seed": int(wildcards.seed),
        }
        if wildcards.batch == TOGETHER:
            return [cell for cell in self._project.cells if cell.state == state]
        return [Cell(*state.values(), *wildcards.batch.split("/"))]

    def _entry(self, wildcards: Wildcards) -> LlmEntry:
        return self._project.llms.llms[wildcards.llm]

    def _tokenizer(self, wildcards: Wildcards) -> str:
        return self._entry(wildcards).source.tokenizer_of(wildcards.llm)


def cell_of(wildcards: Wildcards) -> Cell:
    """The cell whose file is wanted."""
    names = {name: getattr(wildcards, name) for name in Cell._fields}
    return Cell(**names | {"seed": int(names["seed"])})
