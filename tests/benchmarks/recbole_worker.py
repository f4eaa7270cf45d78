"""Train and test one RecBole backbone on a given split, and write its accuracy and seconds as JSON.

Measures, on CPU: the seconds of RecBole's own training epochs (`Trainer._train_epoch`: negative sampling,
forward, backward, Adam), those of its validations (`Trainer._valid_epoch`), the whole run (from reading the
split to the last test metric; no imports), and HR and NDCG at 5, 10 and 20 under RecBole's full ranking.
A benchmark compares them with this library on the very same split.

It runs in an environment of its own (`envs/recbole.lock`) because RecBole 1.2.1 needs numpy below 2 and a
scipy that still has `dok_matrix._update`, both older than what the library runs on. So it imports nothing of
the library, and RecBole only after the thread limits are set.

Example:
    .venv-recbole/bin/python tests/benchmarks/recbole_worker.py --split DIR --backbone lightgcn \
        --learning-rate 5e-3 --batch-size 2048 --epochs 300 --patience 10 --seed 2020 --threads 2 \
        --out result.json

DIR holds `bench/bench.{train,valid,test}.inter`: tab-separated, header `user_id:token<TAB>item_id:token`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import logging
import os
import platform
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODELS = {"bpr": "BPR", "lightgcn": "LightGCN"}
PARTS = ("train", "valid", "test")
EVAL_BATCH_SIZE = (
    4096 * 1700
)  # scores per batch; RecBole's default 4096 ranks 4096 // items users at a time
MODULES = ("recbole.config", "recbole.data", "recbole.trainer", "recbole.model.general_recommender")
PACKAGES = ("recbole", "torch", "numpy", "scipy", "pandas")


def parse_arguments() -> argparse.Namespace:
    """Read the command line; paths come back absolute, for the run leaves the current directory."""
    parser = argparse.ArgumentParser(
        description="Train and test one RecBole backbone on a given split."
    )
    parser.add_argument(
        "--split", type=Path, required=True, help="folder that holds bench/bench.*.inter"
    )
    parser.add_argument("--backbone", choices=sorted(MODELS), required=True)
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True, help="the most epochs trained")
    parser.add_argument("--patience", type=int, required=True, help="RecBole's stopping_step")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the JSON file to write")
    arguments = parser.parse_args()
    arguments.split, arguments.out = arguments.split.resolve(), arguments.out.resolve()
    for part in PARTS:
        path = arguments.split / "bench" / f"bench.{part}.inter"
        if not path.is_file():
            parser.error(f"--split: no file {path}")
    return arguments


def prepare_process(threads: int) -> None:
    """Set what must stand before numpy and torch are imported, and hides the command line from RecBole."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = str(threads)
    # RecBole pickles its Config into the checkpoint; torch.load refuses it by default (weights_only).
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    sys.argv = sys.argv[:1]  # RecBole would let every `--name=value` override its configuration
    logging.getLogger().setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")


def settings(arguments: argparse.Namespace, workdir: str) -> dict[str, Any]:
    """Return RecBole's configuration for one run."""
    return {
        "data_path": str(arguments.split),
        "checkpoint_dir": workdir,
        "benchmark_filename": list(PARTS),
        "load_col": {"inter": ["user_id", "item_id"]},
        "gpu_id": "",  # the only way to the CPU where a GPU is present: `use_gpu` does not choose the device
        "use_gpu": False,
        "show_progress": False,
        "seed": arguments.seed,
        "embedding_size": 64,
        "n_layers": 2,
        "reg_weight": 1e-5,
        "learning_rate": arguments.learning_rate,
        "train_batch_size": arguments.batch_size,
        "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1},
        "epochs": arguments.epochs,
        "eval_step": 1,
        "stopping_step": arguments.patience,
        "eval_args": {"mode": "full"},
        "eval_batch_size": EVAL_BATCH_SIZE,
        "metrics": ["Hit", "NDCG"],
        "topk": [5, 10, 20],
        "valid_metric": "NDCG@10",
        "metric_decimal_place": 8,
    }


class Stopwatch:
    """Wraps a function and adds up the seconds and the number of its calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.seconds = 0.0
        self.calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = self.function(*args, **kwargs)
        self.seconds += time.perf_counter() - start
        self.calls += 1
        return result


def build(model: str, configuration: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Return RecBole's trainer and its train, valid and test loaders, seeded as its quick start does."""
    from recbole.config import Config
    from recbole.data import create_dataset, data_preparation
    from recbole.utils import get_model, get_trainer, init_seed

    config = Config(model=model, dataset="bench", config_dict=configuration)
    init_seed(config["seed"], config["reproducibility"])
    train, valid, test = data_preparation(config, create_dataset(config))
    init_seed(config["seed"], config["reproducibility"])
    network = get_model(model)(config, train.dataset).to(config["device"])
    return get_trainer(config["MODEL_TYPE"], model)(config, network), train, valid, test


def run(arguments: argparse.Namespace, workdir: str) -> dict[str, Any]:
    """Train until RecBole stops, test its best checkpoint, and return the record that `--out` receives."""
    for module in MODULES:
        importlib.import_module(module)  # outside the clock
    start = time.perf_counter()
    trainer, train, valid, test = build(MODELS[arguments.backbone], settings(arguments, workdir))
    cpu = time.process_time()
    trainer._train_epoch = train_watch = Stopwatch(trainer._train_epoch)
    trainer._valid_epoch = valid_watch = Stopwatch(trainer._valid_epoch)
    trainer.fit(train, valid, verbose=False, saved=True, show_progress=False)
    cpu = time.process_time() - cpu
    ranking = time.perf_counter()
    result = trainer.evaluate(test, load_best_model=True, show_progress=False)
    ranking = time.perf_counter() - ranking
    return {
        "backbone": arguments.backbone,
        "seed": arguments.seed,
        "threads": arguments.threads,
        "epochs_run": train_watch.calls,
        "best_epoch": train_watch.calls
        - trainer.cur_step,  # cur_step counts the epochs since the best one
        "train_seconds": train_watch.seconds,
        "valid_seconds": valid_watch.seconds,
        "total_seconds": time.perf_counter() - start,
        "ranking_seconds": ranking,
        "cpu_seconds": cpu,
        "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "test": {name.replace("hit@", "hr@"): float(value) for name, value in result.items()},
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide the numbers and the speed."""
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def main() -> None:
    """Run in a folder deleted afterwards, for RecBole writes TensorBoard logs where it stands."""
    arguments = parse_arguments()
    prepare_process(arguments.threads)
    import torch

    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory(prefix="recbole-") as workdir, contextlib.chdir(workdir):
        record = run(arguments, workdir)
    record["versions"] = versions()
    arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
