"""What tshark makes of a file."""

import json
import shutil
import subprocess

import pytest


def needed():
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed (apt-get install tshark)")


def fields(path, *names, wanted="", options=()):
    """A row a packet, as far as it fits the display filter."""
    needed()
    asked = [word for name in names for word in ("-e", name)]
    run = subprocess.run(
        ["tshark", "-r", str(path), *options, *(("-Y", wanted) if wanted else ()), "-T", "json", *asked],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    layers = [packet["_source"]["layers"] for packet in json.loads(run.stdout or "[]")]
    return [tuple(",".join(layer.get(name, ())) for name in names) for layer in layers]
