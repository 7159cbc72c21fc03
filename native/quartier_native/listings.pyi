from collections.abc import Sequence

from quartier_native.reference.listings import Listing, Way

def crc16_ccitt(data: bytes | bytearray, state: int) -> int: ...
def read_listings(
    data: bytes, ways: Sequence[Way], units: tuple[str, ...]
) -> tuple[bytes, list[Listing], int] | None: ...
