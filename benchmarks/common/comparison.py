"""From the measurements of both sides to the numbers that are reported."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.machine import in_words
from common.report import table, today

TARGETS = {"truthfulqa": 20.0, "memo_trap": 3.5, "ten_shot": 2.0}
OF_LIMIT = 0.7


def compare(
    name: str, tree: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], peer: Mapping[str, Any], fraction: float
) -> dict[str, Any]:
    """Return ratios, distances and the part of the limit reached; seconds of the harness scaled to all its tokens."""
    run = peer["runs"][0]
    scale = run["all_tokens"] / run["tokens"]
    return {
        "workload": name,
        "tree": {key: value for key, value in tree.items() if key != "scores"},
        "harness": {
            "batch_size": run["batch_size"], "fraction": fraction, "tokens": run["tokens"],
            "all_tokens": run["all_tokens"], "measured_wall": run["wall"], "measured_cpu": run["cpu"],
            "wall": run["wall"] * scale, "cpu": run["cpu"] * scale,
            "peak_mib": peer["peak_mib"], "before_mib": peer["before_mib"],
        },
        "trials": [{key: value for key, value in trial.items() if key != "scores"} for trial in trials],
        "faster_wall": run["wall"] * scale / tree["wall"],
        "faster_cpu": run["cpu"] * scale / tree["cpu"],
        "target": TARGETS[name],
        **_distance(tree["scores"], run["scores"]),
        **_of_limit(tree),
    }  # fmt: skip


def _distance(tree: Sequence[Sequence[Any]], peer: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Return how far scores are apart on the requests both sides scored."""
    found = {tuple(row[:3]): row[3:] for row in tree}
    pairs = [(found[tuple(row[:3])], row[3:]) for row in peer]
    return {
        "compared": len(pairs),
        "largest_difference": max(abs(a[0] - b[0]) for a, b in pairs),
        "greedy_differs": sum(a[1] != b[1] for a, b in pairs),
    }


def _of_limit(tree: Mapping[str, Any]) -> dict[str, float]:
    """Return the time the tree's products alone would take at the machine's matrix rate, over the time scoring took.

    The rate is that of the best shape, measured before and after scoring: sustained, and at its best moment.
    """
    work = sum(tree["operations"][kind] for kind in ("linear", "attention", "head"))
    kinds = ("sustained", "sustained_cpu", "per_second")
    rate, cpu_rate, best = (max(rate[key] for rate in tree["rates"]) for key in kinds)
    return {
        "gflops": rate / 1e9,
        "gflops_per_cpu_second": cpu_rate / 1e9,
        "gflops_at_best": best / 1e9,
        "of_limit_wall": work / rate / tree["scoring_wall"],
        "of_limit_cpu": work / cpu_rate / tree["scoring_cpu"],
        "of_limit_at_best": work / best / tree["scoring_wall"],
    }


def markdown(results: Mapping[str, Any]) -> str:
    """Return the report: who ran against whom, how fast, how exact, how close to the limit."""
    rows = [_row(found) for found in results["workloads"]]
    header = [
        "workload", "tree: wall s", "CPU s", "harness: wall s", "CPU s", "batch", "measured on",
        "times faster (wall)", "(CPU)", "target", "largest difference", "peak MiB tree / harness",
        "of the limit (wall)", "(CPU)", "(best moment)",
    ]  # fmt: skip
    notes = [_notes(found) for found in results["workloads"]]
    return "\n".join([
        f"# Prefix tree against the evaluation harness, {today()}", "",
        f"{in_words(results['machine'])}; {results['threads']} threads, float32, pythia-70m's shape, random weights.",
        "",
        table(header, rows), "",
        "Seconds run from texts to scores; loading is on neither side. *Measured on*: the part of its rows that the",
        "harness scored; its seconds are scaled by tokens pushed, padding included. *Of the limit*: the products that",
        "the tree needs (linear layers, attention over ancestors, head where a token counts) at the matrix rate of the",
        "best shape, measured in the same process before and after, over the seconds of scoring, tokenising left out;",
        f"at least {OF_LIMIT} is wanted. The rate is the sustained one; *best moment* is against the best 20 ms of it,",
        "which a shared machine does not hold for long.", "",
        *notes, "",
    ])  # fmt: skip


def _row(found: Mapping[str, Any]) -> list[object]:
    tree, peer = found["tree"], found["harness"]
    part = "all" if peer["fraction"] >= 1 else f"{peer['fraction']:.0%}"
    return [
        found["workload"], f"{tree['wall']:.1f}", f"{tree['cpu']:.1f}", f"{peer['wall']:.1f}", f"{peer['cpu']:.1f}",
        peer["batch_size"], part, f"**{found['faster_wall']:.1f}**", f"**{found['faster_cpu']:.1f}**",
        f"≥ {found['target']}", f"{found['largest_difference']:.1e}",
        f"{tree['peak_mib']:.0f} / {peer['peak_mib']:.0f}",
        f"{found['of_limit_wall']:.2f}", f"{found['of_limit_cpu']:.2f}", f"{found['of_limit_at_best']:.2f}",
    ]  # fmt: skip


def _notes(found: Mapping[str, Any]) -> str:
    work, peer = found["tree"]["operations"], found["harness"]
    tried = ", ".join(f"{t['batch_size']}: {t['wall'] / t['tokens'] * t['all_tokens']:.0f} s" for t in found["trials"])
    teraflop = (work["linear"] + work["attention"] + work["head"]) / 1e12
    return (
        f"- **{found['workload']}**: {found['tree']['requests']} requests are {found['tree']['row_tokens']} tokens "
        f"row by row, {peer['all_tokens']} as the harness pushes them, {work['nodes']} in the tree, of which "
        f"{work['wanted']} predict a counted token; {teraflop:.2f} Tflop at {found['gflops']:.0f} Gflop/s "
        f"({found['gflops_per_cpu_second']:.0f} per CPU second, {found['gflops_at_best']:.0f} at best). "
        f"Scores compared: {found['compared']}, greedy flags that differ: {found['greedy_differs']}. "
        f"Batch sizes tried, scaled to all rows: {tried}."
    )
