"""The file of a backup: proved byte by byte, and nothing outside a gateway's places."""

import dataclasses
import gzip
import io
import json
import os
import tarfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quartier.backup import archive
from quartier.backup.archive import ArchivedFile, Manifest, UnusableBackup
from quartier.runtime import signing

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))


def member(path="link.a", place=archive.STATE, body=b"facts"):
    return ArchivedFile(place, path, len(body), archive.hash_file(io.BytesIO(body)), 0o640, "root", "root")


def manifest(*members):
    members = (member("site.toml", archive.SITE), *members)
    return Manifest("issy.b012", 1_764_000_000_000, "0.1.0", 7, "site.toml", "history.db", members)


@pytest.fixture
def packed(tmp_path):
    """``packed(bodies, members)``: an archive with these, as ``write`` makes it."""

    def pack(bodies=(b"facts",), members=None):
        sources = [tmp_path / "site.toml"]
        sources[0].write_bytes(b"facts")
        for number, body in enumerate(bodies):
            sources.append(tmp_path / f"source{number}")
            sources[-1].write_bytes(body)
        told = members or [member(f"link.{number}", body=body) for number, body in enumerate(bodies)]
        path = tmp_path / "b012.qbk"
        with path.open("wb") as file:
            archive.write_archive(file, manifest(*told), sources, KEY)
        return path

    return pack


def test_what_was_written_is_read_again(packed):
    bodies = [b"facts", b"", b"x" * 3_000_000]
    path = packed(bodies)
    found = [body.read() for _, body in archive.iterate_files(path)][1:]

    assert [len(body) for body in bodies] == [len(body) for body in found]
    assert all(one == other for one, other in zip(bodies, found, strict=True))
    signed = archive.check_archive(path)
    assert ("issy.b012", 7, 4) == (
        (found := signed.manifest).gateway,
        found.boot,
        len(found.members),
    )
    assert 3_000_010 == found.size_bytes
    assert signing.find_public_key(KEY) == signed.public_key


def test_any_byte_that_changed_is_found(packed):
    plain = bytearray(gzip.decompress(packed([b"facts"]).read_bytes()))
    at = plain.rindex(b"facts")
    plain[at] ^= 1
    path = packed([b"facts"])
    path.write_bytes(gzip.compress(bytes(plain)))

    with pytest.raises(UnusableBackup, match="state/link.0 is damaged"):
        archive.check_archive(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_ends_early_is_no_backup(packed, share):
    path = packed([bytes(range(256)) * 500])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    with pytest.raises(UnusableBackup, match="cannot be read to its end|no backup"):
        archive.check_archive(path)


@pytest.mark.parametrize("content", [b"", b"not a backup", gzip.compress(b"neither", mtime=0)])
def test_something_else_is_no_backup(tmp_path, content):
    path = tmp_path / "b012.qbk"
    path.write_bytes(content)

    with pytest.raises(UnusableBackup, match="not a readable backup|cannot be read"):
        archive.read_manifest(path)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("state", "../etc/passwd"),
        ("state", "/etc/passwd"),
        ("site", "a/../../b"),
        ("root", "etc/passwd"),
        ("elsewhere", "etc/passwd"),
        ("elsewhere", "/"),
        ("state", "."),
        ("state", "link.a.new"),
        ("state", "history.db-shm"),
        ("state", "x" * 201),
    ],
)
def test_a_place_outside_a_gateway_is_refused(packed, place, path):
    with pytest.raises(UnusableBackup, match="not a place for a file of a gateway"):
        archive.read_manifest(packed([b"facts"], [member(path, place)]))


def test_a_file_below_another_file_is_refused(packed):
    members = [member("link"), member("link/below")]
    with pytest.raises(UnusableBackup, match="names state/link/below below another file"):
        archive.read_manifest(packed([b"facts", b"facts"], members))


def test_something_that_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnusableBackup, match="is not a regular file; copy it to a disk first"):
        archive.read_manifest(tmp_path / "pipe")


def test_a_member_that_the_manifest_does_not_name_is_refused(packed, tmp_path):
    path = packed([b"facts"])
    plain = tmp_path / "plain.tar"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    with tarfile.open(plain, "a") as file:
        info = tarfile.TarInfo("state/more")
        file.addfile(info, io.BytesIO(b""))
    path.write_bytes(gzip.compress(plain.read_bytes()))

    with pytest.raises(UnusableBackup, match="'state/more', which its manifest does not name"):
        archive.check_archive(path)


def crafted(path, manifest_text, *files, key=KEY, signature=None):
    """A backup as a stranger may make it: any manifest, signed well, with any files."""
    body = manifest_text if isinstance(manifest_text, bytes) else json.dumps(manifest_text).encode()
    seal = {
        "public_key": signing.find_public_key(key),
        "signature": key.sign(b"quartier backup\n" + body).hex(),
    }
    with tarfile.open(path, "w:gz") as file:
        for name, content in (
            (archive.MANIFEST_NAME, body),
            (archive.SIGNATURE_NAME, json.dumps(signature or seal).encode()),
            *files,
        ):
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def said(**changes):
    facts = dataclasses.asdict(manifest())
    return {"format": archive.FORMAT, **facts, **changes}


@pytest.mark.parametrize("form", [1, 3, None, "2"])
def test_another_format_is_refused_by_its_number(tmp_path, form):
    with pytest.raises(
        UnusableBackup, match=f"format {form!r}; this version reads format 2, which is signed"
    ):
        archive.read_manifest(crafted(tmp_path / "other.qbk", {"format": form}))


def test_a_manifest_that_was_changed_after_it_was_signed_is_refused(tmp_path):
    seal = {"public_key": signing.find_public_key(KEY), "signature": KEY.sign(b"another manifest").hex()}

    with pytest.raises(UnusableBackup, match="its signature is wrong"):
        archive.read_manifest(crafted(tmp_path / "changed.qbk", said(), signature=seal))


@pytest.mark.parametrize(
    "seal",
    [
        {},
        [],
        "x",
        {"public_key": 1, "signature": 2},
        {"public_key": "00", "signature": "zz"},
        {"a": "x" * 2000},
    ],
)
def test_a_signature_of_any_form_gets_one_sentence(tmp_path, seal):
    with pytest.raises(UnusableBackup, match="signature"):
        archive.read_manifest(crafted(tmp_path / "sealed.qbk", said(), signature=seal or {"x": 1}))


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"[]",
        b"7",
        b'{"format": 2}',
        *(
            json.dumps(said(**changes)).encode()
            for changes in (
                {"members": 5},
                {"members": [5]},
                {"members": [{"place": "site"}]},
                {"boot": "7"},
                {"boot": -1},
                {"made_utc_ms": 1e300},
                {"more": 1},
                {"gateway": "x\x1b[31m"},
                {"site_file": "../site.toml"},
                {"site_file": "none.toml"},
                {"left_out": ["x\n"]},
            )
        ),
    ],
)
def test_a_manifest_of_any_form_is_refused_without_a_traceback(tmp_path, text):
    with pytest.raises(UnusableBackup):
        archive.read_manifest(crafted(tmp_path / "odd.qbk", text))


def test_a_file_named_twice_is_refused(tmp_path):
    one = dataclasses.asdict(member("site.toml", archive.SITE))

    with pytest.raises(UnusableBackup, match="names a file twice"):
        archive.read_manifest(crafted(tmp_path / "twice.qbk", said(members=[one, one])))


def test_a_file_of_another_size_than_its_manifest_says_is_not_read(tmp_path):
    path = crafted(tmp_path / "large.qbk", said(), ("site/site.toml", b"x" * 5_000_000))

    with pytest.raises(UnusableBackup, match="has 5000000 bytes, its manifest says 5"):
        archive.check_archive(path)


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "header.qbk"
    info = tarfile.TarInfo("@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    with gzip.open(path, "wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(1 << 16))

    with pytest.raises(UnusableBackup, match="a header asks for 1073741824 bytes"):
        archive.read_manifest(path)


def test_a_link_instead_of_a_file_is_refused(tmp_path):
    link = tarfile.TarInfo("site/site.toml")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"

    with pytest.raises(UnusableBackup, match="which its manifest does not name"):
        archive.check_archive(crafted(tmp_path / "link.qbk", said(), (link, b"")))


def test_a_backup_that_changes_between_two_readings_is_refused(packed):
    before = archive.read_manifest(packed([b"facts"]))

    with pytest.raises(UnusableBackup, match="was changed while it was read"):
        archive.check_archive(packed([b"others"]), before)
