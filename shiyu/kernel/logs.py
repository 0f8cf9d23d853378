"""Structured logs: one line an event, JSON for machines or coloured text for people."""

import logging
import sys
from typing import Any

import structlog
from structlog.dev import plain_traceback
from structlog.tracebacks import ExceptionDictTransformer

from shiyu.kernel.config import settings

# Without the values of variables: they hold personal data, and drawing them takes a minute of work for one fault.
_TRACES = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def set_up(level: str = "INFO") -> None:
    """Configure logging for this process; the libraries' own loggers follow."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    as_json = settings().log_format == "json"
    last: list[Any] = (
        [_TRACES, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)
