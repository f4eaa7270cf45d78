# CRAGRU serves a deletion request: who asks gets a prompt from what remains, its proof, an answer, and what these took.
rule prepare_requester:
    input:
        model=training.original,
        forget=rules.apply_request.output.forget,
        held_out=rules.apply_request.output.held_out,
        train=rules.apply_request.output.train,
        valid=rules.apply_request.output.valid,
        record=rules.apply_request.output.record,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
        template=scoring.template,
        tokenizer=ancient(scoring.tokenizer_folder),
        tokenizer_manifest=scoring.tokenizer_manifest,
    output:
        **places.prompt_files(places.SERVICE),
    log:
        f"{places.LOGS}/prepare_requester/{places.OF_REQUEST}/{places.OF_PROMPTS}.log",
    benchmark:
        f"{places.BENCHMARKS}/prepare_requester/{places.OF_REQUEST}/{places.OF_PROMPTS}.tsv"
    wildcard_constraints:
        candidates_of=ORIGINAL,
        strategy=TABLE_STRATEGY,
        order=SHOWN,
    conda:
        "../../envs/llm.yaml"
    threads: 1
    resources:
        mem_mb=needs.memory(1000, 200),
        runtime=needs.minutes(20, 10),
        machine=project.machine,
    params:
        length=settings.retrieval.candidates,
        module=training.strategy_module,
        limit=training.history_limit,
        context=scoring.context,
        tokens=settings.scoring.tokens,
        show_ratings=settings.scoring.show_ratings,
        natural_titles=scoring.natural_titles,
        remote=scoring.is_remote,
        compact=scoring.is_compact,
        code=training.strategy_code("scripts/prepare_requester.py"),
    message:
        "Write the prompt of who asks: request {wildcards.request}, {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/prepare_requester.py"


use rule check_prompts as check_requester with:
    input:
        **places.judged_files(places.REQUEST),
        prompts=rules.prepare_requester.output.prompts,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        template=scoring.template,
    output:
        **places.proof_files(places.SERVICE),
    log:
        f"{places.LOGS}/check_requester/{places.OF_REQUEST}/{places.OF_PROMPTS}.log",
    message:
        "Check that no prompt holds a forgotten interaction: request {wildcards.request}, {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"


use rule score_prompts as score_requesters with:
    input:
        prompts=requests.prompts,
        checked=requests.proofs,
        model=ancient(scoring.tokenizer_folder),
        manifest=scoring.tokenizer_manifest,
    output:
        receipt=places.SERVICE_RECEIPT,
    log:
        f"{places.LOGS}/score_requesters/{places.OF_STATE}/{{llm}}/{places.OF_JOB}.log",
    benchmark:
        f"{places.BENCHMARKS}/score_requesters/{places.OF_STATE}/{{llm}}/{places.OF_JOB}.tsv"
    threads: 1  # of one answer at a time: two threads would mostly wait for each other
    params:
        entry=scoring.llm_service,
        form=scoring.form,
        engine=scoring.engine_module,
        chunk=1,  # a request is answered alone, as it would be in service
        store=places.ANSWERS,
        code=scoring.engine_code("scripts/score_prompts.py"),
    message:
        "Answer requests one by one with {wildcards.llm}: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}, {wildcards.batch}"


rule requester_cost:
    input:
        prompts=rules.prepare_requester.output.prompts,
        prompts_cost=rules.prepare_requester.output.cost,
        receipt=requests.receipt,
    output:
        cost=f"{places.SERVICE}/{places.COST}",
        manifest=f"{places.SERVICE}/{places.MANIFEST}",
    log:
        f"{places.LOGS}/requester_cost/{places.OF_REQUEST}/{places.OF_PROMPTS}.log",
    benchmark:
        f"{places.BENCHMARKS}/requester_cost/{places.OF_REQUEST}/{places.OF_PROMPTS}.tsv"
    localrule: True
    conda:
        "../../envs/train.yaml"
    threads: 1
    params:
        store=places.ANSWERS,
        code=code_digest("scripts/requester_cost.py"),
    message:
        "Sum up what request {wildcards.request} took CRAGRU: {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/requester_cost.py"
