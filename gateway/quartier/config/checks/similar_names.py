"""Suggestions for an unknown name."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError, Fault

_SUGGESTED_MAX = 3
_LISTED_MAX = 12
_PART_MIN_CHARS = 3


def suggest_names(name: str, known: Sequence[str], listing: str = "") -> str:
    """Return half a sentence that helps with an unknown ``name``.

    Without a similar name, a short list is given in full. Of a long list only the length is given, with the
    command ``listing`` that shows it.
    """
    if near := find_similar_names(name, known):
        return f"did you mean {_join_names(near)}?"
    if not known:
        return "there is none"
    if len(known) <= _LISTED_MAX:
        return f"expected one of {', '.join(known)}"
    return f"there are {len(known)}" + (f", see '{listing}'" if listing else "")


def find_similar_names(name: str, known: Sequence[str]) -> list[str]:
    """Return names with a similar spelling, else those that share a part.

    A part is one side of maker/model or asset.quantity.
    """
    lower = {one.lower(): one for one in known}
    wanted = name.lower()
    if close := get_close_matches(wanted, lower, n=1, cutoff=0.75):
        return [lower[close[0]]]
    if len(wanted) >= _PART_MIN_CHARS and (holding := [one for key, one in lower.items() if wanted in key]):
        return holding[:_SUGGESTED_MAX]
    heads = {_find_prefix(key) for key in lower} - {""}
    head = get_close_matches(_find_prefix(wanted) or wanted, heads, n=1, cutoff=0.7)
    family = [key for key in lower if head and _find_prefix(key) == head[0]]
    found = get_close_matches(wanted, family, n=_SUGGESTED_MAX, cutoff=0.0)
    return [lower[one] for one in found or get_close_matches(wanted, lower, n=_SUGGESTED_MAX, cutoff=0.6)]


def _find_prefix(name: str) -> str:
    """Return the part up to and including the first slash or dot; empty if there is none."""
    return next((name[: place + 1] for place, sign in enumerate(name) if sign in "/."), "")


def _join_names(names: Sequence[str]) -> str:
    quoted = [f"'{one}'" for one in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def check_profile(name: str, folders: Sequence[Path] = ()) -> None:
    """Raise ConfigError with the nearest names if no profile has this name."""
    known = loading.list_profiles(folders)
    if name not in known:
        what = f"is unknown; {suggest_names(name, known, 'quartier profiles list')}"
        raise ConfigError([Fault(name, None, "profile", what)])
