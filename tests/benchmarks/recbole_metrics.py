"""Compute HR@K and NDCG@K per user with RecBole's own metric classes, for golden numbers.

Reads a JSON list of cases and prints JSON. A case is `{"name", "ranked": [[item, ...] per user],
"relevant": [[item, ...] per user], "ks": [k, ...]}`; its answer is `{name: {"hr@k": [value per user],
"ndcg@k": [value per user]}}`. The values come from `Hit.metric_info` and `NDCG.metric_info` of RecBole 1.2.1,
unrounded, on the matrix of hits that RecBole's collector would hand them, so the library's evaluator can be
held to them to 1e-6.

It runs in RecBole's environment (`envs/recbole.lock`), whose numpy the library cannot share. The library's
tests read the stored answer, `tests/data/recbole_metrics_golden.json`, made by:

    .venv-recbole/bin/python tests/benchmarks/recbole_metrics.py tests/data/recbole_metrics_cases.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from recbole.config import Config
from recbole.evaluator.metrics import NDCG, Hit


def hits(case: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return which of each user's first max(ks) items are relevant, and how many relevant items exist.

    Shapes: bool [users, max(ks)] and int64 [users].

    Raises:
        ValueError: If a list is shorter than max(ks), or a user has no relevant item: RecBole knows neither.
    """
    width = max(case["ks"])
    pos_index, pos_len = [], []
    for user, (ranked, listed) in enumerate(zip(case["ranked"], case["relevant"], strict=True)):
        relevant = set(listed)
        if len(ranked) < width or not relevant:
            raise ValueError(
                f"case {case['name']!r}, user {user}: {len(ranked)} ranked and {len(relevant)} relevant "
                f"items; needs at least {width} and 1"
            )
        pos_index.append([item in relevant for item in ranked[:width]])
        pos_len.append(len(relevant))
    return np.array(pos_index, dtype=bool), np.array(pos_len, dtype=np.int64)


def evaluate(case: dict[str, Any]) -> dict[str, list[float]]:
    """Return RecBole's HR@k and NDCG@k of every user of a case."""
    config = {"topk": case["ks"], "metric_decimal_place": 8}
    pos_index, pos_len = hits(case)
    hit = Hit(config).metric_info(pos_index)
    ndcg = NDCG(config).metric_info(pos_index, pos_len)
    values = {f"hr@{k}": hit[:, k - 1].astype(float).tolist() for k in case["ks"]}
    return values | {f"ndcg@{k}": ndcg[:, k - 1].tolist() for k in case["ks"]}


def main() -> None:
    """Print the answer to the cases in argv[1], one case a line."""
    Config.compatibility_settings(None)  # RecBole's own patch: its metrics say np.float
    cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    lines = [f"{json.dumps(case['name'])}: {json.dumps(evaluate(case))}" for case in cases]
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
