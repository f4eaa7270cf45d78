"""What the rules of scoring depend on: batches of cells, and the receipts of the jobs that answer them."""

from collections.abc import Collection
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from cragru.config.llms import LlmEntry
from cragru.core.errors import CragruError, Problem, Problems
from cragru.core.names import LABELS, LIKELIHOOD, LISTWISE, NO_FUSION, TRAINING
from cragru.llm.forms import form_module
from cragru.llm.secrets import read_secret
from cragru.plan import places
from cragru.plan.cells import TOGETHER, Cell, cell_of, scored_file
from cragru.plan.project import Project
from cragru.plan.wildcards import Wildcards
from cragru.rerun.digest import code_digest

FETCHING = "fetch_llm"
ASKING = ("score_prompts", "score_requesters")
BATCH = ("dataset", "protocol", "seed", "llm", "form", "cohort")  # what cells of a batch share
ALONE = (
    "backbone",
    "candidates_of",
    "strategy",
    "history",
    "order",
)  # the name of a batch of one cell
# of forms that no engine of an entry answers
ENGINES = {LIKELIHOOD: "cragru.llm.packed_engine", LABELS: "cragru.llm.label_engine"}


class Scoring:
    """What the rules of scoring depend on."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._scoring = project.settings.scoring

    def models(self, converted: bool) -> list[str]:
        """Return names of the models that are converted to files of the run, or of all others: links, and servers."""
        known = self._project.llms.llms
        return [name for name, entry in known.items() if entry.source.is_converted is converted]

    def llm_source(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return where the model comes from."""
        return self._entry(wildcards).model_dump(mode="json", include={"source"})

    def llm_files(self, wildcards: Wildcards) -> list[str]:
        """Return the files of a model that is a folder of this machine: new weights there are another model."""
        return self._entry(wildcards).source.files()

    def llm_service(self, wildcards: Wildcards) -> dict[str, Any]:
        """Return what answers depend on in the model's entry: not its label."""
        return self._entry(wildcards).model_dump(mode="json", exclude={"label"})

    def form_code(self, script: str) -> Any:
        """Return a function that digests a script with the module of a form."""
        return lambda wildcards: code_digest(script, form_module(self.form(wildcards)))

    def engine_code(self, script: str) -> Any:
        """Return a function that digests a script with the modules of the form and of the engine."""
        return lambda wildcards: code_digest(
            script, form_module(self.form(wildcards)), self.engine_module(wildcards)
        )

    def engine_module(self, wildcards: Wildcards) -> str:
        """Return the module of the engine that answers: the form's own, or that of the model's entry."""
        return ENGINES.get(self.form(wildcards)) or self._entry(wildcards).engine_module

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
        """Return the data set's prompt template, of the form if it has one of its own."""
        entry = self._project.registry.datasets[wildcards.dataset]
        return self._project.file(entry.form_prompts.get(self.form(wildcards), entry.prompt))

    def candidates(self, wildcards: Wildcards) -> str:
        """Return the candidates of a cell: of the test lists, or of validation lists, after training rows."""
        template = places.VALIDATION if wildcards.history == TRAINING else places.CANDIDATES
        return places.place(template, **dict(wildcards.items()))

    def all_candidates(self, wildcards: Wildcards) -> list[str]:
        """Return the candidates of all cells of a state: a history that has none of them can be drawn once for all."""
        state = wildcards.dataset, wildcards.protocol, int(wildcards.seed)
        found = {places.place(places.CANDIDATES, **dict(wildcards.items()))}
        for cell in self._project.cells:
            if cell[: len(state)] == state:
                found.add(places.place(places.CANDIDATES, **cell._asdict()))
        return sorted(found)

    def fusion(self, wildcards: Wildcards) -> list[str]:
        """Return the file of the weight that a cell's scores are fused by; nothing where they stand alone."""
        if wildcards.fusion == NO_FUSION:
            return []
        of_training = cell_of(wildcards)._replace(history=TRAINING)
        return [scored_file(of_training, places.FUSION)]

    def form(self, wildcards: Wildcards) -> str:
        """Return the form of a job's prompts; requests are served in the paper's."""
        return wildcards.get("form") or LISTWISE

    def natural_titles(self, wildcards: Wildcards) -> bool:
        """Return whether prompts have articles before titles: the paper's form if so configured, others always."""
        return self._scoring.natural_titles or self.form(wildcards) != LISTWISE

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
        cell = cell_of(wildcards)
        if self._scoring.batch == "state" and cell in self._project.asked:
            return TOGETHER
        return "/".join(getattr(cell, name) for name in ALONE)

    def _batch_files(self, wildcards: Wildcards, name: str) -> list[str]:
        """Return a file of every cell of a batch."""
        return [scored_file(cell, name) for cell in self._batch_cells(wildcards)]

    def _batch_cells(self, wildcards: Wildcards) -> list[Cell]:
        names = {name: wildcards.get(name) for name in BATCH}
        names["seed"] = int(names["seed"])
        if wildcards.batch == TOGETHER:
            of_batch = itemgetter(*BATCH)
            wanted = of_batch(names)
            return [cell for cell in self._project.asked if of_batch(cell._asdict()) == wanted]
        alone = dict(zip(ALONE, wildcards.batch.split("/"), strict=True))
        return [Cell(**names, **alone)]

    def _entry(self, wildcards: Wildcards) -> LlmEntry:
        return self._project.llms.llms[wildcards.llm]

    def _tokenizer(self, wildcards: Wildcards) -> str:
        return self._entry(wildcards).source.tokenizer_of(wildcards.llm)
