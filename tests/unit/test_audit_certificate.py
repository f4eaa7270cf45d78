"""Certificates of a hand-made results folder: six interactions, two of them forgotten, a model of each kind."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from audit_world import DATE, FORGET, GUARANTEES, ORIGINAL, REQUEST, RETRAIN, SECRET, STATE, World
from refusals import assert_told, refused
from snakemake.iocontainers import Wildcards

from cragru.audit.certificate import as_text, build_certificate
from cragru.audit.commitment import Key
from cragru.audit.guarantees import PROMPT_AND_ORIGINAL, Claim
from cragru.audit.limits import remains
from cragru.audit.provenance import Job
from cragru.audit.purging import purge, restore
from cragru.audit.request import Places, is_unlearned
from cragru.audit.returned import returned_rows
from cragru.audit.verification import (
    CERTIFY_AGAIN,
    PURGE_AGAIN,
    Verifier,
    find_certificates,
    missing_certificates,
)
from cragru.core.errors import CragruError
from cragru.core.request import Request
from cragru.core.roles import Role
from cragru.data.parts import SCHEMA
from cragru.kept.files import read_json, sha256, write_json, write_parquet
from cragru.plan.purged import Purged

KEY = Key(SECRET)
PATH = "results/run/certificates/toy/paper/1/certificate.json"
CELL = f"{STATE}/bpr/cragru/original/none/cell"


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return World(tmp_path)


def verified(key=KEY):
    verifier = Verifier(key)
    for path in find_certificates("results/run/certificates"):
        verifier.verify(path)
    verifier.report()
    return verifier.verified


def built(world, guarantees=GUARANTEES):
    return build_certificate(REQUEST, world.manifests, guarantees, KEY, DATE)


def only_told():
    """The one file that is told, and what is wrong with it."""
    with pytest.raises(CragruError) as caught:
        verified()
    (place,) = {problem.place for problem in caught.value.problems if problem.place}
    return place, caught.value.problems[0].what


def artifact(certificate, ending):
    return next(made for made in certificate["artifacts"] if made["manifest"].endswith(ending))


def test_what_was_removed_is_committed_to(world):
    commitment = built(world)["commitment"]
    assert (
        commitment["interactions"],
        commitment["held_out_interactions"],
        commitment["users"],
    ) == (2, 0, 2)
    # by hand: rows 1 and 4 of the world, under the publisher's ids
    rows = [("u70", "i900", 874000001), ("u71", "i902", 874000004)]
    expected = [KEY.commit("interaction", "toy", "paper", 1, None, "forget", *row) for row in rows]
    assert commitment["removed"] == {"forget": sorted(expected), "forget-heldout": []}
    assert commitment["key"] == KEY.fingerprint


def test_nothing_is_in_clear(world):
    text = as_text(built(world))
    assert not re.search(r"u7\d|i90\d|87400000\d", text)
    assert SECRET.hex() not in text
    assert str(world.folder) not in text
    checksums = {
        entry
        for path in world.manifests
        for entry in re.findall("[0-9a-f]{64}", (world.folder / path).read_text())
    }
    assert checksums
    assert not [checksum for checksum in checksums if checksum in text]


@pytest.mark.parametrize("path", ["results/llm/toy/model/weights.bin", "results/raw/toy/u.data"])
def test_what_is_published_is_named_but_not_read(world, path):
    """A language model of many gigabytes is not hashed for each certificate, and need not be there to verify one."""
    manifest = f"{STATE}/bpr/cragru/original/none/cell/manifest.json"
    world.tell_input(manifest, path, "0" * 64)
    certificate = built(world)
    assert artifact(certificate, "cell/manifest.json")["inputs"][path] == KEY.of_file(
        path, "0" * 64
    )
    assert path not in certificate["files"]


def test_a_file_of_a_folder_must_be_there(world):
    world.tell_input(
        f"{RETRAIN}/manifest.json", f"{STATE}/bpr/sisa/before/shards/shard-00.safetensors", "0" * 64
    )
    with refused(place=f"{STATE}/bpr/sisa/before/shards/shard-00.safetensors") as caught:
        built(world)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_the_same_files_give_the_same_bytes(world):
    assert as_text(built(world)) == as_text(
        build_certificate(REQUEST, reversed(world.manifests), GUARANTEES, KEY, DATE)
    )
    assert as_text(built(world)).encode() == world.certify().read_bytes()


def test_what_is_claimed_of_each_artifact(world):
    certificate = built(world)
    assert {
        made["manifest"].removeprefix(f"{STATE}/"): made["guarantee"]
        for made in certificate["artifacts"]
    } == {
        "bpr/cragru/original/manifest.json": "exact in the prompt, candidates of the original model",
        "bpr/cragru/original/none/cell/manifest.json": "exact in the prompt, candidates of the original model",
        "bpr/cragru/original/none/cell/prompts-checked-manifest.json": "a proof about prompts",
        "bpr/grapheraser/before/partition-manifest.json": "before the request",
        "bpr/grapheraser/manifest.json": "exact given the partition",
        "bpr/ifru/manifest.json": "approximate",
        "bpr/original/manifest.json": "before the request",
        "bpr/retrain/manifest.json": "exact",
        "split/manifest.json": "what remains, and what is forgotten",
    }
    original = f"{STATE}/bpr/original/model.safetensors"
    forget = f"{STATE}/split/forget.parquet"
    assert artifact(certificate, "retrain/manifest.json")["derives_from_forgotten"] == []
    assert artifact(certificate, "ifru/manifest.json")["derives_from_forgotten"] == [
        original,
        forget,
    ]
    assert artifact(certificate, "cell/manifest.json")["derives_from_forgotten"] == [
        original,
        forget,
    ]
    assert artifact(certificate, "grapheraser/manifest.json")["derives_from_forgotten"] == [forget]
    after = {
        made["manifest"] for made in certificate["artifacts"] if not made["built_after_the_request"]
    }
    assert after == {
        f"{STATE}/bpr/{name}"
        for name in ("grapheraser/before/partition-manifest.json", "original/manifest.json")
    }


def test_checks_count_what_they_looked_at(world):
    checks = built(world)["checks"]
    assert all(check["passed"] and check["forgotten_found"] == 0 for check in checks)
    assert checks[0]["rows"] == {
        "forget": 2,
        "forget-heldout": 0,
        "train": 2,
        "valid": 1,
        "test": 1,
    }
    assert [check["guarantee"] for check in checks if "guarantee" in check] == [
        "exact given the partition",
        "exact",
    ]
    assert (
        checks[-1]["prompts"],
        checks[-1]["candidates"],
        checks[-1]["forgotten_candidates"],
    ) == (1, 4, 1)


def test_what_is_not_guaranteed_is_said(world):
    certificate = built(world)
    text = " ".join(certificate["not_guaranteed"])
    assert "ifru: approximate" in text
    assert "grapheraser: exact given the partition" in text
    assert "1 of 4 candidates (25.0%) are items that their user has asked to forget" in text
    purged = {
        entry["path"].removeprefix(f"{STATE}/")
        for entry in certificate["remains"]
        if entry["purge"]
    }
    assert purged == {
        "split/forget.parquet",
        "split/forget-heldout.parquet",
        "bpr/original/model.safetensors",
        "bpr/grapheraser/before/partition.parquet",
        "bpr/cragru/original/candidates.parquet",
    }
    kept = {entry["path"] for entry in certificate["remains"] if not entry["purge"]}
    assert kept == {
        "results/raw/toy",
        "results/toy/prepared/interactions.parquet",
        f"{STATE}/bpr/ifru/model.safetensors",
        f"{STATE}/bpr/grapheraser/model.safetensors",
        f"{STATE}/bpr/cragru/original/none/cell/prompts.jsonl",
    }


def test_only_what_applies_is_said(world):
    certificate = build_certificate(
        REQUEST, world.of("split", "retrain"), {"retrain": "exact"}, KEY, DATE
    )
    text = " ".join(certificate["not_guaranteed"])
    assert not re.search("approximate|partition|candidates|Strategies", text)


def test_every_altered_file_is_named(world):
    world.certify()
    assert len(verified()) == 1
    files = read_json(next(iter(find_certificates("results/run/certificates"))))["files"]
    assert len(files) > 25
    for name in files:
        path = world.folder / name
        before = path.read_bytes()
        path.write_bytes(before + b" ")
        assert only_told() == (name, "not as certified: altered")
        path.unlink()
        assert only_told() == (name, "not as certified: missing")
        path.write_bytes(before)
    assert len(verified()) == 1


def test_many_altered_files_are_counted(world):
    world.certify()
    for path in world.manifests:
        world.alter(path)
    with pytest.raises(CragruError) as error:
        verified()
    told = [problem.place for problem in error.value.problems]
    assert told == [*sorted(world.manifests)[:8], "", ""]
    assert str(error.value).endswith(
        "/manifest.json: not as certified: altered; and 1 more files; delete each and make it again: "
        "`snakemake --cores all FILE`"
    )


def test_an_altered_certificate_is_named(world):
    path = world.certify()
    certificate = read_json(path)
    certificate["guarantees"]["ifru"] = "exact"
    write_json(path, certificate)
    assert only_told() == (PATH, "altered: its seal is broken")


def test_a_certificate_of_other_code_is_told(world):
    path = world.certify()
    body = {name: value for name, value in read_json(path).items() if name != "seal"}
    write_json(path, KEY.sealed(body | {"not_guaranteed": []}))
    assert only_told() == (PATH, "differs when it is built again")


def test_another_key_is_told_apart(world):
    world.certify()
    other = Key(bytes(32))
    with refused(place=PATH, got=other.fingerprint) as caught:
        verified(other)
    assert KEY.fingerprint in str(caught.value)


def test_no_certificates_say_what_to_do(world):
    assert_told(missing_certificates([PATH]), place=PATH, advice="run the workflow again")
    assert find_certificates("results/run/certificates") == []


def test_rows_that_are_neither_in_a_part_nor_left_out_fail(world, monkeypatch):
    monkeypatch.setattr("cragru.audit.certificate.rows_left_out", lambda folder: -1)
    with refused(place=f"{STATE}/split", what="not all prepared rows", got=6):
        built(world)


def test_what_a_split_leaves_out_is_told_by_the_one_before_a_single_request():
    """The split that the request leaves divides the rows in parts alone."""
    single = Places(Request("toy", "one-user", 1, "draw-1"))
    assert single.deployed_record == f"{single.state}/split/split.json" != single.record
    whole = Places(REQUEST)
    assert whole.deployed_record == whole.record


def test_a_forgotten_row_in_train_fails(world):
    world.smuggle_row()
    with pytest.raises(CragruError, match=f"^{STATE}/split.*prepared"):
        built(world)


def test_a_forgotten_pair_under_another_row_number_fails(world):
    world.smuggle_pair()
    with pytest.raises(CragruError, match=f"^{STATE}/split.*interactions"):
        built(world)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (FORGET, "claims exact, but has seen forgotten rows"),
        (ORIGINAL, "claims exact, but has seen forgotten rows"),
        ("results/toy/prepared/interactions.parquet", "claims exact, but has seen forgotten rows"),
        (f"{STATE}/notes.csv", "claims exact, but its origin is unknown"),
    ],
)
def test_an_exact_method_that_read_more_fails(world, read, said):
    (world.folder / STATE / "notes.csv").write_text("1")
    world.add_input(f"{RETRAIN}/manifest.json", read)
    with refused(what=said, place=f"{RETRAIN}/manifest.json", got=read):
        built(world)


def test_an_exact_method_that_read_an_approximate_model_fails(world):
    world.add_input(f"{RETRAIN}/manifest.json", f"{STATE}/bpr/ifru/model.safetensors")
    with refused(place=f"{RETRAIN}/manifest.json") as caught:
        built(world)
    assert caught.value.problems[0].got in (FORGET, ORIGINAL)


def test_an_exact_claim_with_a_learnt_partition_fails(world):
    folder = f"{STATE}/bpr/grapheraser"
    partition = f"{folder}/before/partition.parquet"
    with refused(place=f"{folder}/manifest.json", got=partition):
        built(world, GUARANTEES | {"grapheraser": "exact"})


def test_a_method_without_a_claim_fails(world):
    place = f"{STATE}/bpr/grapheraser/manifest.json: wildcards.method"
    with refused(place=place, got="grapheraser", allowed=["retrain"]):
        built(world, {"retrain": "exact"})


@pytest.mark.parametrize("model", ["retrain", "grapheraser", "ifru"])
@pytest.mark.parametrize("role", ["deploys", "reranks", "divides"])
def test_an_unlearned_model_that_no_check_has_looked_at_fails(world, model, role):
    """Its place tells what it is, whatever its script states: neither kind of claim goes unlooked at."""
    manifest = f"{STATE}/bpr/{model}/manifest.json"
    world.state_role(manifest, role)
    if role == "reranks":
        world.rewrite_wildcards(manifest, candidates_of="original")
    place = f"{STATE}/bpr/{model}/model.safetensors"
    with refused(place=place, got=role, allowed=["unlearns"]) as error:
        built(world)
    assert "\n" not in str(error.value)


def test_an_unlearned_model_of_unknown_origin_fails(world):
    """Read by CRAGRU, which claims no more than its candidates' source: yet it is an unlearned model."""
    (world.folder / STATE / "bpr/scif").mkdir()
    path = f"{STATE}/bpr/scif/model.safetensors"
    (world.folder / path).write_text("a model")
    world.add_input(f"{STATE}/bpr/cragru/original/manifest.json", path)
    with refused(place=path, got=None, allowed=["unlearns"]):
        built(world)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        (f"{STATE}/bpr/retrain/model.safetensors", True),
        ("results/toy/one-user/2/draw-1/lightgcn/ifru/model.safetensors", True),
        (f"{STATE}/bpr/original/model.safetensors", False),
        (f"{STATE}/bpr/sisa/before/shards/shard-00.safetensors", False),
        (f"{STATE}/bpr/cragru/original/attention/fit/model.safetensors", False),
        ("results/llm/toy/model/model.safetensors", False),
    ],
)
def test_what_an_unlearned_model_is_by_its_place(path, is_one):
    assert is_unlearned(path) is is_one


def test_a_job_that_unlearns_without_a_model_fails(world):
    manifest = f"{STATE}/bpr/cragru/original/manifest.json"
    world.state_role(manifest, "unlearns")
    world.rewrite_wildcards(manifest, method="ifru")
    with refused(place=manifest, got=[]):
        built(world)


@pytest.mark.parametrize(
    ("role", "said"),
    [(None, "None"), ("unlearn", "'unlearns'?")],
)
def test_a_manifest_without_a_known_role_fails(world, role, said):
    world.state_role(f"{RETRAIN}/manifest.json", role)
    roles = ["deploys", "divides", "prepares", "proves", "reranks", "unlearns", "weighs"]
    with refused(place=f"{RETRAIN}/manifest.json", got=role, allowed=roles) as error:
        built(world)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_manifest_of_before_there_were_roles_fails(world):
    record = read_json(f"{RETRAIN}/manifest.json")
    del record["role"]
    write_json(f"{RETRAIN}/manifest.json", record)
    with refused(place=f"{RETRAIN}/manifest.json", got=None):
        built(world)


def test_candidates_of_a_source_without_words_fail(world):
    manifest = f"{STATE}/bpr/cragru/original/manifest.json"
    world.rewrite_wildcards(manifest, candidates_of="ifru")
    place = f"{manifest}: wildcards.candidates_of"
    with refused(place=place, got="ifru", allowed=["original", "retrain"]):
        built(world)


def test_what_cannot_be_checked_is_listed(world):
    """By hand: one of the three methods is approximate, and it read the model before the request and the forget set."""
    assert built(world)["not_checked"] == [
        {
            "model": f"{STATE}/bpr/ifru/model.safetensors",
            "guarantee": "approximate",
            "why": "no check tells whether an approximate method has left a trace of the forgotten rows",
            "looked_at": [f"{STATE}/bpr/ifru/manifest.json"],
            "derives_from_forgotten": [
                f"{STATE}/bpr/original/model.safetensors",
                f"{STATE}/split/forget.parquet",
            ],
        }
    ]


def test_every_model_of_a_method_is_looked_at_once(world):
    certificate = built(world)
    looked = [
        record["model"]
        for record in certificate["checks"] + certificate["not_checked"]
        if "model" in record
    ]
    assert sorted(looked) == [
        f"{STATE}/bpr/{name}/model.safetensors" for name in ("grapheraser", "ifru", "retrain")
    ]


def test_a_proof_that_counts_a_forgotten_row_fails(world):
    proof = f"{CELL}/prompts-checked.json"
    world.rewrite(proof, {**world.proof, "forgotten_in_history": 1})
    with refused(place=proof, got=1):
        built(world)


def test_a_proof_of_other_prompts_fails(world):
    (world.folder / CELL / "prompts.jsonl").write_text("{}\n{}\n")
    with refused(place=f"{CELL}/prompts.jsonl") as caught:
        built(world)
    assert f"{CELL}/manifest.json" in caught.value.problems[0].what


def test_a_request_of_another_seed_fails(world):
    manifest = world.other_seed()
    with refused(place=f"{manifest}: wildcards.seed", got="2"):
        build_certificate(
            Request("toy", "paper", 1), [*world.manifests, manifest], GUARANTEES, KEY, DATE
        )


def test_a_purge_deletes_and_says_what_remains(world):
    path = world.certify()
    (world.folder / STATE / "bpr/original/per-user.parquet").write_text("by user")
    deleted = purge(find_certificates("results/run/certificates"), KEY)
    assert [name.removeprefix(f"{STATE}/") for name in deleted] == [
        "bpr/cragru/original/candidates.parquet",
        "bpr/grapheraser/before/partition.parquet",
        "bpr/original/model.safetensors",
        "bpr/original/per-user.parquet",
        "split/forget-heldout.parquet",
        "split/forget.parquet",
    ]
    assert not [name for name in deleted if (world.folder / name).exists()]
    assert (world.folder / STATE / "bpr/original/manifest.json").exists()
    record = read_json(path.with_name("purged.json"))
    assert sorted(record["purged"]) == deleted
    assert not [entry for entry in record["remains"] if entry["purge"]]
    files = read_json(path)["files"].keys()
    assert verified() == {PATH: len(files - set(deleted))}
    assert purge(find_certificates("results/run/certificates"), KEY) == []
    assert sorted(read_json(path.with_name("purged.json"))["purged"]) == deleted


def test_the_prompt_of_who_asked_is_purged():
    """It has candidates that its user left behind, beside who the user is; what they cost tells nothing."""

    def purged(places, *outputs):
        job = Job("manifest.json", "any", Role.RERANKS, {}, {}, {}, dict.fromkeys(outputs, "0"))
        claims = [Claim(job, PROMPT_AND_ORIGINAL, ["model"], ["model"])]
        return {file["path"]: file["purge"] for file in remains(places, claims)}

    places = Places(Request("toy", "one-user", 1, "draw-1"))
    paths = [f"{places.folder}/bpr/cragru/{name}" for name in ("prompts.jsonl", "cost.json")]
    found = purged(places, *paths)
    assert found[paths[0]] and paths[1] not in found
    of_cell = f"{STATE}/bpr/cragru/prompts.jsonl"
    assert purged(Places(REQUEST), of_cell)[of_cell] is False


def test_evaluations_that_name_who_left_are_purged(world):
    world.certify()
    traces = [
        f"{STATE}/bpr/groups/users.parquet",
        f"{STATE}/bpr/retrain/against-4-retrains/membership.parquet",
    ]
    kept = f"{STATE}/bpr/groups/items.parquet"
    for path in map(Path, [*traces, kept]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rows")
    deleted = purge(find_certificates("results/run/certificates"), KEY)
    assert set(traces) <= set(deleted) and not any(Path(path).exists() for path in traces)
    assert kept not in deleted and Path(kept).exists()


def test_what_a_purge_left_is_still_verified(world):
    path = world.certify()
    purge(find_certificates("results/run/certificates"), KEY)
    world.alter(f"{RETRAIN}/model.safetensors")
    (world.folder / STATE / "split/forget.parquet").write_text("rows again")
    with refused(place=f"{RETRAIN}/model.safetensors") as caught:
        verified()
    assert_told(caught.value.problems, place=FORGET, advice=PURGE_AGAIN)
    record = read_json(path.with_name("purged.json"))
    record["purged"] |= {f"{RETRAIN}/model.safetensors": "0" * 64}
    write_json(path.with_name("purged.json"), record)
    purged = str(path.with_name("purged.json"))
    assert only_told() == (purged, "altered: its seal is broken")


def test_a_record_of_another_certificate_is_refused(world):
    path = world.certify()
    purge(find_certificates("results/run/certificates"), KEY)
    record = {
        name: value
        for name, value in read_json(path.with_name("purged.json")).items()
        if name != "seal"
    }
    write_json(path.with_name("purged.json"), KEY.sealed(record | {"certificate": "0" * 64}))
    advice = "put back the certificate.json that was purged"
    with refused(place=path.with_name("purged.json"), advice=advice):
        verified()


def test_a_request_from_a_file_remains(world):
    (world.folder / "requests").mkdir()
    (world.folder / "requests/spring.csv").write_text("user,item\n")
    world.add_input(f"{STATE}/split/manifest.json", "requests/spring.csv")
    assert {
        "path": "requests/spring.csv",
        "holds": "the request itself, in clear",
        "purge": False,
    } in built(world)["remains"]


def test_a_purge_deletes_nothing_outside_the_request(world):
    path = world.certify()
    body = {name: value for name, value in read_json(path).items() if name != "seal"}
    outside = f"{STATE}/../../../../secret"
    body["remains"].append({"path": outside, "holds": "", "purge": True})
    write_json(path, KEY.sealed(body))
    with refused(place=outside):
        purge(find_certificates("results/run/certificates"), KEY)
    assert (world.folder / STATE / "split/forget.parquet").exists()


def test_json_is_plain(world):
    assert json.loads(as_text(built(world))) == built(world)
    assert pd.read_parquet(STATE + "/split/forget.parquet")["row"].tolist() == [1, 4]


# --- what was made again, what is back, the page


def test_a_file_that_was_made_again_is_told_from_an_altered_one(world):
    """Its job's manifest fits it, and the certificate does not: a later job has made both."""
    world.certify()
    model = f"{RETRAIN}/model.safetensors"
    world.alter(model)
    manifest = read_json(f"{RETRAIN}/manifest.json")
    manifest["outputs"][model] = sha256(model)
    write_json(f"{RETRAIN}/manifest.json", manifest)
    with refused(place=model, what="made again since it was certified", advice=CERTIFY_AGAIN):
        verified()


def test_a_certificate_without_a_model_is_refused(world):
    with refused(what="no model to certify", place=STATE):
        build_certificate(REQUEST, world.of("split"), {}, KEY, DATE)


def test_a_certificate_has_its_date_and_what_serves(world):
    certificate = built(world)
    assert certificate["date"] == DATE
    assert certificate["state"] == {"before": STATE, "after": STATE}
    assert certificate["models"] == {
        f"{STATE}/bpr/grapheraser/model.safetensors": "exact given the partition",
        f"{STATE}/bpr/ifru/model.safetensors": "approximate",
        f"{RETRAIN}/model.safetensors": "exact",
    }


def test_the_page_says_what_the_certificate_says(world):
    path = world.certify()
    page = path.with_name("certificate.md")
    text = page.read_text()
    assert "2 interactions of 2 users" in text and DATE in text
    assert f"| `{RETRAIN}/model.safetensors` | exact |" in text
    assert len(text.splitlines()) < 50
    page.write_text(text.replace("2 interactions", "3 interactions"))
    assert only_told() == (str(page), "not the page of its certificate")
    page.write_text(text)
    purge([path], KEY)
    assert "5 files were deleted" in page.read_text()
    assert verified()


@pytest.mark.parametrize("part", ["train", "valid", "test", "forget"])
def test_a_purged_row_that_is_back_is_found_wherever_it_serves(world, part):
    path = world.certify()
    purge([path], KEY)
    rows = world.interactions.iloc[[0, 4]].assign(row=[0, 4])  # row 4 was forgotten, row 0 was not
    back = f"{STATE}/split/{part}.parquet"
    write_parquet(back, rows, SCHEMA)
    found = list(returned_rows(read_json(path), [], KEY))
    assert [(problem.place, problem.got) for problem in found] == [(back, 1)]


def test_rows_are_looked_for_in_every_state_that_started_from_a_request(world):
    """By hand: autumn started from spring, winter from autumn, and draw-1 from the deployed state."""
    path = world.certify()
    purge([path], KEY)
    states = {"spring": STATE, "autumn": "spring", "winter": "autumn", "draw-1": "elsewhere"}
    rows = world.interactions.iloc[[4]].assign(row=[4])
    for name in states:
        write_parquet(f"{name}/split/train.parquet", rows, SCHEMA)
    later = [{"state": {"before": old, "after": new}} for new, old in states.items()]
    found = returned_rows(read_json(path), reversed(later), KEY)
    assert {problem.place for problem in found} == {
        f"{name}/split/train.parquet" for name in ("spring", "autumn", "winter")
    }


def test_a_purge_that_is_let_go_leaves_its_record(world):
    path = world.certify()
    purge([path], KEY)
    assert FORGET in Purged().records
    assert restore([path], KEY) == [path.with_name("restored.json")]
    assert Purged().records == {}
    assert sorted(read_json(path.with_name("restored.json"))["purged"])
    assert restore([path], KEY) == []


def test_a_purge_that_was_killed_is_not_forgotten(world, monkeypatch):
    """It has deleted two files: what it must delete is closed already, and another purge ends it."""
    path, unlink, gone = world.certify(), Path.unlink, []

    def killed(file, **settings):
        if file.suffix in (".parquet", ".safetensors"):
            gone.append(file)
            if len(gone) > 2:
                raise KeyboardInterrupt
        unlink(file, **settings)

    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(KeyboardInterrupt):
        purge([path], KEY)
    monkeypatch.undo()
    monkeypatch.chdir(world.folder)
    closed = Purged().records
    left = [name for name in closed if Path(name).exists()]
    assert len(closed) == 5 and len(left) == 3
    with refused(place=left[0], what="purged, but there again", advice=PURGE_AGAIN):
        verified()
    assert purge([path], KEY) == sorted(left)
    assert verified()


def test_no_rule_makes_what_lies_beside_a_purged_file(world):
    path = world.certify()
    purge([path], KEY)
    purged = Purged()
    pattern = re.compile(f"results/(?P<dataset>{purged.not_in('toy|run')})/(?P<rest>.+)")
    closed = [FORGET, f"{STATE}/split/train.parquet", ORIGINAL, PATH]
    assert not [file for file in closed if pattern.fullmatch(file)]
    made = [f"{STATE}/bpr/scif/model.safetensors", f"{STATE}/split/deeper/file", f"{RETRAIN}/x"]
    assert all(pattern.fullmatch(file) for file in made)
    assert FORGET.removeprefix("results/") in purged.files
    with refused(place=FORGET):
        purged.refuse(Wildcards(fromdict={"purged": FORGET.removeprefix("results/")}))


def test_nothing_is_closed_where_nothing_was_purged(world):
    world.certify()
    assert Purged().not_in("toy") == "toy" and Purged().files == []


@pytest.mark.parametrize("text", ["", "{}", '{"purged": ["a"]}', "[1]"])
def test_a_damaged_record_of_a_purge_stops_every_run(world, text):
    """To delete it, as of other records, would make what was purged again."""
    path = world.certify()
    purge([path], KEY)
    path.with_name("purged.json").write_text(text)
    with refused(place=path.with_name("purged.json"), advice="put it back from a backup"):
        Purged()


def test_a_row_that_no_part_has_fails_though_the_record_leaves_it_out(world):
    """Only a request in turn may lack rows: those of the requests before it."""
    world._replace_train([0], [0])
    with refused(place=f"{STATE}/split", got=5):
        built(world)
