"""What the rules of scoring depend on: batches of cells, and the receipts of the jobs that answer them."""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

from cragru.config.llms import LlmEntry
from cragru.core.errors import CragruError, Problem, Problems
from cragru.llm.secrets import read_secret
from cragru.plan import places
from cragru.plan.cells import TOGETHER, Cell, cell_file, cell_of
from cragru.plan.project import Project
from cragru.plan.wildcards import Wildcards
from cragru.rerun.digest import code_digest

FETCHING = "fetch_llm"
ASKING = ("score_prompts", "score_requesters")


class Scoring:
    """What the rules of scoring depend on."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._scoring = project.settings.scoring

    def llm_source(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return where the model comes from."""
        return self._entry(wildcards).model_dump(mode="json", include={"source"})

    def llm_files(self, wildcards: Wildcards) -> list[str]:
        """Return the files of a model that is a folder of this machine: new weights there are another model."""
        return self._entry(wildcards).source.files()

    def llm_service(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what answers depend on in the model's entry: not its label."""
        return self._entry(wildcards).model_dump(mode="json", exclude={"label"})

    def engine_code(self, script: str) -> Any:
        """Return a function that digests a script with the module of the engine."""
        return lambda wildcards: code_digest(script, self._entry(wildcards).engine_module)

    def context(self, wildcards: Wildcards) -> int:
        """Return the most tokens of a prompt and its answer together."""
        return self._entry(wildcards).engine.context

    def is_remote(self, wildcards: Wildcards) -> bool:
        """Return whether a server answers, which turns prompts into tokens itself."""
        return self._entry(wildcards).source.is_remote

    def is_compact(self, wildcards: Wildcards) -> bool:
        """Return whether answers have no blanks, and so need no room for them."""
        return self._entry(wildcards).source.is_compact

    def check_secrets(self, jobs: Collection[tuple[str, Wildcards]]) -> list[Problem]:
        """Refuse a run, before its first job, of whose jobs one will lack its key or token.

        Stored answers need no key. Where there are some, nobody knows yet whether one is missing.

        Args:
            jobs: The rule and the wildcards of each job that is to run.

        Returns:
            What may be lacking.

        Raises:
            CragruError: If something will be.
        """
        fetched = {wildcards.llm for rule, wildcards in jobs if rule == FETCHING}
        asked = {wildcards.llm for rule, wildcards in jobs if rule in ASKING}
        found: dict[bool, list[Problem]] = {True: [], False: []}
        for name in sorted(fetched | asked):
            source = self._project.llms.llms[name].source
            if source.secret and (name in fetched or source.is_remote):
                stored = Path(places.place(places.ANSWERS, llm=name)).glob("*.json")
                problems = Problems()
                problems.take(partial(read_secret, source.secret))
                found[source.is_remote and any(stored)] += [
                    one.within(name) for one in problems.found
                ]
        if found[False]:
            raise CragruError.of(found[False])
        return found[True]

    def threads(self, wildcards: Wildcards) -> int:
        """Return CPU threads of the engine: Snakemake gives no more than there are cores; one for a server."""
        return 1 if self.is_remote(wildcards) else self._entry(wildcards).engine.threads

    def gpus(self, wildcards: Wildcards) -> int:
        """Return GPUs that a scoring job asks for: none for a server, which has its own."""
        return 0 if self.is_remote(wildcards) else self._project.gpus

    def machine(self, wildcards: Wildcards) -> int:
        """Return shares of the machine that a scoring job asks for: a server's is another one."""
        return 1 if self.is_remote(wildcards) else self._project.machine

    def tokenizer_folder(self, wildcards: Wildcards) -> str:
        """Return the model folder of the LLM, or of the one that counts tokens in a server's stead."""
        return places.place(places.LLM_FOLDER, llm=self._tokenizer(wildcards))

    def tokenizer_manifest(self, wildcards: Wildcards) -> str:
        """Return the manifest of the tokenizer's folder."""
        return places.place(places.LLM_MANIFEST, llm=self._tokenizer(wildcards))

    def template(self, wildcards: Wildcards) -> str:
        """Return the data set's prompt template."""
        entry = self._project.registry.datasets[wildcards.dataset]
        return self._project.file(entry.prompt)

    def cohort_size(self, wildcards: Wildcards) -> int | None:
        """Return how many users the cohort is to have, or None for all."""
        return self._scoring.cohorts[wildcards.cohort]

    def is_of_forgetting_users(self, wildcards: Wildcards) -> bool:
        """Return whether users of a cohort must have forgotten something: where no whole users are forgotten."""
        return self._project.protocols[wildcards.protocol].forget.kind == "interactions"

    def prompts(self, wildcards: Wildcards) -> list[str]:
        """Return the prompts of every cell of a batch."""
        return self._batch_files(wildcards, places.PROMPTS)

    def proofs(self, wildcards: Wildcards) -> list[str]:
        """Return the proofs that belong to these prompts."""
        return self._batch_files(wildcards, places.PROOF)

    def receipts(self, wildcards: Wildcards) -> list[str]:
        """Return the receipts of all jobs that answer a part of a cell's batch."""
        names: dict[str, Any] = dict(wildcards.items())
        names |= {"batch": self._batch_of(wildcards), "shares": self._scoring.jobs}
        shares = range(1, self._scoring.jobs + 1)
        return [places.place(places.RECEIPT, **names, share=share) for share in shares]

    def _batch_of(self, wildcards: Wildcards) -> str:
        """Return the batch that a cell is answered in, as the path of its receipts has it.

        What this run's tables and figures do not show, but a target asks for, is a batch of its own.
        """
        cell, scoring = cell_of(wildcards), self._scoring
        is_of_run = (wildcards.llm, wildcards.cohort) == (scoring.llm, scoring.cohort)
        if scoring.batch == "state" and is_of_run and cell in self._project.cells:
            return TOGETHER
        return f"{cell.backbone}/{cell.candidates_of}/{cell.strategy}/{cell.order}"

    def _batch_files(self, wildcards: Wildcards, name: str) -> list[str]:
        """Return a file of every cell of a batch."""
        cells = self._batch_cells(wildcards)
        of_llm = wildcards.llm, wildcards.cohort
        return [cell_file(self._project, cell, name, *of_llm) for cell in cells]

    def _batch_cells(self, wildcards: Wildcards) -> list[Cell]:
        state = wildcards.dataset, wildcards.protocol, int(wildcards.seed)
        if wildcards.batch == TOGETHER:
            return [cell for cell in self._project.cells if cell[: len(state)] == state]
        return [Cell(*state, *wildcards.batch.split("/"))]

    def _entry(self, wildcards: Wildcards) -> LlmEntry:
        return self._project.llms.llms[wildcards.llm]

    def _tokenizer(self, wildcards: Wildcards) -> str:
        return self._entry(wildcards).source.tokenizer_of(wildcards.llm)
