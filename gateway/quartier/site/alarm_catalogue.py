"""All alarms: code, severity, meaning and remedy (pure).

The gateway raises no alarm outside this table. ``quartier alarms --explain`` and the page
``gateway/docs/alarms.md`` show the same table. A code never gets another meaning, because scripts and people
rely on it.
"""

from functools import partial
from math import inf

from quartier.site.alarm_kinds import DEVICE_ALARM_KINDS, DEVICE_REMEDY, HOUR_S, AlarmKind, AlarmSeverity

_critical = partial(AlarmKind, severity=AlarmSeverity.CRITICAL)
_warning = partial(AlarmKind, severity=AlarmSeverity.WARNING)
_notice = partial(AlarmKind, severity=AlarmSeverity.NOTICE)
_LIMIT_REMEDY = "Find the cause in `quartier status`. Switch off by hand what the gateway cannot control."
_LINK_REMEDY = (
    "See in `quartier status` whether heartbeat, documents or connection are missing. Ask the district."
)

ALARM_KINDS: tuple[AlarmKind, ...] = (
    # Caps and fuses
    _critical(
        "cap.exceeded",
        "direction",
        "the power exceeds the active limit although every possible order was given",
        _LIMIT_REMEDY,
    ),
    _critical(
        "cap.unmet",
        "direction",
        "a limit may be exceeded although every order that is possible now was given",
        _LIMIT_REMEDY,
    ),
    _critical(
        "node.unmet",
        "node, and its phase",
        "a node may exceed its fuse or power limit although every order that is possible now was given",
        "See in `quartier status` what takes power below {asset}. Switch it off by hand.",
    ),
    _critical(
        "node.exceeded",
        "node, and its phase",
        "a node exceeds its fuse or power limit although every possible order was given",
        "See in `quartier status` what takes power below {asset}. Switch it off by hand.",
    ),
    _warning(
        "node.meter_silent",
        "node",
        "the meter of a node is silent: everything below it counts at its worst case",
        DEVICE_REMEDY,
    ),
    _warning(
        "meter.late",
        "meter",
        "the grid meter answers, but its values are seconds old; the gateway allows for this delay",
        "See its delay with `quartier points '{of}.*'`. Connect it directly, not by radio or through a "
        "cloud.",
    ),
    _critical(
        "meter.implausible",
        "meter",
        "the grid meter contradicts the meters below it: limits are kept as if it were lost",
        "Look at its CTs (direction, ratio, phases), wiring and address; then `quartier meter --believe`.",
    ),
    _warning(
        "meter.suspect",
        "meter",
        "a measurement contradicts the grid meter: nothing is raised, and the larger import counts",
        "See why with `quartier meter`. Check its CTs (direction, ratio, phases), and list all generation.",
    ),
    _warning(
        "device.gain",
        "asset",
        "the measured power of an asset does not match its order",
        "Check its profile, its rated power and its own meter: `quartier points '{of}.*'`.",
    ),
    _warning(
        "clock.stepped",
        "",
        "the clock jumped by over a minute, or heartbeats contradict it: it cannot raise a limit",
        "Compare `date` with a good clock. Find out with `timedatectl` what sets the clock.",
    ),
    _warning(
        "clock.contradicted",
        "meter",
        "a meter's clock contradicts the gateway's clock: no local plan is followed",
        "Compare `date` with a good clock. If the gateway's clock is right, raise "
        "`clock.meter_differs_max_s`.",
    ),
    _notice(
        "meter.clock_wrong",
        "meter",
        "a meter's clock is wrong (another meter agrees with the gateway); control is not affected",
        "See the error with `quartier points '{of}.*'`. Inform the operator of the meter.",
    ),
    # Contacts and meters of the grid operator
    _warning(
        "contact.unread",
        "contact",
        "a contact of the grid operator cannot be read: it counts as closed",
        "See its device in `quartier status`. Check the input board and the wire of {of}.",
    ),
    _critical(
        "supply.warns",
        "supply",
        "the grid operator's meter warns, or warned shortly before, that the subscribed power is exceeded",
        "Switch off large loads by hand before the meter's breaker opens: see `quartier status`.",
    ),
    _warning(
        "supply.near",
        "supply",
        "the import is above 95 % of the subscribed power",
        "See in `quartier status` what takes power. If it comes often, subscribe more power.",
    ),
    # The public grid
    _warning(
        "grid.low_frequency",
        "",
        "the grid's frequency is low: loads are off by tier",
        "No action needed: the site has no fault. `quartier status` shows when it ends.",
    ),
    _notice(
        "grid.high_frequency",
        "",
        "the grid's frequency is high: PV is not raised",
        "No action needed. `quartier status` shows when it ends.",
    ),
    _warning(
        "grid.low_voltage",
        "",
        "the grid's voltage is low: tier D is off",
        "Compare the phases with `quartier points 'grid.*'`. If only one is low, check the connection.",
    ),
    _warning(
        "grid.high_voltage",
        "",
        "the grid's voltage is high: no battery feeds in",
        "Compare the phases with `quartier points 'grid.*'`. If it lasts, inform the grid operator.",
    ),
    _critical(
        "grid.outage",
        "",
        "the grid's voltage is gone",
        "Check the main breaker. `quartier status` shows whether the voltage is back.",
    ),
    _notice(
        "grid.after_outage",
        "",
        "after an outage the building waits, then raises its power slowly",
        "No action needed. `quartier status` shows the progress.",
    ),
    _warning(
        "grid.frequency_stuck",
        "",
        "the frequency reading does not change: it counts as not measured",
        "See it with `quartier points 'grid.*'`. Restart or replace the meter.",
    ),
    _critical(
        "grid.phase_missing",
        "phase",
        "a phase that had voltage has none",
        "Check the fuse of phase {of}. See the voltages with `quartier points 'grid.*'`.",
    ),
    # Outputs
    _warning(
        "control.hunting",
        "asset",
        "the power of an asset and of the grid oscillate together: its control gain is lowered, or its "
        "output is fixed",
        "Measure it: `systemctl stop quartier`, `quartier probe {of}`. Look for a second controller too.",
    ),
    _warning(
        "output.second_master",
        "point",
        "another controller writes a point of the gateway: it is not raised for a while; limits still "
        "lower it",
        "See the foreign values with `quartier why {asset}`. Switch the other controller off.",
    ),
    _warning(
        "output.given_back",
        "point",
        "an output is given back to its device: an input that its order needs is lost",
        "See what is missing with `quartier why {asset}`.",
    ),
    _warning(
        "run.late",
        "asset",
        "a run missed its deadline: it starts as soon as limits allow it",
        "See `quartier why {asset}`.",
    ),
    _warning(
        "output.refused",
        "point",
        "a device refuses an order",
        "See its error with `quartier why {asset}`. Allow remote control in the settings of the device.",
    ),
    _critical(
        "output.not_taken_back",
        "point",
        "a device did not accept its release value, or its own control: the last order may stay active",
        "See its error with `quartier why {asset}`. Switch the device to its own control by hand.",
    ),
    _warning(
        "output.no_fallback",
        "asset",
        "its device has no fallback, so it is not used for limits and sheds",
        "See the fallbacks with `quartier arm --check`. To use it all the same, set `accept_no_fallback`.",
    ),
    _critical(
        "output.fallback_lost",
        "asset",
        "the fallback of its device is not as declared: an order may stay active when the gateway stops",
        "Write it again: `systemctl stop quartier`, `quartier arm`, `systemctl start quartier`.",
    ),
    _warning(
        "order.not_held",
        "point",
        "a device accepted an order and does not follow it",
        "See the value read back with `quartier why {asset}`. Check the limits set in the device.",
        stays_s=HOUR_S,
    ),
    _warning(
        "probe.failed",
        "asset",
        "the last probe found a fault that may prevent correct control of the asset",
        "Repair what the alarm text names, then probe again: `systemctl stop quartier`, `quartier probe "
        "{of}`.",
    ),
    # Losses: the rows of gateway/docs/failsafe.md
    _critical(
        "loss.grid_meter_lost",
        "",
        "the grid meter is lost: controllable assets keep the fail-safe limits",
        DEVICE_REMEDY,
    ),
    _warning(
        "loss.grid_meter_stale",
        "",
        "the grid meter is late: nothing is raised",
        DEVICE_REMEDY,
        grows_into="loss.grid_meter_lost",
    ),
    _warning("loss.battery_silent", "asset", "a battery is silent: it gets no orders", DEVICE_REMEDY),
    _warning("loss.pv_silent", "asset", "a PV inverter is silent: it counts at its worst", DEVICE_REMEDY),
    _warning(
        "loss.ev_silent", "asset", "a charge point is silent: it counts at its rated power", DEVICE_REMEDY
    ),
    _warning("loss.load_silent", "asset", "a load is silent: it counts at its rated power", DEVICE_REMEDY),
    _warning(
        "loss.moded_silent",
        "asset",
        "an operation-mode asset is silent: it counts at the power of its largest mode",
        DEVICE_REMEDY,
    ),
    _warning("loss.bus_down", "bus", "a bus is down: every device on it counts as silent", DEVICE_REMEDY),
    _warning(
        "loss.uplink_lost",
        "",
        "the district is lost: its schedules, or the fail-safe limits, apply",
        _LINK_REMEDY,
    ),
    _warning(
        "loss.clock_unsynced",
        "",
        "the clock is not synchronised: no document raises a limit",
        "See `systemctl status quartier-clock systemd-timesyncd`: both must run. Check that the time "
        "server answers.",
    ),
    _critical(
        "loss.disk_full",
        "",
        "the disk is full: samples stay in memory; if that is full, the oldest are dropped, with a gap "
        "record",
        "Free space on the disk of `/var/lib/quartier`. `df -h /var/lib/quartier` shows how much is left.",
    ),
    _critical(
        "loss.disk_dead",
        "",
        "the disk accepts no writes: the gateway continues from memory",
        "See its errors with `journalctl -k`. Replace the disk or card.",
    ),
    _warning(
        "loss.cycle_late",
        "",
        "the control cycle is late: nothing is raised",
        "See with `top` which process uses the CPU.",
    ),
    _warning(
        "loss.controller_killed",
        "",
        "the gateway did not stop normally before this start: it was killed, froze or failed",
        "See why with `journalctl -u quartier -e`.",
    ),
    _warning(
        "loss.power_lost",
        "",
        "the machine lost its power, or was started again without a planned stop",
        "See when with `journalctl --list-boots`. Check its power supply.",
    ),
    *DEVICE_ALARM_KINDS,
    # The district
    _warning(
        "district.no_heartbeat",
        "",
        "the site file has a district, but no heartbeat arrives: the building works without the district",
        _LINK_REMEDY,
    ),
    _warning(
        "district.off",
        "",
        "the settings of the link to the district cannot be used",
        "See why with `journalctl -u quartier -g district.off`. Correct it and restart the service.",
    ),
    *(
        _warning(
            f"district.{name}",
            "connection",
            meaning,
            remedy,
            stays_s=2 * HOUR_S,
            ended_by=("district.link_up",),
        )
        for name, meaning, remedy in (
            (
                "not_authorised",
                "the broker refuses the login of the gateway",
                "See the broker's error in `quartier status`. Ask the district to check the account.",
            ),
            (
                "subscription_refused",
                "the broker refuses a subscription",
                "Ask the district to check the access rights. `quartier status` shows the link.",
            ),
            (
                "duplicate_id",
                "another client uses the client id of this gateway at the broker",
                "Look for a second gateway with the same `site.id`, as `quartier check` prints it.",
            ),
        )
    ),
    _warning(
        "district.superseded",
        "",
        "another machine replaced this gateway: this one left the broker, and tries again within 15 minutes",
        "If the other machine is right, stop this one: `systemctl disable --now quartier`. Else stop the "
        "other.",
        stays_s=2 * HOUR_S,
    ),
    _warning(
        "district.no_watermark",
        "",
        "no watermark arrives: the district does not confirm what the gateway sends",
        "Ask the district whether it sends watermarks. If it never does, set `watermark = false`.",
        stays_s=2 * HOUR_S,
        ended_by=("district.watermark_back",),
    ),
    _warning(
        "district.backlog_grows",
        "",
        "the district confirms less than the gateway stores: the backlog grows",
        "Ask the district whether it stores what it receives. `quartier status` shows the backlog.",
        stays_s=2 * HOUR_S,
        ended_by=("district.backlog_falls",),
    ),
    *(
        _warning(f"district.{name}", "", meaning, remedy, stays_s=2 * HOUR_S)
        for name, meaning, remedy in (
            (
                "publish_refused",
                "the broker refuses messages of the gateway",
                "Ask the district to check the access rights. `quartier status` shows the link.",
            ),
            (
                "watermark_refused",
                "a watermark has no valid signature: it has no effect",
                (
                    "Ask the district to sign it (`quartier keys`). If it does sign, find out who else "
                    "writes to that topic."
                ),
            ),
            (
                "watermark_ahead",
                "the district says that it stored samples that this gateway never sent",
                (
                    "Look for a second gateway with the same `site.id`, and for other clients that publish "
                    "at the broker."
                ),
            ),
            (
                "state_contested",
                (
                    "a message said that the primary host is offline, with a later time than the host's own "
                    "messages"
                ),
                (
                    "See when: `journalctl -u quartier -g state_contested`. Ask the district to find out who "
                    "sent it."
                ),
            ),
            (
                "no_echo",
                "the district does not confirm samples; they are sent again",
                "Ask the district whether its receiver works. `quartier status` shows the backlog.",
            ),
            (
                "not_kept",
                "the state of the district link cannot be saved for a restart",
                "Check the disk: `df -h /var/lib/quartier`.",
            ),
            (
                "credentials_faulty",
                "the account or certificate for the broker cannot be used",
                "See why with `journalctl -u quartier -g credentials`. Install the right files.",
            ),
            (
                "issuers_faulty",
                "the list of issuers cannot be used: no document is accepted",
                "See why with `journalctl -u quartier -g issuers`. Install the right file.",
            ),
        )
    ),
    _warning(
        "district.expires",
        "certificate or key",
        "a certificate or key of the district expires within seven days, or has expired, and has no "
        "successor",
        "Ask the district to renew it, and install it. `quartier keys` shows when keys expire.",
    ),
    _critical(
        "district.document_suspect",
        "",
        "a document was refused: its signature is wrong or its number is old. This may be an attack",
        "Inform the district at once. See `quartier history --points 'event.district.document_suspect'`.",
        stays_s=HOUR_S,
    ),
    # The gateway itself
    _critical(
        "release.not_kept",
        "",
        "the release values cannot be saved: if the gateway is killed, only the timers of the devices act",
        "Free space in `/run/quartier`. `df -h /run/quartier` shows how much is left.",
    ),
    _warning(
        "state.not_kept",
        "",
        "the state of the gateway cannot be saved for a restart",
        "See whether the disk is full or read-only: `df -h /var/lib/quartier`.",
    ),
    _warning(
        "state.damaged",
        "file",
        "a state file was damaged at the start",
        "See in `quartier status` which copy was used. If it comes again, replace the disk or card.",
    ),
    _warning(
        "store.set_aside",
        "",
        "the history was damaged: its file was renamed, and a new one was started",
        "Copy the old file from `/var/lib/quartier`. If it comes again, replace the disk or card.",
    ),
    _warning(
        "store.file_lost",
        "",
        "the history file was deleted while in use; a new one was started",
        "Find out who deleted it. `quartier history` shows what is left.",
    ),
    _notice(
        "store.gap",
        "",
        "samples are missing in the history",
        "See which with `quartier history --points 'event.store.gap'`.",
    ),
    _warning(
        "task.parked",
        "task",
        "a task of the gateway failed five times in a row and is not started again",
        "Send the output of `journalctl -u quartier -g task.parked` to the maker. Restart the service.",
        stays_s=inf,
    ),
    _warning(
        "config.disabled",
        "section",
        "a fault in the site file disables a part of it",
        "See every fault with `quartier check`. Correct the file and load it with `systemctl reload "
        "quartier`.",
    ),
    _warning(
        "config.refused",
        "",
        "the new site file cannot be used; the previous one stays in use",
        "See every fault with `quartier check`. Correct the file and load it with `systemctl reload "
        "quartier`.",
    ),
    _notice(
        "config.restart_needed",
        "section",
        "a section of the new site file takes effect only after a restart",
        "Restart the service: `systemctl restart quartier`.",
        stays_s=inf,
    ),
)
ALARM_KINDS_BY_CODE = {kind.code: kind for kind in ALARM_KINDS}
