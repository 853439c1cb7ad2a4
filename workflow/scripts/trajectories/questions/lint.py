"""What looks wrong in questions that can be asked all the same: warnings with a count and the first question."""

import unicodedata
from collections.abc import Callable, Sequence

from trajectories.questions.question import Question

FEW = 10  # questions below which a regularity may be chance
_OPENERS = frozenset("([{<\"'“‘«¿¡-–—/\\_@#$=+*~^|&")


def lint(questions: Sequence[Question], prefix: str = "", metric: str = "accuracy") -> list[str]:
    """Return the warnings about a task's questions; `prefix` is what stands between context and choice.

    Where truth always has its place (mc1 and mc2 list the true choices first, pairs of sentences without a context the
    good one), no regularity of places is told.
    """
    asked = [question for question in questions if not question.running]
    several = [question for question in asked if len(question.choices) > 1]
    found = [
        _said(asked, _repeated(asked), "asked before, word for word"),
        _said(asked, [len(set(_pairs(q))) < len(q.choices) for q in asked], "with two equal choices"),
        _said(
            asked,
            [any(_glued(context, prefix + choice) for context, choice in _pairs(q)) for q in asked],
            "whose choices stand right behind the context, without a space",
            '; set delimiter: " ", or begin choices with one',
        ),
        _said(
            asked, [any(c != c.rstrip() for c in q.choices) for q in asked], "with a choice that ends in white space"
        ),
        _said(asked, [_ends_blank(q, prefix) for q in asked], "whose context ends in a space before one more"),
        _said(several, [all(q.labels) for q in several], "whose choices are all true"),
    ]
    if len(several) >= FEW:
        found += [
            _same_context(several),
            *([] if metric in ("mc1", "mc2") or _alone(several) else _places(several)),
            *_lengths(several),
        ]
    return [warning for warning in found if warning]


def _said(questions: Sequence[Question], wrong: Sequence[bool], what: str, cure: str = "") -> str:
    if not any(wrong):
        return ""
    first = list(wrong).index(True)
    of = f"{sum(wrong)} of {len(questions)} questions" if len(questions) > 1 else "1 question"
    return f"{of} {what}, the first is question {first}{cure}"


def _repeated(questions: Sequence[Question]) -> list[bool]:
    first = {question: place for place, question in reversed(list(enumerate(questions)))}
    return [first[question] < place for place, question in enumerate(questions)]


def _glued(context: str, choice: str) -> bool:
    """Tell whether a word of the context runs into a word of the choice, in a script that puts spaces between words."""
    if not context or not choice or context[-1].isspace() or choice[0].isspace():
        return False
    if not choice[0].isalnum() or context[-1] in _OPENERS:
        return False
    return all(unicodedata.east_asian_width(letter) not in "WF" for letter in (context[-1], choice[0]))


def _ends_blank(question: Question, prefix: str) -> bool:
    return any(context.endswith(" ") and (prefix + choice).startswith(" ") for context, choice in _pairs(question))


def _pairs(question: Question) -> list[tuple[str, str]]:
    """Return each choice with what stands before it."""
    return [(question.context_of(place), choice) for place, choice in enumerate(question.choices)]


def _same_context(questions: Sequence[Question]) -> str:
    contexts = {question.context for question in questions if question.contexts is None}
    if len(contexts) != 1 or not next(iter(contexts)).strip():
        return ""
    return f"all {len(questions)} questions have the same context {next(iter(contexts))[-40:]!r}; is a column missing?"


def _alone(questions: Sequence[Question]) -> bool:
    return not any(context for question in questions for context, _ in _pairs(question))


def _places(questions: Sequence[Question]) -> list[str]:
    """Warnings about the places of true choices: always the same, or never the first."""
    true = [[place for place, label in enumerate(question.labels) if label] for question in questions]
    same = set.intersection(*map(set, true))
    if len(same) == 1:
        place = next(iter(same))
        return [f"in all {len(questions)} questions choice {place} is true; models may prefer a place"]
    if all(0 not in places for places in true):
        return [f"in none of {len(questions)} questions is the first choice true; do answers count from 1?"]
    return []


def _lengths(questions: Sequence[Question]) -> list[str]:
    for word, extreme in (("longest", max), ("shortest", min)):
        if all(_true_is(question, extreme) for question in questions):
            return [f"in all {len(questions)} questions the true choice is the {word}; length gives it away"]
    return []


def _true_is(question: Question, extreme: Callable[[list[int]], int]) -> bool:
    sizes = [len(choice) for choice in question.choices]
    true = [size for size, label in zip(sizes, question.labels, strict=True) if label]
    return sizes.count(extreme(sizes)) == 1 and extreme(sizes) in true and len(true) == 1
