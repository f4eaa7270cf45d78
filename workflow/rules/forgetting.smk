# What each model still knows of the forgotten rows, user by user (Table IV, Figure 3), and whom unlearning may have hurt.
rule completeness:
    input:
        model=f"{STATE}/{{backbone}}/{{model}}/model.safetensors",
        original=f"{STATE}/{{backbone}}/{ORIGINAL}/model.safetensors",
        again=f"{STATE}/{{backbone}}/{{again}}/model.safetensors",
        parts=rules.split.output,
        record=rules.split.output.record,
        interactions=rules.prepare.output.interactions,
        statistics=rules.prepare.output.statistics,
    output:
        membership=f"{STATE}/{{backbone}}/{{model}}/against-{{again}}/membership.parquet",
        completeness=f"{STATE}/{{backbone}}/{{model}}/against-{{again}}/completeness.parquet",
        forget_remain=f"{STATE}/{{backbone}}/{{model}}/against-{{again}}/forget-remain.parquet",
    log:
        "results/logs/completeness/{dataset}/{protocol}/{seed}/{backbone}/{model}/{again}.log",
    benchmark:
        "results/benchmarks/completeness/{dataset}/{protocol}/{seed}/{backbone}/{model}/{again}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("scripts/completeness.py"),
    message:
        "Measure what {wildcards.model} of {wildcards.backbone} still knows, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/completeness.py"


use rule completeness as completeness_cragru with:
    input:
        model=rules.candidates.input.model,
        lists=rules.rerank.output.lists,
        original=f"{STATE}/{{backbone}}/{ORIGINAL}/model.safetensors",
        again=f"{STATE}/{{backbone}}/{{again}}/model.safetensors",
        parts=rules.split.output,
        record=rules.split.output.record,
        interactions=rules.prepare.output.interactions,
        statistics=rules.prepare.output.statistics,
    output:
        membership=f"{CELL}/against-{{again}}/membership.parquet",
        completeness=f"{CELL}/against-{{again}}/completeness.parquet",
        forget_remain=f"{CELL}/against-{{again}}/forget-remain.parquet",
    log:
        "results/logs/completeness_cragru/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}/{again}.log",
    benchmark:
        "results/benchmarks/completeness_cragru/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}/{cohort}/{again}.tsv"
    message:
        "Measure what CRAGRU still tells: {wildcards.strategy}, order {wildcards.order}, {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"


rule user_groups:
    input:
        original=f"{STATE}/{{backbone}}/{ORIGINAL}/model.safetensors",
        forget=rules.split.output.forget,
        train=rules.split.output.train,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        user_groups=f"{STATE}/{{backbone}}/groups/users.parquet",
        item_rows=f"{STATE}/{{backbone}}/groups/items.parquet",
    log:
        "results/logs/user_groups/{dataset}/{protocol}/{seed}/{backbone}.log",
    benchmark:
        "results/benchmarks/user_groups/{dataset}/{protocol}/{seed}/{backbone}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("scripts/user_groups.py"),
    message:
        "Sort users by how near they are to the forgotten ones: {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/user_groups.py"


rule recommend:
    input:
        model=f"{STATE}/{{backbone}}/{{model}}/model.safetensors",
        parts=rules.split.output,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        lists=f"{STATE}/{{backbone}}/{{model}}/recommended.parquet",
    log:
        "results/logs/recommend/{dataset}/{protocol}/{seed}/{backbone}/{model}.log",
    benchmark:
        "results/benchmarks/recommend/{dataset}/{protocol}/{seed}/{backbone}/{model}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("scripts/recommend.py"),
    message:
        "Recommend with {wildcards.model} of {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/recommend.py"
