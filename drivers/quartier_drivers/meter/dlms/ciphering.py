"""Security suites of DLMS/COSEM: opens and seals ciphered APDUs; pure.  IEC 62056-5-3 (Green Book 9.2.7).

AES-GCM with a tag of 12 bytes (suites 0 and 1: AES-128, suite 2: AES-256).  Keys never appear in any text.
"""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from quartier_drivers.meter.dlms.axdr import AxdrReader, MalformedData, encode_string
from quartier_drivers.meter.keys import InvocationCounters

GENERAL_GLO, GENERAL_DED, GENERAL = 0xDB, 0xDC, 0xDD
AUTHENTICATED, ENCRYPTED, COMPRESSED = 0x10, 0x20, 0x80
_SUITE = 0x0F
_KEY_SET = 0x40  # unicast or broadcast key, each with a counter of its own
_KEY_SIZES = {0: 16, 1: 16, 2: 32}
_TAG_SIZE = 12
_TITLE_SIZE = 8
_HEAD_SIZE = 5  # security control, invocation counter

# Ciphered services without the general form, and the service inside: global keys, then dedicated keys.
CIPHERED_SERVICES = {
    0x21: 0x01,
    0x28: 0x08,
    0x2E: 0x0E,
    **{tag: tag - 0x08 for tag in (0xC8, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCF)},
    **{tag: tag - 0x10 for tag in (0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD7)},
}


UNPROVEN_TEXT = (
    "a telegram that nothing authenticates, though an authentication_key was given: "
    "leave the key out for a meter that authenticates nothing"
)


class DecryptionRefused(ValueError):  # noqa: N818 - what became of it
    """A ciphered APDU was refused; the text gives the reason for a person."""


@dataclass(frozen=True, slots=True)
class CipherKeys:
    """``encryption``: 16 bytes (32 in suite 2); ``authentication``: the same size, or empty.  Never shown."""

    encryption: bytes = field(default=b"", repr=False)
    authentication: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class OpenedApdu:
    """The opened APDU; ``title`` is the sender's system title (8 bytes).

    ``counter`` is the sender's invocation counter.
    """

    apdu: bytes
    title: bytes
    counter: int
    key_set: int
    is_authenticated: bool


class ApduOpener:
    """Opens ciphered APDUs; with an authentication key only those that carry a tag.

    Each invocation counter is accepted only once per system title.  ``keep`` checks it once the content was
    valid: noise that nobody can check must not raise the counter.
    """

    def __init__(self, keys: CipherKeys) -> None:
        self._keys = keys
        self._rising = InvocationCounters()

    def open(self, apdu: bytes) -> OpenedApdu:
        """Open a general-glo, general-ded or general-ciphering APDU; raises DecryptionRefused."""
        try:
            title, sealed, extra = _parse_general(apdu)
        except MalformedData as error:
            raise DecryptionRefused(f"a ciphered telegram that does not add up: {error}") from error
        return self.unseal(sealed, title, extra)

    def unseal(self, sealed: bytes, title: bytes, extra: bytes = b"") -> OpenedApdu:
        """Open security control, counter, text and tag of the sender with this system title.

        Raises DecryptionRefused.
        """
        if len(title) != _TITLE_SIZE:
            raise DecryptionRefused(f"a system title of {len(title)} bytes, expected {_TITLE_SIZE}")
        if len(sealed) < _HEAD_SIZE:
            raise DecryptionRefused("a ciphered telegram without its head")
        control, counter = sealed[0], int.from_bytes(sealed[1:_HEAD_SIZE], "big")
        if self._keys.authentication and not control & AUTHENTICATED:
            raise DecryptionRefused(UNPROVEN_TEXT)
        inside = _decrypt(self._keys, title, sealed, extra)
        return OpenedApdu(inside, title, counter, control & _KEY_SET, bool(self._keys.authentication))

    def keep(self, opened: OpenedApdu) -> None:
        """Accept the counter of an APDU with valid content.

        Raises DecryptionRefused if it was accepted before.
        """
        last = self._rising.take((opened.title, opened.key_set), opened.counter)
        if last is not None:
            raise DecryptionRefused(
                f"invocation counter {opened.counter} after {last}: a telegram sent again"
            )


def _parse_general(apdu: bytes) -> tuple[bytes, bytes, bytes]:
    """Return system title, sealed part and additional authenticated data (general-ciphering: its header)."""
    reader = AxdrReader(apdu, 1)
    if apdu[0] in (GENERAL_GLO, GENERAL_DED):
        return reader.string(), _read_rest(reader), b""
    begin = reader.at
    reader.string()  # transaction
    title = reader.string()
    for _ in range(3):  # recipient, date and time, other information
        reader.string()
    extra = apdu[begin : reader.at]
    if reader.byte():
        _skip_key_info(reader)
    return title, _read_rest(reader), extra


def _read_rest(reader: AxdrReader) -> bytes:
    sealed = reader.string()
    if reader.data[reader.at :].strip(b"\0"):
        raise MalformedData(f"{reader.left_bytes_count} bytes too many")
    return sealed


def _skip_key_info(reader: AxdrReader) -> None:
    """Skip the key information; only the identified key, which is ours, can be opened."""
    if reader.byte() != 0:
        raise MalformedData("a key that is wrapped or agreed upon")
    reader.byte()


def _decrypt(keys: CipherKeys, title: bytes, sealed: bytes, extra: bytes) -> bytes:
    control, iv, text = sealed[0], title + sealed[1:_HEAD_SIZE], sealed[_HEAD_SIZE:]
    if control & COMPRESSED:
        raise DecryptionRefused("a compressed telegram")
    is_checked, is_encrypted = bool(control & AUTHENTICATED), bool(control & ENCRYPTED)
    if is_checked:
        if len(text) < _TAG_SIZE:
            raise DecryptionRefused("a telegram without its authentication tag")
        text, tag = text[:-_TAG_SIZE], text[-_TAG_SIZE:]
    if not is_encrypted and not (is_checked and keys.authentication):
        return text
    cipher = _make_cipher(keys, control)
    if not is_checked or not keys.authentication:
        # GCM encrypts in counter mode from 2 on; without the tag or its key nobody can check the text.
        return Cipher(cipher, modes.CTR(iv + (2).to_bytes(4, "big"))).decryptor().update(text)
    decryptor = Cipher(cipher, modes.GCM(iv, tag, _TAG_SIZE)).decryptor()
    decryptor.authenticate_additional_data(sealed[:1] + keys.authentication + extra)
    if not is_encrypted:
        decryptor.authenticate_additional_data(text)
    try:
        inside = decryptor.update(text) if is_encrypted else text
        decryptor.finalize()
    except InvalidTag:
        raise DecryptionRefused(
            "its authentication tag does not hold: wrong key, or changed on the way"
        ) from None
    return inside


def _make_cipher(keys: CipherKeys, control: int) -> algorithms.AES:
    size = _KEY_SIZES.get(control & _SUITE)
    if size is None:
        raise DecryptionRefused(f"security suite {control & _SUITE}, known are 0 to 2")
    if not keys.encryption:
        raise DecryptionRefused("an encrypted telegram, and no key was given")
    if len(keys.encryption) != size:
        raise DecryptionRefused(
            f"security suite {control & _SUITE} has keys of {size} bytes, another one was given"
        )
    return algorithms.AES(keys.encryption)


def encrypt_apdu(
    keys: CipherKeys, title: bytes, control: int, counter: int, apdu: bytes, extra: bytes = b""
) -> bytes:
    """Return security control, invocation counter, text and tag: the input of ``ApduOpener.unseal``.

    ``title`` is the sender's; raises DecryptionRefused if a key is missing.
    """
    head = bytes([control]) + counter.to_bytes(4, "big")
    iv = title + head[1:]
    if not control & (AUTHENTICATED | ENCRYPTED):
        return head + apdu
    if not control & AUTHENTICATED:
        return head + Cipher(
            _make_cipher(keys, control), modes.CTR(iv + (2).to_bytes(4, "big"))
        ).encryptor().update(apdu)
    encryptor = Cipher(_make_cipher(keys, control), modes.GCM(iv)).encryptor()
    encryptor.authenticate_additional_data(head[:1] + keys.authentication + extra)
    if control & ENCRYPTED:
        text = encryptor.update(apdu)
    else:
        encryptor.authenticate_additional_data(apdu)
        text = apdu
    encryptor.finalize()
    return head + text + encryptor.tag[:_TAG_SIZE]


def encrypt_service(
    keys: CipherKeys, title: bytes, control: int, counter: int, apdu: bytes, *, dedicated: bool = False
) -> bytes:
    """Return a service in its own ciphered form: glo-get-request for a get-request, and so on."""
    inner = apdu[0]
    outer = next(
        tag
        for tag, inside in CIPHERED_SERVICES.items()
        if inside == inner and dedicated == (0xD0 <= tag <= 0xD7)
    )
    return bytes([outer]) + encode_string(encrypt_apdu(keys, title, control, counter, apdu))
