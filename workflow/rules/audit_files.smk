# What certificates speak of: what the run's tables and figures make for a request, and nothing more; functions alone.
from cragru.audit.request import CERTIFICATE
from cragru.claims import claim_of
from cragru.config.tables import (
    BiasTable,
    CompletenessTable,
    ForgetRemainFigure,
    SizeTable,
    StrategiesFigure,
    TimeTable,
    UtilityTable,
)

WITH_ORIGINAL = (UtilityTable, CompletenessTable, BiasTable, ForgetRemainFigure)
WITH_METHODS = (UtilityTable, CompletenessTable, BiasTable, TimeTable, SizeTable)
CERTIFICATES = "results/{run}/certificates"
OF_STATE = f"{CERTIFICATES}/{{dataset}}/{{protocol}}/{{seed}}/{CERTIFICATE}"
OF_REQUEST = (
    f"{CERTIFICATES}/{{dataset}}/{{protocol}}/{{seed}}/{{request}}/{CERTIFICATE}"
)


def certified_specs(protocol):
    """The run's tables and figures that serve a protocol's requests."""
    settings, order = project.settings, project.protocols[protocol].order
    specs = [project.tables.tables[name] for name in settings.tables]
    specs += [project.figures.figures[name] for name in settings.figures]
    return [
        spec
        for spec in specs
        if getattr(spec, "protocol", None) == protocol
        and isinstance(spec, TimeTable) == (order == "split-first")
    ]


def certificates():
    """The certificates of the run."""
    found = []
    for protocol in project.protocols:
        starts_with_it = project.protocols[protocol].order == "forget-first"
        if certified_specs(protocol):
            found += expand(
                OF_STATE if starts_with_it else OF_REQUEST,
                run=RUN,
                dataset=project.settings.datasets,
                protocol=protocol,
                seed=project.settings.seeds,
                request=[""] if starts_with_it else project.requests(protocol),
            )
    return found


def certified_cells(wildcards):
    """What an LLM scored of a state, for the run's tables and figures."""
    state = (wildcards.dataset, wildcards.protocol, int(wildcards.seed))
    return [cell for cell in CELLS if cell[:3] == state]


def models_of(spec):
    """The models that a table or a figure shows, with their backbones: no more, or a certificate would train some."""
    settings = project.settings
    backbones, models = settings.backbones, []
    if isinstance(spec, WITH_ORIGINAL):
        models.append(ORIGINAL)
    if isinstance(spec, (CompletenessTable, BiasTable)):
        models.append(RETRAIN)
    if isinstance(spec, WITH_METHODS):
        models += settings.methods
    models += [m for m in getattr(spec, "rivals", []) if m in settings.methods]
    if getattr(spec, "again", None):
        models.append(spec.again)
    if isinstance(spec, StrategiesFigure):
        backbones = [cell.backbone for cell in cells_of(project, spec)]
    return [(backbone, model) for backbone in backbones for model in models]


def is_from_original(model):
    """Whether a method, or its partition, reads the model before the request."""
    entry, partition = project.params.methods[model], project.partition(model)
    return ORIGINAL in entry.reads or (partition and ORIGINAL in partition.reads)


def certified_models(wildcards):
    """The models of a certificate: what is shown, whose candidates are scored, and the original where it was read."""
    specs = certified_specs(wildcards.protocol)
    found = [pair for spec in specs for pair in models_of(spec)]
    found += [(cell.backbone, cell.source) for cell in certified_cells(wildcards)]
    found += [
        (b, ORIGINAL)
        for b, model in found
        if model != ORIGINAL and is_from_original(model)
    ]
    if any(serves_requests(spec) for spec in specs):
        found += [(backbone, ORIGINAL) for backbone in project.settings.backbones]
    return list(dict.fromkeys(found))


def serves_requests(spec):
    """Whether CRAGRU serves the requests of a table."""
    has_llm = project.settings.scoring.llm is not None
    return isinstance(spec, TimeTable) and spec.cragru and has_llm


def certified_claims(wildcards):
    """What the methods of a certificate claim, by their entries in params.yaml."""
    methods = {m for _, m in certified_models(wildcards) if m != ORIGINAL}
    claims = {}
    for method in sorted(methods):
        partition = project.partition(method)
        reads = project.params.methods[method].reads
        claims[method] = claim_of(reads, partition and partition.module)
    return claims


def model_manifests(wildcards, folder):
    """Manifests of models: after the request in a folder of its own, before it in the deployed state's."""
    found, own = [], dict(wildcards.items())
    deployed = wildcards.get("request") is not None
    for backbone, model in certified_models(wildcards):
        names = {**own, "backbone": backbone, "method": model}
        place = STATE if model == ORIGINAL else folder
        found.append(f"{place}/{{backbone}}/{{method}}/manifest.json".format(**names))
        if model in SHARDED:
            found.append(rules.partition.output.manifest.format(**names))
            found += [rules.train_shards.output.manifest.format(**names)] * deployed
    return found


def cell_manifests(wildcards):
    """Manifests of what an LLM scored: candidates, strategy, prompts, proof, lists."""
    found = []
    for cell in certified_cells(wildcards):
        names = cell._asdict()
        found += [
            rules.candidates.output.manifest.format(**names),
            rules.fit_strategy.output.manifest.format(**names),
            rules.select_histories.output.manifest.format(**names),
            cell_file(cell, "prompts-manifest.json"),
            cell_file(cell, "prompts-checked-manifest.json"),
            cell_file(cell, "manifest.json"),
        ]
    return list(dict.fromkeys(found))


def state_manifests(wildcards):
    """Every manifest of a request that its protocol starts with."""
    return model_manifests(wildcards, STATE) + cell_manifests(wildcards)


def request_manifests(wildcards):
    """Every manifest of a request to a deployed state."""
    found = model_manifests(wildcards, REQUEST)
    names = {key: wildcards[key] for key in ("dataset", "protocol", "seed", "request")}
    served = any(serves_requests(spec) for spec in certified_specs(wildcards.protocol))
    for backbone in project.settings.backbones if served else []:
        found += [
            requester_file(
                name, **names, backbone=backbone, llm=project.settings.scoring.llm
            )
            for name in (
                "prompts-manifest.json",
                "prompts-checked-manifest.json",
                "manifest.json",
            )
        ]
    return found
