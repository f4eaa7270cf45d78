# Certificates of deletion requests; `snakemake audit` verifies them, `snakemake purge` deletes what holds forgotten rows.
rule certificate:
    input:
        manifests=lambda wildcards: [
            *expand(rules.prepare.output.manifest, **wildcards),
            *expand(rules.split.output.manifest, **wildcards),
            *state_manifests(wildcards),
        ],
    output:
        certificate=OF_STATE,
    log:
        "results/logs/{run}/certificates/{dataset}/{protocol}/{seed}.log",
    wildcard_constraints:
        protocol=one_of(protocols_in_order("forget-first")),
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        claims=certified_claims,
        code=code_digest("scripts/certify.py"),
    message:
        "Certify what was forgotten: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/certify.py"


use rule certificate as certificate_request with:
    input:
        manifests=lambda wildcards: [
            *expand(rules.prepare.output.manifest, **wildcards),
            *expand(rules.apply_request.output.manifest, **wildcards),
            *request_manifests(wildcards),
        ],
    output:
        certificate=OF_REQUEST,
    log:
        "results/logs/{run}/certificates/{dataset}/{protocol}/{seed}/{request}.log",
    wildcard_constraints:
        protocol=one_of(protocols_in_order("split-first")),
    message:
        "Certify request {wildcards.request}: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"


# Without files to make or to read: Snakemake neither rebuilds what is to be verified, nor skips the work.
rule audit:
    log:
        f"results/logs/{RUN}/audit.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        certificates=CERTIFICATES.format(run=RUN),
        code=code_digest("scripts/audit.py"),
    message:
        f"Verify the certificates of the run {RUN}"
    script:
        "../../scripts/audit.py"


rule purge:
    log:
        f"results/logs/{RUN}/purge.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        certificates=CERTIFICATES.format(run=RUN),
        code=code_digest("scripts/purge.py"),
    message:
        f"Delete what holds forgotten rows or was trained on them, of the run {RUN}"
    script:
        "../../scripts/purge.py"
