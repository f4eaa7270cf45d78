# CRAGRU serves a deletion request: who asks gets a prompt from what remains, its proof, an answer, and what these took.
rule prepare_requester:
    input:
        model=original_model,
        forget=rules.apply_request.output.forget,
        held_out=rules.apply_request.output.held_out,
        train=rules.apply_request.output.train,
        valid=rules.apply_request.output.valid,
        record=rules.apply_request.output.record,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
        template=prompt_template,
        tokenizer=tokenizer_room,
    output:
        prompts=f"{REQUESTER}/prompts.jsonl",
        cost=f"{REQUESTER}/prompts-cost.json",
        manifest=f"{REQUESTER}/prompts-manifest.json",
    log:
        "results/logs/prepare_requester/{dataset}/{protocol}/{seed}/{request}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}.log",
    benchmark:
        "results/benchmarks/prepare_requester/{dataset}/{protocol}/{seed}/{request}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}.tsv"
    wildcard_constraints:
        source=ORIGINAL,
        strategy=TABLE_STRATEGY,
        order="backbone",
    conda:
        "../../envs/llm.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        length=project.settings.retrieval.candidates,
        module=strategy_module,
        limit=history_limit,
        context=llm_context,
        tokens=project.settings.scoring.tokens,
        show_ratings=project.settings.scoring.show_ratings,
        code=prepare_code,
    message:
        "Write the prompt of who asks: request {wildcards.request}, {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/prepare_requester.py"


use rule check_prompts as check_requester with:
    input:
        prompts=rules.prepare_requester.output.prompts,
        parts=rules.apply_request.output,
        record=rules.apply_request.output.record,
        interactions=rules.prepare.output.interactions,
        user_frame=rules.prepare.output.user_frame,
        item_frame=rules.prepare.output.item_frame,
        statistics=rules.prepare.output.statistics,
        template=prompt_template,
    output:
        checked=f"{REQUESTER}/prompts-checked.json",
        manifest=f"{REQUESTER}/prompts-checked-manifest.json",
    log:
        "results/logs/check_requester/{dataset}/{protocol}/{seed}/{request}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}.log",
    message:
        "Check that no prompt holds a forgotten interaction: request {wildcards.request}, {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"


use rule score_prompts as score_requesters with:
    input:
        prompts=requester_prompts,
        checked=requester_checks,
        model=tokenizer_room,
        manifest=tokenizer_manifest,
    output:
        receipt=REQUESTER_RECEIPT,
    log:
        "results/logs/score_requesters/{dataset}/{protocol}/{seed}/{llm}/{score}/{batch}/{share}-of-{shares}.log",
    benchmark:
        "results/benchmarks/score_requesters/{dataset}/{protocol}/{seed}/{llm}/{score}/{batch}/{share}-of-{shares}.tsv"
    params:
        entry=llm_service,
        chunk=1,  # a request is answered alone, as it would be in service
        store=f"{LLM_ROOM}/answers",
        code=code_digest("scripts/score_prompts.py"),
    message:
        "Answer requests one by one with {wildcards.llm}: {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}, {wildcards.batch}"


rule requester_cost:
    input:
        prompts=rules.prepare_requester.output.prompts,
        prompts_cost=rules.prepare_requester.output.cost,
        receipt=requester_receipt,
    output:
        cost=f"{REQUESTER}/cost.json",
        manifest=f"{REQUESTER}/manifest.json",
    log:
        "results/logs/requester_cost/{dataset}/{protocol}/{seed}/{request}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}.log",
    benchmark:
        "results/benchmarks/requester_cost/{dataset}/{protocol}/{seed}/{request}/{backbone}/{source}/{strategy}/{order}/{llm}/{score}.tsv"
    localrule: True
    conda:
        "../../envs/train.yaml"
    threads: 1
    params:
        store=f"{LLM_ROOM}/answers",
        code=code_digest("scripts/requester_cost.py"),
    message:
        "Sum up what request {wildcards.request} took CRAGRU: {wildcards.backbone}, {wildcards.dataset}, {wildcards.protocol}, seed {wildcards.seed}"
    script:
        "../../scripts/requester_cost.py"
