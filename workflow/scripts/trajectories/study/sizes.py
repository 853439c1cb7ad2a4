"""Which models are runs of one size: equal parameters say so, unless a record names the size it belongs to."""

from collections.abc import Sequence


def sizes_of(models: Sequence[tuple[str, int, str | None]]) -> dict[str, str]:
    """Return model → size from (name, parameters, `size_of`).

    A size is called by its first model. `size_of` names a model, whose size it then is, or a size that no model is
    called by.
    """
    named = {name: size_of for name, _, size_of in models}
    parameters = {name: count for name, count, _ in models}
    first: dict[int, str] = {}
    sizes: dict[str, str] = {}
    for model in parameters:
        size = _followed(model, named)
        sizes[model] = first.setdefault(parameters[size], size) if size in parameters else size
    return sizes


def _followed(model: str, named: dict[str, str | None]) -> str:
    """Follow `size_of` from model to model to its end; a circle ends once round."""
    for _ in named:
        further = named.get(model)
        if further is None:
            break
        model = further
    return model
