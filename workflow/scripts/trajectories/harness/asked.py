"""One row of a task of the harness: what it asks, and what the harness would make of the answers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from trajectories.errors import UserError
from trajectories.questions.question import Question

PMI = "acc_mutual_info"  # the metric for which the harness asks every choice after nothing too
Told = Literal["column", "function"]
SURE, HOPELESS = -1.0, -1e6  # log-likelihoods, nats


@dataclass(frozen=True)
class Asked:
    """One row: the harness's task, the row's number and columns, and the texts of its requests."""

    task: Any
    number: int
    row: Any
    texts: Sequence[tuple[str, ...]]

    @property
    def choices(self) -> int:
        """How many choices there are; what is asked after nothing is not counted."""
        alone = self.task.OUTPUT_TYPE == "multiple_choice" and PMI in self.task.aggregation()
        return len(self.texts) // 2 if alone else len(self.texts)

    def question(self, told: Told) -> Question:
        """Return the row as a question; what is true is told by its column, or by the task's own function.

        Raises `UserError`, naming the row, when it is none.
        """
        try:
            kind = self.task.OUTPUT_TYPE
            if kind == "loglikelihood_rolling":
                return self._running()
            return self._continuation() if kind == "loglikelihood" else self._choice(told)
        except UserError as error:
            raise UserError(f"row {self.number}: {error}") from error

    def results(self, answers: Sequence[Any]) -> dict[str, Any]:
        """Return what the harness makes of the model's answers, metric by metric."""
        found: dict[str, Any] = self.task.process_results(self.row, answers)
        return found

    def _running(self) -> Question:
        ((text,),) = self.texts
        return Question("", (text,), (1,), running=True, measured=self._measured_text(text))

    def _continuation(self) -> Question:
        if len(self.texts) != 1:
            raise UserError(f"the harness asks {len(self.texts)} continuations of it; one is understood")
        ((context, text),) = self.texts
        return Question(context, (text,), (1,))

    def _choice(self, told: Told) -> Question:
        pairs = self.texts[: self.choices]
        after_nothing = [("", text) for _, text in pairs]
        if list(self.texts[self.choices :]) not in ([], after_nothing):
            raise UserError("what the harness asks after nothing is not its choices")
        contexts, texts = tuple(context for context, _ in pairs), tuple(text for _, text in pairs)
        measured = tuple(map(str, self._choice_texts())) or texts
        common = len(set(contexts)) == 1
        return Question(
            contexts[0] if common else "", texts, self._labels(told), contexts=None if common else contexts,
            measured=None if measured == texts else measured,
        )  # fmt: skip

    def _choice_texts(self) -> Sequence[str]:
        """Return the texts whose characters and bytes the harness counts: choices without what is put before them."""
        if getattr(self.task.config, "doc_to_choice", None) is None:
            return ()
        found: Sequence[str] = self.task.doc_to_choice(self.row)
        return found

    def _labels(self, told: Told) -> tuple[int, ...]:
        true = self._true_by_column() if told == "column" else self._true_by_function()
        if not true:
            raise UserError("has no true choice; is this part of the data published without answers?")
        return tuple(int(choice in true) for choice in range(self.choices))

    def ways(self) -> tuple[Told, ...]:
        """Return who may tell what is true: a column, and where the task has a function for its metrics, that."""
        from lm_eval.api.task import ConfigurableTask

        own = type(self.task).process_results is ConfigurableTask.process_results
        return ("column",) if own and self.task.config.process_results is None else ("column", "function")

    def _true_by_column(self) -> set[int]:
        several_inputs = getattr(self.task, "multiple_input", 0)
        gold = self.task.doc_to_text(self.row) if several_inputs else self.task.doc_to_target(self.row)
        if isinstance(gold, str):
            texts = list(self._choice_texts())
            gold = texts.index(gold) if gold in texts else -1
        return set(gold if isinstance(gold, list) else [gold]) & set(range(self.choices))

    def _true_by_function(self) -> set[int]:
        """Ask the task's own function which choices are true: each in turn is made certain.

        The first of the task's metrics that is 1 for some of them and 0 for the others tells.
        """
        certain = [self.results(self._certain(choice)) for choice in range(self.choices)]
        for metric in self.task.aggregation():
            values: list[Any] = [found.get(metric) for found in certain]
            if all(_is_share(value) for value in values) and any(value > 0.5 for value in values):
                return {choice for choice, value in enumerate(values) if value > 0.5}
        raise UserError("none of the harness's metrics of it says which choices are true")

    def _certain(self, choice: int) -> list[tuple[float, bool]]:
        sure = [(SURE if number == choice else HOPELESS, number == choice) for number in range(self.choices)]
        return sure + [(SURE, False)] * (len(self.texts) - self.choices)

    def _measured_text(self, text: str) -> tuple[str, ...] | None:
        """Return the text whose words and bytes the harness counts, where that is not the one it scores."""
        counted = self.results((SURE,))
        sizes = {kind: counted[metric][1] for metric, kind in _SIZES.items() if metric in counted}
        texts = [text, *(value for value in self.row.values() if isinstance(value, str))]
        for candidate in texts:
            own = {"words": len(re.split(r"\s+", candidate)), "bytes": len(candidate.encode())}
            if all(own[kind] == size for kind, size in sizes.items()):
                return None if candidate == text else (candidate,)
        raise UserError("the harness counts words and bytes of a text that is in none of its columns")


_SIZES = {"word_perplexity": "words", "byte_perplexity": "bytes", "bits_per_byte": "bytes"}


def _is_share(value: Any) -> bool:
    if not isinstance(value, int | float | np.number | np.bool_):
        return False
    number = float(value)
    return abs(number) < 1e-6 or abs(number - 1) < 1e-6
