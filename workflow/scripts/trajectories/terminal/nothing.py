"""A run that finds everything made says where it is, as one that made it does."""

import logging
from collections.abc import Callable, Sequence

NOTHING = "Nothing to be done"


class Nothing(logging.Handler):
    """Hears Snakemake say that nothing is to be done, and passes `made` on: lines on what there is, for the end."""

    def __init__(self, logger: logging.Logger, made: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._logger, self._made = logger, made

    def emit(self, record: logging.LogRecord) -> None:
        """Say what there is."""
        if isinstance(record.msg, str) and record.msg.startswith(NOTHING):
            for line in self._made():
                self._logger.info(line, extra={"made": True})
