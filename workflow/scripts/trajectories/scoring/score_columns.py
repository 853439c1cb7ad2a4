"""The columns of a scores file, and how they lie in it."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

TYPES = {
    "task": "str", "question": "int32", "choice": "int32", "label": "int8", "loglikelihood": "float64",
    "tokens": "int32", "characters": "int32", "bytes": "int32", "words": "int32", "is_greedy": "bool",
    "unconditional": "float64", "running": "bool",
}  # fmt: skip
COLUMNS = tuple(TYPES)
SCHEMA = pa.schema([(name, pa.string() if kind == "str" else pa.type_for_alias(kind)) for name, kind in TYPES.items()])
REAL = [name for name, kind in TYPES.items() if kind == "float64"]
# How parquet files of scores are laid out: a third smaller than pyarrow's own way, and a damaged page is noticed.
LAYOUT: Mapping[str, Any] = {
    "compression": "zstd", "use_dictionary": [name for name in COLUMNS if name not in REAL],
    "use_byte_stream_split": REAL, "write_page_checksum": True,
}  # fmt: skip
