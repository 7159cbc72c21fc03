"""Binary-coded decimals (BCD): four bits per digit, as in clocks and older meters; pure."""


def number_of(code: int) -> int | None:
    """Return the number of a BCD code: 0x1234 is 1234.  None if a nibble is no decimal digit."""
    try:
        return int(f"{code:x}")
    except ValueError:
        return None


def code_of(number: int) -> int:
    """Return the BCD code of a number: 1234 is 0x1234."""
    return int(str(number), 16)
