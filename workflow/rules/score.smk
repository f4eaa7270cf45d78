# CRAGRU's augmentation and generation: prompts of a cohort, proof of what they hold, an LLM's scores, new lists.
rule cohort:
    input:
        forget=rules.split.output.forget,
        test=rules.split.output.test,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        cohort=places.COHORT,
    log:
        f"{places.LOGS}/cohort/{places.OF_STATE}/{{cohort}}.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        size=scoring.cohort_size,
        forgotten_only=scoring.is_of_forgetting_users,
        code=code_digest("scripts/cohort.py"),
    message:
        "Draw cohort {wildcards.cohort} of {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/cohort.py"


# Snakemake would give everybody all rights to what links in its cache lead to: it gets models that are converted alone.
rule fetch_llm:
    input:
        scoring.llm_files,
    output:
        folder=directory(places.LLM_FOLDER),
        manifest=places.LLM_MANIFEST,
    log:
        f"{places.LOGS}/fetch_llm/{{llm}}.log",
    wildcard_constraints:
        llm=one_of(scoring.models(converted=False)),
    localrule: True
    conda:
        "../../envs/llm.yaml"
    threads: 1
    params:
        entry=scoring.llm_source,
        code=code_digest("scripts/fetch_llm.py"),
    message:
        "Fetch {wildcards.llm}"
    script:
        "../../scripts/fetch_llm.py"


use rule fetch_llm as convert_llm with:
    log:
        f"{places.LOGS}/convert_llm/{{llm}}.log",
    wildcard_constraints:
        llm=one_of(scoring.models(converted=True)),
    cache: "omit-software"
    localrule: True
    message:
        "Fetch {wildcards.llm}, and convert it"


rule build_prompts:
    input:
        candidates=scoring.candidates,
        selection=places.SELECTION,
        cohort=rules.cohort.output.cohort,
        interactions=rules.prepare.output.interactions,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
        template=scoring.template,
        model=ancient(scoring.tokenizer_folder),
        model_manifest=scoring.tokenizer_manifest,
    output:
        **places.prompt_files(places.SCORED),
    log:
        f"{places.LOGS}/build_prompts/{places.OF_STATE}/{places.OF_SCORES}.log",
    benchmark:
        f"{places.BENCHMARKS}/build_prompts/{places.OF_STATE}/{places.OF_SCORES}.tsv"
    conda:
        "../../envs/llm.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(20, 10),
        machine=project.machine,
    params:
        context=scoring.context,
        tokens=settings.scoring.tokens,
        show_ratings=settings.scoring.show_ratings,
        natural_titles=scoring.natural_titles,
        remote=scoring.is_remote,
        compact=scoring.is_compact,
        code=scoring.form_code("scripts/build_prompts.py"),
    message:
        "Write prompts: {wildcards.strategy}, order {wildcards.order}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}, {wildcards.cohort}"
    script:
        "../../scripts/build_prompts.py"


rule check_prompts:
    input:
        **places.judged_files(places.STATE),
        prompts=rules.build_prompts.output.prompts,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        template=scoring.template,
    output:
        **places.proof_files(places.SCORED),
    log:
        f"{places.LOGS}/check_prompts/{places.OF_STATE}/{places.OF_SCORES}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(20, 10),
    params:
        show_ratings=settings.scoring.show_ratings,
        natural_titles=scoring.natural_titles,
        form=scoring.form,
        code=scoring.form_code("scripts/check_prompts.py"),
    message:
        "Check that no prompt holds a forgotten interaction: {wildcards.strategy}, order {wildcards.order}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/check_prompts.py"


rule score_prompts:
    input:
        prompts=scoring.prompts,
        checked=scoring.proofs,
        model=ancient(scoring.tokenizer_folder),
        manifest=scoring.tokenizer_manifest,
    output:
        receipt=places.RECEIPT,
    log:
        f"{places.LOGS}/score_prompts/{places.OF_STATE}/{{llm}}/{{form}}/{{cohort}}/{places.OF_JOB}.log",
    benchmark:
        f"{places.BENCHMARKS}/score_prompts/{places.OF_STATE}/{{llm}}/{{form}}/{{cohort}}/{places.OF_JOB}.tsv"
    conda:
        "../../envs/llm.yaml"
    threads: scoring.threads
    resources:
        mem_mb=needs.memory(8000),
        runtime=needs.minutes(240, 480),
        gpu=scoring.gpus,
        machine=scoring.machine,
    params:
        entry=scoring.llm_service,
        form=scoring.form,
        engine=scoring.engine_module,
        chunk=settings.scoring.chunk,
        store=places.ANSWERS,
        code=scoring.engine_code("scripts/score_prompts.py"),
    message:
        "Score prompts with {wildcards.llm}: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}, {wildcards.cohort}, {wildcards.batch}, job {wildcards.share} of {wildcards.shares}"
    script:
        "../../scripts/score_prompts.py"


rule collect_scores:
    input:
        prompts=rules.build_prompts.output.prompts,
        receipts=scoring.receipts,
        selection_cost=places.SELECTION_COST,
        prompts_cost=rules.build_prompts.output.cost,
    output:
        scores=f"{places.SCORED}/{places.SCORES}",
        cost=f"{places.SCORED}/{places.COST}",
        manifest=f"{places.SCORED}/{places.MANIFEST}",
    log:
        f"{places.LOGS}/collect_scores/{places.OF_STATE}/{places.OF_SCORES}.log",
    benchmark:
        f"{places.BENCHMARKS}/collect_scores/{places.OF_STATE}/{places.OF_SCORES}.tsv"
    wildcard_constraints:
        form=one_of(ASKED_FORMS),
    priority: 1  # Table IV, which takes longest of all, comes after it
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(20, 10),
    params:
        store=places.ANSWERS,
        code=scoring.form_code("scripts/collect_scores.py"),
    message:
        "Collect scores: {wildcards.form}, {wildcards.strategy}, order {wildcards.order}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/collect_scores.py"


rule encode_items:
    input:
        item_frame=rules.prepare.output.item_frame,
        model=ancient(scoring.tokenizer_folder),
        manifest=scoring.tokenizer_manifest,
    output:
        vectors=places.VECTORS,
        cost=places.VECTORS_COST,
        manifest=places.VECTORS_MANIFEST,
    log:
        f"{places.LOGS}/encode_items/{places.OF_VECTORS}.log",
    benchmark:
        f"{places.BENCHMARKS}/encode_items/{places.OF_VECTORS}.tsv"
    conda:
        "../../envs/llm.yaml"
    threads: 1  # half its time is the start: the other cores have other jobs
    resources:
        mem_mb=needs.memory(8000),
        runtime=needs.minutes(60, 60),
        gpu=scoring.gpus,
        machine=scoring.machine,
    params:
        entry=scoring.llm_service,
        code=code_digest("scripts/encode_items.py"),
    message:
        "Encode the items of {wildcards.dataset} with {wildcards.llm}"
    script:
        "../../scripts/encode_items.py"


rule compare_items:
    input:
        vectors=rules.encode_items.output.vectors,
        vectors_cost=rules.encode_items.output.cost,
        selection=places.SELECTION,
        selection_cost=places.SELECTION_COST,
        candidates=scoring.candidates,
        cohort=rules.cohort.output.cohort,
    output:
        scores=f"{places.SCORED}/{places.SCORES}",
        cost=f"{places.SCORED}/{places.COST}",
        manifest=f"{places.SCORED}/{places.MANIFEST}",
    log:
        f"{places.LOGS}/compare_items/{places.OF_STATE}/{places.OF_SCORES}.log",
    benchmark:
        f"{places.BENCHMARKS}/compare_items/{places.OF_STATE}/{places.OF_SCORES}.tsv"
    wildcard_constraints:
        form=ENCODER,
        order=SHOWN,
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/compare_items.py"),
    message:
        "Compare candidates with histories: {wildcards.llm}, {wildcards.strategy}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/compare_items.py"


rule fuse:
    input:
        scores=rules.collect_scores.output.scores,
        candidates=rules.candidates.output.validation,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
    output:
        fusion=f"{places.SCORED}/{places.FUSION}",
        manifest=f"{places.SCORED}/{places.FUSION_MANIFEST}",
    log:
        f"{places.LOGS}/fuse/{places.OF_STATE}/{places.OF_SCORES}.log",
    benchmark:
        f"{places.BENCHMARKS}/fuse/{places.OF_STATE}/{places.OF_SCORES}.tsv"
    wildcard_constraints:
        history=TRAINING,
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(20, 10),
    params:
        code=code_digest("scripts/fuse.py"),
    message:
        "Weigh scores beside the backbone's: {wildcards.form}, {wildcards.strategy}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/fuse.py"


rule rerank:
    input:
        scores=rules.collect_scores.output.scores,
        candidates=rules.candidates.output.candidates,
        fusion=scoring.fusion,
    output:
        lists=f"{places.CELL}/{places.LISTS}",
        manifest=f"{places.CELL}/{places.MANIFEST}",
    log:
        f"{places.LOGS}/rerank/{places.OF_STATE}/{places.OF_CELL}.log",
    benchmark:
        f"{places.BENCHMARKS}/rerank/{places.OF_STATE}/{places.OF_CELL}.tsv"
    wildcard_constraints:
        history=one_of([OWN, OTHER]),
    priority: 1  # Table IV, which takes longest of all, comes after it
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(20, 10),
    params:
        code=code_digest("scripts/rerank.py"),
    message:
        "Re-rank candidates: {wildcards.form}, {wildcards.strategy}, order {wildcards.order}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/rerank.py"


rule evaluate_cragru:
    input:
        **places.judged_files(places.STATE),
        lists=rules.rerank.output.lists,
        model=rules.candidates.input.model,
    output:
        llm=f"{places.CELL}/{places.PER_USER}",
        random_ties=f"{places.CELL}/{places.PER_USER_RANDOM_TIES}",
        no_llm=f"{places.CELL}/{places.PER_USER_NO_LLM}",
    log:
        f"{places.LOGS}/evaluate_cragru/{places.OF_STATE}/{places.OF_CELL}.log",
    benchmark:
        f"{places.BENCHMARKS}/evaluate_cragru/{places.OF_STATE}/{places.OF_CELL}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/evaluate_cragru.py"),
    message:
        "Evaluate CRAGRU: {wildcards.strategy}, order {wildcards.order}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/evaluate_cragru.py"
