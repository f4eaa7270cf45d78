# Deletion requests: `snakemake requests` serves and certifies the run's own, `audit` verifies certificates, `purge` deletes
# what holds forgotten rows, `restore` lets a purge go, `person` lists where rows of a person are.
rule certificate:
    input:
        manifests=certificates.manifests,
    output:
        **places.certificate_files(places.OF_STATE),
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
        **places.certificate_files(places.OF_REQUEST),
    log:
        f"{places.LOGS}/{{run}}/certificates/{places.OF_REQUEST}.log",
    wildcard_constraints:
        protocol=one_of(project.protocols_that("split-first")),
    message:
        "Certify request {wildcards.request}: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"


rule in_service:
    input:
        certificates=certificates.served,
    output:
        **places.ended(places.IN_SERVICE, places.IN_SERVICE_ENDINGS),
    log:
        f"{places.LOGS}/{{run}}/in-service.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        in_turn=lambda wildcards: project.protocols[settings.requests.protocol].in_turn,
        code=code_digest("scripts/in_service.py"),
    message:
        "List the requests of the run {wildcards.run}, and what serves after them"
    script:
        "../../scripts/in_service.py"


rule requests:
    """The run's own deletion requests: served, certified, and what is in service after them"""
    input:
        certificates.requests_files(),
    localrule: True


rule purged:
    """Refuse to make a purged file again: it has no other rule"""
    input:
        gone.refuse,
    output:
        places.PURGED,
    wildcard_constraints:
        purged=one_of(gone.files),


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


rule restore:
    log:
        f"{places.LOGS}/{settings.run}/restore.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        certificates=places.place(places.CERTIFICATES, run=settings.run),
        code=code_digest("scripts/restore.py"),
    message:
        f"Let the purges of the run {settings.run} go: what they deleted may be made again"
    script:
        "../../scripts/restore.py"


rule person:
    log:
        f"{places.LOGS}/{settings.run}/person.log",
    localrule: True
    conda:
        "../../envs/data.yaml"
    params:
        users=people,
        datasets=settings.datasets,
        requests=[project.request_file(name) for name in settings.requests.files],
        code=code_digest("scripts/person.py"),
    message:
        "List where rows of the person are"
    script:
        "../../scripts/person.py"


# `snakemake person USER`: the user is a target, too, which makes nothing.
for name in people:

    rule:
        name:
            name
        localrule: True
