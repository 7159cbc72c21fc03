"""Decodes a capture of a meter as the driver does: each frame in the meter's terms and as points.

``quartier decode`` prints the result.
"""

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.meter import protocols
from quartier_drivers.meter.device_readings import MeterReadings
from quartier_drivers.meter.discovery.recognition import (
    MeterIdentity,
    ProfileReadings,
    ProfileSuggestion,
    rank_profiles,
)
from quartier_drivers.meter.keys import NO_KEYS, MeterKeys
from quartier_drivers.meter.meaning import PointValue, TelegramMeaning
from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.telegrams import Decoder, DecoderCounts, Group, GroupValue, Telegram
from quartier_drivers.readings import Quality, Value

if TYPE_CHECKING:
    from quartier_drivers.device_profile.proof_files import ProofVector


@dataclass(frozen=True, slots=True)
class CaptureFrame:
    """One frame: ``points`` are the good ones by quantity, ``part.quantity`` for a sub-meter.

    ``by`` is the profile that made them: the one that was named, or the best fit so far; None if none fits.
    """

    number: int
    telegram: Telegram
    points: Mapping[str, Value]
    by: ProfileSuggestion | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the frame as it is printed, one line per frame."""
        return {
            "frame": self.number,
            "meter": self.telegram.meter,
            "profile": "" if self.by is None else self.by.profile,
            "sure": "" if self.by is None else self.by.sure,
            "why": "" if self.by is None else self.by.why,
            "points": dict(self.points),
            "groups": [_render_group(one) for one in self.telegram.groups],
            "bad": self.telegram.bad_count,
        }


def _render_group(one: Group) -> dict[str, Any]:
    own = {"label": one.label, "value": _render_number(one.value), "unit": one.unit, "time": one.time}
    return own | {key: _render_number(said) for key, said in one.more.items() if key not in own}


def _render_number(said: GroupValue) -> GroupValue | None:
    """Return null for what JSON cannot express: infinity and NaN."""
    return None if isinstance(said, float) and not math.isfinite(said) else said


class _ProfileCandidate:
    """One profile applied to the telegrams of one decoder: the newest value of each point, by meter."""

    def __init__(self, profile: MeterProfile) -> None:
        self.profile = profile
        self._statements = {
            f"{part}.{quantity}".lstrip("."): (quantity, statement)
            for part, statements in profile.parts.items()
            for quantity, statement in statements.items()
        }
        self._meanings: dict[str, TelegramMeaning] = {}
        self.values: dict[str, dict[str, PointValue]] = {}

    def take(self, telegram: Telegram, meter: str) -> dict[str, Value]:
        """Return the good points of one telegram of a meter."""
        meaning = self._meanings.get(meter)
        if meaning is None:
            meaning = self._meanings[meter] = TelegramMeaning(self._statements)
        meaning.repeat()
        told = meaning.convert(telegram)
        self.values.setdefault(meter, {}).update(told)
        return (
            ProfileReadings(self.profile, told).points if any(one.is_stated for one in told.values()) else {}
        )


class _DecoderBranch:
    """The profiles that share the same decoder settings."""

    def __init__(self, decoder: Decoder, profiles: Sequence[MeterProfile]) -> None:
        self.decoder = decoder
        self.candidates = [_ProfileCandidate(one) for one in profiles]
        self.names = frozenset(one.name for one in profiles)
        self.meter = ""

    @property
    def head(self) -> str:
        """The identification before or around the last telegram; empty if there is none."""
        return str(getattr(self.decoder, "identity", ""))


class CaptureDecoder:
    """Takes the bytes of a meter and yields its frames; ``counts`` is for the summary.

    Without a ``profile`` (``maker/model``) all profiles of the protocol are tried, and the points are those
    of the profile that fits the meter best: ``suggestions`` gives it with the reason.

    ``is_capture`` and ``over_tcp`` are as in ``protocols.decoder``: a port is no capture. Raises ConfigError
    for a profile that cannot be used.
    """

    def __init__(
        self,
        protocol: str,
        profile: str = "",
        keys: MeterKeys = NO_KEYS,
        folders: Sequence[Path] = (),
        *,
        is_capture: bool = True,
        over_tcp: bool = False,
    ) -> None:
        known = (
            [_load_named(protocol, profile, folders)]
            if profile
            else list_protocol_profiles(protocol, folders)
        )
        groups: dict[str, list[MeterProfile]] = {} if profile else {_DEFAULT_KEY: []}
        for one in known:
            groups.setdefault(_make_decoder_key(one), []).append(one)
        self._branches = []
        self._lead: _DecoderBranch | None = None
        for profiles_alike in groups.values():
            try:
                decoder = protocols.make_decoder(
                    protocol,
                    profiles_alike[0].decoder if profiles_alike else {},
                    keys,
                    is_capture=is_capture,
                    over_tcp=over_tcp,
                )
                self._branches.append(_DecoderBranch(decoder, profiles_alike))
            except ValueError as error:
                if not self._branches:  # no key, or one of the wrong size
                    raise ConfigError([Fault(protocol, None, "decoder", str(error))]) from error
        self._active = self._branches
        self._named = ProfileSuggestion(profile, "sure", "it was asked for") if profile else None
        self._who: dict[str, MeterIdentity] = {}
        self._best: dict[str, ProfileSuggestion | None] = {}
        self._same_count = 0
        self._number = 0
        self.groups_count = 0
        """Number of checked groups in the frames."""

    @property
    def _first(self) -> _DecoderBranch:
        return self._lead or self._branches[0]

    @property
    def counts(self) -> DecoderCounts:
        """The counts of the decoder so far."""
        return self._first.decoder.counts

    @property
    def why(self) -> str:
        """The reason of the last rejection, if the decoder gives one."""
        return str(getattr(self._first.decoder, "why", ""))

    @property
    def frames_count(self) -> int:
        """The number of frames with good content."""
        return self._number

    @property
    def meters(self) -> list[str]:
        """The meters seen so far; an empty name for a meter that does not identify itself."""
        return list(self._who)

    def suggestions(self, meter: str) -> list[ProfileSuggestion]:
        """Return the profiles that fit a meter that was seen, the best first."""
        readings = [
            ProfileReadings(one.profile, one.values.get(meter, {}))
            for branch in self._branches
            for one in branch.candidates
        ]
        return rank_profiles(readings, self._who.get(meter, MeterIdentity()))

    def identity(self, meter: str) -> MeterIdentity:
        """Return the identity that a meter has stated."""
        return self._who.get(meter, MeterIdentity())

    def frames(self, chunks: Iterable[bytes]) -> Iterator[CaptureFrame]:
        """Yield the frames of all chunks, and the good content of an unfinished one."""
        for chunk in chunks:
            yield from self.feed(chunk)
        yield from self.end()

    def feed(self, data: bytes) -> Iterator[CaptureFrame]:
        """Yield the frames that the next bytes complete."""
        # Small pieces: what a decoder states about itself must belong to the telegram that it just returned.
        for at in range(0, len(data), _PIECE_BYTES):
            piece = data[at : at + _PIECE_BYTES]
            yield from self._iterate_frames([(branch, branch.decoder.feed(piece)) for branch in self._active])

    def end(self) -> Iterator[CaptureFrame]:
        """Yield the good content of an unfinished frame."""
        yield from self._iterate_frames([(branch, branch.decoder.end()) for branch in self._active])

    def _iterate_frames(
        self, told: Sequence[tuple[_DecoderBranch, Sequence[Telegram]]]
    ) -> Iterator[CaptureFrame]:
        for place in range(max((len(telegrams) for _, telegrams in told), default=0)):
            points: dict[str, dict[str, Value]] = {}
            given: list[tuple[_DecoderBranch, Telegram]] = []
            for branch, telegrams in told:
                if place < len(telegrams) and telegrams[place].groups:
                    given.append((branch, telegrams[place]))
                    points |= self._collect_points(branch, telegrams[place])
            if given:
                yield self._frame(given, points)

    def _collect_points(self, branch: _DecoderBranch, telegram: Telegram) -> dict[str, dict[str, Value]]:
        """Return the points of a telegram, by profile."""
        # A short telegram does not identify its meter: it belongs to the last meter that was identified.
        branch.meter = telegram.meter or branch.meter
        meter = branch.meter
        if meter and "" in self._who:
            self._adopt(meter)
        self._who.setdefault(meter, MeterIdentity()).take(telegram, branch.head)
        return {one.profile.name: one.take(telegram, meter) for one in branch.candidates}

    def _adopt(self, meter: str) -> None:
        """Assign to this meter what was received before it was identified."""
        self._who[meter] = self._who.pop("")
        for branch in self._branches:
            for one in branch.candidates:
                one.values[meter] = one.values.pop("", {})

    def _frame(
        self, given: Sequence[tuple[_DecoderBranch, Telegram]], points: Mapping[str, Mapping[str, Value]]
    ) -> CaptureFrame:
        branch, telegram = given[0]
        best = self._fitting_best(branch.meter)
        name = "" if best is None else best.profile
        for other, told in given:
            if name in other.names:
                branch, telegram = other, told
        self._lead = branch
        self._number += 1
        self.groups_count += len(telegram.groups)
        return CaptureFrame(self._number, telegram, points.get(name, {}), best)

    def _fitting_best(self, meter: str) -> ProfileSuggestion | None:
        """Return the best fitting profile; it is settled once it has been the same for a while."""
        if self._named is not None:
            return self._named
        if self._same_count >= _SETTLED_COUNT:
            return self._best.get(meter)
        before = self._best.get(meter)
        found = self.suggestions(meter)
        best = self._best[meter] = found[0] if found else None
        is_same = best is not None and before is not None and best.profile == before.profile
        self._same_count = self._same_count + 1 if is_same and len(self._who) == 1 else 0
        if best is not None and self._same_count >= _SETTLED_COUNT:
            # The other decoders stop here; their results are kept.
            self._active = [one for one in self._branches if best.profile in one.names] or self._branches
        return best


def _make_decoder_key(one: MeterProfile) -> str:
    """Return a key that is equal for profiles with the same decoding.

    Settings for requests do not matter here.
    """
    return repr(sorted((key, value) for key, value in one.decoder.items() if key in _DECODER_SETTINGS))


_DECODER_SETTINGS = ("bcc", "checksum", "defects")
_DEFAULT_KEY = repr([])
_PIECE_BYTES = 256
_SETTLED_COUNT = 20
"""One profile is settled after this many frames as the best fit.

By then a meter has sent all kinds of frames.
"""


def list_protocol_profiles(protocol: str, folders: Sequence[Path] = ()) -> list[MeterProfile]:
    """Return the profiles of a protocol, also from a site's own folders; one with a fault is left out."""
    return _load_all(protocol, tuple(folders)) if folders else list(_list_built_in(protocol))


@cache
def _list_built_in(protocol: str) -> tuple[MeterProfile, ...]:
    return tuple(_load_all(protocol, ()))


def _load_all(protocol: str, folders: tuple[Path, ...]) -> list[MeterProfile]:
    mark = f'protocol = "{protocol}"'
    found = []
    for name in loading.list_profiles(folders):
        file = loading.BUILT_IN_FOLDER / f"{name}.toml"
        if file.is_file() and not folders and mark not in file.read_text(encoding="utf-8"):
            continue
        with contextlib.suppress(ConfigError):
            one = loading.load_profile(name, folders)
            if isinstance(one, MeterProfile) and one.protocol == protocol:
                found.append(one)
    return found


def _load_named(protocol: str, name: str, folders: Sequence[Path]) -> MeterProfile:
    found = loading.load_profile(name, folders)
    if isinstance(found, MeterProfile) and found.protocol == protocol:
        return found
    what = f"speaks {found.protocol}; expected one that speaks {protocol}"
    raise ConfigError([Fault(name, None, "profile", what)])


def decode_vector(profile: MeterProfile, vector: "ProofVector") -> dict[str, Value | None]:
    """Return the values that the driver decodes from the telegram of a proof."""
    data = vector.text.encode("latin-1") if vector.text else bytes.fromhex(vector.capture)
    meter = MeterReadings(DeviceSpec("meter", 1, {part: part or "own" for part in profile.parts}), profile)
    parser = protocols.make_decoder(profile.protocol, profile.decoder)
    found: dict[str, Value | None] = {}
    for moment, telegram in enumerate([*parser.feed(data), *parser.end()]):
        for one in meter.make_readings((telegram,), moment * 1_000_000_000) or ():
            if one.quality is Quality.GOOD:
                found[one.point.removeprefix("own.")] = one.value
    return found
