# What goes into a prompt: a user's candidates, and what a strategy keeps of the remaining history.


rule candidates:
    input:
        model=places.CANDIDATES_MODEL,
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        test=rules.split.output.test,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        candidates=places.CANDIDATES,
        validation=places.VALIDATION,
        manifest=places.CANDIDATES_MANIFEST,
    log:
        f"{places.LOGS}/candidates/{places.OF_STATE}/{places.OF_CANDIDATES}.log",
    benchmark:
        f"{places.BENCHMARKS}/candidates/{places.OF_STATE}/{places.OF_CANDIDATES}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        length=settings.retrieval.candidates,
        code=code_digest("scripts/candidates.py"),
    message:
        "Take candidates from {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/candidates.py"


rule fit_strategy:
    input:
        model=rules.candidates.input.model,
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
    output:
        folder=directory(places.FIT),
        manifest=places.FIT_MANIFEST,
    log:
        f"{places.LOGS}/fit_strategy/{places.OF_STATE}/{places.OF_STRATEGY}.log",
    benchmark:
        f"{places.BENCHMARKS}/fit_strategy/{places.OF_STATE}/{places.OF_STRATEGY}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 600),
        runtime=needs.minutes(30, 60),
    params:
        module=training.strategy_module,
        options=training.strategy_options,
        code=training.strategy_code("scripts/fit_strategy.py"),
    message:
        "Fit strategy {wildcards.strategy} for {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/fit_strategy.py"


rule select_histories:
    input:
        candidates=scoring.candidates,
        fitted=ancient(rules.fit_strategy.output.folder),
        fit_manifest=rules.fit_strategy.output.manifest,
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
    output:
        selection=places.SELECTION,
        cost=places.SELECTION_COST,
        manifest=places.SELECTION_MANIFEST,
    log:
        f"{places.LOGS}/select_histories/{places.OF_STATE}/{places.OF_SELECTION}.log",
    benchmark:
        f"{places.BENCHMARKS}/select_histories/{places.OF_STATE}/{places.OF_SELECTION}.tsv"
    wildcard_constraints:
        history=one_of([OWN, TRAINING]),
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(30, 30),
        machine=project.machine,
    params:
        module=training.strategy_module,
        limit=training.history_limit,
        code=training.strategy_code("scripts/select_histories.py"),
    message:
        "Choose histories by {wildcards.strategy} for {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/select_histories.py"


rule draw_histories:
    input:
        selection=f"{places.STRATEGY}/{OWN}/selection.parquet",
        candidates=scoring.all_candidates,
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        forget=rules.split.output.forget,
        held_out=rules.split.output.held_out,
        record=rules.split.output.record,
        statistics=rules.prepare.output.statistics,
    output:
        selection=places.SELECTION,
        cost=places.SELECTION_COST,
        manifest=places.SELECTION_MANIFEST,
    log:
        f"{places.LOGS}/draw_histories/{places.OF_STATE}/{places.OF_SELECTION}.log",
    wildcard_constraints:
        history=OTHER,
    conda:
        "../../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/draw_histories.py"),
    message:
        "Draw histories that are nobody's, as long as those of {wildcards.strategy} for {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/draw_histories.py"


rule fit_controls:
    input:
        candidates=rules.candidates.output.candidates,
        validation=rules.candidates.output.validation,
        train=rules.split.output.train,
        valid=rules.split.output.valid,
        record=rules.split.output.record,
        item_frame=rules.prepare.output.item_frame,
    output:
        lists=f"{places.CONTROLS_FOLDER}/{places.LISTS}",
        weights=f"{places.CONTROLS_FOLDER}/{places.WEIGHTS}",
        manifest=places.CONTROLS_MANIFEST,
    log:
        f"{places.LOGS}/fit_controls/{places.OF_STATE}/{places.OF_CANDIDATES}.log",
    benchmark:
        f"{places.BENCHMARKS}/fit_controls/{places.OF_STATE}/{places.OF_CANDIDATES}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        code=code_digest("scripts/fit_controls.py"),
    message:
        "Order candidates of {wildcards.candidates_of} {wildcards.backbone} without an LLM, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/fit_controls.py"


rule evaluate_controls:
    input:
        **places.judged_files(places.STATE),
        lists=rules.fit_controls.output.lists,
        model=rules.candidates.input.model,
    output:
        **{
            name.replace("-", "_"): file
            for name, file in places.controls_files(places.CONTROLS_FOLDER).items()
        },
    log:
        f"{places.LOGS}/evaluate_controls/{places.OF_STATE}/{places.OF_CANDIDATES}.log",
    benchmark:
        f"{places.BENCHMARKS}/evaluate_controls/{places.OF_STATE}/{places.OF_CANDIDATES}.tsv"
    conda:
        "../../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1500, 300),
        runtime=needs.minutes(20, 20),
    params:
        length=settings.retrieval.candidates,
        code=code_digest("scripts/evaluate_controls.py"),
    message:
        "Evaluate orders of candidates without an LLM: {wildcards.candidates_of} {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/evaluate_controls.py"


rule retrieval:
    """What each strategy keeps of every history, and the candidates"""
    input:
        expand(
            places.SELECTION,
            dataset=settings.datasets,
            protocol="paper",
            seed=settings.seeds,
            backbone=settings.backbones,
            candidates_of=settings.retrieval.candidates_of,
            strategy=settings.retrieval.strategies,
            history=OWN,
        ),
    localrule: True
