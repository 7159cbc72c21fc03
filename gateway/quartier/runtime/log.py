"""Set up logging: coloured lines on a terminal, JSON lines for journald and files."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from quartier.runtime import text_output
from quartier.runtime.text_output import escape_all


def configure_logging(*, style: str = "auto", level: str = "info") -> None:
    """Set up structlog once.

    ``style`` is ``auto`` (the console form on a terminal), ``console`` or ``json``.  If journald reads the
    error output, each line begins with its priority.
    """
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    in_journal = text_output.is_journal(sys.stderr)
    plain = structlog.dev.plain_traceback
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
        if console
        else structlog.processors.JSONRenderer()
    )
    # A traceback shows where, never the values: a local variable may be a password or a key.
    bare = ExceptionDictTransformer(show_locals=False)
    # JSON escapes foreign text by itself.
    trace = [_escape_fields] if console else [structlog.processors.ExceptionRenderer(bare)]
    mark: list[Any] = [_add_priority] if in_journal else []
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *trace,
            renderer,
            *mark,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Loggers of libraries report only warnings and errors; our own events say what they mean for the site.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((_JournalFormatter if in_journal else logging.Formatter)("%(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class _JournalFormatter(logging.Formatter):
    """Formats a line of a library's logger with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        return text_output.add_priority(super().format(record), record.levelname.lower())


def _add_priority(_logger: Any, method: str, line: str) -> str:
    return text_output.add_priority(line, method)


def _escape_fields(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: escape_all(value) for name, value in event.items()}


def get_logger() -> Any:
    """Return the logger; events are ``noun.verb`` with fields."""
    return structlog.get_logger()
