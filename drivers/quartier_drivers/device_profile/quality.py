"""The quality scale of device profiles: what each level asks, and what a profile lacks.  Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from quartier_drivers import quantities
from quartier_drivers.device_profile.lint import find_profile_findings
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.device_profile.proof_check import PROOF_LEVELS, Proof, ProofLevel

QualityLevel = Literal["none", "bronze", "silver", "gold"]
QUALITY_LEVELS: tuple[QualityLevel, ...] = ("none", "bronze", "silver", "gold")
"""From the lowest to the highest."""


@dataclass(frozen=True, slots=True)
class QualityRule:
    """A rule of the scale: the level that needs it, its name, and what it asks."""

    level: QualityLevel
    name: str
    asks: str
    is_kept: Callable[[Profile, Proof], bool]


def _is_proven(level: ProofLevel) -> Callable[[Profile, Proof], bool]:
    return lambda _, proof: PROOF_LEVELS.index(proof.level) >= PROOF_LEVELS.index(level)


def _is_bounded(profile: Profile, _: Proof) -> bool:
    return not find_profile_findings(profile)


def _uses_the_vocabulary(profile: Profile, _: Proof) -> bool:
    return all(quantities.is_known(name) for part in profile.parts.values() for name in part)


def _has_no_contradiction(_: Profile, proof: Proof) -> bool:
    return not proof.faults


def _is_recognisable(profile: Profile, _: Proof) -> bool:
    return profile.is_recognisable


def _is_read_twice(_: Profile, proof: Proof) -> bool:
    return any(one.agree == one.points for one in proof.checks)


def _is_tried(profile: Profile, _: Proof) -> bool:
    return bool(profile.head.tested)


_RULES_BY_LEVEL: Mapping[QualityLevel, Sequence[tuple[str, str, Callable[[Profile, Proof], bool]]]] = {
    "bronze": (
        ("vocabulary", "each quantity is in the vocabulary, or private", _uses_the_vocabulary),
        ("review", "source, ranges, registers and fallbacks are stated; lint finds nothing", _is_bounded),
        ("agreement", "no source contradicts it without a recorded reason", _has_no_contradiction),
    ),
    "silver": (
        ("manual", "the maker's manual or a standard confirms each counted point", _is_proven("manual")),
        ("two sources", "two independent sources confirm each counted point", _is_proven("two sources")),
        ("recognised", "a scan or its telegrams tell which device it is", _is_recognisable),
    ),
    "gold": (
        ("second reader", "a second person compared it with the sources, all agree", _is_read_twice),
        ("capture", "bytes of a real device decode to known values", _is_proven("capture")),
        ("device", "it was tried on a real device of a named version", _is_tried),
    ),
}
QUALITY_RULES = tuple(QualityRule(level, *rule) for level, rules in _RULES_BY_LEVEL.items() for rule in rules)
"""A level needs its own rules and those of the levels below."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The level of a profile, and the rules that keep it from the next one."""

    level: QualityLevel
    lacks: Sequence[QualityRule]

    def __str__(self) -> str:
        """Return one line for people: ``bronze; silver needs: manual, two sources``."""
        if not self.lacks:
            return self.level
        return f"{self.level}; {self.lacks[0].level} needs: {', '.join(rule.name for rule in self.lacks)}"


def find_quality(profile: Profile, proof: Proof) -> Quality:
    """Return the highest level all of whose rules are kept, and the rules of the next level that are not."""
    reached: QualityLevel = "none"
    for level in QUALITY_LEVELS[1:]:
        lacks = [rule for rule in QUALITY_RULES if rule.level == level and not rule.is_kept(profile, proof)]
        if lacks:
            return Quality(reached, lacks)
        reached = level
    return Quality(reached, ())
