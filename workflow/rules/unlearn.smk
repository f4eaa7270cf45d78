# Every unlearning method serves the protocol's request; what each may read is what its rule lists as input.
# A rule of a single request has the same parts: the split that the request leaves stands in for the state's.
rule unlearn:
    input:
        **places.remaining_files(places.STATE),
        forget=training.forget_if_read,
        original=training.original_if_read,
    output:
        **places.unlearned_files(places.METHOD),
    log:
        f"{places.LOGS}/unlearn/{places.OF_STATE}/{places.OF_METHOD}.log",
    benchmark:
        f"{places.BENCHMARKS}/unlearn/{places.OF_STATE}/{places.OF_METHOD}.tsv"
    wildcard_constraints:
        method=one_or_variant(training.unsharded),
    conda:
        "../../envs/train.yaml"
    threads: 1  # as for the original model
    resources:
        mem_mb=needs.memory(1500, 600),
        runtime=needs.minutes(60, 90),
        gpu=project.gpus,
        machine=project.machine,
    params:
        module=training.backbone_module,
        options=training.options,
        method=training.method_module,
        method_options=training.method_options,
        repeats=training.repeats,
        device=settings.device,
        code=training.method_code("scripts/unlearn.py"),
    message:
        "Unlearn with {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/unlearn.py"


use rule unlearn as unlearn_request with:
    input:
        **places.remaining_files(places.REQUEST),
        forget=training.forget_if_read,
        original=training.original_if_read,
    output:
        **places.unlearned_files(places.REQUEST_METHOD),
    log:
        f"{places.LOGS}/unlearn/{places.OF_REQUEST}/{places.OF_METHOD}.log",
    benchmark:
        f"{places.BENCHMARKS}/unlearn/{places.OF_REQUEST}/{places.OF_METHOD}.tsv"
    resources:
        mem_mb=needs.memory(1500, 600),
        runtime=needs.minutes(10, 15),
        gpu=project.gpus,
        machine=project.machine,
        in_turn=1,
    message:
        "Unlearn request {wildcards.request} with {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, seed {wildcards.seed}"


# A request this large spares no shard: none is trained ahead of it, and all are trained together.
use rule unlearn as unlearn_shards with:
    input:
        **places.remaining_files(places.STATE),
        forget=training.forget_if_read,
        original=training.original_if_read,
        partition=places.PARTITION,
    output:
        **places.unlearned_files(places.METHOD),
        partition=places.renewed_files(places.METHOD)["partition"],
        shards=directory(places.renewed_files(places.METHOD)["shards"]),
    wildcard_constraints:
        method=one_or_variant(training.sharded),
    resources:
        mem_mb=needs.memory(2000, 600),
        runtime=needs.minutes(60, 90),
        gpu=project.gpus,
        machine=project.machine,
    params:
        partition=training.partition_module,


use rule unlearn_request as unlearn_request_shards with:
    input:
        **places.remaining_files(places.REQUEST),
        forget=training.forget_if_read,
        original=training.original_if_read,
        partition=training.partition_before,
        shards=ancient(training.shards_before),
        shards_manifest=training.shards_manifest_before,
    output:
        **places.unlearned_files(places.REQUEST_METHOD),
        partition=places.renewed_files(places.REQUEST_METHOD)["partition"],
        shards=directory(places.renewed_files(places.REQUEST_METHOD)["shards"]),
    wildcard_constraints:
        method=one_or_variant(training.sharded),
    resources:
        mem_mb=needs.memory(2000, 600),
        runtime=needs.minutes(10, 15),
        gpu=project.gpus,
        machine=project.machine,
        in_turn=1,
    params:
        partition=training.partition_module,
