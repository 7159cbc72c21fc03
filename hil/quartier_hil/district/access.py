"""Write mosquitto's access list with the rights of each gateway at the broker (pure).

Source: spec/sync.md#section-6.  With ``use_identity_as_username true`` the common name of a gateway's
certificate, ``G.E``, is its user name.
"""

from collections.abc import Iterable, Iterator

WRITE = (
    "spBv1.0/{group}/NBIRTH/{edge}",
    "spBv1.0/{group}/NDATA/{edge}",
    "spBv1.0/{group}/NDEATH/{edge}",
    "spBv1.0/{group}/DBIRTH/{edge}/+",
    "spBv1.0/{group}/DDATA/{edge}/+",
    "spBv1.0/{group}/DDEATH/{edge}/+",
    "quartier/v1/{group}/{edge}/ack",
    "quartier/v1/{group}/{edge}/event",
    "quartier/v1/{group}/{edge}/flexibility",
)
READ = (
    "spBv1.0/STATE/{host}",
    "spBv1/0/STATE/{host}",  # as RabbitMQ spells a retained one
    "spBv1.0/{group}/NCMD/{edge}",
    "spBv1.0/{group}/DCMD/{edge}/+",
    "quartier/v1/{group}/{edge}/watermark",
    "quartier/v1/{group}/{edge}/envelope/+",
    "quartier/v1/{group}/{edge}/schedule/+",
    "quartier/v1/{group}/{edge}/failsafe",
    "quartier/v1/{group}/{edge}/command",
    "quartier/v1/{group}/{edge}/job",
    "quartier/v1/{group}/heartbeat",
    "quartier/v1/{group}/signal/+",
)


def acl(group: str, edges: Iterable[str], host: str) -> str:
    """The whole file: the district's host, which may do everything in its group, then each gateway."""
    lines = [*_host(group, host), *(line for edge in edges for line in _gateway(group, edge, host))]
    return "\n".join(lines) + "\n"


def _host(group: str, host: str) -> Iterator[str]:
    yield f"# The host of {group}; its certificate's common name is {host}."
    yield f"user {host}"
    yield f"topic readwrite spBv1.0/{group}/#"
    yield f"topic readwrite spBv1.0/STATE/{host}"
    yield f"topic readwrite spBv1/0/STATE/{host}"
    yield f"topic readwrite quartier/v1/{group}/#"


def _gateway(group: str, edge: str, host: str) -> Iterator[str]:
    words = {"group": group, "edge": edge, "host": host}
    yield ""
    yield f"user {group}.{edge}"
    yield from (f"topic write {topic.format_map(words)}" for topic in WRITE)
    yield from (f"topic read {topic.format_map(words)}" for topic in READ)
