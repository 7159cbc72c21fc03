"""Logging: coloured lines for people on a terminal, JSON lines for journald and files."""

import logging
import sys
from typing import Any

import structlog


def configure(*, style: str = "auto", level: str = "info") -> None:
    """Set up structlog once.

    ``style`` is ``auto`` (a terminal gets the console form), ``console`` or ``json``.
    """
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if console
        else structlog.processors.JSONRenderer()
    )
    trace = [] if console else [structlog.processors.dict_tracebacks]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *trace,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries' own loggers say nothing below a warning; ours says what it means for the house.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s", force=True)


def get() -> Any:
    """The logger: events are ``noun.verb`` with fields."""
    return structlog.get_logger()
