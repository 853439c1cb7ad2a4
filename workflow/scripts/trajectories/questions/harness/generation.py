"""How a task of the harness lets the model write: its `generation_kwargs`, as far as greedy texts answer them."""

from collections.abc import Mapping
from typing import Any

from trajectories.errors import UserError
from trajectories.questions.written import Written

MOST = 256
"""New tokens where a task does not say; the harness's own."""

_LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # the first that is there counts
_ASIDE = ("top_p", "top_k", "min_p", "typical_p", "use_cache")  # say nothing about greedy texts
_NEUTRAL: Mapping[str, Any] = {"num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "min_length": 0}
_CURE = "write a YAML of your own that includes it, with generation_kwargs: {do_sample: false}, and name that"


def check_generation(asked: Mapping[str, Any], repeats: int = 1) -> None:
    """Raise `UserError` where texts are not to be greedy, or something that changes greedy texts is asked for."""
    temperature, sample = asked.get("temperature") or 0, asked.get("do_sample")
    if sample is None:
        sample = float(temperature) > 0  # as the harness understands it
    if sample and float(temperature) == 0:
        raise UserError(f"asks for sampling at temperature 0, which no model can do; {_CURE}")
    if sample:
        often = f", {repeats} times" if repeats > 1 else ""
        raise UserError(
            f"asks for sampled texts (temperature {temperature}{often}), and texts here are greedy; {_CURE}"
        )
    for key, value in asked.items():
        if key in ("until", "do_sample", "temperature", *_LENGTHS, *_ASIDE) or value is None:
            continue
        if key not in _NEUTRAL or value != _NEUTRAL[key]:
            raise UserError(f"has generation_kwargs: {{{key}: {value}}}, which greedy texts do not know; take it out")


def written_way(asked: Mapping[str, Any], repeats: int = 1) -> Written:
    """Return how texts are written that `generation_kwargs` ask for; nothing is known of answers in them.

    Raises `UserError` as `check_generation` does, and for a stop string that is none.
    """
    check_generation(asked, repeats)
    until = asked.get("until") or []
    stop = [until] if isinstance(until, str) else list(until)
    if "" in stop or not all(isinstance(text, str) for text in stop):
        wrong = next(text for text in stop if not isinstance(text, str) or not text)
        raise UserError(
            f"has {wrong!r} in generation_kwargs.until, which is no text that could end another; take it out"
        )
    tokens = next((asked[key] for key in _LENGTHS if asked.get(key) is not None), MOST)
    if int(tokens) < 1:
        raise UserError(f"asks for texts of {tokens} tokens; max_gen_toks must be 1 or more")
    return Written(by="generation", true=None, new_tokens=int(tokens), stop=stop, pattern=r"(?s)(.+)", normalise=[])
