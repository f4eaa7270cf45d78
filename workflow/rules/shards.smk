# Methods with shards: how their data are cut, and the shards as they are deployed ahead of any request.
BEFORE = f"{STATE}/{{backbone}}/{{method}}/before"


rule partition:
    input:
        train=rules.split.output.train,
        forget=rules.split.output.forget,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
        original=partition_model,
    output:
        partition=f"{BEFORE}/partition.parquet",
        manifest=f"{BEFORE}/partition-manifest.json",
    log:
        "results/logs/partition/{dataset}/{protocol}/{seed}/{backbone}/{method}.log",
    benchmark:
        "results/benchmarks/partition/{dataset}/{protocol}/{seed}/{backbone}/{method}.tsv"
    wildcard_constraints:
        method=one_of(SHARDED),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        module=partition_module,
        options=partition_options,
        shards=shard_count,
        code=partition_code,
    message:
        "Cut {wildcards.dataset} into shards for {wildcards.method} on {wildcards.backbone}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/partition.py"


rule train_shards:
    input:
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
        partition=rules.partition.output.partition,
    output:
        shards=directory(f"{BEFORE}/shards"),
        curve=f"{BEFORE}/curve.csv",
        manifest=f"{BEFORE}/manifest.json",
    log:
        "results/logs/train_shards/{dataset}/{protocol}/{seed}/{backbone}/{method}.log",
    benchmark:
        "results/benchmarks/train_shards/{dataset}/{protocol}/{seed}/{backbone}/{method}.tsv"
    wildcard_constraints:
        method=one_of(SHARDED),
        protocol=one_of(protocols_in_order("split-first")),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=gpus,
    params:
        module=backbone_module,
        options=options,
        method_options=shard_options,
        device=project.settings.device,
        code=shards_code,
    message:
        "Train the shards of {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/train_shards.py"
