"""Run ``quartier-hil`` as ``python -m quartier_hil.cli``."""

import sys

from quartier_hil.cli import main

if __name__ == "__main__":
    sys.exit(main())
