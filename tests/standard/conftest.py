"""The tests of the standard run on each backend, as those of `tests.backends` do."""

from tests.backends.conftest import device, host

__all__ = ["device", "host"]
