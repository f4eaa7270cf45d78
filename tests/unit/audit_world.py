"""A results folder made by hand: what a workflow leaves of one request, as small as it can be."""

from pathlib import Path

import pandas as pd

from cragru.audit.certificate import build_certificate
from cragru.audit.commitment import Key
from cragru.audit.page import write_page
from cragru.core.request import Request
from cragru.data.frames import INTERACTIONS, ITEMS, USERS
from cragru.data.parts import PARTS, SCHEMA, write_parts
from cragru.kept.files import read_json, sha256, write_json, write_parquet

SECRET = bytes(range(32))
DATE = "2026-11-29T12:00:00Z"
REQUEST = Request("toy", "paper", 1)
STATE = "results/toy/paper/1"
PREPARED = "results/toy/prepared"
RETRAIN = f"{STATE}/bpr/retrain"
GUARANTEES = {"retrain": "exact", "grapheraser": "exact given the partition", "ifru": "approximate"}
ROWS = {"forget": [1, 4], "forget-heldout": [], "train": [0, 3], "valid": [2], "test": [5]}
READ = [f"{STATE}/split/{name}" for name in ("train.parquet", "valid.parquet", "split.json")]
ROLES = {
    "split": "divides",
    "train_original": "deploys",
    "partition": "deploys",
    "unlearn": "unlearns",
    "candidates": "reranks",
    "build_prompts": "reranks",
    "check_prompts": "proves",
}
FORGET, ORIGINAL = f"{STATE}/split/forget.parquet", f"{STATE}/bpr/original/model.safetensors"


class World:
    """Six interactions of two users with three items, rows 1 and 4 forgotten, under the working directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifests: list[str] = []
        self.proof = {"prompts": 1, "history_rows": 2, "forgotten_in_history": 0}
        self.proof |= {"candidates": 4, "forgotten_candidates": 1}
        self._data()
        self._models()
        self._cell()

    def of(self, *names: str) -> list[str]:
        """The manifests in folders of these names."""
        return [path for path in self.manifests if Path(path).parent.name in names]

    def certify(self) -> Path:
        """Build the certificate where the workflow has it."""
        path = Path("results/run/certificates/toy/paper/1/certificate.json")
        certificate = build_certificate(REQUEST, self.manifests, GUARANTEES, Key(SECRET), DATE)
        write_json(path, certificate)
        write_page(path.with_name("certificate.md"), certificate, None)
        return path

    def alter(self, name: str) -> None:
        """Append a byte to a file."""
        path = self.folder / name
        path.write_bytes(path.read_bytes() + b" ")

    def rewrite(self, name: str, value: dict) -> None:
        """Replace a JSON file, and have its manifests speak of the new one."""
        write_json(name, value)
        for path in self.manifests:
            record = read_json(path)
            for kind in ("inputs", "outputs"):
                if name in record[kind]:
                    record[kind][name] = sha256(name)
            write_json(path, record)

    def add_input(self, manifest: str, path: str) -> None:
        """Have a manifest say that its job read one more file."""
        self.tell_input(manifest, path, sha256(path))

    def tell_input(self, manifest: str, path: str, checksum: str) -> None:
        """Have a manifest say that its job read a file with this checksum."""
        record = read_json(manifest)
        record["inputs"][path] = checksum
        write_json(manifest, record)

    def state_role(self, manifest: str, role: str | None) -> None:
        """Have a manifest state another role."""
        write_json(manifest, read_json(manifest) | {"role": role})

    def rewrite_wildcards(self, manifest: str, **names: str) -> None:
        """Have a manifest tell other wildcards."""
        record = read_json(manifest)
        write_json(manifest, record | {"wildcards": record["wildcards"] | names})

    def smuggle_row(self) -> None:
        """Put forgotten row 1 into train, with all records made to fit."""
        self._replace_train([0, 1, 3], [0, 1, 3])

    def smuggle_pair(self) -> None:
        """Put the pair of forgotten row 1 into train, under row number 3."""
        self._replace_train([0, 3], [0, 1])

    def other_seed(self) -> str:
        """A manifest of what another request left."""
        return self._job(
            "unlearn",
            "results/toy/paper/2/bpr/retrain",
            READ,
            {"method": "retrain"},
            seed="2",
            keep=False,
        )

    def _data(self) -> None:
        self.interactions = pd.DataFrame(
            {
                "user": [0, 0, 0, 1, 1, 1],
                "item": [1, 0, 2, 0, 2, 1],
                "rating": [4.0, 5.0, 3.0, 1.0, 2.0, 5.0],
                "timestamp": range(874000000, 874000006),
            }
        ).astype(INTERACTIONS)
        users = pd.DataFrame({"user": [0, 1], "raw_id": ["u70", "u71"]}).reindex(
            columns=list(USERS), fill_value=""
        )
        items = pd.DataFrame({"item": [0, 1, 2], "raw_id": ["i900", "i901", "i902"], "year": 1990})
        write_parquet(f"{PREPARED}/interactions.parquet", self.interactions, INTERACTIONS)
        write_parquet(f"{PREPARED}/users.parquet", users, USERS)
        write_parquet(
            f"{PREPARED}/items.parquet", items.reindex(columns=list(ITEMS), fill_value=""), ITEMS
        )
        write_json(f"{PREPARED}/statistics.json", {"users": 2, "items": 3})
        rows = {
            name: pd.Series(numbers, dtype="int64").to_numpy() for name, numbers in ROWS.items()
        }
        write_parts(f"{STATE}/split", rows, self.interactions)
        made = [f"{STATE}/split/{name}.parquet" for name in PARTS] + [READ[2]]
        self._job("split", f"{STATE}/split", [f"{PREPARED}/interactions.parquet"], {}, outputs=made)

    def _models(self) -> None:
        read = [*READ, f"{PREPARED}/statistics.json"]
        model, before = "model.safetensors", f"{STATE}/bpr/grapheraser/before"
        self._job("train_original", f"{STATE}/bpr/original", [*read, FORGET], {}, make=[model])
        self._job("unlearn", RETRAIN, read, {"method": "retrain"}, make=[model, "cost.json"])
        self._job(
            "unlearn",
            f"{STATE}/bpr/ifru",
            [*read, FORGET, ORIGINAL],
            {"method": "ifru"},
            make=[model],
        )
        self._job(
            "partition", before, [*read, FORGET], {"method": "grapheraser"},
            make=["partition.parquet"], manifest="partition-manifest.json",
            params={"module": "cragru.unlearning.partition.blpa"},
        )  # fmt: skip
        read.append(f"{before}/partition.parquet")
        folder = f"{STATE}/bpr/grapheraser"
        self._job("unlearn", folder, read, {"method": "grapheraser"}, make=[model])

    def _cell(self) -> None:
        names, folder = {"candidates_of": "original"}, f"{STATE}/bpr/cragru/original"
        cell = f"{folder}/none/cell"
        self._job("candidates", folder, [ORIGINAL, READ[0]], names, make=["candidates.parquet"])
        self._job(
            "build_prompts", cell, [f"{folder}/candidates.parquet"], names, make=["prompts.jsonl"]
        )
        write_json(f"{cell}/prompts-checked.json", self.proof)
        read, made = [f"{cell}/prompts.jsonl", FORGET, *READ], [f"{cell}/prompts-checked.json"]
        self._job(
            "check_prompts",
            cell,
            read,
            names,
            outputs=made,
            manifest="prompts-checked-manifest.json",
        )

    def _job(
        self,
        rule,
        folder,
        inputs,
        names,
        make=(),
        outputs=(),
        manifest="manifest.json",
        params=None,
        seed="1",
        keep=True,
    ):
        outputs = [*outputs, *(f"{folder}/{name}" for name in make)]
        (self.folder / folder).mkdir(parents=True, exist_ok=True)
        for name in make:
            (self.folder / folder / name).write_text(f"{folder}/{name}")
        record = {
            "rule": rule,
            "role": ROLES[rule],
            "wildcards": {"dataset": "toy", "protocol": "paper", "seed": seed, **names},
            "params": params or {},
            "inputs": {path: sha256(path) for path in inputs},
            "outputs": {path: sha256(path) for path in outputs},
        }
        write_json(f"{folder}/{manifest}", record)
        if keep:
            self.manifests.append(f"{folder}/{manifest}")
        return f"{folder}/{manifest}"

    def _replace_train(self, rows: list[int], content: list[int]) -> None:
        part = self.interactions.iloc[content].assign(row=rows)
        write_parquet(READ[0], part, SCHEMA)
        record = read_json(READ[2])
        record["parts"]["train"] = {"rows": len(rows), "sha256": sha256(READ[0])}
        record["rows"] = sum(entry["rows"] for entry in record["parts"].values())
        write_json(READ[2], record)
        for name in (READ[0], READ[2]):
            for path in self.manifests:
                manifest = read_json(path)
                for kind in ("inputs", "outputs"):
                    if name in manifest[kind]:
                        manifest[kind][name] = sha256(name)
                write_json(path, manifest)
