"""A view of a checkpoint folder that shows the files of one checkpoint and nothing else.

What a library finds in a folder decides what it loads: a `model.safetensors` that lies beside the `.bin` files an audit
chose, an adapter, an optimiser's state. In a view there is nothing to find but what was chosen.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trajectories.checkpoints.records import FORMATS, Format
from trajectories.checkpoints.weight_files import support_files, weight_sets
from trajectories.errors import UserError
from trajectories.hub.files import ModelFile, plain_name


@contextmanager
def staged(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield a folder of links to the named files of `folder`; it is removed afterwards.

    Raises `UserError` for a name that is not a plain file name, or a file that is not there.
    """
    with tempfile.TemporaryDirectory(prefix="trajectories-checkpoint-") as view:
        for name in names:
            file = (folder / plain_name(name)).resolve()
            if not file.is_file():
                raise UserError(f"{folder / name}: is not there; run `snakemake audit --forcerun audit`")
            (Path(view) / name).symlink_to(file)
        yield Path(view)


def chosen_files(folder: Path) -> tuple[str, ...]:
    """Return the names of the files a checkpoint folder would be scored from: as the audit chooses, safetensors first.

    Raises `UserError` when the folder has no config.json or no complete set of weights.
    """
    present = [ModelFile(path.name, path.stat().st_size, "") for path in sorted(folder.glob("*")) if path.is_file()]
    if not any(file.name == "config.json" for file in present):
        raise UserError(f"{folder}: has no config.json; is it a checkpoint?")
    sets = weight_sets(present)
    if not sets:
        raise UserError(
            f"{folder}: has no complete set of weights (model.safetensors, pytorch_model.bin, or shards with their "
            "index); is it a checkpoint?"
        )
    form = next(form for form in FORMATS if form in sets)
    return tuple(file.name for file in (*sets[form], *support_files(present, form, sets[form])))


def format_of(names: Sequence[str]) -> Format:
    """Return which format weights of these names have."""
    return "safetensors" if any(name.endswith(".safetensors") for name in names) else "bin"
