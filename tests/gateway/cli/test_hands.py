from quartier.cli import hands
from quartier.runtime.desk import Closed


def test_who_may_not_open_the_socket_is_told_the_group(capsys):
    closed = Closed("no daemon takes orders at /run/x: Permission denied")
    closed.__cause__ = PermissionError()

    assert 69 == hands.nobody(closed)
    assert "join the group quartier-operators, or use sudo" in capsys.readouterr().err
