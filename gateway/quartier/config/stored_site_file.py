"""Find the site file in force: the installer's, one applied on site, or one ordered by the district.

The file at the gateway is the base. An applied text replaces the file. An ordered text replaces what a person
last approved (the applied text, else the file). Each counts only while the text below it is the one over
which it was given, so whoever changes that one decides last. An ordered text never changes what only a person
on site may change; this is checked again each time it is loaded. The ordered text before the newest is kept.
If a run with the newest fails to last its first minute three times, the one below it counts, with the tighter
of both values where a loosening would have to wait.

An ordered text that waits has no effect, except for its tighter values of the parameters whose loosening
waits. They are stored apart, and act beside every text until they are ended, or until a person changes what
counts on site.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from quartier.config import change_rights, loading
from quartier.config.change_rights import ChangeDecision
from quartier.config.loading import LoadedSite
from quartier.runtime import state_file
from quartier_drivers.errors import ConfigError

ORDERED_FILE = "ordered"
APPLIED_FILE = "applied"
TIGHTENED_FILE = "tightened"
ORDERED_NAME = "ordered site file"
APPLIED_NAME = "applied site file"
STARTS_COUNT_MAX = 3


@dataclass(frozen=True, slots=True)
class StoredSiteFile:
    """The ordered text and its document; ``over`` is the digest of the text that it replaces.

    For an applied text ``id`` is the person and ``seq`` the time (UTC, ms). ``before`` is the ordered text
    that it replaced, if there was one. ``starts_count`` counts the runs since then that did not last.
    """

    text: str
    over: str
    id: str
    seq: int
    before: str = ""
    starts_count: int = 0

    @property
    def name(self) -> str:
        """Return which job it was, or who applied it."""
        return f"{self.id} ({self.seq})"

    def facts(self) -> dict[str, Any]:
        """Return the fields for the state file, JSON-ready."""
        return {
            "text": self.text,
            "over": self.over,
            "id": self.id,
            "seq": self.seq,
            "before": self.before,
            "starts": self.starts_count,
        }


@dataclass(frozen=True, slots=True)
class TightenedLimits:
    """The tighter values of a site file that waits, and those of earlier ones that did not end yet.

    ``id``, ``seq`` and ``exp_utc_ms`` are those of the newest job that waited. ``over`` is the digest of what
    a person had approved (``find_approval_digest``): the values act while it is the present one. It is empty
    once the values were ended. ``limits`` has a value for each key of the section ``limits`` that tightened.
    """

    id: str
    seq: int
    exp_utc_ms: int
    over: str
    limits: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return which job it was."""
        return f"{self.id} ({self.seq})"

    def facts(self) -> dict[str, Any]:
        """Return the fields for the state file, JSON-ready."""
        facts = {"id": self.id, "seq": self.seq, "exp": self.exp_utc_ms, "over": self.over}
        return {**facts, "limits": dict(self.limits)}


def load_tightened_limits(state_dir: Path) -> TightenedLimits | None:
    """Return the tighter values that were stored last; None if there are none, or they cannot be read.

    Unreadable values have no effect: the site file in force then counts as it is. The daemon reports the
    damage, and a job that still waits stores its values again.
    """
    match state_file.load_facts(state_dir / TIGHTENED_FILE):
        case {
            "id": str(ident),
            "seq": int(seq),
            "exp": int(exp_utc_ms),
            "over": str(over),
            "limits": dict(limits),
        } if all(map(_is_number, limits.values())):
            return TightenedLimits(ident, seq, exp_utc_ms, over, limits)
        case _:
            return None


def save_tightened_limits(state_dir: Path, tightened: TightenedLimits) -> None:
    """Save it in both copies: the previous one must not come back. Raises OSError."""
    state_file.save_facts(state_dir / TIGHTENED_FILE, tightened.facts(), twice=True)


def end_tightened_limits(tightened: TightenedLimits) -> TightenedLimits:
    """Return it without effect; the same job tightens nothing again."""
    return replace(tightened, over="", limits={})


def tighten_further(before: TightenedLimits | None, waiting: TightenedLimits) -> TightenedLimits:
    """Return the tighter values to store while ``waiting`` waits; ``before`` is what was stored until now.

    Values of an earlier job stay: to end them is a loosening. A person who changed what counts on site ends
    all of them, and those of the job that waited then do not return.
    """
    if before is None:
        return waiting
    if before.over == waiting.over:
        return replace(waiting, limits=change_rights.combine_tighter_limits(before.limits, waiting.limits))
    return end_tightened_limits(waiting) if before.name == waiting.name else waiting


def drop_superseded_limits(config: Path, state_dir: Path) -> TightenedLimits | None:
    """End tighter values whose base was changed by hand, so that they never come back; return what they were.

    Raises OSError.
    """
    tightened, below = load_tightened_limits(state_dir), find_approval_digest(config, state_dir)
    if tightened is None or not below or tightened.over in ("", below):
        return None
    save_tightened_limits(state_dir, end_tightened_limits(tightened))
    return tightened


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def load_stored_site_file(state_dir: Path, file: str = ORDERED_FILE) -> StoredSiteFile | None:
    """Return the last order; None if there is none, or it cannot be read."""
    match state_file.load_facts(state_dir / file):
        case {
            "text": str(text),
            "over": str(over),
            "id": str(ident),
            "seq": int(seq),
            "before": str(before),
            "starts": int(starts),
        }:
            return StoredSiteFile(text, over, ident, seq, before, starts)
        case _:
            return None


def save_stored_site_file(state_dir: Path, ordered: StoredSiteFile, file: str = ORDERED_FILE) -> None:
    """Save it in both copies: the previous one must not come back. Raises OSError."""
    state_file.save_facts(state_dir / file, ordered.facts(), twice=True)


def load_site_file_in_force(config: Path, state_dir: Path) -> LoadedSite:
    """Load the site file to run with: the ordered one if it counts, else what a person last approved.

    The tighter values of a file that waits act in addition. Raises ConfigError as
    ``loading.load_site_leniently``.
    """
    found, tightened = _load_ordered_or_base(config, state_dir), load_tightened_limits(state_dir)
    if tightened is None or tightened.over != find_approval_digest(config, state_dir):
        return found
    return replace(found, site=change_rights.tighten_limits(found.site, tightened.limits))


def _load_ordered_or_base(config: Path, state_dir: Path) -> LoadedSite:
    base = load_on_site_file(config, state_dir)
    ordered = load_stored_site_file(state_dir)
    if ordered is None or ordered.over != find_base_digest(config, state_dir):
        return base
    newest = _load_if_usable(config, ordered.text, base)
    if newest is not None and ordered.starts_count < STARTS_COUNT_MAX:
        return replace(newest, ordered=ordered.name)
    before = _load_if_usable(config, ordered.before, base)
    found = base if before is None else replace(before, ordered=f"before {ordered.name}")
    # Nobody allowed a loosening: a failed run is no heartbeat.
    return (
        found if newest is None else replace(found, site=change_rights.make_tightest(found.site, newest.site))
    )


def load_on_site_file(config: Path, state_dir: Path) -> LoadedSite:
    """Load what a person at the gateway last approved: the applied text if it counts, else the file.

    Raises ConfigError as ``loading.load_site_leniently``.
    """
    applied = _find_applied(config, state_dir)
    if applied is None:
        return loading.load_site_leniently(config)
    try:
        loaded = loading.load_site_leniently(config, loading.ReplacementText(APPLIED_NAME, applied.text))
    except ConfigError:
        return loading.load_site_leniently(config)
    if applied.starts_count < STARTS_COUNT_MAX:
        return replace(loaded, ordered=applied.name)
    found = loading.load_site_leniently(config)
    return replace(found, site=change_rights.make_tightest(found.site, loaded.site))


def find_order_in_force(config: Path, state_dir: Path) -> StoredSiteFile | None:
    """Return the order in force, if there is one."""
    ordered = load_stored_site_file(state_dir)
    if ordered is None or not ordered.text or ordered.starts_count >= STARTS_COUNT_MAX:
        return None
    return ordered if ordered.over == find_base_digest(config, state_dir) else None


def drop_superseded(config: Path, state_dir: Path, file: str = ORDERED_FILE) -> str:
    """Forget a text whose base was changed by hand, so that it never comes back; return its name.

    Raises OSError.
    """
    ordered = load_stored_site_file(state_dir, file)
    below = find_file_digest(config) if file == APPLIED_FILE else find_base_digest(config, state_dir)
    if ordered is None or not ordered.text or ordered.over == below:
        return ""
    save_stored_site_file(state_dir, replace(ordered, text="", before=""), file)
    return ordered.name


def check_ordered_text(config: Path, state_dir: Path, text: str, used: LoadedSite) -> ChangeDecision:
    """Check an ordered text as ``quartier check`` does, and whether an order may change that much.

    ``used`` is the site in use. Raises ConfigError with every fault.
    """
    instead = loading.ReplacementText(ORDERED_NAME, text)
    found = loading.check_site_file(config, instead)
    judgement = change_rights.evaluate_remote_file(
        load_on_site_file(config, state_dir).site, used.site, found.site
    )
    if judgement.refused:
        raise ConfigError(loading.make_faults(instead, judgement.refused))
    return judgement


def note_run_began(state_dir: Path, used: str) -> None:
    """Note that a run begins with the text ``used``: it counts as failed until ``note_run_lasted``.

    Raises OSError.
    """
    file, ordered = _find_used_text(state_dir, used)
    if ordered is not None:
        starts_count = min(ordered.starts_count + 1, 2 * STARTS_COUNT_MAX)
        save_stored_site_file(state_dir, replace(ordered, starts_count=starts_count), file)


def note_run_lasted(state_dir: Path, used: str) -> None:
    """Note that the run with the text ``used`` lasted its first minute. Raises OSError."""
    file, ordered = _find_used_text(state_dir, used)
    if ordered is not None and ordered.name == used and ordered.starts_count > 0:
        save_stored_site_file(state_dir, replace(ordered, starts_count=0), file)


def _find_used_text(state_dir: Path, used: str) -> tuple[str, StoredSiteFile | None]:
    """Return file and text of a run; a run with the previous ordered text counts for the newest."""
    applied = load_stored_site_file(state_dir, APPLIED_FILE)
    if applied is not None and applied.name == used:
        return APPLIED_FILE, applied
    return ORDERED_FILE, load_stored_site_file(state_dir)


def find_base_digest(config: Path, state_dir: Path) -> str:
    """Return a digest that changes when a person changes the base of an order; empty if it is unreadable."""
    applied = _find_applied(config, state_dir)
    is_used = applied is not None and applied.starts_count < STARTS_COUNT_MAX
    return (
        _hash_content(applied.text.encode()) if applied is not None and is_used else find_file_digest(config)
    )


def find_approval_digest(config: Path, state_dir: Path) -> str:
    """Return a digest that changes with each approval of a person: a changed file, or any applied text.

    A text that is applied again counts too; that runs with it fail changes nothing. Empty if the file is
    unreadable.
    """
    applied = _find_applied(config, state_dir)
    if applied is None:
        return find_file_digest(config)
    return _hash_content(f"{applied.name}\n{applied.text}".encode())


def find_file_digest(config: Path) -> str:
    """Return a digest that changes when the file changes; empty if it is unreadable."""
    try:
        return _hash_content(config.read_bytes())
    except OSError:
        return ""


def _hash_content(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _find_applied(config: Path, state_dir: Path) -> StoredSiteFile | None:
    applied = load_stored_site_file(state_dir, APPLIED_FILE)
    return (
        applied if applied is not None and applied.text and applied.over == find_file_digest(config) else None
    )


def _load_if_usable(config: Path, text: str, base: LoadedSite) -> LoadedSite | None:
    """Return an ordered text if it is readable and changes nothing that only a person on site may change."""
    if not text:
        return None
    try:
        found = loading.load_site_leniently(config, loading.ReplacementText(ORDERED_NAME, text))
    except ConfigError:
        return None
    return None if change_rights.evaluate_remote_file(base.site, base.site, found.site).refused else found


@dataclass(frozen=True, slots=True)
class GatewayPaths:
    """The site file, the folder of one run, and the folder that survives runs."""

    config: Path
    runtime_dir: Path
    state_dir: Path
