"""The Question record."""

from dataclasses import dataclass, replace

from trajectories.errors import UserError

CURE = "there is nothing to score: fill it in, or take the row out"
EMPTY_TEXT = f"the running text is empty; {CURE}"


@dataclass(frozen=True)
class Question:
    """One question: a context, and choices with 0/1 labels (1 is true).

    A choice is the text that follows the context, with its own leading space where it has one. One choice alone is a
    continuation whose probability counts (LAMBADA). `contexts`, one per choice, stand in place of `context` where the
    choices differ in what comes before (Winogrande). A `running` text is one choice without a context, scored
    window after window. `measured`, one text per choice, is what characters, bytes and words are counted of, where
    that is not the choice itself (a data set that scores a cleaned text and counts the words of the raw one).

    Raises `UserError` when there is no choice, a label is neither 0 nor 1, lists differ in length, no choice is true,
    a text is empty or no string, or a running text has a context or further choices.
    """

    context: str
    choices: tuple[str, ...]
    labels: tuple[int, ...]
    contexts: tuple[str, ...] | None = None
    running: bool = False
    measured: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Check the record; a wrong question must never be scored."""
        if problem := self._problem():
            shown = self.contexts[0] if self.contexts else self.context
            start = f"question {shown[-60:]!r}" if isinstance(shown, str) and shown else "question"
            raise UserError(f"{start}: {problem}")

    def _problem(self) -> str:
        """Return what is wrong with the record, or nothing."""
        if problem := self._text_problem():
            return problem
        if len(self.choices) != len(self.labels):
            return f"has {len(self.choices)} choices but {len(self.labels)} labels"
        if not all(label in (0, 1) for label in self.labels):
            return f"labels are {list(self.labels)}; each must be 0 or 1"
        if 1 not in self.labels:
            return "no choice is labelled 1 (true)"
        if self.running and (len(self.choices) > 1 or self.context or self.contexts):
            return "a running text is one choice and has no context"
        return ""

    def _text_problem(self) -> str:
        if not self.choices:
            return "has no choices; at least 1 is needed"
        for name, texts in (("context", self.contexts), ("measured text", self.measured)):
            if texts is not None and len(texts) != len(self.choices):
                return f"has {len(self.choices)} choices but {len(texts)} {name}s"
        if not all(isinstance(text, str) for text in (self.context, *self.choices, *(self.contexts or ()))):
            return "the context and every choice must be text"
        if self.contexts is not None and self.context:
            return "has a context and contexts too; give one of them"
        if "" in self.choices:
            number = self.choices.index("")
            return EMPTY_TEXT if self.running else f"choice {number} is empty; {CURE}"
        if self.measured is not None and not all(self.measured):
            return "a measured text is empty"
        return ""

    def context_of(self, choice: int) -> str:
        """Return the text before a choice."""
        return self.context if self.contexts is None else self.contexts[choice]

    def after(self, text: str) -> "Question":
        """Return the question with `text` before its context, or before each of its contexts."""
        if self.contexts is None:
            return replace(self, context=text + self.context)
        return replace(self, contexts=tuple(text + context for context in self.contexts))
