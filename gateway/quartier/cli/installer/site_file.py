"""``quartier config`` and ``quartier apply``: the site file before it is used."""

import argparse
import sys

from quartier.cli.operation import override
from quartier.cli.rendering import output
from quartier.config import reference, sample
from quartier.runtime.local_socket.orders import REQUEST_MAX_BYTES, send_order
from quartier.runtime.local_socket.questions import NoDaemon

# A site file of many devices is checked, kept and adopted meanwhile.
APPLY_TIMEOUT_S = 90.0


def run_config(options: argparse.Namespace) -> int:
    """Print a commented sample, a page of reference, or the JSON Schema for editors."""
    texts = {
        "sample": sample.render_small_sample if options.small else sample.render_sample,
        "reference": reference.render_reference,
        "schema": reference.render_json_schema,
        "remote": reference.render_remote_reference,
    }
    print(texts[options.what]().rstrip("\n"))
    return 0


def run_apply(options: argparse.Namespace) -> int:
    """Hand a site file to the running gateway; exit 1 when it is refused, 78 when it has faults."""
    try:
        text = options.file.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        print(f"{options.file}: cannot be read: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return 78
    if len(text.encode()) * 2 > REQUEST_MAX_BYTES:
        print(f"{options.file}: expected at most {REQUEST_MAX_BYTES // 2} bytes", file=sys.stderr)
        return 78
    try:
        answer = send_order(
            options.runtime_dir,
            "apply",
            APPLY_TIMEOUT_S,
            file=str(options.file),
            text=text,
            check=options.check,
        )
    except NoDaemon as closed:
        return override.report_no_operator_access(closed)
    has_faults = "error" in answer and "changed" not in answer
    if options.json:
        output.print_json(answer)
        return 78 if has_faults else int("error" in answer)
    for key in answer.get("changed", ()):
        print(f"changes {key}")
    for fault in answer.get("faults", ()):
        print(fault, file=sys.stderr)
    if "error" in answer:
        refused = "cannot be applied: " if options.check else "nothing was applied: "
        prefix = refused if answer.get("faults") else ""
        print(f"{options.file}: {prefix}{answer['error']}", file=sys.stderr)
        return 78 if has_faults else 1
    where = f" (at {answer['at']})" if answer["at"] else ""
    done = "in use" if answer["used"] else "may be applied" if answer["changed"] else "nothing is changed"
    print(f"{options.file}: {done}{where}")
    return 0
