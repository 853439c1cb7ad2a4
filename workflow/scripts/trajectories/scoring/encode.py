"""From questions to requests: tokenise as the protocol says, once per tokenizer."""

import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from trajectories.errors import UserError
from trajectories.questions.question import Question
from trajectories.scoring.requests import CHOICE, RUNNING, UNCONDITIONAL, WRITTEN, Requests, build_requests
from trajectories.scoring.tokenizer import appended
from trajectories.study.protocol import Protocol

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Pair:
    """One (context, choice) text pair, and the numbers of its request: those of `Requests`."""

    context: str
    text: str
    task: int
    question: int
    choice: int
    label: int
    kind: int
    characters: int
    bytes: int
    words: int


_NUMBERS = tuple(field.name for field in fields(_Pair) if field.name not in ("context", "text"))


def encode(
    questions: Mapping[str, Sequence[Question]],
    delimiters: Mapping[str, str | None],
    tokenizer: Any,
    protocol: Protocol,
    unconditional: Collection[str] = (),
    written: Collection[str] = (),
) -> Requests:
    """Tokenise the questions of the tasks of one tree.

    `delimiters` holds each task's own text between context and choice, used where the protocol's `choice_prefix` is
    null; a task whose choices are whole (None) takes neither. Of the tasks in `unconditional` every choice is asked
    once more after nothing at all; of those in `written` each context is one request with nothing after it. Raises
    `UserError`, naming task, question and choice, when a choice has no tokens of its own.
    """
    tasks = list(questions)
    pairs = [
        pair
        for index, name in enumerate(tasks)
        for pair in (
            _contexts(index, questions[name])
            if name in written
            else _pairs(index, questions[name], _prefix(protocol, delimiters[name]), name in unconditional)
        )
    ]
    encoded = _encode_all(pairs, tokenizer, protocol)
    for pair, (_, choice) in zip(pairs, encoded, strict=True):
        if not choice and pair.kind != WRITTEN:
            raise UserError(
                f"task {tasks[pair.task]}, question {pair.question}, choice {pair.choice}: {pair.text!r} merges into "
                "the context's last token and has none of its own; set protocol.encoding to separate"
            )
    columns = {name: [getattr(pair, name) for pair in pairs] for name in _NUMBERS}
    counted = [len(choice) for _, choice in encoded]
    requests = build_requests(tasks, [context + choice for context, choice in encoded], columns | {"counted": counted})
    return requests if protocol.length_cap is None else _capped(requests, protocol.length_cap)


def _capped(requests: Requests, cap: int) -> Requests:
    """Cut requests on the left to the protocol's length; a model whose window is shorter cuts them once more."""
    logger.info("%d of %d requests are longer than protocol.length_cap", requests.longer_than(cap), len(requests))
    return requests.within(cap, "protocol.length_cap")


def sizes_of(question: Question, choice: int) -> dict[str, int]:
    """Return characters, bytes (UTF-8) and words (pieces between white space) of a choice's own text."""
    text = question.choices[choice] if question.measured is None else question.measured[choice]
    return {"characters": len(text), "bytes": len(text.encode()), "words": len(re.split(r"\s+", text))}


def _prefix(protocol: Protocol, delimiter: str | None) -> str:
    if delimiter is None:
        return ""
    return delimiter if protocol.choice_prefix is None else protocol.choice_prefix


def _pairs(task: int, questions: Sequence[Question], prefix: str, unconditional: bool) -> Iterator[_Pair]:
    for number, question in enumerate(questions):
        for choice, text in enumerate(question.choices):
            size = tuple(sizes_of(question, choice).values())
            place = (task, number, choice, question.labels[choice])
            if question.running:
                yield _Pair("", text, *place, RUNNING, *size)
                continue
            yield _Pair(question.context_of(choice), prefix + text, *place, CHOICE, *size)
            if unconditional:
                yield _Pair("", prefix + text, *place, UNCONDITIONAL, *size)


def _contexts(task: int, questions: Sequence[Question]) -> Iterator[_Pair]:
    for number, question in enumerate(questions):
        yield _Pair(question.context, "", task, number, 0, 0, WRITTEN, 0, 0, 0)


def _encode_all(pairs: Sequence[_Pair], tokenizer: Any, protocol: Protocol) -> list[tuple[list[int], list[int]]]:
    """Return (context ids, choice ids) for each pair; of a running text (start token, all of its tokens), of a context
    to go on from (its tokens, nothing)."""
    texts = _tokenise({pair.text for pair in pairs if pair.kind == RUNNING}, tokenizer, protocol)
    alone = _tokenise({pair.context for pair in pairs if pair.kind == WRITTEN}, tokenizer, protocol)
    others = iter(_encode_pairs([p for p in pairs if p.kind not in (RUNNING, WRITTEN)], tokenizer, protocol))
    found = []
    for pair in pairs:
        if pair.kind == RUNNING:
            found.append(([_start_token(tokenizer)], texts[pair.text]))
        elif pair.kind == WRITTEN:
            found.append((alone[pair.context] or [_start_token(tokenizer)], []))
        else:
            found.append(next(others))
    return found


def _encode_pairs(pairs: Sequence[_Pair], tokenizer: Any, protocol: Protocol) -> list[tuple[list[int], list[int]]]:
    """Return (context ids, choice ids) for each pair.

    An empty context (white space alone is moved to the choice and leaves one) is the tokenizer's BOS, or EOS where it
    has none, as in the harness; where the choice already begins with that token it is not put there twice.
    """
    texts = [_move_spaces(pair) if protocol.encoding == "joint" else (pair.context, pair.text) for pair in pairs]
    contexts = _tokenise({context for context, _ in texts if context}, tokenizer, protocol)
    wholes: dict[str, list[int]] = {}
    if protocol.encoding == "joint":
        wholes = _tokenise({context + choice for context, choice in texts if context}, tokenizer, protocol)
    choices = _plain({choice for context, choice in texts if not context or protocol.encoding == "separate"}, tokenizer)
    encoded = []
    for context, choice in texts:
        if not context:
            encoded.append(_after_nothing(choices[choice], tokenizer))
        elif protocol.encoding == "joint":
            encoded.append((contexts[context], wholes[context + choice][len(contexts[context]) :]))
        else:
            encoded.append((contexts[context], choices[choice]))
    return encoded


def _move_spaces(pair: _Pair) -> tuple[str, str]:
    """Move the context's trailing white space to the choice: tokenizers merge spaces into the word that follows."""
    context = pair.context.rstrip()
    return context, pair.context[len(context) :] + pair.text


def _after_nothing(choice: list[int], tokenizer: Any) -> tuple[list[int], list[int]]:
    start = _start_token(tokenizer)
    return (choice[:1], choice[1:]) if choice[:1] == [start] else ([start], choice)


def _start_token(tokenizer: Any) -> int:
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return int(token)
    raise UserError("the tokenizer has neither a BOS nor an EOS token, which an empty context and a running text need")


def _tokenise(texts: set[str], tokenizer: Any, protocol: Protocol) -> dict[str, list[int]]:
    """Return the ids of texts that stand at the beginning, with the special tokens the protocol asks for."""
    if protocol.bos == "never":
        return _plain(texts, tokenizer)
    begun = {text for text in texts if tokenizer.bos_token and text.startswith(tokenizer.bos_token)}
    plain = _plain(begun, tokenizer)
    if protocol.bos == "always":
        start = _start_token(tokenizer)
        return plain | {text: [start, *ids] for text, ids in _plain(texts - begun, tokenizer).items()}
    return plain | _begun(texts - begun, tokenizer)


def _begun(texts: set[str], tokenizer: Any) -> dict[str, list[int]]:
    """Return the ids with what the tokenizer puts before a text, without what it puts behind one: more text follows."""
    ending = appended(tokenizer) if texts else []
    whole = _batch(texts, tokenizer, add_special_tokens=True)
    if not ending:
        return whole
    return {text: ids[: -len(ending)] if ids[-len(ending) :] == ending else ids for text, ids in whole.items()}


def _plain(texts: set[str], tokenizer: Any) -> dict[str, list[int]]:
    return _batch(texts, tokenizer, add_special_tokens=False)


def _batch(texts: set[str], tokenizer: Any, add_special_tokens: bool) -> dict[str, list[int]]:
    ordered = sorted(texts)
    if not ordered:
        return {}
    ids = tokenizer(ordered, add_special_tokens=add_special_tokens)["input_ids"]
    return dict(zip(ordered, ids, strict=True))
