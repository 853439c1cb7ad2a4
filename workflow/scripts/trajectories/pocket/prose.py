"""Real English: the language reference that ships with every Python, in paragraphs."""

import re
from collections.abc import Iterator

SHORTEST = 80


def paragraphs() -> list[str]:
    """Return the prose paragraphs of `pydoc_data.topics`, each on one line.

    Headings, grammar rules and code are left out; what remains differs a little between Python versions.
    """
    from pydoc_data.topics import topics

    return [text for name in sorted(topics) for text in _prose(topics[name])]


def _prose(page: str) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", page):
        text = " ".join(block.split())
        if len(text) >= SHORTEST and text.endswith((".", ":")) and "::=" not in text and ">>>" not in text:
            yield text
