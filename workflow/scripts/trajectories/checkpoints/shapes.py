"""Do the tensors in a safetensors file fit the model its config.json describes?"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trajectories.errors import UserError

MAX_HEADER = 100_000_000  # bytes; the limit of the safetensors library itself
MAX_JSON = 50_000_000
_EMBEDDINGS = ("embed_in.weight", "embed_tokens.weight", "wte.weight", "word_embeddings.weight")
_WIDTHS = (
    "hidden_size",
    "n_embd",
    "n_embed",
    "d_model",
    "dim",
    "word_embed_proj_dim",
    "embedding_size",
    "embedding_dim",
)
_DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|layer)\.(\d+)\.")

Shapes = Mapping[str, tuple[int, ...]]


def safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in a safetensors file, from its header alone.

    Raises `UserError` when the header is not one, is larger than the format allows, or the file is cut short.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(MAX_HEADER, size):
            raise UserError(f"{path}: not a safetensors file (its header would be {length} bytes); fetch it again")
        shapes, end = _parse_header(stream.read(length), path)
    if size != 8 + length + end:
        raise UserError(f"{path}: {size} bytes where its header says {8 + length + end}; fetch it again")
    return shapes


def _parse_header(header: bytes, path: Path) -> tuple[dict[str, tuple[int, ...]], int]:
    """Return each tensor's shape and where the last one ends."""
    try:
        entries = {key: value for key, value in json.loads(header).items() if key != "__metadata__"}
        shapes = {key: tuple(map(int, value["shape"])) for key, value in entries.items()}
        return shapes, max((int(value["data_offsets"][1]) for value in entries.values()), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise UserError(f"{path}: its safetensors header is damaged ({error}); fetch it again") from error


def read_json(path: Path, limit: int = MAX_JSON) -> dict[str, Any]:
    """Read a JSON object; raises `UserError` when it is larger than `limit` bytes or not an object."""
    if path.stat().st_size > limit:
        raise UserError(f"{path}: {path.stat().st_size} bytes is absurd for this file; check where it came from")
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path}: not valid JSON ({error}); fetch it again") from error
    if not isinstance(value, dict):
        raise UserError(f"{path}: not a JSON object; fetch it again")
    return value


def shape_mismatch(config: Mapping[str, Any], parts: Iterable[Shapes]) -> str:
    """Return how tensors differ from what `config` says, or an empty string when they fit.

    Wrong is what a loader would refuse or fill with random numbers: an embedding of another shape (vocab_size ×
    hidden_size, or × the width that some models embed in), and layers that are not there. Layers more than config.json
    says are left alone by every loader: some models keep heads for later tokens in them.
    """
    shapes = {name: shape for part in parts for name, shape in part.items()}
    text = config.get("text_config")
    own = {**config, **text} if isinstance(text, dict) else config
    rows, widths = own.get("vocab_size"), {own[key] for key in _WIDTHS if own.get(key) is not None}
    for shape in (shape for name, shape in shapes.items() if name.endswith(_EMBEDDINGS)):
        if rows is not None and widths and (len(shape) != 2 or shape[0] != rows or shape[1] not in widths):
            return f"embedding is {_shape(shape)}, config.json says {_shape((rows, max(widths)))}"
        break
    layers = {int(match.group(1)) for name in shapes if (match := _LAYER.search(name))}
    wanted = next((own[key] for key in _DEPTHS if own.get(key) is not None), None)
    missing = sorted(set(range(int(wanted))) - layers) if layers and wanted is not None else []
    return f"{len(layers)} layers, config.json says {wanted}" if missing else ""


def _shape(shape: Iterable[Any]) -> str:
    return "×".join(map(str, shape))
