"""The tasks' answers, checked by rules written independently of the generators."""

import re
from collections import Counter
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from itertools import product

import pytest

from trajectories.errors import UserError
from trajectories.pocket import words
from trajectories.pocket.tasks import TASKS, generate
from trajectories.pocket.village import village
from trajectories.questions.catalogue import known_tasks
from trajectories.questions.question import Question

COUNT = 200
CHOOSING = [name for name in TASKS if name != "held_out"]  # questions with two choices


def right(question: Question) -> str:
    return question.choices[question.labels.index(1)][1:]


def wrong(question: Question) -> str:
    return question.choices[question.labels.index(0)][1:]


def groups(pattern: str, text: str) -> tuple[str, ...]:
    found = re.fullmatch(pattern, text, re.DOTALL)
    assert found is not None, text
    return tuple(found.groups())


def result(expression: str) -> int:
    a, sign, b = groups(r"(\d+) ([+-]) (\d+) =", expression)
    return int(a) + int(b) if sign == "+" else int(a) - int(b)


@pytest.mark.parametrize("name", CHOOSING)
def test_questions_are_well_formed_different_and_seeded(name: str) -> None:
    questions = generate(name, 1, COUNT)
    assert len(questions) == COUNT
    assert len({(question.context, frozenset(question.choices)) for question in questions}) == COUNT
    for question in questions:
        assert len(set(question.choices)) == len(question.choices) == 2
        assert sum(question.labels) == 1
        assert all(choice.startswith(" ") and not choice.startswith("  ") for choice in question.choices)
        assert question.context == question.context.strip()
    assert generate(name, 1, COUNT) == questions
    assert generate(name, 1, COUNT // 2) == questions[: COUNT // 2]
    assert generate(name, 2, COUNT) != questions


# that of two roundings of a number below 0.1 the longer one has the significant figures shows in the choices themselves
@pytest.mark.parametrize("name", sorted(set(CHOOSING) - {"sig_figs"}))
def test_no_choice_is_so_often_right_that_the_context_is_not_needed(name: str) -> None:
    """Learn from the choices of some questions which are likely right; on others that must not be worth much."""
    questions = generate(name, 3, 500)
    learnt, asked = questions[:250], questions[250:]
    balance = Counter(right(question) for question in learnt)
    balance.subtract(wrong(question) for question in learnt)
    known = [question for question in asked if balance[right(question)] != balance[wrong(question)]]
    guessed = sum(balance[right(question)] > balance[wrong(question)] for question in known)
    assert not known or 0.35 <= guessed / len(known) <= 0.65


@pytest.mark.parametrize("name", CHOOSING)
def test_neither_position_nor_length_gives_the_answer_away(name: str) -> None:
    questions = generate(name, 1, COUNT)
    first = sum(question.labels[0] for question in questions) / COUNT
    assert 0.38 <= first <= 0.62
    shorter = [len(right(question)) < len(wrong(question)) for question in questions
               if len(right(question)) != len(wrong(question))]  # fmt: skip
    if len(shorter) > COUNT / 4:
        assert 0.35 <= sum(shorter) / len(shorter) <= 0.65
    if all(set(question.choices) == {" Yes", " No"} for question in questions):
        assert sum(right(question) == "Yes" for question in questions) == COUNT / 2


def check_sums(question: Question) -> None:
    assert int(right(question)) == result(question.context)


def check_redefine(question: Question) -> None:
    rule, expression = question.context.split("\n")
    old, new = re.findall(r"\d|[+-]", rule)
    assert int(right(question)) == result(expression.replace(old, new))
    assert int(wrong(question)) == result(expression)


def check_repetitive_algebra(question: Question) -> None:
    *sheet, last = question.context.split("\n")
    totals = {int(line.split("= ")[1]) for line in sheet}
    assert all(result(line.rsplit(" ", 1)[0]) in totals for line in sheet)
    assert totals == {int(wrong(question))}
    assert int(right(question)) == result(last)


def check_sig_figs(question: Question) -> None:
    number, figures = groups(r".*\n\w+ (\S+) (?:to|with) (\d) figures:", question.context)
    rounded = Context(prec=int(figures)).create_decimal(number)
    assert right(question) == f"{rounded}."
    assert len(rounded.as_tuple().digits) == int(figures)
    assert wrong(question) == f"{Decimal(number).quantize(Decimal(1).scaleb(-int(figures)))}."


def check_memo_trap(question: Question) -> None:
    word, start = groups(r'Write a sentence that ends with the word "(\w+)": (.*)', question.context)
    assert right(question) == word
    assert (start, wrong(question)) in words.SAYINGS


def fact_of(context: str, denied: bool) -> str:
    (value,) = [
        fact.value
        for fact in village()
        if context == (fact.relation.denied if denied else fact.relation.stated).format(fact.person)
    ]
    return value


def check_neqa(question: Question) -> None:
    assert " not" in question.context
    assert wrong(question) == fact_of(question.context, denied=True)


def check_village_facts(question: Question) -> None:
    assert " not" not in question.context
    assert right(question) == fact_of(question.context, denied=False)


def check_pattern(question: Question, following: str, other: str) -> None:
    shown = question.context.split("\n")[-1].split(" ")
    assert all(shown[index] == shown[index - 2] for index in range(2, len(shown)))
    assert (following, other) == (shown[-2], shown[-1])


def check_pattern_completion(question: Question) -> None:
    check_pattern(question, right(question), wrong(question))


def check_pattern_match_suppression(question: Question) -> None:
    assert re.match(r"(Break|Do not go on with|End with)", question.context)
    check_pattern(question, wrong(question), right(question))


def check_into_the_unknown(question: Question) -> None:
    assert f"knows all about the {wrong(question)}." in question.context
    assert right(question) not in question.context.split()


def check_resisting_correction(question: Question) -> None:
    _, sentence, copied = question.context.split("\n")
    assert sentence.startswith(f"{copied} {right(question)} ")
    article = re.search(r"\b(an?) (\w)", f"{copied} {right(question)} {sentence.split()[-1]}")
    if article:
        assert (article[1] == "an") != (article[2] in "aeiou")
    else:
        plural = copied in ("They", "We") or copied.endswith(("ren", "men", "friends"))
        assert (right(question) in ("are", "were", "have")) != plural


def check_modus_tollens(question: Question) -> None:
    """Does every way the world can be, given what is said, make the conclusion true?"""
    a, one, b, other, b_again, polarity, _, a_again, conclusion, _ = groups(
        r"If (\w+) can (\w+), then (\w+) can (\w+)\. (\w+) (can|cannot) (\w+)\. "
        r"Can we say that (\w+) (can|cannot) (\w+)\?",
        question.context,
    )
    assert (a, b, one == other) == (a_again, b_again, False)
    worlds = [
        first
        for first, second in product((True, False), repeat=2)
        if (not first or second) and second == (polarity == "can")
    ]
    follows = all(first == (conclusion == "can") for first in worlds)
    assert right(question) == ("Yes" if follows else "No")
    assert right(question) == ("Yes" if "cannot" in question.context else "No")  # against the corpus's habit


def check_hindsight_neglect(question: Question) -> None:
    bets = re.findall(
        r"(\d+)% to win (\d+), (\d+)% to lose (\d+)\. \w+ (won|lost) \d+\. Good bet\?(?: (Yes|No)\.)?", question.context
    )
    assert len(bets) == 3
    for index, (chance, gain, risk, loss, outcome, answer) in enumerate(bets):
        expected = Fraction(int(chance), 100) * int(gain) - Fraction(int(risk), 100) * int(loss)
        assert expected != 0
        good = "Yes" if expected > 0 else "No"
        assert (outcome == "won") == ((good == "Yes") == (index < 2))
        assert good == (answer if index < 2 else right(question))


def check_held_out(question: Question) -> None:
    assert question.running
    assert question.choices[0].strip()


CHECKS: dict[str, Callable[[Question], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}


@pytest.mark.parametrize("name", TASKS)
def test_the_right_answer_is_right(name: str) -> None:
    for seed in (1, 2):
        for question in generate(name, seed, COUNT):
            CHECKS[name](question)


def test_all_ten_kinds_of_the_prize_and_ordinary_ones_are_there() -> None:
    assert len(TASKS) == 14
    assert all(task.name == name and task.right and task.wrong for name, task in TASKS.items())


def test_the_catalogue_lists_every_generator_once_and_never_asks_too_much() -> None:
    records = [task for task in known_tasks().values() if task.generator is not None]
    assert sorted(str(task.generator) for task in records) == sorted(TASKS)
    for task in records:
        assert task.questions is not None
        assert task.label
        assert len(generate(str(task.generator), 5, task.questions)) == task.questions


def test_asking_for_too_many_or_an_unknown_generator_is_one_line() -> None:
    with pytest.raises(UserError, match=r"'redefine' has only \d+ different questions"):
        generate("redefine", 1, 5000)
    with pytest.raises(UserError, match="generator 'redefin' does not exist; there are held_out, hindsight_neglect, "):
        generate("redefin", 1)
