from tests.gateway.daemon.conftest import yard

__all__ = ["yard"]
