# CRAGRU's augmentation and generation: prompts of a cohort, proof of what they hold, an LLM's scores, new lists.
rule cohort:
    input:
        forget=rules.split.output.forget,
        test=rules.split.output.test,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        cohort=COHORT,
    log:
        "results/logs/cohort/{dataset}/{protocol}/{seed}/{cohort}.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        size=cohort_size,
        forgotten_only=forgotten_only,
        code=code_digest("scripts/cohort.py"),
    message:
        "Draw cohort {wildcards.cohort} of {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/cohort.py"


rule fetch_llm:
    input:
        llm_files,
    output:
        folder=directory(f"{LLM_ROOM}/model"),
        manifest=f"{LLM_ROOM}/manifest.json",
    log:
        "results/logs/fetch_llm/{llm}.log",
    benchmark:
        "results/benchmarks/fetch_llm/{llm}.tsv"
    localrule: True
    conda:
        "../../envs/llm.yaml"
    threads: 1
    params:
        entry=llm_source,
        code=code_digest("scripts/fetch_llm.py"),
    message:
        "Fetch {wildcards.llm}"
    script:
        "../../scripts/fetch_llm.py"


rule build_prompts:
    input:
        candidates=rules.candidates.output.candidates,
        selection=rules.select_histories.output.selection,
        cohort=rules.cohort.output.cohort,
        interactions=rules.prepare.output.interactions,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
        template=prompt_template,
        model=tokenizer_room,
    output:
        prompts=f"{CELL}/prompts.jsonl",
        cost=f"{CELL}/prompts-cost.json",
        manifest=f"{CELL}/prompts-manifest.json",
    log:
        "results/logs/build_prompts/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}.log",
    benchmark:
        "results/benchmarks/build_prompts/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}.tsv"
    conda:
        "../../envs/llm.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        context=llm_context,
        tokens=project.settings.scoring.tokens,
        show_ratings=project.settings.scoring.show_ratings,
        code=code_digest("scripts/build_prompts.py"),
    message:
        "Write prompts: {wildcards.strategy}, order {wildcards.order}, {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}, {wildcards.cohort}"
    script:
        "../../scripts/build_prompts.py"


rule check_prompts:
    input:
        prompts=rules.build_prompts.output.prompts,
        parts=rules.split.output,
        record=rules.split.output.record,
        interactions=rules.prepare.output.interactions,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
        template=prompt_template,
    output:
        checked=f"{CELL}/prompts-checked.json",
        manifest=f"{CELL}/prompts-checked-manifest.json",
    log:
        "results/logs/check_prompts/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}.log",
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        show_ratings=project.settings.scoring.show_ratings,
        code=code_digest("scripts/check_prompts.py"),
    message:
        "Check that no prompt holds a forgotten interaction: {wildcards.strategy}, order {wildcards.order}, {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/check_prompts.py"


rule score_prompts:
    input:
        prompts=batch_prompts,
        checked=batch_checks,
        model=tokenizer_room,
        manifest=tokenizer_manifest,
    output:
        receipt=RECEIPT,
    log:
        "results/logs/score_prompts/{dataset}/{protocol}/{seed}/{llm}/{score}/{cohort}/{batch}/{share}-of-{shares}.log",
    benchmark:
        "results/benchmarks/score_prompts/{dataset}/{protocol}/{seed}/{llm}/{score}/{cohort}/{batch}/{share}-of-{shares}.tsv"
    conda:
        "../../envs/llm.yaml"
    threads: llm_threads
    resources:
        mem_mb=8000,
        runtime=720,
        gpu=llm_gpus,
    params:
        entry=llm_service,
        chunk=project.settings.scoring.chunk,
        store=f"{LLM_ROOM}/answers",
        code=code_digest("scripts/score_prompts.py"),
    message:
        "Score prompts with {wildcards.llm}: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}, {wildcards.cohort}, {wildcards.batch}, job {wildcards.share} of {wildcards.shares}"
    script:
        "../../scripts/score_prompts.py"


rule rerank:
    input:
        prompts=rules.build_prompts.output.prompts,
        candidates=rules.candidates.output.candidates,
        receipts=cell_receipts,
        selection_cost=rules.select_histories.output.cost,
        prompts_cost=rules.build_prompts.output.cost,
    output:
        scores=f"{CELL}/scores.parquet",
        lists=f"{CELL}/reranked.parquet",
        cost=f"{CELL}/cost.json",
        manifest=f"{CELL}/manifest.json",
    log:
        "results/logs/rerank/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}.log",
    benchmark:
        "results/benchmarks/rerank/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        store=f"{LLM_ROOM}/answers",
        code=code_digest("scripts/rerank.py"),
    message:
        "Re-rank candidates: {wildcards.strategy}, order {wildcards.order}, {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/rerank.py"


rule evaluate_cragru:
    input:
        lists=rules.rerank.output.lists,
        model=rules.candidates.input.model,
        parts=rules.split.output,
        record=rules.split.output.record,
        interactions=rules.prepare.output.interactions,
        statistics=rules.prepare.output.statistics,
    output:
        llm=f"{CELL}/per-user.parquet",
        random_ties=f"{CELL}/per-user-random-ties.parquet",
        no_llm=f"{CELL}/per-user-no-llm.parquet",
    log:
        "results/logs/evaluate_cragru/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}.log",
    benchmark:
        "results/benchmarks/evaluate_cragru/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("scripts/evaluate_cragru.py"),
    message:
        "Evaluate CRAGRU: {wildcards.strategy}, order {wildcards.order}, {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/evaluate_cragru.py"
