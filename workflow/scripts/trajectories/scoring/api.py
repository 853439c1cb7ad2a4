"""Scoring from a notebook: questions in, a data frame out."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.questions.rows import position_of
from trajectories.study.protocol import Protocol, as_protocol

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 5
"""Wrong questions that are said one by one."""


def score(
    checkpoint: Path | str,
    questions: Iterable[Question | Mapping[str, Any]],
    *,
    protocol: str | dict[str, Any] | Protocol = "harness",
    device: str = "auto",
    dtype: str = "float32",
    revision: str | None = None,
    tokenizer: Path | str | None = None,
    task: str = "questions",
    delimiter: str = "",
    unconditional: bool = False,
    pack_tokens: int | None = None,
) -> "pd.DataFrame":
    """Score questions under one checkpoint; return one row per choice.

    `checkpoint` is a local folder, or a repository on the hub (with `revision`, a branch, tag or commit), whose files
    stay in the user's hub cache. A question is a `Question`, or a mapping with its fields: context, choices, and labels
    (a 0/1 list) or answer (the true choice: its position from 0, its letter or its text); a data frame with such
    columns will do. `dtype` is float32, float16 or bfloat16. `tokenizer` is a folder or repository, for a checkpoint
    without its own. `delimiter` stands between context and choice where the protocol has no prefix of its own. With
    `unconditional` every choice is also scored after nothing, which the metric accuracy_pmi needs.

    The columns: task; question and choice, counted from 0; text, the choice itself; label, 1 for a true choice;
    loglikelihood in nats; tokens, how many it sums over; characters, bytes, words of the choice; is_greedy, whether
    every token of the choice is the model's first guess; unconditional, the log-likelihood after nothing, where it was
    asked; running, whether it is a running text. `trajectories.accuracy(scores)` makes one number of them.

    Raises `UserError` when the checkpoint cannot be had or the questions cannot be encoded.
    """
    from trajectories.checkpoints.single import local_checkpoint, local_tokenizer
    from trajectories.scoring.check import trusted
    from trajectories.scoring.encode import encode
    from trajectories.scoring.engine import PACK_TOKENS, Engine
    from trajectories.scoring.load import load_model, load_tokenizer, pick_device
    from trajectories.scoring.scores import score_table
    from trajectories.study.sections import Scoring

    asked = as_questions(questions)
    rules = as_protocol(protocol)
    how = Scoring.checked({"dtype": str(dtype).removeprefix("torch."), "device": str(device)}, "score")
    folder, files = local_checkpoint(checkpoint, revision)
    opened = load_tokenizer(folder if tokenizer is None else local_tokenizer(tokenizer))
    requests = encode({task: asked}, {task: delimiter}, opened, rules, (task,) if unconditional else ())
    place = pick_device(how.device)
    size = pack_tokens or PACK_TOKENS.get(place.split(":")[0], 2048)
    engine = trusted(Engine(load_model(folder, how.dtype, place, files=files), rules.softmax, size), requests)
    table = score_table(engine.score(requests))
    texts = [asked[row].choices[choice] for row, choice in zip(table["question"], table["choice"], strict=True)]
    table.insert(list(table.columns).index("choice") + 1, "text", texts)
    return table


def as_questions(questions: Iterable[Question | Mapping[str, Any]]) -> list[Question]:
    """Return questions given as records, mappings or the rows of a data frame.

    Raises `UserError` with a line for each that is none of them, of the first few.
    """
    if isinstance(questions, Question | Mapping | str):
        raise UserError("questions: one alone; give a list of them")
    if hasattr(questions, "to_dict"):  # a data frame goes through its columns' names
        questions = questions.to_dict("records")
    found, wrong = list[Question](), list[str]()
    for number, question in enumerate(questions):
        try:
            found.append(question if isinstance(question, Question) else _question(question))
        except (UserError, ValueError) as error:
            said = str(error).replace(": {{answer | int - 1}}", "")  # a template is no cure here
            wrong.append(f"question {number}: {said}")
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more questions"] if len(wrong) > SHOWN else []
        raise UserError("\n".join([*wrong[:SHOWN], *more]))
    if not found:
        raise UserError("questions: there are none to score")
    return found


def _question(given: Any) -> Question:
    """Return the question of a mapping. Raises ValueError or UserError that says what is wrong with it."""
    allowed = "context, choices, and labels (or answer)"
    if not isinstance(given, Mapping):
        raise ValueError(f"is a {type(given).__name__}; give a Question, or a dict with {allowed}")
    known: dict[str, Any] = {"context": "", **given}
    answer = known.pop("answer", None)
    strange = set(known) - set(Question.__dataclass_fields__)
    if strange or "choices" not in known or (answer is None) == ("labels" not in known):
        raise ValueError(f"has the keys {', '.join(map(str, given))}; they must be {allowed}")
    choices = known["choices"]
    if not isinstance(choices, Sequence) or isinstance(choices, str):
        raise ValueError(f"choices are {choices!r:.60}, not a list")
    if answer is not None:
        true = position_of(answer, [str(choice) for choice in choices])
        known["labels"] = [int(k == true) for k in range(len(choices))]
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in known.items()}
    return Question(**values)
