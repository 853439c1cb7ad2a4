import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trajectories.report.grids import MISSING, Cell, ending, grid, number_text, p_text
from trajectories.report.provenance import metadata_facts, stage_times, way_facts, workflow_commit
from trajectories.report.sections import block
from trajectories.report.table1 import agreement, papers_cells, papers_key, table1_grid


@pytest.mark.parametrize(("p", "text"), [(0.0009, "<0.001"), (0.001, "0.001"), (0.04999, "0.050"), (1.0, "1.000")])
def test_p_values(p: float, text: str) -> None:
    assert p_text(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (20897, "20\u2009897"),
        (-0.123456, "\u22120.1235"),
        (3.0, "3"),
        (1e-9, "1\u00b710\u207b\u2079"),
        (2.8186e19, "2.819\u00b710\u00b9\u2079"),
        (16777215999.99, "16.8B"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number_text(value) == text


def test_grids_leave_out_empty_columns_and_sort_by_full_values() -> None:
    table = pd.DataFrame(
        {"task": ["a", "b"], "tokens": [2_097_152_000, 0], "p_fdr": [0.0001234, np.nan], "reason": ["", ""]}
    )
    shown = grid(table, "demo", titles={"p_fdr": "corrected p"}, labels={"a": "Task A"})
    assert shown.titles == ("task", "tokens", "corrected p")
    assert shown.numeric == (False, True, True)
    assert [[cell.text for cell in row] for row in shown.rows] == [["Task A", "2.1B", "<0.001"], ["b", "0", MISSING]]
    assert [row[2].sort for row in shown.rows] == [0.0001234, ""]


@pytest.mark.parametrize(
    ("cell", "hidden"),
    [
        (Cell("20\u2009897", 20897), ""), (Cell("\u22123", -3), ""), (Cell("2.1B", 2097152000), "2097152000"),
        (Cell("<0.001", 0.00012345678901), "0.000123456789"), (Cell("holds", "holds"), ""), (Cell("= t", "="), "="),
        (Cell(MISSING, ""), ""),
    ],
)  # fmt: skip
def test_cells_carry_a_value_to_sort_by_only_where_their_text_does_not(cell: Cell, hidden: str) -> None:
    assert cell.hidden_sort == hidden


def regression(beta: float, p: float, metric: str = "accuracy") -> pd.DataFrame:
    terms = ("parameters", "tokens", "interaction")
    rows = [
        {"task": "memo", "metric": metric, "term": term, "beta": beta, "t": beta * 10, "df": 60, "p_fdr": p}
        for term in terms
    ]
    return pd.DataFrame(rows)


def test_the_papers_table_has_36_cells_under_every_name() -> None:
    cells = papers_cells()
    assert len(cells) == 36
    assert cells[papers_key("isp_pattern_matching_suppression"), "tokens"] == "t(60)=-9.58, p<0.001"
    assert cells[papers_key("truthfulqa_mc2"), "interaction"] == "t(60)=-12.02, p<0.001"
    assert cells[papers_key("inverse_scaling_hindsight_neglect_10shot"), "parameters"] == "t(60)=-4.22, p<0.001"


def test_table1_marks_every_cell_against_the_papers() -> None:
    ours = pd.DataFrame(
        {
            "task": ["memo_trap"], "label": ["Memo Trap"], "parameters": ["t(60)=-10.05, p<0.001"],
            "tokens": ["t(60)=-11.3, p<0.001"], "interaction": ["t(60)=-9.71, p<0.001"], "reason": [""],
        }
    )  # fmt: skip
    fitted = regression(-1.0, 0.0001).assign(task="memo_trap")
    shown = table1_grid(ours, fitted, {}, 0.05, beside_paper=True)
    assert [cell.sort for cell in shown.rows[0][2::2]] == ["=", "≠", "="]
    assert [cell.style for cell in shown.rows[0][1::2]] == ["worse"] * 3
    assert shown.note == "2 of 3 cells equal the paper's to the printed digit."
    assert len(table1_grid(ours, fitted, {}, 0.05, beside_paper=False).titles) == 4
    assert agreement("anything", None) == MISSING


def test_stage_times_add_up_per_folder(tmp_path: Path) -> None:
    header = "s\th:m:s\tmax_rss\tmax_vms\n"
    (tmp_path / "benchmarks" / "score").mkdir(parents=True)
    (tmp_path / "benchmarks" / "score" / "a.tsv").write_text(header + "2.5\t0:00:02\t100.0\t-\n")
    (tmp_path / "benchmarks" / "score" / "b.tsv").write_text(header + "4.0\t0:00:04\t-\t-\n")
    (tmp_path / "benchmarks" / "fit.tsv").write_text(header + "1.0\t0:00:01\t50\t-\n")
    table = stage_times(sorted((tmp_path / "benchmarks").rglob("*.tsv"))).set_index("stage")
    assert table.loc["score"].tolist() == [2, 6.5, 4.0, 100]
    assert table.loc["fit", "jobs"] == 1
    assert stage_times([]).empty


def test_metadata_of_many_files_is_said_once(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for number in range(6):
        tasks = {"sums": {"dtype": "float32", "requests": f"r{number}", "versions": json.dumps({"torch": "2.13"})}}
        schema = pa.schema([("x", pa.int8())], metadata={"tasks": json.dumps(tasks), "commit": f"c{number}"})
        pq.write_table(pa.table({"x": [1]}, schema=schema), tmp_path / f"{number}.parquet")
    facts = dict(metadata_facts(sorted(tmp_path.glob("*.parquet"))))
    assert facts == {"dtype": "float32", "requests": "r0; r1; r2; r3 and 2 more", "torch": "2.13"}


def test_models_that_were_not_scored_as_trees_are_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = {"way": "plain", "proofs": json.dumps({"means": "states", "reason": "it has layers of the kind conv"})}
    for name, ways in (("lfm2", [plain, plain]), ("pythia", [{"way": "tree"}]), ("mistral", [{"way": "windows"}])):
        made = {f"task{k}": way for k, way in enumerate(ways)}
        table = pa.table({"x": [1]}).replace_schema_metadata({"model": name, "tasks": json.dumps(made)})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert way_facts(tmp_path.glob("*.parquet")) == [("lfm2", "states: it has layers of the kind conv")]


def test_long_contexts_keep_their_end() -> None:
    assert ending("x" * 500 + " What is 2 + 2?", most=15) == "… What is 2 + 2?"
    assert ending("short") == "short"


def test_texts_of_questions_have_their_lines_again() -> None:
    table = pd.DataFrame({"question": [1], "context": [r"Q: 2 \\n 2?\nA:"], "truth": [r" a\tb"]})
    (row,) = grid(table, "losses").rows
    assert [cell.text for cell in row[1:]] == ["Q: 2 \\n 2?\nA:", " a\tb"]


def test_rows_without_a_number_are_a_sentence() -> None:
    table = pd.DataFrame(
        {"task": ["a", "b", "c"], "smallest": [0.1, np.nan, np.nan], "reason": ["", "no fit", "no fit"]}
    )
    shown = block("power", table, {}).grid
    assert len(shown.rows) == 1
    assert shown.note == "2 rows have no number: no fit (2)."


def test_a_folder_outside_git_has_no_commit(tmp_path: Path) -> None:
    assert workflow_commit(tmp_path) == "not a git checkout"
