"""How many parameters models really have, and how many of them are embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ParameterCounts:
    """All parameters of a model, and those of its embedding tables (input and, where it is untied, output)."""

    exact: int
    embedding: int

    @property
    def body(self) -> int:
        """Parameters without embeddings."""
        return self.exact - self.embedding


def given_counts(models: Mapping[str, Sequence[int | None]]) -> dict[str, ParameterCounts]:
    """Return the counts of the models that give both `exact_parameters` and `embedding_parameters`, in that order."""
    return {
        model: ParameterCounts(exact, embedding)
        for model, (exact, embedding) in models.items()
        if exact is not None and embedding is not None
    }


def _of(exact: int, body: int) -> ParameterCounts:
    return ParameterCounts(exact, exact - body)


PYTHIA: dict[str, ParameterCounts] = {
    "pythia-70m": _of(70_426_624, 18_915_328),
    "pythia-160m": _of(162_322_944, 85_056_000),
    "pythia-410m": _of(405_334_016, 302_311_424),
    "pythia-1b": _of(1_011_781_632, 805_736_448),
    "pythia-1.4b": _of(1_414_647_808, 1_208_602_624),
    "pythia-2.8b": _of(2_775_208_960, 2_517_652_480),
    "pythia-6.9b": _of(6_857_302_016, 6_444_163_072),
    "pythia-12b": _of(11_846_072_320, 11_327_027_200),
}
"""Table 1 of Biderman et al. (2023); a test counts them again from the architectures."""
