"""How one edge node behaves towards its Sparkplug host (pure)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the session behaves; times in seconds of the house.

    ``harmless`` are the points that a host may write; nothing that moves power is ever among them.
    ``late_s``: live samples that the connection did not take for so long go to the backlog, so that
    newer ones pass them.  ``scan_ms`` is the pace of live data that a host may change, 0 means at
    once.  ``arrival_s``: what was sent so long ago and is lost is sent again.  ``silent_s``: an
    alarm where no watermark came for so long.  ``watermark_unsigned``:
    watermarks count without a signature.
    """

    primary_host: str | None = None
    watermark: bool = True
    watermark_unsigned: bool = False
    aliases: bool = False
    servers_count: int = 1
    harmless: frozenset[str] = frozenset()
    backfill_messages_per_s: float = 5.0
    scan_ms: int = 0
    late_s: float = 10.0
    echo_s: float = 60.0
    silent_s: float = 120.0
    arrival_s: float = 60.0
    rebirth_pause_s: float = 5.0
    watermark_wait_s: float = 10.0
    back_off_max_s: float = 3_600.0
