"""Small checkpoints in the layouts that public suites use: one file, shards with an index, safetensors and .bin."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

Tensors = dict[str, np.ndarray]
CONFIG = {"model_type": "gpt_neox", "vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 2}


def tensors(seed: int, vocab: int = 40, hidden: int = 8, layers: int = 2) -> Tensors:
    """Return the tensors of a model shaped like CONFIG, drawn from `seed`."""
    rng = np.random.default_rng(seed)
    shapes = {"gpt_neox.embed_in.weight": (vocab, hidden), "embed_out.weight": (vocab, hidden)}
    shapes |= {f"gpt_neox.layers.{layer}.mlp.dense_h_to_4h.weight": (4 * hidden, hidden) for layer in range(layers)}
    return {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in sorted(shapes.items())}


def write_folder(
    folder: Path, seed: int, *, shards: int = 1, formats: tuple[str, ...] = ("safetensors",), config: bool = True
) -> Path:
    """Write one checkpoint whose contents depend on `seed` alone."""
    folder.mkdir(parents=True, exist_ok=True)
    if config:
        (folder / "config.json").write_text(json.dumps(CONFIG))
    for form in formats:
        _write_weights(folder, tensors(seed), shards, form)
    return folder


def _write_weights(folder: Path, weights: Tensors, shards: int, form: str) -> None:
    names = [shard_name(form, number, shards) for number in range(1, shards + 1)]
    parts = {name: dict(list(weights.items())[start::shards]) for start, name in enumerate(names)}
    for name, part in parts.items():
        if form == "safetensors":
            save_file(part, folder / name)
        else:
            (folder / name).write_bytes(b"PK\x03\x04" + b"".join(value.tobytes() for value in part.values()))
    if shards > 1:
        index = {"weight_map": {key: name for name, part in parts.items() for key in part}}
        whole = "model.safetensors" if form == "safetensors" else "pytorch_model.bin"
        (folder / f"{whole}.index.json").write_text(json.dumps(index))


def shard_name(form: str, number: int, shards: int) -> str:
    """Return the file name of one shard, or of the one file where there are no shards."""
    stem, ending = ("model", "safetensors") if form == "safetensors" else ("pytorch_model", "bin")
    return f"{stem}.{ending}" if shards == 1 else f"{stem}-{number:05d}-of-{shards:05d}.{ending}"
