# The model as it is deployed, before anybody asks to be forgotten.
rule train_original:
    input:
        **places.remaining_files(places.STATE),
        forget=rules.split.output.forget,
    output:
        **places.trained_files(places.ORIGINAL_FOLDER),
    log:
        f"{places.LOGS}/train_original/{places.OF_STATE}/{{backbone}}.log",
    benchmark:
        f"{places.BENCHMARKS}/train_original/{places.OF_STATE}/{{backbone}}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1  # more do not pay at these sizes, and the result must not depend on the machine's cores
    resources:
        mem_mb=needs.memory(1500, 600),
        runtime=needs.minutes(60, 90),
        gpu=project.gpus,
    params:
        module=training.backbone_module,
        options=training.options,
        device=settings.device,
        code=training.backbone_code("scripts/train_original.py"),
    message:
        "Train {wildcards.backbone} on {wildcards.dataset} before the request, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/train_original.py"
