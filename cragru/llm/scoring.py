"""Score the prompts of many cells with one engine: chunk by chunk, each kept as soon as it is answered."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from cragru.core.clock import counts_cpu, now
from cragru.core.errors import CragruError
from cragru.core.progress import Progress
from cragru.llm.base import Answer, Engine, Question, union
from cragru.llm.forms.base import Form
from cragru.llm.forms.listwise import FORM as PAPER_FORM
from cragru.llm.records import PromptRecord, by_user
from cragru.llm.store import CELLS, AnswerStore, chunk_key

log = logging.getLogger(__name__)

CUT = "if it was cut, give the model more context, or take fewer candidates"


@dataclass(frozen=True)
class Chunk:
    """Prompts of a cell's file that are answered together, and always together; chunks of a cell count from 0.

    Attributes:
        others: Chunks of other cells that ask the same, with candidates of their own: one answer serves all.
    """

    cell: str
    number: int
    records: Sequence[PromptRecord]
    form: Form
    others: tuple["Chunk", ...] = ()

    @property
    def served(self) -> tuple["Chunk", ...]:
        """The chunk and all that it is answered for."""
        return self, *self.others

    def questions(self) -> list[Question]:
        """Return what the engine is asked; where forms share questions, with the candidates of all cells."""
        asked = [list(map(self.form.question, chunk.records)) for chunk in self.served]
        return list(map(union, zip(*asked, strict=True))) if self.form.is_shared else asked[0]

    def users(self) -> list[list[PromptRecord]]:
        """Return the prompts of each user."""
        return by_user(self.records)


def cut_chunks(
    cells: Mapping[str, Sequence[PromptRecord]], size: int, form: Form = PAPER_FORM
) -> list[Chunk]:
    """Cut each cell's prompts into chunks of `size` users; the last of a cell may be shorter.

    A cohort that grows keeps its full chunks, for its users keep their order. Where the form shares questions, chunks
    of several cells with the same prompts are one. A cell more in a batch may bring candidates, and then has these
    chunks answered anew.
    """
    chunks = []
    for cell, records in cells.items():
        users = by_user(records)
        for first in range(0, len(users), size):
            own = list(chain.from_iterable(users[first : first + size]))
            chunks.append(Chunk(cell, first // size, own, form))
    return _joined(chunks) if form.is_shared else chunks


def _joined(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Return one chunk for all that have the same prompts."""
    alike: dict[tuple[str, ...], list[Chunk]] = {}
    for chunk in chunks:
        prompts = tuple(question.prompt for question in chunk.questions())
        alike.setdefault(prompts, []).append(chunk)
    return [replace(first, others=tuple(rest)) for first, *rest in alike.values()]


def share_of(chunks: Sequence[Chunk], share: int, shares: int) -> list[Chunk]:
    """Return every `shares`-th chunk, from the `share`-th (counted from 1): the part of one job among several."""
    return list(chunks[share - 1 :: shares])


def score_chunks(
    chunks: Sequence[Chunk], engine: Engine, store: AnswerStore
) -> dict[str, dict[str, str]]:
    """Have every chunk answered, out of the store where it was answered before. An engine starts where one is missing.

    Returns:
        A receipt: the key of each chunk, by cell and number (`cragru.llm.collecting.Receipt`).

    Raises:
        CragruError: If an answer is cut or is not what the pattern allows; the chunks before it are kept.
    """
    keys: dict[str, dict[str, str]] = {}
    wanted: set[str] = set()
    missing: dict[str, Chunk] = {}
    for chunk in chunks:
        key = chunk_key(engine.settings, chunk.questions())
        for served in chunk.served:
            keys.setdefault(served.cell, {})[str(served.number)] = key
        wanted.add(key)
        if key not in store:
            missing[key] = chunk  # equal prompts of two cells are one chunk
    known = len(wanted) - len(missing)
    log.info("%d of %d chunks of prompts are answered already", known, len(wanted))
    _answer(missing, engine, store)
    return keys


def _answer(missing: Mapping[str, Chunk], engine: Engine, store: AnswerStore) -> None:
    if not missing:
        return
    log.info("the engine started in %.1f s", engine.start_seconds)
    sizes = {key: len(chunk.users()) for key, chunk in missing.items()}
    users = sum(sizes.values())
    progress = Progress(missing, "Score prompts", users, "user", weight=sizes.get)
    begun, done, tokens = time.monotonic(), 0, 0
    for key in progress:
        chunk = missing[key]
        start = now()
        answers = engine.ask(chunk.questions())
        seconds = now() - start
        _check_answers(chunk, answers)
        start_seconds, device = engine.start_seconds, engine.settings["device"]
        cost = {"seconds": seconds.wall, "start_seconds": start_seconds, "device": device}
        if counts_cpu(device):  # what a server's CPU does nobody here knows
            cost["cpu_seconds"] = seconds.cpu
        if chunk.others:
            cost[CELLS] = len(chunk.served)
        store.keep(key, answers, cost)
        done += sizes[key]
        tokens += sum(answer.prompt_tokens + answer.answer_tokens for answer in answers)
        elapsed = time.monotonic() - begun
        left = elapsed / done * (users - done)
        progress.show(tokens_per_second=tokens / elapsed, seconds_left=left)
    if stripped := store.stripped(missing):
        log.info("%d of %d answers had additions, which were left out", stripped, users)


def _check_answers(chunk: Chunk, answers: Sequence[Answer]) -> None:
    waiting = iter(answers)
    for records in chunk.users():
        place = f"{chunk.cell}: user {records[0].user}"
        own = list(islice(waiting, len(records)))
        for answer in own:
            reason, tokens = answer.finish_reason, answer.answer_tokens
            if reason != "stop":
                raise CragruError(
                    f"no stop after {tokens} tokens", place=place, got=reason, advice=CUT
                )
        chunk.form.scores(records, own, place)
