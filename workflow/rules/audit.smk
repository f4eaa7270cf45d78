# Certificates of deletion requests; `snakemake audit` verifies them, `snakemake purge` deletes what holds forgotten rows.
rule certificate:
    input:
        manifests=certificates.manifests,
    output:
        certificate=places.CERTIFICATE,
    log:
        f"{places.LOGS}/{{run}}/certificates/{places.OF_STATE}.log",
    wildcard_constraints:
        protocol=one_of(project.protocols_that("forget-first")),
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        guarantees=certificates.guarantees,
        code=code_digest("scripts/certify.py"),
    message:
        "Certify what was forgotten: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/certify.py"


use rule certificate as certificate_request with:
    input:
        manifests=certificates.manifests,
    output:
        certificate=places.REQUEST_CERTIFICATE,
    log:
        f"{places.LOGS}/{{run}}/certificates/{places.OF_REQUEST}.log",
    wildcard_constraints:
        protocol=one_of(project.protocols_that("split-first")),
    message:
        "Certify request {wildcards.request}: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"


# Without files to make or to read: Snakemake neither rebuilds what is to be verified, nor skips the work.
rule audit:
    log:
        f"{places.LOGS}/{settings.run}/audit.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        certificates=places.place(places.CERTIFICATES, run=settings.run),
        wanted=certificates.files(),
        run=places.place(places.RUN, run=settings.run),
        shown=showing.run_files(),
        code=code_digest("scripts/audit.py"),
    message:
        f"Verify the run {settings.run}: its certificates, and all files behind it"
    script:
        "../../scripts/audit.py"


rule purge:
    log:
        f"{places.LOGS}/{settings.run}/purge.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        certificates=places.place(places.CERTIFICATES, run=settings.run),
        wanted=certificates.files(),
        code=code_digest("scripts/purge.py"),
    message:
        f"Delete what holds forgotten rows or was trained on them, of the run {settings.run}"
    script:
        "../../scripts/purge.py"
