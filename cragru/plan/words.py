"""What captions and notes of tables and figures say of the run."""

from collections.abc import Iterable

from cragru.core.names import ENCODER, LABELS, LIKELIHOOD, LISTWISE
from cragru.plan.rows import Row
from cragru.plan.run import Run

FORM_NOTES = {
    LISTWISE: "{llm} scores the {count} best candidates in one answer; {length}, older history is left out.",
    LIKELIHOOD: "{llm} scores the {count} best candidates by how likely their titles are after the history.",
    LABELS: "{llm} scores the {count} best candidates by how likely the letter of each is.",
    ENCODER: "{llm} as an encoder: the {count} best candidates are scored by the mean cosine of their vectors to those "
    "of the history.",
}


def protocol_title(run: Run, protocol: str) -> str:
    """Return what captions call a protocol."""
    return run.protocols[protocol].title


def scoring_note(run: Run, rows: Iterable[Row]) -> str:
    """Return what captions must say of the LLM's part in some rows: whom it scored, what it saw, which model."""
    cells = [row.cell for row in rows if row.cell]
    if not cells:
        return ""
    scoring, retrieval = run.settings.scoring, run.settings.retrieval
    told = [_cohort_note(run, cohort) for cohort in dict.fromkeys(cell.cohort for cell in cells)]
    for name, form in dict.fromkeys((cell.llm, cell.form) for cell in cells):
        llm = run.llms.llms[name]
        length = f"prompts are at most {scoring.tokens} tokens"
        if not scoring.tokens:
            length = f"prompts are as long as its context of {llm.engine.context} tokens allows"
        told.append(
            FORM_NOTES[form].format(llm=llm.label, count=retrieval.candidates, length=length)
        )
    told.append(f"Strategies that choose keep at most {retrieval.history} interactions.")
    return " ".join(told)


def _cohort_note(run: Run, cohort: str) -> str:
    """Return who a cohort is."""
    size = run.settings.scoring.cohorts[cohort]
    who = f"the first {size} users" if size else "all users"
    return f"Cohort {cohort}: {who}, in one random order, of those that can be judged."


def service_note(run: Run) -> str:
    """Return what a table of single requests must say of the LLM's part; nothing without an LLM."""
    llm, length = run.settings.scoring.llm, run.settings.retrieval.candidates
    return f"{run.llms.llms[llm].label} scores the {length} best candidates." if llm else ""
