"""What is fuzzed besides the parsers of the wire: files, documents and requests that people or strangers bring.

Each takes any bytes and must return, or raise the one error that a person is told.  The fuzzer also gets past
signatures and checksums: the bytes stand where they are read after these held.
"""

import contextlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import gettempdir

SITE = """\
site = { id = "b012", district = "issy" }
limits = { contract_import_w = 12000 }
assets.grid = { role = "grid", device = "meter" }
devices.meter = { bus = "lan", profile = "eastron/sdm630", unit = 1 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
"""
PROFILE = """\
[profile]
protocol = "modbus"
maker = "A"
model = "B"
source = "A source of four words"
tested = ""
"""
_MEMORY = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else gettempdir())


def site_file(data: bytes) -> None:
    """A site file of these bytes, and a sound one that goes on with them."""
    load, errors = import_module("quartier.config.loading"), import_module("quartier_drivers.errors")
    text = data.decode("utf-8", "replace")
    for whole in (text, SITE + text):
        for read in (load.check_site_file, load.load_site_leniently):
            with contextlib.suppress(errors.ConfigError):
                read(Path("site.toml"), load.ReplacementText("site.toml", whole))


def profile(data: bytes) -> None:
    """A profile of these bytes, and the head of a sound one that goes on with them."""
    profiles, errors = (
        import_module("quartier_drivers.device_profile.loading"),
        import_module("quartier_drivers.errors"),
    )
    text = data.decode("utf-8", "replace")
    for whole in (text, PROFILE + text):
        with contextlib.suppress(errors.ConfigError):
            profiles.parse_profile(whole, "a/b", "b.toml")


def document(data: bytes) -> None:
    """The payload of each kind of document, its signature passed; states, watermarks and key lists."""
    documents, forms = (
        import_module("quartier.district.documents.verification"),
        import_module("quartier.district.documents.document_types"),
    )
    downlink = import_module("quartier.district.wire_formats")
    for form in (
        forms.HeartbeatForm,
        *(kind.form for kind in (*forms.DOCUMENT_TYPES.values(), *forms.DISTRICT_DOCUMENT_TYPES.values())),
    ):
        try:
            found = documents._parse_form(form, data, len(data))
        except documents._Rejection:
            pass
        else:
            found.convert()
    for kind in forms.DOCUMENT_TYPES.values():
        documents._parse_claimed(data, kind)
    downlink.parse_state(data)
    downlink.parse_watermark(data)


def backup(data: bytes) -> None:
    """A backup of these bytes; one whose manifest they are, signed well; one whose files they are."""
    archive = import_module("quartier.backup.archive")
    path = _MEMORY / f"quartier-fuzz-{os.getpid()}.qbk"
    for content in (data, _packed(data, b"x"), _packed(_manifest(data), data), _unsigned(data)):
        path.write_bytes(content)
        with contextlib.suppress(archive.UnusableBackup):
            archive.check_archive(path)
    path.unlink()


@cache
def _key() -> object:
    ed25519 = import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))


def _packed(manifest: bytes, body: bytes) -> bytes:
    archive = import_module("quartier.backup.archive")
    key = _key()
    seal = {
        "public_key": key.public_key().public_bytes_raw().hex(),
        "signature": key.sign(archive._SIGNATURE_CONTEXT + manifest).hex(),
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as file:
        for name, content in (
            (archive.MANIFEST_NAME, manifest),
            (archive.SIGNATURE_NAME, json.dumps(seal).encode()),
            ("site/site.toml", body),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return made.getvalue()


def _manifest(body: bytes) -> bytes:
    archive = import_module("quartier.backup.archive")
    member = {"place": "site", "path": "site.toml", "size": len(body), "mode": 0o600}
    member |= {"sha256": archive.hash_file(io.BytesIO(body)), "owner": "root", "group": "root"}
    said = {"format": archive.FORMAT, "gateway": "a.b", "made_utc_ms": 1, "version": "1", "boot": 1}
    said |= {"site_file": "site.toml", "history": "history.db", "members": [member], "left_out": []}
    return json.dumps(said).encode()


def _unsigned(data: bytes) -> bytes:
    """The bytes as a tar of their own, packed."""
    return import_module("gzip").compress(data, 1)


def socket_request(data: bytes) -> None:
    """A line to the read-only socket, and one to the operators' socket."""
    desk, operators = (
        import_module("quartier.runtime.local_socket.questions"),
        import_module("quartier.runtime.local_socket.orders"),
    )
    line = data.replace(b"\n", b" ") + b"\n"
    served = desk.QuestionServer(Path(), {"status": dict}, {"points": {"gx": 1}.get})
    json.loads("".join(desk._split_answer(served._answer(line))))

    async def order(request: Mapping[str, object], _who: object) -> object:
        return {"done": request.get("asset")}

    taken = operators.OrderServer(Path(), {"override": order}, None)
    try:
        taken._answer(line, None, None).send(None)
    except StopIteration as ended:
        json.dumps(ended.value)


_KNOWN = {
    "site-file": (site_file, "quartier.config.loading"),
    "profile": (profile, "quartier_drivers.device_profile.loading"),
    "document": (document, "quartier.district.documents.verification"),
    "backup": (backup, "quartier.backup.archive"),
    "socket-request": (socket_request, "quartier.runtime.local_socket.questions"),
}
NAMES = frozenset(_KNOWN)


def texts() -> dict[str, Callable[[bytes], None]]:
    """Each by name, its code imported."""
    found = {}
    for name, (take, module) in _KNOWN.items():
        import_module(module)
        found[name] = take
    return found
