"""What captions and notes of tables and figures say of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cragru.plan.scoring import Cell

if TYPE_CHECKING:
    from cragru.plan.project import Project


def protocol_title(project: Project, protocol: str) -> str:
    """What captions call a protocol."""
    return project.protocols[protocol].title


def scoring_note(project: Project, cells: Sequence[Cell]) -> str:
    """What captions must say of the LLM's part: whom it scored, what it saw, which model; nothing without cells."""
    if not cells:
        return ""
    scoring, retrieval = project.settings.scoring, project.settings.retrieval
    size, llm = scoring.cohorts[scoring.cohort], project.llms.llms[scoring.llm]
    who = f"the first {size} users" if size else "all users"
    length = f"at most {scoring.tokens} tokens"
    if not scoring.tokens:
        length = f"as long as its context of {llm.engine.context} tokens allows"
    return (
        f"Cohort {scoring.cohort}: {who}, in one random order, of those that can be judged. {llm.label} scores the "
        f"{retrieval.candidates} best candidates; prompts are {length}, older history is left out; strategies other "
        f"than the whole history keep at most {retrieval.history} interactions."
    )


def service_note(project: Project) -> str:
    """What a table of single requests must say of the LLM's part; nothing without an LLM."""
    scoring, retrieval = project.settings.scoring, project.settings.retrieval
    if scoring.llm is None:
        return ""
    return (
        f"{project.llms.llms[scoring.llm].label} scores the {retrieval.candidates} best candidates."
    )
