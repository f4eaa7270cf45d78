"""What the scoring rule costs beside bare vLLM, and whether its answers repeat: on the prompts of a finished run.

    make run && python tests/benchmarks/scoring.py --users 200

Every measurement is a process of its own. `bare` hands all prompts to vLLM in calls as large as the rule's chunks, and
reads nothing back; `rule` is what `scripts/score_prompts.py` does, into an empty store; then once more into another
empty store, whose bytes must be the same; then with the store, which must need no engine.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from cragru.config.base import load_yaml, parse  # noqa: E402
from cragru.config.llms import Llms  # noqa: E402
from cragru.kept.files import read_json  # noqa: E402
from cragru.llm.records import read_prompts, write_prompts  # noqa: E402
from cragru.llm.scoring import cut_chunks, score_chunks  # noqa: E402
from cragru.llm.store import AnswerStore  # noqa: E402


def open_all(options):
    """Return the engine and the chunks of a worker."""
    from cragru.llm.engines import open_engine

    room = Path(options.room)
    llms = parse(Llms, load_yaml(ROOT / "config/llms.yaml"), "llms.yaml")
    entry = llms.llms[room.name]
    engine = open_engine(
        entry, room / "model", read_json(room / "manifest.json")["facts"]["files"], options.threads
    )
    return engine, cut_chunks({"prompts": read_prompts(options.prompts)}, options.chunk)


def work(options):
    """Make one measurement, and print it as JSON."""
    begun = time.perf_counter()
    engine, chunks = open_all(options)
    if options.work == "bare":
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        start = engine.start_seconds
        timed = time.perf_counter()
        for chunk in chunks:
            asked = chunk.questions()
            sampling = [
                SamplingParams(
                    temperature=0,
                    max_tokens=one.longest,
                    structured_outputs=StructuredOutputsParams(regex=one.pattern),
                )
                for one in asked
            ]
            chats = [[{"role": "user", "content": one.prompt}] for one in asked]
            engine._started[0].chat(chats, sampling, use_tqdm=False)
        seconds = time.perf_counter() - timed
    else:
        timed = time.perf_counter()
        score_chunks(chunks, engine, AnswerStore(options.store))
        start = engine.__dict__["_started"][1] if "_started" in engine.__dict__ else 0.0
        seconds = time.perf_counter() - timed - start
    users = sum(len(chunk.records) for chunk in chunks)
    figures = {
        "users": users,
        "seconds": seconds,
        "start": start,
        "all": time.perf_counter() - begun,
    }
    print("FIGURES " + json.dumps(figures))


def measure(kind, options, prompts, store):
    """Run a worker and read its figures."""
    command = [
        sys.executable,
        __file__,
        "--work",
        kind,
        "--prompts",
        str(prompts),
        "--store",
        str(store),
    ]
    command += [
        "--room",
        options.room,
        "--chunk",
        str(options.chunk),
        "--threads",
        str(options.threads),
    ]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{kind} failed:\n{done.stderr[-3000:]}")
    figures = json.loads(done.stdout.rpartition("FIGURES ")[2])
    figures["process"] = time.perf_counter() - begun
    rate = figures["users"] / figures["seconds"]
    print(
        f"{kind:8} {figures['users']} users, {rate:.3f} users/s, engine start {figures['start']:.1f} s, "
        f"whole process {figures['process']:.1f} s",
        flush=True,
    )
    return rate, figures


def digest(store):
    """Return how many files of answers a store has, and one checksum of them all."""
    files = sorted(
        path for path in Path(store).glob("*.json") if not path.name.endswith(".cost.json")
    )
    return len(files), hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[
        :16
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=200, help="how many prompts")
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often bare and rule alternate; 0: no bare"
    )
    parser.add_argument("--chunk", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--room", default="results/llm/smollm2-135m")
    parser.add_argument("--prompts", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--store", default=None, help=argparse.SUPPRESS)
    parser.add_argument("--work", choices=("bare", "rule"), default=None, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options)
        return
    found = sorted(
        Path("results").glob(
            f"*/*/*/*/cragru/*/*/own/*/{Path(options.room).name}/listwise/*/prompts.jsonl"
        )
    )
    records = [record for path in found for record in read_prompts(path)][: options.users]
    if not records:
        sys.exit("no prompts below results/; run `make run` first")
    with tempfile.TemporaryDirectory() as name:
        prompts = Path(name) / "prompts.jsonl"
        write_prompts(prompts, records)
        ratios = []
        for number in range(options.rounds):
            bare, _ = measure("bare", options, prompts, name)
            rule, _ = measure("rule", options, prompts, Path(name) / f"store-{number}")
            ratios.append(rule / bare)
        for number in range(options.rounds, 2):  # two stores at least, to compare
            measure("rule", options, prompts, Path(name) / f"store-{number}")
        chunks, first = digest(Path(name) / "store-0")
        _, second = digest(Path(name) / "store-1")
        _, figures = measure("rule", options, prompts, Path(name) / "store-0")
    if ratios:
        print(f"rule / bare: {' '.join(f'{ratio:.3f}' for ratio in ratios)} (wanted: at least 0.9)")
    print(
        f"{len(records)} prompts in {chunks} chunks: answers {first} and again {second} (wanted: equal)"
    )
    print(f"with the store: {figures['process']:.1f} s (wanted: under 20)")
    sys.exit(0 if first == second and figures["start"] == 0 else 1)


if __name__ == "__main__":
    main()
