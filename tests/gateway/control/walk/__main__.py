"""``python -m tests.gateway.control.walk MOVES SEED [EPISODE]``: a long walk, or one episode of it again."""

import sys

from tests.gateway.control.walk import driver

if __name__ == "__main__":
    sys.exit(min(driver.run(*map(int, sys.argv[1:])), 1))
