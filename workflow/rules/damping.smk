# How the damping of the influence methods was chosen: `snakemake damping` does it again. What is used stands in params.yaml.
rule search_damping:
    input:
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
        forget=read_forget(rules.split.output.forget),
        original=read_original,
    output:
        csv=f"{STATE}/{{backbone}}/{{method}}/damping.csv",
        manifest=f"{STATE}/{{backbone}}/{{method}}/damping-manifest.json",
    log:
        "results/logs/search_damping/{dataset}/{protocol}/{seed}/{backbone}/{method}.log",
    benchmark:
        "results/benchmarks/search_damping/{dataset}/{protocol}/{seed}/{backbone}/{method}.tsv"
    wildcard_constraints:
        method=one_of(DAMPED),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=gpus,
    params:
        module=backbone_module,
        options=options,
        method=method_module,
        method_options=options_but_damping,
        device=project.settings.device,
        code=damping_code,
    message:
        "Try dampings of {wildcards.method} on {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/search_damping.py"


rule damping:
    input:
        expand(
            rules.search_damping.output.csv,
            dataset=project.settings.datasets,
            protocol="paper",
            seed=project.settings.seeds,
            backbone=project.settings.backbones,
            method=[name for name in project.settings.methods if name in DAMPED],
        ),
    localrule: True
