"""Which repositories of an owner look like one that is not there: asked of the hub, never assumed."""

import difflib
from itertools import islice

from huggingface_hub import HfApi

from trajectories.errors import UserError
from trajectories.hub import client as hub

MOST_LISTED = 1000  # models of one owner, the most recent first: one page or a few
MOST_SHOWN = 4


def look_alikes(repo: str) -> list[str]:
    """Return the models of a repository's owner whose names are like its own, the most alike first.

    Empty where the owner has none, or the hub does not tell.
    """
    owner, _, name = repo.rpartition("/")
    try:
        listed = hub.patiently(lambda: [m.id for m in islice(HfApi().list_models(author=owner), MOST_LISTED)], owner)
    except UserError:
        return []
    names = {known.rpartition("/")[2].lower(): known for known in listed}
    close = difflib.get_close_matches(name.lower(), names, n=MOST_SHOWN, cutoff=0.6)
    return [names[match] for match in close]
