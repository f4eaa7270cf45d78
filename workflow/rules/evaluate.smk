# How well each model recommends, user by user.
rule evaluate:
    input:
        model=f"{STATE}/{{backbone}}/{{model}}/model.safetensors",
        parts=rules.split.output,
        record=rules.split.output.record,
        interactions=rules.prepare.output.interactions,
        statistics=rules.prepare.output.statistics,
    output:
        per_user=f"{STATE}/{{backbone}}/{{model}}/per-user.parquet",
    log:
        "results/logs/evaluate/{dataset}/{protocol}/{seed}/{backbone}/{model}.log",
    benchmark:
        "results/benchmarks/evaluate/{dataset}/{protocol}/{seed}/{backbone}/{model}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code_digest("scripts/evaluate.py"),
    message:
        "Evaluate {wildcards.model} of {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/evaluate.py"


use rule evaluate as evaluate_request with:
    input:
        model=model_after,
        parts=rules.apply_request.output,
        record=rules.apply_request.output.record,
        interactions=rules.prepare.output.interactions,
        statistics=rules.prepare.output.statistics,
    output:
        per_user=f"{REQUEST}/{{backbone}}/{{model}}/per-user.parquet",
    log:
        "results/logs/evaluate/{dataset}/{protocol}/{seed}/{request}/{backbone}/{model}.log",
    benchmark:
        "results/benchmarks/evaluate/{dataset}/{protocol}/{seed}/{request}/{backbone}/{model}.tsv"
    message:
        "Evaluate {wildcards.model} of {wildcards.backbone} after request {wildcards.request}, {wildcards.dataset}, seed {wildcards.seed}"
