from collections.abc import Sequence

from quartier_native.reference.telegrams import Group

def read_objects(
    rows: Sequence[str], known: dict[str, Group], blank: Group
) -> tuple[list[Group], list[tuple[int, str]]]: ...
def object_of(row: str) -> Group | None: ...
