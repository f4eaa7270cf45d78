# From a publisher's archive to the parts of a split. Pure and slow to change, so `--cache` can share them.


rule download:
    input:
        own=lambda wildcards: project.own_files(wildcards.dataset),
    output:
        folder=directory(places.RAW),
    log:
        f"{places.LOGS}/download/{{dataset}}.log",
    cache: "omit-software"
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        dataset="{dataset}",
        entry=lambda wildcards: project.download_entry(wildcards.dataset),
        # for the cache alone: a parameter that takes inputs reruns nothing, and to hash a copy takes its time
        copied=lambda wildcards, input: (
            copies.checksums(wildcards.dataset) if workflow.enable_cache else None
        ),
        code=code_digest("scripts/download.py"),
    message:
        "Fetch {wildcards.dataset}"
    script:
        "../../scripts/download.py"


rule prepare:
    input:
        # common.smk says why a folder is ancient; files of one's own may change
        raw=lambda wildcards: (
            rules.download.output.folder
            if project.own_files(wildcards.dataset)
            else ancient(rules.download.output.folder)
        ),
    output:
        interactions=places.INTERACTIONS,
        user_frame=places.USERS,
        item_frame=places.ITEMS,
        statistics=places.STATISTICS,
        manifest=places.PREPARED_MANIFEST,
    log:
        f"{places.LOGS}/prepare/{{dataset}}.log",
    cache: "omit-software"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=raw_needs.memory(1000, 200),
        runtime=raw_needs.minutes(10, 5),
    params:
        entry=lambda wildcards: project.download_entry(wildcards.dataset),
        loaders=lambda wildcards: project.loaders(wildcards.dataset),
        options=lambda wildcards: project.loader_options(wildcards.dataset),
        keep=lambda wildcards: project.keep(wildcards.dataset),
        own=lambda wildcards: project.own_files(wildcards.dataset),
        code=lambda wildcards: project.loader_code(wildcards.dataset),
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
        checked=places.CHECKED_REQUESTS,
    log:
        f"{places.LOGS}/check_requests/{{dataset}}/{{protocol}}.log",
    conda:
        "../../envs/data.yaml"
    params:
        requests=requests.all_files,
        code=code_digest("scripts/check_requests.py"),
    message:
        "Check the deletion requests for {wildcards.dataset}"
    script:
        "../../scripts/check_requests.py"


rule split:
    input:
        interactions=rules.prepare.output.interactions,
        statistics=rules.prepare.output.statistics,
        checked=requests.check,
    output:
        **places.split_files(places.STATE),
    log:
        f"{places.LOGS}/split/{places.OF_STATE}.log",
    cache: "omit-software"
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(10, 5),
    params:
        seed="{seed}",
        forget=lambda wildcards: project.protocols[
            wildcards.protocol
        ].forget.model_dump(),
        ratios=lambda wildcards: list(project.protocols[wildcards.protocol].ratios),
        split_by=lambda wildcards: project.protocols[wildcards.protocol].split_by,
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
        divided=requests.divided,
        record=requests.divided_record,
        file=requests.file,
    output:
        **places.split_files(places.REQUEST),
    log:
        f"{places.LOGS}/apply_request/{places.OF_REQUEST}.log",
    wildcard_constraints:
        protocol=one_of(project.protocols_that("split-first")),
    conda:
        "../../envs/data.yaml"
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(10, 5),
    params:
        number=requests.number,
        previous=requests.previous,
        deletes=requests.deletes,
        code=code_digest("scripts/apply_request.py"),
    message:
        "Take request {wildcards.request} out of {wildcards.dataset}, seed {wildcards.seed}: {params.deletes}"
    script:
        "../../scripts/apply_request.py"
