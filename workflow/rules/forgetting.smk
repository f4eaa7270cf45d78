# What each model still knows of the forgotten rows, user by user (Table IV, Figure 3), and whom unlearning may have hurt.
rule completeness:
    input:
        **places.judged_files(places.STATE),
        model=f"{places.MODEL}/{places.MODEL_FILE}",
        original=f"{places.ORIGINAL_FOLDER}/{places.MODEL_FILE}",
        shadows=training.shadows,
    output:
        **places.measured_files(places.MODEL),
    log:
        f"{places.LOGS}/completeness/{places.OF_STATE}/{places.OF_MODEL}/{places.AGAINST}.log",
    benchmark:
        f"{places.BENCHMARKS}/completeness/{places.OF_STATE}/{places.OF_MODEL}/{places.AGAINST}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/completeness.py"),
    message:
        "Measure what {wildcards.model} of {wildcards.backbone} still knows, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/completeness.py"


use rule completeness as completeness_cragru with:
    input:
        **places.judged_files(places.STATE),
        model=rules.candidates.input.model,
        lists=rules.rerank.output.lists,
        original=f"{places.ORIGINAL_FOLDER}/{places.MODEL_FILE}",
        shadows=training.shadows,
    output:
        **places.measured_files(places.CELL),
    log:
        f"{places.LOGS}/completeness_cragru/{places.OF_STATE}/{places.OF_CELL}/{places.AGAINST}.log",
    benchmark:
        f"{places.BENCHMARKS}/completeness_cragru/{places.OF_STATE}/{places.OF_CELL}/{places.AGAINST}.tsv"
    priority: 1  # as in score.smk
    message:
        "Measure what CRAGRU still tells: {wildcards.strategy}, order {wildcards.order}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"


rule user_groups:
    input:
        original=f"{places.ORIGINAL_FOLDER}/{places.MODEL_FILE}",
        forget=rules.split.output.forget,
        train=rules.split.output.train,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        user_groups=places.USER_GROUPS,
        item_rows=places.ITEM_ROWS,
    log:
        f"{places.LOGS}/user_groups/{places.OF_STATE}/{{backbone}}.log",
    benchmark:
        f"{places.BENCHMARKS}/user_groups/{places.OF_STATE}/{{backbone}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/user_groups.py"),
    message:
        "Sort users by how near they are to the forgotten ones: {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/user_groups.py"


rule recommend:
    input:
        model=f"{places.MODEL}/{places.MODEL_FILE}",
        parts=rules.split.output,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        lists=f"{places.MODEL}/{places.RECOMMENDED}",
    log:
        f"{places.LOGS}/recommend/{places.OF_STATE}/{places.OF_MODEL}.log",
    benchmark:
        f"{places.BENCHMARKS}/recommend/{places.OF_STATE}/{places.OF_MODEL}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/recommend.py"),
    message:
        "Recommend with {wildcards.model} of {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/recommend.py"


use rule recommend as recommend_cragru with:
    input:
        model=rules.candidates.input.model,
        lists=rules.rerank.output.lists,
        parts=rules.split.output,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        llm=f"{places.CELL}/{places.RECOMMENDED_OF[places.PER_USER]}",
        random_ties=f"{places.CELL}/{places.RECOMMENDED_OF[places.PER_USER_RANDOM_TIES]}",
        no_llm=f"{places.CELL}/{places.RECOMMENDED_OF[places.PER_USER_NO_LLM]}",
    log:
        f"{places.LOGS}/recommend_cragru/{places.OF_STATE}/{places.OF_CELL}.log",
    benchmark:
        f"{places.BENCHMARKS}/recommend_cragru/{places.OF_STATE}/{places.OF_CELL}.tsv"
    message:
        "Recommend with CRAGRU: {wildcards.strategy}, order {wildcards.order}, {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
