# How well each model recommends, user by user.
rule evaluate:
    input:
        **places.judged_files(places.STATE),
        model=f"{places.MODEL}/{places.MODEL_FILE}",
    output:
        per_user=f"{places.MODEL}/{places.PER_USER}",
    log:
        f"{places.LOGS}/evaluate/{places.OF_STATE}/{places.OF_MODEL}.log",
    benchmark:
        f"{places.BENCHMARKS}/evaluate/{places.OF_STATE}/{places.OF_MODEL}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/evaluate.py"),
    message:
        "Evaluate {wildcards.model} of {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/evaluate.py"


use rule evaluate as evaluate_request with:
    input:
        **places.judged_files(places.REQUEST),
        model=training.model_after,
    output:
        per_user=f"{places.REQUEST_MODEL}/{places.PER_USER}",
    log:
        f"{places.LOGS}/evaluate/{places.OF_REQUEST}/{places.OF_MODEL}.log",
    benchmark:
        f"{places.BENCHMARKS}/evaluate/{places.OF_REQUEST}/{places.OF_MODEL}.tsv"
    message:
        "Evaluate {wildcards.model} of {wildcards.backbone} after request {wildcards.request}, {wildcards.dataset}, seed {wildcards.seed}"
