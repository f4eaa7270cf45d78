"""What captions and notes of tables and figures say of the run."""

from collections.abc import Iterable

from cragru.plan.rows import Row
from cragru.plan.run import Run


def protocol_title(run: Run, protocol: str) -> str:
    """Return what captions call a protocol."""
    return run.protocols[protocol].title


def scoring_note(run: Run, rows: Iterable[Row]) -> str:
    """Return what captions must say of the LLM's part in some rows: whom it scored, what it saw, which model."""
    if not any(row.cell for row in rows):
        return ""
    scoring, retrieval = run.settings.scoring, run.settings.retrieval
    size = scoring.cohorts[scoring.cohort]
    llm = run.llms.llms[scoring.llm]
    who = f"the first {size} users" if size else "all users"
    length = f"at most {scoring.tokens} tokens"
    if not scoring.tokens:
        length = f"as long as its context of {llm.engine.context} tokens allows"
    return (
        f"Cohort {scoring.cohort}: {who}, in one random order, of those that can be judged. {llm.label} scores the "
        f"{retrieval.candidates} best candidates; prompts are {length}, older history is left out; strategies that "
        f"choose keep at most {retrieval.history} interactions."
    )


def service_note(run: Run) -> str:
    """Return what a table of single requests must say of the LLM's part; nothing without an LLM."""
    llm, length = run.settings.scoring.llm, run.settings.retrieval.candidates
    return f"{run.llms.llms[llm].label} scores the {length} best candidates." if llm else ""
