"""What the rig says of one loss that was made to happen."""

from tests.gateway.commissioning.drill.conftest import told

__all__ = ["told"]
