"""``python -m quartier.cli``: the same as the command ``quartier``."""

import sys

from quartier.cli import main

sys.exit(main())
