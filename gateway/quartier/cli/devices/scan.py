"""``quartier scan``: find the devices on a bus, and the profiles that they may be."""

import argparse
import sys

from quartier.cli.rendering import output
from quartier.cli.rendering.terminal import ProgressLine
from quartier_drivers.device_reports import ScanReport, ScanRequest
from quartier_drivers.registry import load_protocol

_INTERRUPTED = 130


class ScanProgress(ProgressLine):
    """Says how far a scan has come, and what a person should know before its result."""

    def warn(self, text: str) -> None:
        """Print a sentence on the error output."""
        print(text, file=sys.stderr)


def run_scan(options: argparse.Namespace) -> int:
    """Scan a bus; exit 1 when nobody answers, 130 when it was interrupted (what was found is shown)."""
    report = scan_bus(
        options.protocol,
        ScanRequest(
            url=options.url,
            folders=options.profiles,
            units=options.units,
            secondary=options.secondary,
            instances=options.instances,
            at=options.at,
            wait_s=options.wait,
            bauds=options.bauds,
            parities=options.parities,
            is_thorough=options.thorough,
        ),
    )
    if options.json:
        output.print_json({"url": options.url, **report.data, "site_file": report.site_lines})
    else:
        _print_report(report)
    if report.end:
        print(f"{options.url}: {report.end}", file=sys.stderr)
    if report.is_interrupted:
        print(f"{options.url}: interrupted; there may be more devices", file=sys.stderr)
        return _INTERRUPTED
    return 0 if report.found_count else 1


def scan_bus(protocol: str, request: ScanRequest) -> ScanReport:
    """Scan a bus and show the progress on the error output.  Raises ConfigError."""
    progress = ScanProgress()
    report = load_protocol(protocol).scan_bus(request, progress)
    progress.end()
    return report


def _print_report(report: ScanReport) -> None:
    for note in report.notes:
        print(f"note: {note}")
    if report.rows:
        output.make_console().print(output.make_table("", report.columns, report.rows))
        print(f"\nFor the site file:\n\n{report.site_lines}")
