"""``quartier notify``: tell people of alarms; check the settings, or send a test."""

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress

from quartier.cli.rendering import output
from quartier.notification import channels
from quartier.notification.channels import DeliveryFailed
from quartier.notification.service import (
    UNKNOWN_GATEWAY,
    NotificationService,
    ask_gateway,
    make_test_message,
)
from quartier.notification.settings import Channel, NotifySettings, find_secret_warnings, load_settings
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import NoDaemon
from quartier_drivers.errors import ConfigError, Fault


def run_notify(options: argparse.Namespace) -> int:
    """Run until SIGTERM, or do what was asked for.  Raises ConfigError."""
    settings = load_settings(options.settings)
    for warning in find_secret_warnings(settings):
        print(f"warning: {warning}", file=sys.stderr)
    if options.check:
        return _list_channels(settings, options)
    if options.test is not None:
        return _send_test(_select_channels(settings, options), options)
    return _serve(settings, options)


def _list_channels(settings: NotifySettings, options: argparse.Namespace) -> int:
    if options.json:
        output.print_json(settings.model_dump(mode="json", by_alias=True))
        return 0
    rows = [
        (name, one.kind, _describe_target(one), str(one.severity), _describe_quiet(one))
        for name, one in settings.channels.items()
    ]
    columns = ("channel", "kind", "to", "from severity", "quiet")
    output.make_console().print(output.make_table("", columns, rows))
    return 0


def _describe_target(channel: Channel) -> str:
    match channel.kind:
        case "smtp":
            return ", ".join(channel.recipients)
        case "mqtt":
            return f"{channel.url} {channel.topic}"
        case _:
            return channel.url


def _describe_quiet(channel: Channel) -> str:
    quiet = channel.quiet
    return "-" if quiet is None else f"{quiet.from_} to {quiet.until} except {quiet.except_}"


def _select_channels(settings: NotifySettings, options: argparse.Namespace) -> Mapping[str, Channel]:
    if not options.test:
        return settings.channels
    if options.test not in settings.channels:
        what = f"there is no channel {options.test!r}; expected one of {', '.join(settings.channels)}"
        raise ConfigError([Fault(str(options.settings), None, "channels", what)])
    return {options.test: settings.channels[options.test]}


def _send_test(selected: Mapping[str, Channel], options: argparse.Namespace) -> int:
    gateway, zone = UNKNOWN_GATEWAY, "UTC"
    with suppress(NoDaemon):
        answer = ask_gateway(options.runtime_dir)
        gateway, zone = answer.gateway, answer.zone
    failed = 0
    for name, channel in selected.items():
        try:
            channels.send(channel, make_test_message(gateway, channel, SiteClock().utc_ms(), zone))
        except DeliveryFailed as error:
            failed += 1
            print(f"{name}: not sent: {error}", file=sys.stderr)
        else:
            print(f"{name}: sent to {_describe_target(channel)}")
    return int(failed > 0)


def _serve(settings: NotifySettings, options: argparse.Namespace) -> int:
    if not os.access(options.state_dir, os.W_OK):
        print(f"{options.state_dir} is no folder that can be written; give --state-dir", file=sys.stderr)
        return os.EX_CANTCREAT
    clock = SiteClock()
    service = NotificationService(
        settings, options.runtime_dir, options.state_dir, clock.utc_ms, clock.now_ns, _print_log
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    _print_log(f"telling {', '.join(settings.channels)} of alarms")
    service.run()
    return 0


def _print_log(text: str) -> None:
    print(text, flush=True)
