"""A signed document from bytes to a wish, against the bare signature: CPU of this process, by turns."""

import json
import time
from collections.abc import Callable

from quartier.district.documents import key_list
from quartier.district.documents.document_types import AcceptedDocument
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import Identity
from quartier.site.records import Now
from quartier_hil.bench.figure import Figure, against
from quartier_hil.bench.setting import Setting
from quartier_hil.district.issuer import Key, Wish, envelope

BARE = "Ed25519 alone"
_CALLS, _CALLS_SHORT = 2_000, 300
_ME = Identity("bench", "b012")
_NOW_MS = 1_780_000_000_000


def figures(setting: Setting) -> list[Figure]:
    """A signed envelope from bytes to a wish, against the bare signature."""
    calls = _CALLS_SHORT if setting.short else _CALLS
    key = Key.fresh("optimiser")
    gate = DocumentVerifier(_ME, key_list.parse_plain_list(json.dumps([key.listing(["envelope"])])))
    topic = f"{_ME.companion}/envelope/district"
    watts = {"import_max_w": 5000.0, "export_max_w": 0.0}
    intervals = [{"duration_s": 900.0, **watts}] * 96
    wish = Wish(intervals=intervals, default=watts, start_ms=_NOW_MS, exp_ms=_NOW_MS + 86_400_000)
    signed = []
    for seq in range(_NOW_MS, _NOW_MS + calls * (setting.rounds + 1)):
        body = envelope(wish, seq, _NOW_MS, _ME.client_id)
        signed.append((body, key.sign(topic, body)))
    now, left = Now(1, _NOW_MS, synced=True), iter(signed)
    public, raw = key.private.public_key(), key.private.sign(signed[0][0])

    def ours() -> None:
        body, signature = next(left)
        found = gate.check(topic, body, signature, now)
        if not isinstance(found, AcceptedDocument):
            raise RuntimeError(f"a good document was refused: {found}")  # noqa: TRY004 - a verdict, no type

    def bare() -> None:
        public.verify(raw, signed[0][0])

    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(setting.rounds):
        for call, costs in zip((ours, bare), sides, strict=True):
            costs.append(_each_us(call, calls))
    what = "a signed envelope of 96 intervals, judged, CPU"
    return [against("link.document", what, *sides, "us", None, peer_name=BARE)]


def _each_us(call: Callable[[], object], times: int) -> float:
    before_s = time.process_time()
    for _ in range(times):
        call()
    return 1e6 * (time.process_time() - before_s) / times
