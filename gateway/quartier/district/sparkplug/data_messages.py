"""Write runs of samples as Sparkplug data payloads with the kernel (pure).

A kernel writes the metrics; the few bytes around them are written here. Births, deaths, commands and
everything that is read use ``payload_codec.py``. Source: Eclipse Sparkplug 3.0.0, chapter 6.
"""

from quartier.district.sparkplug.metric_catalog import CatalogEntry, MetricCatalog
from quartier.district.sparkplug.payload_codec import WHOLE_DATATYPES, Datatype
from quartier.district.wire_formats import encode_varint
from quartier.site.samples import PointNames, SampleBlock
from quartier_native import FORM_ANY, FORM_BOOLEAN, FORM_REAL, FORM_STRING, FORM_WHOLE, MetricWriter

# spec/sync.md#backfill
MESSAGE_METRICS_MAX = 500
PAYLOAD_MAX_BYTES = 64 * 1024
_OVERHEAD_BYTES = 128
# Cached tables of names: one for this boot, one for each sealed chunk in use.
_WRITERS_MAX = 128


class DataMessageWriter:
    """Writes the data messages of one catalog; ``aliases`` says whether metrics are sent by alias."""

    def __init__(self, catalog: MetricCatalog, *, aliases: bool) -> None:
        self._catalog = catalog
        self._aliases = aliases
        self._writers: dict[int, tuple[PointNames, MetricWriter]] = {}
        self._prefixes: dict[str, bytes] = {}  # metrics of similar devices have the same name

    def learn(self, run: SampleBlock) -> bool:
        """Prepare for ``run``; return whether it contains a metric that no birth named.

        The catalog then contains the metric (of an asset of an earlier site file): births must be sent first.
        """
        writer = self._writer(run.names)
        is_new = False
        place = -1
        while (place := writer.missing(run.points, place + 1)) >= 0:
            point = run.points[place]
            metric = run.names[point][1]
            if self._catalog.find(run.stream, metric) is None:
                is_new |= self._catalog.learn(run.stream, metric, run.value(place))
            entry = self._catalog.find(run.stream, metric)
            writer.name(
                point, self._make_prefix(metric, entry), FORM_ANY if entry is None else _find_form(entry.type)
            )
        return is_new

    def write(
        self,
        run: SampleBlock,
        start: int,
        *,
        timestamp_ms: int,
        seq: int,
        historical: bool,
        most_bytes: int = PAYLOAD_MAX_BYTES,
    ) -> tuple[bytes, int]:
        """Return one payload with samples of ``run`` from index ``start`` on, and how many it holds.

        It holds as many as fit into ``most_bytes`` and the limits of spec/sync.md#backfill, at least one, and
        time never goes back within it. ``run`` must be learned.
        """
        metrics, count = self._writer(run.names).write(
            run.points,
            run.kinds,
            run.values,
            run.times_ms,
            run.texts,
            start,
            historical,
            MESSAGE_METRICS_MAX,
            max(min(most_bytes, PAYLOAD_MAX_BYTES) - _OVERHEAD_BYTES, 0),
        )
        key = b'{"boot":%d,"first":%d}' % (run.boot, run.first + start)
        payload = (
            b"\x08" + encode_varint(max(0, timestamp_ms)),
            metrics,
            b"\x18" + encode_varint(seq),
            b"\x2a" + encode_varint(len(key)),
            key,
        )
        return b"".join(payload), count

    def _writer(self, names: PointNames) -> MetricWriter:
        found = self._writers.get(id(names))
        if found is None:
            if len(self._writers) >= _WRITERS_MAX:
                self._writers.clear()
            found = self._writers[id(names)] = (names, MetricWriter())
        return found[1]

    def _make_prefix(self, metric: str, entry: CatalogEntry | None) -> bytes:
        """Return the field that names a metric: 1 by name, 2 by alias."""
        if entry is not None and self._aliases:
            return b"\x10" + encode_varint(entry.alias)
        prefix = self._prefixes.get(metric)
        if prefix is None:
            name = metric.encode("utf-8", "replace")
            prefix = self._prefixes[metric] = b"\x0a" + encode_varint(len(name)) + name
        return prefix


def _find_form(kind: Datatype) -> int:
    if kind in {Datatype.STRING, Datatype.TEXT}:
        return FORM_STRING
    if kind is Datatype.BOOLEAN:
        return FORM_BOOLEAN
    return FORM_WHOLE if kind in WHOLE_DATATYPES else FORM_REAL
