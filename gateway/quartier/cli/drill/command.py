"""``quartier drill``: which drill was asked for."""

import argparse

from quartier.cli import output, present
from quartier.cli.drill.judgement import seconds
from quartier.runtime.local_socket.questions import NoDaemon, ask


def drill(options: argparse.Namespace) -> int:
    """Run one; the exit codes are those of its help."""
    if options.reference:
        return _reference(options.reference)
    if options.declared:
        return _declared(options)
    if options.on_site or options.verify:
        from quartier.cli.drill import onsite  # noqa: PLC0415 - brings the library that signs

        return onsite.verify(options) if options.verify else onsite.on_site(options)
    from quartier.cli.drill.simulated import simulated  # noqa: PLC0415 - on a gateway the other one is asked for

    return simulated(options)


def _reference(what: str) -> int:
    """Print what the pages of the documentation are made of."""
    from quartier.cli.drill import page, picture  # noqa: PLC0415 - the documentation alone needs them

    print(page.page() if what == "page" else picture.picture(), end="")
    return 0


def _declared(options: argparse.Namespace) -> int:
    """The ladder of a running gateway, with its own periods and timers."""
    try:
        rows = ask(options.runtime_dir, "ladder")["rows"]
    except NoDaemon as closed:
        return present.nobody(closed)
    if options.json:
        output.dump(rows)
        return 0
    heads = ("loss", "of", ">noticed", ">done by", "what is done", "where", "comes back")
    told = (
        (
            row["name"],
            row["of"],
            seconds(row["noticed_s"]),
            seconds(row["deadline_s"]),
            row["action"],
            row["where"],
            row["back"],
        )
        for row in rows
    )
    output.console().print(output.table("", heads, told))
    return 0
