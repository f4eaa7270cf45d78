# Every unlearning method serves the protocol's request; what each may read is what its rule lists as input.
AFTER = "{backbone}/{method}/after"


rule unlearn:
    input:
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
        forget=read_forget(rules.split.output.forget),
        original=read_original,
    output:
        model=f"{STATE}/{{backbone}}/{{method}}/model.safetensors",
        curve=f"{STATE}/{{backbone}}/{{method}}/curve.csv",
        cost=f"{STATE}/{{backbone}}/{{method}}/cost.json",
        manifest=f"{STATE}/{{backbone}}/{{method}}/manifest.json",
    log:
        "results/logs/unlearn/{dataset}/{protocol}/{seed}/{backbone}/{method}.log",
    benchmark:
        "results/benchmarks/unlearn/{dataset}/{protocol}/{seed}/{backbone}/{method}.tsv"
    wildcard_constraints:
        method=one_of(UNSHARDED),
    conda:
        "../../envs/train.yaml"
    threads: 1  # as for the original model
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=gpus,
    params:
        module=backbone_module,
        options=options,
        method=method_module,
        method_options=method_options,
        device=project.settings.device,
        code=unlearn_code,
    message:
        "Unlearn with {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/unlearn.py"


# A request this large spares no shard: none is trained ahead of it, and all are trained together.
use rule unlearn as unlearn_shards with:
    input:
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
        forget=read_forget(rules.split.output.forget),
        original=read_original,
        partition=rules.partition.output.partition,
    output:
        model=f"{STATE}/{{backbone}}/{{method}}/model.safetensors",
        curve=f"{STATE}/{{backbone}}/{{method}}/curve.csv",
        cost=f"{STATE}/{{backbone}}/{{method}}/cost.json",
        manifest=f"{STATE}/{{backbone}}/{{method}}/manifest.json",
        partition=f"{STATE}/{AFTER}/partition.parquet",
        shards=directory(f"{STATE}/{AFTER}/shards"),
    wildcard_constraints:
        method=one_of(SHARDED),
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=gpus,


use rule unlearn as unlearn_request with:
    input:
        train=rules.apply_request.output.train,
        valid=rules.apply_request.output.valid,
        record=rules.apply_request.output.record,
        statistics=rules.prepare.output.statistics,
        forget=read_forget(rules.apply_request.output.forget),
        original=read_original,
    output:
        model=f"{REQUEST}/{{backbone}}/{{method}}/model.safetensors",
        curve=f"{REQUEST}/{{backbone}}/{{method}}/curve.csv",
        cost=f"{REQUEST}/{{backbone}}/{{method}}/cost.json",
        manifest=f"{REQUEST}/{{backbone}}/{{method}}/manifest.json",
    log:
        "results/logs/unlearn/{dataset}/{protocol}/{seed}/{request}/{backbone}/{method}.log",
    benchmark:
        "results/benchmarks/unlearn/{dataset}/{protocol}/{seed}/{request}/{backbone}/{method}.tsv"
    message:
        "Unlearn request {wildcards.request} with {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, seed {wildcards.seed}"


use rule unlearn_request as unlearn_request_shards with:
    input:
        train=rules.apply_request.output.train,
        valid=rules.apply_request.output.valid,
        record=rules.apply_request.output.record,
        statistics=rules.prepare.output.statistics,
        forget=read_forget(rules.apply_request.output.forget),
        original=read_original,
        partition=rules.partition.output.partition,
        shards=rules.train_shards.output.shards,
    output:
        model=f"{REQUEST}/{{backbone}}/{{method}}/model.safetensors",
        curve=f"{REQUEST}/{{backbone}}/{{method}}/curve.csv",
        cost=f"{REQUEST}/{{backbone}}/{{method}}/cost.json",
        manifest=f"{REQUEST}/{{backbone}}/{{method}}/manifest.json",
        partition=f"{REQUEST}/{AFTER}/partition.parquet",
        shards=directory(f"{REQUEST}/{AFTER}/shards"),
    wildcard_constraints:
        method=one_of(SHARDED),
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=gpus,
