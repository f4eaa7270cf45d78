# What goes into a prompt: a user's candidates, and what a strategy keeps of the remaining history.
CRAGRU = f"{STATE}/{{backbone}}/cragru/{{source}}"


rule candidates:
    input:
        model=f"{STATE}/{{backbone}}/{{source}}/model.safetensors",
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        test=rules.split.output.test,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        candidates=f"{CRAGRU}/candidates.parquet",
        manifest=f"{CRAGRU}/manifest.json",
    log:
        "results/logs/candidates/{dataset}/{protocol}/{seed}/{backbone}/{source}.log",
    benchmark:
        "results/benchmarks/candidates/{dataset}/{protocol}/{seed}/{backbone}/{source}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        length=project.settings.retrieval.candidates,
        code=code_digest("scripts/candidates.py"),
    message:
        "Take candidates from {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/candidates.py"


rule fit_strategy:
    input:
        model=rules.candidates.input.model,
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
    output:
        folder=directory(f"{CRAGRU}/{{strategy}}/fit"),
        manifest=f"{CRAGRU}/{{strategy}}/fit-manifest.json",
    log:
        "results/logs/fit_strategy/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}.log",
    benchmark:
        "results/benchmarks/fit_strategy/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        module=strategy_module,
        options=strategy_options,
        code=fit_code,
    message:
        "Fit strategy {wildcards.strategy} for {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/fit_strategy.py"


rule select_histories:
    input:
        candidates=rules.candidates.output.candidates,
        fitted=rules.fit_strategy.output.folder,
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
    output:
        selection=f"{CRAGRU}/{{strategy}}/selection.parquet",
        cost=f"{CRAGRU}/{{strategy}}/selection-cost.json",
        manifest=f"{CRAGRU}/{{strategy}}/manifest.json",
    log:
        "results/logs/select_histories/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}.log",
    benchmark:
        "results/benchmarks/select_histories/{dataset}/{protocol}/{seed}/{backbone}/{source}/{strategy}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        module=strategy_module,
        limit=history_limit,
        code=select_code,
    message:
        "Choose histories by {wildcards.strategy} for {wildcards.source} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/select_histories.py"


rule retrieval:
    input:
        selections,
    localrule: True
