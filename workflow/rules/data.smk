# From a publisher's archive to the parts of a split. Pure and slow to change, so `--cache` can share them.
PREPARED = "results/{dataset}/prepared"


rule download:
    output:
        folder=directory("results/raw/{dataset}"),
    log:
        "results/logs/download/{dataset}.log",
    cache: "omit-software"
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        dataset="{dataset}",
        entry=registry_entry,
        data_dir=project.settings.data_dir,
        code=code_digest("scripts/download.py"),
    message:
        "Fetch {wildcards.dataset}"
    script:
        "../../scripts/download.py"


rule prepare:
    input:
        raw=rules.download.output.folder,
    output:
        interactions=f"{PREPARED}/interactions.parquet",
        user_frame=f"{PREPARED}/users.parquet",
        item_frame=f"{PREPARED}/items.parquet",
        statistics=f"{PREPARED}/statistics.json",
        manifest=f"{PREPARED}/manifest.json",
    log:
        "results/logs/prepare/{dataset}.log",
    cache: "omit-software"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code_digest("scripts/prepare.py"),
    message:
        "Give {wildcards.dataset} dense ids and canonical order"
    script:
        "../../scripts/prepare.py"


rule check_requests:
    input:
        interactions=rules.prepare.output.interactions,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
    output:
        checked="results/{dataset}/{protocol}/requests.json",
    log:
        "results/logs/check_requests/{dataset}/{protocol}.log",
    conda:
        "../../envs/data.yaml"
    params:
        requests=request_files,
        code=code_digest("scripts/check_requests.py"),
    message:
        "Check the deletion requests for {wildcards.dataset}"
    script:
        "../../scripts/check_requests.py"


rule split:
    input:
        interactions=rules.prepare.output.interactions,
        checked=request_check,
    output:
        forget=f"{STATE}/split/forget.parquet",
        held_out=f"{STATE}/split/forget-heldout.parquet",
        train=f"{STATE}/split/train.parquet",
        valid=f"{STATE}/split/valid.parquet",
        test=f"{STATE}/split/test.parquet",
        record=f"{STATE}/split/split.json",
        manifest=f"{STATE}/split/manifest.json",
    log:
        "results/logs/split/{dataset}/{protocol}/{seed}.log",
    cache: "omit-software"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        seed="{seed}",
        forget=forget,
        ratios=ratios,
        code=code_digest("scripts/split.py"),
    message:
        "Forget and split {wildcards.dataset} by the protocol {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/split.py"


rule apply_request:
    input:
        interactions=rules.prepare.output.interactions,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        deployed=rules.split.output,
        record=rules.split.output.record,
        file=request_file,
    output:
        forget=f"{REQUEST}/split/forget.parquet",
        held_out=f"{REQUEST}/split/forget-heldout.parquet",
        train=f"{REQUEST}/split/train.parquet",
        valid=f"{REQUEST}/split/valid.parquet",
        test=f"{REQUEST}/split/test.parquet",
        record=f"{REQUEST}/split/split.json",
        manifest=f"{REQUEST}/split/manifest.json",
    log:
        "results/logs/apply_request/{dataset}/{protocol}/{seed}/{request}.log",
    wildcard_constraints:
        protocol=one_of(protocols_in_order("split-first")),
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        number=request_number,
        code=code_digest("scripts/apply_request.py"),
    message:
        "Take request {wildcards.request} out of {wildcards.dataset}, seed {wildcards.seed}"
    script:
        "../../scripts/apply_request.py"
