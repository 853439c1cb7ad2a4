"""Load a checkpoint: weights straight to the device, nothing of it executed; and its tokenizer."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, AutoModelForCausalLM

from trajectories.checkpoints.staged import chosen_files, format_of, staged
from trajectories.errors import UserError
from trajectories.scoring.tokenizer import open_tokenizer

logger = logging.getLogger(__name__)


def pick_device(device: str) -> str:
    """Resolve `auto` to cuda, mps or cpu. Raises `UserError` when a device is named that is not here."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UserError(f"scoring.device: {device!r} is not available here; say auto or cpu")
    return device


def load_model(folder: Path | str, dtype: str, device: str, files: Sequence[str] | None = None, gpus: int = 1) -> Any:
    """Load a causal language model from a local folder in evaluation mode, its weights read straight to `device`.

    Only `files` of the folder are read, whatever else lies there: a row's files in the audit's table, or with None what
    an audit would choose. `.bin` weights are unpickled with `weights_only=True`, and code that comes with a checkpoint
    is never run. With more than one of `gpus`, accelerate spreads the layers over the GPUs that are seen. Raises
    `UserError`, naming the folder, when it is not a checkpoint, is damaged, does not fit, or needs code of its own.
    """
    path = Path(folder)
    names = chosen_files(path) if files is None else tuple(files)
    with staged(path, names) as view:
        model, report = _from_files(view, path, dtype, placement(device, gpus), format_of(names) == "safetensors")
    _refuse_partial(path, report)
    refuse_offloaded(path, getattr(model, "hf_device_map", {}), device)
    return model.eval()


def placement(device: str, gpus: int) -> dict[str, str] | str:
    """Return where weights go, in accelerate's words: whole to the device, or spread over all GPUs seen."""
    return "auto" if gpus > 1 and device.startswith("cuda") else {"": device}


def refuse_offloaded(path: Path, places: Mapping[str, Any], device: str) -> None:
    """Raise `UserError` when a part of a model has been put aside for want of memory on its GPUs."""
    aside = sorted(part for part, place in places.items() if str(place) in ("cpu", "disk") and device != "cpu")
    if aside:
        raise UserError(f"{path}: {aside[0]} and {len(aside) - 1} more do not fit into the GPUs; raise scoring.gpus")


def _from_files(view: Path, path: Path, dtype: str, places: Any, safetensors: bool) -> tuple[Any, dict[str, Any]]:
    """Load from `view`, which holds the files of the checkpoint at `path` and nothing else."""
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            view,
            dtype=getattr(torch, dtype),
            device_map=places,
            attn_implementation=_attention(view),
            use_safetensors=safetensors,
            weights_only=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"{path}: does not fit into memory as {dtype}; raise scoring.gpus, or take half precision"
        ) from error
    except Exception as error:  # transformers raises many kinds; each means that this folder does not load
        raise UserError(f"{path}: cannot be loaded ({_first_line(error).replace(str(view), str(path))})") from error
    model.config._name_or_path = str(path)
    return model, report


def _attention(folder: Path) -> str:
    """Return the kernel to load a model with: SDPA, or the model's own eager attention where it has no SDPA."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    kind = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    return "sdpa" if kind is None or kind._supports_sdpa else "eager"


def load_tokenizer(folder: Path | str) -> Any:
    """Return the tokenizer in a folder, as `open_tokenizer` finds it."""
    return open_tokenizer(folder).tokenizer


def _refuse_partial(path: Path, report: dict[str, Any]) -> None:
    """Missing or misshapen weights would be filled with random numbers: never score those."""
    for kind in ("missing_keys", "mismatched_keys"):
        if report.get(kind):
            names = sorted(map(str, report[kind]))
            raise UserError(f"{path}: {kind.replace('_keys', '')} weights: {names[0]} and {len(names) - 1} more")


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return json.dumps(text.splitlines()[0])[1:-1][:300]
