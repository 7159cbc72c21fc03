"""The file of a backup: proved byte by byte, and nothing outside a gateway's places."""

import gzip
import io
import json
import tarfile

import pytest

from quartier.app import archive
from quartier.app.archive import Manifest, Member, Unusable


def member(path="link.a", place=archive.STATE, body=b"facts"):
    return Member(place, path, len(body), archive.sha256(io.BytesIO(body)), 0o640, "root", "root")


def manifest(*members):
    return Manifest("issy.b012", 1_764_000_000_000, "0.1.0", 7, "site.toml", "history.db", members)


@pytest.fixture
def packed(tmp_path):
    """``packed(bodies, members)``: an archive with these, as ``write`` makes it."""

    def pack(bodies=(b"facts",), members=None):
        sources = []
        for number, body in enumerate(bodies):
            sources.append(tmp_path / f"source{number}")
            sources[-1].write_bytes(body)
        told = members or [member(f"link.{number}", body=body) for number, body in enumerate(bodies)]
        path = tmp_path / "b012.qbk"
        with path.open("wb") as file:
            archive.write(file, manifest(*told), sources)
        return path

    return pack


def test_what_was_written_is_read_again(packed):
    bodies = [b"facts", b"", b"x" * 3_000_000]
    path = packed(bodies)
    found = [body.read() for _, body in archive.contents(path)]

    assert [len(body) for body in bodies] == [len(body) for body in found]
    assert all(one == other for one, other in zip(bodies, found, strict=True))
    assert ("issy.b012", 7, 3) == (
        (found := archive.check(path)).gateway,
        found.boot,
        len(found.members),
    )
    assert 3_000_005 == found.size_bytes


def test_any_byte_that_changed_is_found(packed):
    plain = bytearray(gzip.decompress(packed([b"facts"]).read_bytes()))
    at = plain.rindex(b"facts")
    plain[at] ^= 1
    path = packed([b"facts"])
    path.write_bytes(gzip.compress(bytes(plain)))

    with pytest.raises(Unusable, match="state/link.0 is damaged"):
        archive.check(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_ends_early_is_no_backup(packed, share):
    path = packed([bytes(range(256)) * 500])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    with pytest.raises(Unusable, match="cannot be read to its end|no backup"):
        archive.check(path)


@pytest.mark.parametrize("content", [b"", b"not a backup", gzip.compress(b"neither", mtime=0)])
def test_something_else_is_no_backup(tmp_path, content):
    path = tmp_path / "b012.qbk"
    path.write_bytes(content)

    with pytest.raises(Unusable, match="no backup that can be read|cannot be read"):
        archive.read(path)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("state", "../etc/passwd"),
        ("state", "/etc/passwd"),
        ("site", "a/../../b"),
        ("root", "etc/passwd"),
        ("elsewhere", "etc/passwd"),
    ],
)
def test_a_place_outside_a_gateway_is_refused(packed, place, path):
    with pytest.raises(Unusable, match="no place of a gateway"):
        archive.read(packed([b"facts"], [member(path, place)]))


def test_a_member_that_the_manifest_does_not_name_is_refused(packed, tmp_path):
    path = packed([b"facts"])
    plain = tmp_path / "plain.tar"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    with tarfile.open(plain, "a") as file:
        info = tarfile.TarInfo("state/more")
        file.addfile(info, io.BytesIO(b""))
    path.write_bytes(gzip.compress(plain.read_bytes()))

    with pytest.raises(Unusable, match="'state/more', which its manifest does not name"):
        archive.check(path)


def test_a_newer_form_is_refused_by_its_number(tmp_path):
    path = tmp_path / "newer.qbk"
    body = json.dumps({"format": 2}).encode()
    with tarfile.open(path, "w:gz") as file:
        info = tarfile.TarInfo(archive.MANIFEST)
        info.size = len(body)
        file.addfile(info, io.BytesIO(body))

    with pytest.raises(Unusable, match="format 2; this version reads 1"):
        archive.read(path)
