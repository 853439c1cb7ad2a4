"""The harness's own command line with `--model hf` and with `--model tree`: how much faster, and the same results?

    python benchmarks/harness.py --data FOLDER [--limit 0]

The same words but for the model, in a process each: a checkpoint of pythia-70m's shape with random numbers, TruthfulQA
and Memo Trap. Without `--limit 0` each task asks its first questions only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common.harness_tasks import TASKS, write_checkpoint, write_tasks
from common.machine import in_words, machine
from common.report import RESULTS, table, today, write_results
from scoring import default_data

# What must be equal in the two result files, beside the results themselves.
FIELDS = ("configs", "versions", "n-shot", "higher_is_better", "n-samples", "task_hashes", "group_subtasks")
BATCH_SIZE = {"truthfulqa_mc1": 4, "truthfulqa_mc2": 4, "memo_trap": 8}  # the best of 1 to 32 in scoring.py


def main() -> None:
    """Run both and write what came out."""
    args = _arguments()
    described = machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "tasks").mkdir()
        write_tasks(folder / "tasks", args.data)
        write_checkpoint(folder / "checkpoint", args.shape, args.data, args.seed)
        rows = [_compared(folder, task, args) for task in args.tasks]
    results = {"machine": described, "threads": args.threads, "limit": args.limit, "shape": args.shape, "tasks": rows}
    write_results("harness", results, markdown(results), args.results)


def _compared(folder: Path, task: str, args: argparse.Namespace) -> dict[str, Any]:
    (tree, seconds), (peer, peer_seconds) = (_run(folder, task, model, args) for model in ("tree", "hf"))
    return {
        "task": task,
        "questions": tree["n-samples"][task]["effective"],
        "batch_size": BATCH_SIZE[task],
        "tree": seconds,
        "hf": peer_seconds,
        "fields_that_differ": [field for field in FIELDS if tree.get(field) != peer.get(field)],
        **result_distance(tree["results"][task], peer["results"][task]),
    }


def result_distance(tree: dict[str, Any], peer: dict[str, Any]) -> dict[str, Any]:
    """Return how many of the results' entries are equal, and the largest difference of the others."""
    equal = [key for key in peer if tree.get(key) == peer[key]]
    apart = [abs(tree[key] - peer[key]) for key in peer if key not in equal]
    return {"entries": len(peer), "equal": len(equal), "largest_difference": max(apart, default=0.0)}


def _run(folder: Path, task: str, model: str, args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, float]]:
    """Return the harness's own result file, and the seconds its scoring took."""
    print(f"{task}: --model {model}", flush=True)
    seconds, out = folder / "seconds.json", folder / "out" / task / model
    words = ["--model", model, "--model_args", f"pretrained={folder / 'checkpoint'},dtype=float32", "--tasks", task]
    words += ["--device", "cpu", "--batch_size", str(BATCH_SIZE[task]), "--include_path", str(folder / "tasks")]
    words += ["--output_path", str(out)] + (["--limit", str(args.limit)] if args.limit else [])
    root = Path(__file__).resolve().parent
    threads = str(args.threads)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root.parent / "workflow" / "scripts")]),
                                "OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1",
                                "HF_DATASETS_CACHE": str(folder / "datasets")}  # fmt: skip
    command = [sys.executable, "-m", "common.harness_clock", str(seconds), *words]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (file,) = out.rglob("results_*.json")
    return json.loads(file.read_text()), json.loads(seconds.read_text())


def markdown(results: dict[str, Any]) -> str:
    """Return the report: ratio of scoring time, and what of the result files is equal."""
    header = ["task", "questions", "tree: wall s", "CPU s", "of it the proof", "hf: wall s", "CPU s", "batch",
              "times faster (wall)", "(CPU)", "(CPU, without the proof)", "results equal", "largest difference",
              "other fields that differ"]  # fmt: skip
    rows = [
        [row["task"], row["questions"], *(f"{row['tree'][key]:.1f}" for key in ("wall", "cpu", "proof_cpu")),
         f"{row['hf']['wall']:.1f}", f"{row['hf']['cpu']:.1f}", row["batch_size"],
         f"**{row['hf']['wall'] / row['tree']['wall']:.1f}**", f"**{row['hf']['cpu'] / row['tree']['cpu']:.1f}**",
         f"**{row['hf']['cpu'] / (row['tree']['cpu'] - row['tree']['proof_cpu']):.1f}**",
         f"{row['equal']} of {row['entries']}", f"{row['largest_difference']:.1e}",
         ", ".join(row["fields_that_differ"]) or "none"]
        for row in results["tasks"]
    ]  # fmt: skip
    return "\n".join([
        f"# The harness's command line with `--model hf` and `--model tree`, {today()}", "",
        f"{in_words(results['machine'])}; {results['threads']} threads, float32, pythia-{results['shape']}'s shape, "
        "random weights.", "", table(header, rows), "",
        "Seconds are those of the model's `loglikelihood`, tokenising included, loading not. Of the result files'",
        "entries for a task, *equal* are those that are the same number or text. Before a model is scored as a tree it",
        "is proven to take one: a cost of each start, whatever is asked, that few questions do not win back.", "",
    ])  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=default_data(), help="the folder that scoring.py takes")
    parser.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    parser.add_argument("--limit", type=int, default=200, help="questions of each task; 0: all (over an hour)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--shape", default="70m")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    if args.data is None:
        parser.error("--data: the folder with truthfulqa/mc_task.json, memo_trap/*.csv and tokenizer/ is not here")
    return args


if __name__ == "__main__":
    main()
