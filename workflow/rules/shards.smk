# Methods with shards: how their data are cut, and the shards as they are deployed ahead of any request.


rule partition:
    input:
        **places.remaining_files(places.STATE),
        forget=rules.split.output.forget,
        original=training.partition_model,
    output:
        partition=places.PARTITION,
        manifest=places.PARTITION_MANIFEST,
    log:
        f"{places.LOGS}/partition/{places.OF_STATE}/{places.OF_METHOD}.log",
    benchmark:
        f"{places.BENCHMARKS}/partition/{places.OF_STATE}/{places.OF_METHOD}.tsv"
    wildcard_constraints:
        method=one_or_variant(training.sharded),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(30, 30),
    params:
        module=training.partition_module,
        options=training.partition_options,
        shards=training.shard_count,
        code=training.partition_code("scripts/partition.py"),
    message:
        "Cut {wildcards.dataset} into shards for {wildcards.method} on {wildcards.backbone}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/partition.py"


rule train_shards:
    input:
        **places.remaining_files(places.STATE),
        partition=rules.partition.output.partition,
    output:
        shards=directory(places.SHARDS),
        curve=places.SHARDS_CURVE,
        manifest=places.SHARDS_MANIFEST,
    log:
        f"{places.LOGS}/train_shards/{places.OF_STATE}/{places.OF_METHOD}.log",
    benchmark:
        f"{places.BENCHMARKS}/train_shards/{places.OF_STATE}/{places.OF_METHOD}.tsv"
    wildcard_constraints:
        method=one_or_variant(training.sharded),
        protocol=one_of(project.protocols_that("split-first")),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(2000, 600),
        runtime=needs.minutes(60, 90),
        gpu=project.gpus,
    params:
        module=training.backbone_module,
        options=training.options,
        method_options=training.shard_options,
        device=settings.device,
        code=training.backbone_code("scripts/train_shards.py"),
    message:
        "Train the shards of {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/train_shards.py"
