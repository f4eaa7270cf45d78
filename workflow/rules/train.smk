# The model as it is deployed, before anybody asks to be forgotten.
rule train_original:
    input:
        train=rules.split.output.train,
        forget=rules.split.output.forget,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        model=f"{STATE}/{{backbone}}/original/model.safetensors",
        curve=f"{STATE}/{{backbone}}/original/curve.csv",
        manifest=f"{STATE}/{{backbone}}/original/manifest.json",
    log:
        "results/logs/train_original/{dataset}/{protocol}/{seed}/{backbone}.log",
    benchmark:
        "results/benchmarks/train_original/{dataset}/{protocol}/{seed}/{backbone}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1  # more do not pay at these sizes, and the result must not depend on the machine's cores
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=gpus,
    params:
        module=backbone_module,
        options=options,
        device=project.settings.device,
        code=train_code,
    message:
        "Train {wildcards.backbone} on {wildcards.dataset} before the request, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/train_original.py"
