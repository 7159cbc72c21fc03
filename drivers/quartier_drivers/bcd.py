"""Binary-coded decimals: four bits a digit, as clocks and older meters count; pure."""


def number_of(code: int) -> int | None:
    """0x1234 means 1234; None when a digit is none."""
    try:
        return int(f"{code:x}")
    except ValueError:
        return None


def code_of(number: int) -> int:
    """1234 stands as 0x1234."""
    return int(str(number), 16)
