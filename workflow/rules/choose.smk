# How what is trained, and how the influence methods' damping, were chosen: `snakemake tuning` and `snakemake damping` do it
# again. What is used stands in params.yaml.
rule search_tuning:
    input:
        **places.remaining_files(places.STATE),
        partition=training.partition_if_cut,
    output:
        csv=places.TUNING,
        manifest=places.TUNING_MANIFEST,
    log:
        f"{places.LOGS}/search_tuning/{places.OF_STATE}/{places.OF_METHOD}.log",
    benchmark:
        f"{places.BENCHMARKS}/search_tuning/{places.OF_STATE}/{places.OF_METHOD}.tsv"
    wildcard_constraints:
        method=one_or_variant(training.tuned),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(2000, 600),
        runtime=needs.minutes(60, 90),
        gpu=project.gpus,
    params:
        module=training.backbone_module,
        options=training.backbone_options_but_tuned,
        method=training.method_module,
        method_options=training.options_but_tuned,
        device=settings.device,
        code=training.method_code("scripts/search_tuning.py"),
    message:
        "Try learning rates of {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/search_tuning.py"


rule tuning:
    """Searches of learning rate and patience, for the choice in params.yaml"""
    input:
        expand(
            rules.search_tuning.output.csv,
            dataset=settings.datasets,
            protocol="paper",
            seed=settings.seeds,
            backbone=settings.backbones,
            method=[name for name in settings.methods if name in training.tuned],
        ),
    localrule: True


rule search_damping:
    input:
        **places.remaining_files(places.STATE),
        forget=training.forget_if_read,
        original=training.original_if_read,
        shadows=training.all_shadows,
    output:
        csv=places.DAMPING,
        manifest=places.DAMPING_MANIFEST,
    log:
        f"{places.LOGS}/search_damping/{places.OF_STATE}/{places.OF_METHOD}.log",
    benchmark:
        f"{places.BENCHMARKS}/search_damping/{places.OF_STATE}/{places.OF_METHOD}.tsv"
    wildcard_constraints:
        method=one_or_variant(training.damped),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 600),
        runtime=needs.minutes(30, 60),
        gpu=project.gpus,
    params:
        module=training.backbone_module,
        options=training.options,
        method=training.method_module,
        method_options=training.options_but_damping,
        device=settings.device,
        code=training.method_code("scripts/search_damping.py"),
    message:
        "Try dampings of {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/search_damping.py"


rule damping:
    """Searches of the influence methods' damping, for the choice in params.yaml"""
    input:
        expand(
            rules.search_damping.output.csv,
            dataset=settings.datasets,
            protocol="paper",
            seed=settings.seeds,
            backbone=settings.backbones,
            method=[name for name in settings.methods if name in training.damped],
        ),
    localrule: True
