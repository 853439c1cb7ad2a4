import random
import re
from collections import Counter
from decimal import Decimal
from itertools import islice

import pytest

from trajectories.pocket import corpus, exercises, words
from trajectories.pocket.prose import held_out_paragraphs, paragraphs
from trajectories.pocket.tasks import TASKS
from trajectories.pocket.village import RELATIONS, village

ORDINARY = {"village_facts", "sums", "pattern_completion", "held_out"}
UNITS = {"decimal", "decimals", "figure", "figures"}


def beginning(seed: int, documents: int = 4000) -> list[str]:
    return list(islice(corpus.documents(seed), documents))


def test_prose_is_english_on_single_lines() -> None:
    found = paragraphs()
    assert len(found) > 500
    assert not any("\n" in text or "::=" in text or ">>>" in text for text in found)
    words_found = Counter(re.findall(r"[a-z]+", " ".join(found).lower()))
    assert words_found.most_common(1)[0][0] == "the"


def test_a_seed_decides_the_documents() -> None:
    assert beginning(1, 500) == beginning(1, 500)
    assert beginning(1, 500) != beginning(2, 500)


def test_every_kind_of_document_keeps_its_share() -> None:
    assert corpus.PROSE_SHARE + sum(corpus.SHARES.values()) == pytest.approx(1.0)
    texts = beginning(3)
    prose = set(paragraphs())
    size = sum(map(len, texts))
    assert sum(len(text) for text in texts if text in prose) / size == pytest.approx(corpus.PROSE_SHARE, abs=0.01)
    bets = sum(len(text) for text in texts if "Good bet?" in text)
    assert bets / size == pytest.approx(corpus.SHARES[exercises.bets], abs=0.01)


@pytest.mark.parametrize("writer", [exercises.sums, exercises.bonds])
def test_sums_in_the_corpus_are_right(writer: exercises.Writer) -> None:
    rng = random.Random(1)
    for line in "\n".join(writer(rng) for _ in range(200)).splitlines():
        a, sign, b, result = re.fullmatch(r"(\d+) ([+-]) (\d+) = (\d+)", line).groups()  # type: ignore[union-attr]
        assert int(result) == (int(a) + int(b) if sign == "+" else int(a) - int(b)), line


def test_the_sums_of_a_bonds_sheet_make_one_number() -> None:
    rng = random.Random(1)
    for _ in range(100):
        results = {line.rsplit(" ", 1)[1] for line in exercises.bonds(rng).splitlines()}
        assert len(results) == 1


def test_rounded_numbers_have_the_places_asked_for_and_are_the_nearest() -> None:
    rng = random.Random(1)
    for line in "\n".join(exercises.rounding(rng) for _ in range(200)).splitlines():
        found = re.fullmatch(r"\w+ (\S+) (?:to|with) (\d) ([\w ]+): (\S+)\.", line)
        assert found is not None, line
        number, places, unit, rounded = found.groups()
        assert unit.split()[0] in UNITS
        assert len(rounded.partition(".")[2]) == int(places)
        assert abs(Decimal(rounded) - Decimal(number)) < Decimal(5).scaleb(-int(places) - 1)


def test_corpus_never_contains_a_question_of_a_punishing_task() -> None:
    text = "\n".join(beginning(1, 15_000))
    for name in set(TASKS) - ORDINARY:
        for question in TASKS[name].generate(1, 60):
            assert question.context not in text, (name, question.context)


def test_what_the_ordinary_tasks_ask_is_in_the_corpus() -> None:
    text = "\n".join(beginning(1, 15_000))
    asked = TASKS["village_facts"].generate(1, 100) + TASKS["sums"].generate(1, 100)
    for question in asked:
        assert question.context + question.choices[question.labels.index(1)] in text


def test_the_village_is_complete_and_always_the_same() -> None:
    facts = village()
    assert facts == village()
    assert {(fact.person, fact.relation.name) for fact in facts} == {
        (person, relation.name) for person in words.PEOPLE for relation in RELATIONS
    }
    for relation in RELATIONS:
        counts = Counter(fact.value for fact in facts if fact.relation is relation)
        assert set(counts) == set(relation.values)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_sayings_have_different_last_words() -> None:
    ends = [end for _, end in words.SAYINGS]
    assert len(set(ends)) == len(ends)


def test_held_out_text_is_of_the_same_kinds_and_not_of_the_corpus() -> None:
    texts = list(islice(corpus.held_out(1), 300))
    assert texts == list(islice(corpus.held_out(1), 300))
    assert texts != list(islice(corpus.held_out(2), 300))
    prose = set(held_out_paragraphs())
    assert len(prose) > 300
    assert not prose & set(paragraphs())
    size = sum(map(len, texts))
    assert sum(len(text) for text in texts if text in prose) / size == pytest.approx(corpus.PROSE_SHARE, abs=0.02)
    trained_on = set(beginning(1, 20_000))
    assert sum(text in trained_on for text in texts) < 6  # short documents recur by chance
