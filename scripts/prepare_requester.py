"""Write the prompt of each user of a deletion request, from what remains of them; timed as a service that is warm."""

import importlib
from pathlib import Path

import pandas as pd

from cragru.backbones.base import FactorModel
from cragru.core.roles import Role
from cragru.core.seeds import numpy_stream
from cragru.data.parts import read_parts, read_sizes
from cragru.job import stage
from cragru.kept.files import write_json
from cragru.llm.building import PromptBuilder, check_shown, prompt_budget, read_library
from cragru.llm.chat import ChatTokenizer
from cragru.llm.prompts import Template
from cragru.llm.records import write_prompts
from cragru.llm.requester import Desk


def main(job):
    parts = read_parts(
        Path(job.input.record).parent, ["forget", "forget-heldout", "train", "valid"]
    )
    asking = pd.concat([parts["forget"], parts["forget-heldout"]])[
        "user"
    ].unique()  # all that is read of these two
    remaining = pd.concat([parts["train"], parts["valid"]]).sort_values("row", ignore_index=True)
    desk = open_desk(job, remaining)
    others = remaining.loc[~remaining["user"].isin(asking), "user"]
    desk.serve(int(others.iloc[0] if len(others) else asking[0]))  # what only a first time takes
    records, seconds = zip(*(desk.serve(int(user)) for user in sorted(asking)), strict=True)
    check_shown(records, job.params.tokens)
    write_prompts(job.output.prompts, records)
    lengths = {
        name: [getattr(record, name) for record in records] for name in ("tokens", "dropped")
    }
    walls, cpus = (
        [{name: getattr(span, kind) for name, span in stages.items()} for stages in seconds]
        for kind in ("wall", "cpu")
    )
    write_json(job.output.cost, {"seconds": walls, "cpu_seconds": cpus, **lengths})


def open_desk(job, remaining):
    tokenizer, template = ChatTokenizer(job.input.tokenizer), Template.read(job.input.template)
    tokenizer.check_template(template.text, job.input.template)
    budget = prompt_budget(job.params.context, job.params.tokens, job.params.compact)
    words = job.input.item_frame, job.input.user_frame, job.input.statistics
    library = read_library(*words, job.params.show_ratings, job.params.natural_titles)
    strategy, seed = (
        importlib.import_module(job.params.module).load(Path()),
        int(job.wildcards.seed),
    )

    def choose(user, history, candidates):
        limit = len(history) if job.params.limit is None else job.params.limit
        rng = numpy_stream(seed, "retrieve", job.wildcards.strategy, user)
        return strategy.select(history, candidates, limit, rng)

    return Desk(
        scorer=FactorModel.load(job.input.model),
        remaining=remaining,
        items=read_sizes(job.input.statistics)[1],
        length=job.params.length,
        choose=choose,
        builder=PromptBuilder(library, template, tokenizer.counter(job.params.remote), budget),
        order=job.wildcards.order,
        seed=seed,
    )


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
