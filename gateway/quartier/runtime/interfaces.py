"""Callable types that several packages share."""

from collections.abc import Callable, Mapping
from typing import Any

from quartier.site.records import Now

RecordEvent = Callable[[str, str, Mapping[str, Any], Now], None]
