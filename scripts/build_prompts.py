"""Write a cohort's prompts, of what a strategy kept."""

import logging
from functools import partial

import pandas as pd

from cragru.core.clock import now
from cragru.core.progress import Progress
from cragru.core.roles import Role
from cragru.data.cohort import read_cohort
from cragru.data.frames import INTERACTIONS
from cragru.job import stage
from cragru.kept.files import read_parquet, write_json
from cragru.llm.building import (
    PromptBuilder,
    build_all,
    check_shown,
    prompt_budget,
    read_library,
    shown_order,
)
from cragru.llm.chat import ChatTokenizer, TextTokenizer
from cragru.llm.forms import form_named
from cragru.llm.prompts import Template
from cragru.llm.records import by_user, write_prompts
from cragru.retrieval.columns import CANDIDATES, SELECTION

log = logging.getLogger("cragru")


def main(job):
    candidates = read_parquet(job.input.candidates, CANDIDATES).groupby("user")["item"]
    # a user without a validation row has no validation list
    users = [user for user in read_cohort(job.input.cohort) if user in candidates.groups]
    interactions = read_parquet(job.input.interactions, INTERACTIONS)
    selection = read_parquet(job.input.selection, SELECTION)
    # rows of the remain set alone: see `check_prompts`; what was drawn has no rating
    chosen = selection.join(interactions["rating"], on="row")
    histories = dict(iter(chosen.groupby("user")))
    form, template = form_named(job.wildcards.form), Template.read(job.input.template)
    form.check_template(template, job.input.template)
    tokenizer = (ChatTokenizer if form.is_chat else TextTokenizer)(job.input.model)
    tokenizer.check_template(template.text, job.input.template)
    room = job.params.context, job.params.tokens, job.params.compact
    budget = prompt_budget(*room, form.longest)
    words = job.input.item_frame, job.input.user_frame, job.input.statistics
    library = read_library(*words, job.params.show_ratings, job.params.natural_titles, form.lines)
    count_tokens = tokenizer.counter(job.params.remote)
    builder = PromptBuilder(library, template, count_tokens, budget)
    order, seed = job.wildcards.order, int(job.wildcards.seed)

    def of_user(user):
        shown = shown_order(candidates.get_group(user), order, seed, user)
        return user, histories.get(user, chosen.iloc[:0]), shown, seed

    start = now()
    build = partial(form.records, builder)
    records = build_all(build, map(of_user, Progress(users, "Write prompts", len(users), "user")))
    seconds = now() - start
    check_shown(records, job.params.tokens)
    write_prompts(job.output.prompts, records)
    # several prompts of a user show the same history, and all of them are asked
    counted = pd.DataFrame(
        [
            {"dropped": max(r.dropped for r in own), "tokens": sum(r.tokens for r in own)}
            for own in by_user(records)
        ]
    )
    shortened, lines = int((counted["dropped"] > 0).sum()), int(counted["dropped"].sum())
    log.info(
        "the prompts of %d of %d users were shortened, by %d history lines in all",
        *(shortened, len(users), lines),
    )
    cost = {
        "users": len(users),
        "seconds_per_user": seconds.wall / len(users),
        "cpu_seconds_per_user": seconds.cpu / len(users),
        **counted.mean().to_dict(),
    }
    write_json(job.output.cost, cost)
    return {"shortened": shortened, "lines_dropped": lines}


if __name__ == "__main__":
    stage(snakemake, main, role=Role.RERANKS)
