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
_LIMIT_REMEDY = "See what takes or makes it in `quartier status`, and switch off by hand what takes no order."
_LINK_REMEDY = (
    "See which of heartbeat, documents and connection is missing in `quartier status`, then ask the district."
)

ALARM_KINDS: tuple[AlarmKind, ...] = (
    # Caps and fuses
    _critical(
        "cap.exceeded",
        "direction",
        "more flows than the cap in force allows, though all was ordered",
        _LIMIT_REMEDY,
    ),
    _critical(
        "cap.unmet",
        "direction",
        "a limit is not sure to be kept, though all that may be ordered now was ordered",
        _LIMIT_REMEDY,
    ),
    _critical(
        "node.unmet",
        "node, and its phase",
        "a fuse or power of a node cannot be kept, though all that may be ordered now was ordered",
        "See in `quartier status` what below {asset} takes power, and switch it off by hand.",
    ),
    _critical(
        "node.exceeded",
        "node, and its phase",
        "more flows at a node than its fuse or power allows, though all was ordered",
        "See in `quartier status` what below {asset} takes power; switch off by hand what does not obey.",
    ),
    _warning(
        "node.meter_silent",
        "node",
        "the meter of a node is silent: all below it counts at its worst",
        DEVICE_REMEDY,
    ),
    _warning(
        "meter.late",
        "meter",
        "the grid meter answers in time and tells what was seconds ago; all else is compared with it so",
        "See it with `quartier points '{of}.*'`; look for a radio or cloud in between: connect it directly.",
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
        "an asset's measured power does not agree with its order",
        "Check its profile, its rated power and its own meter: `quartier points '{of}.*'`.",
    ),
    _warning(
        "clock.stepped",
        "",
        "the clock was set by over a minute, or heartbeats contradict it: it loosens no limit",
        "Compare `date` with a good clock; then see `timedatectl`, and find out who sets the clock.",
    ),
    _warning(
        "clock.contradicted",
        "meter",
        "a meter's clock contradicts the gateway's, which is trusted: no local plan is followed",
        "Compare `date` with a good clock; if the gateway's is right, raise `clock.meter_differs_max_s`.",
    ),
    _notice(
        "meter.clock_wrong",
        "meter",
        "a meter's clock is wrong: another meter's clock agrees with the gateway's; there is no other effect",
        "See how far with `quartier points '{of}.*'`, and tell whoever runs that meter.",
    ),
    # Contacts and meters of the grid operator
    _warning(
        "contact.unread",
        "contact",
        "a contact of the grid operator cannot be read: it counts as acting",
        "See its device in `quartier status`, then look at the input board and the wire of {of}.",
    ),
    _critical(
        "supply.warns",
        "supply",
        "the grid operator's meter warns, or did until now, that more flows than is subscribed",
        "Switch off by hand what `quartier status` shows as large, before the meter's breaker opens.",
    ),
    _warning(
        "supply.near",
        "supply",
        "more than 95 % of the subscribed power is drawn",
        "See what takes it in `quartier status`; if it comes often, have more subscribed.",
    ),
    # The public grid
    _warning(
        "grid.low_frequency",
        "",
        "the grid's frequency is low: loads are off by tier",
        "Nothing is wrong here and nothing is to be done; `quartier status` shows when it ends.",
    ),
    _notice(
        "grid.high_frequency",
        "",
        "the grid's frequency is high: PV is not raised",
        "Nothing is to be done; `quartier status` shows when it ends.",
    ),
    _warning(
        "grid.low_voltage",
        "",
        "the grid's voltage is low: tier D is off",
        "Compare the phases with `quartier points 'grid.*'`; if one alone is low, look at the connection.",
    ),
    _warning(
        "grid.high_voltage",
        "",
        "the grid's voltage is high: no battery feeds in",
        "Compare the phases with `quartier points 'grid.*'`; if it lasts, tell the grid operator.",
    ),
    _critical(
        "grid.outage",
        "",
        "the grid's voltage is gone",
        "Look at the main breaker, then see with `quartier status` whether the voltage is back.",
    ),
    _notice(
        "grid.after_outage",
        "",
        "after an outage the building waits, then rises slowly",
        "Nothing is to be done; `quartier status` shows how far it is.",
    ),
    _warning(
        "grid.frequency_stuck",
        "",
        "the grid's frequency stands still and counts as not measured",
        "See it with `quartier points 'grid.*'`, then restart or replace the meter.",
    ),
    _critical(
        "grid.phase_missing",
        "phase",
        "a phase that had voltage has none",
        "Look at the fuse of phase {of}, then see the voltages with `quartier points 'grid.*'`.",
    ),
    # Outputs
    _warning(
        "control.hunting",
        "asset",
        "an output and the grid swing against each other; it is answered less, or held",
        "Measure it: `systemctl stop quartier`, `quartier probe {of}`; look for a second controller too.",
    ),
    _warning(
        "output.second_master",
        "point",
        "another controller changes a point of the gateway: it is not raised for a while, limits lower it",
        "See who and when with `quartier why {asset}`, and switch the other controller off.",
    ),
    _warning(
        "output.given_back",
        "point",
        "an output is no longer ordered and goes back to its device: what its order needs is lost",
        "See what is missing with `quartier why {asset}`.",
    ),
    _warning(
        "run.late", "asset", "a run missed its deadline: it runs once it may", "See `quartier why {asset}`."
    ),
    _warning(
        "output.refused",
        "point",
        "a device refuses what it is ordered",
        "See its words with `quartier why {asset}`, then allow remote control in the device's own settings.",
    ),
    _critical(
        "output.not_taken_back",
        "point",
        "a device did not take its release value, or refuses its own control: the last order may stay active",
        "See its words with `quartier why {asset}`, then set it to its own control at the device.",
    ),
    _warning(
        "output.no_fallback",
        "asset",
        "its device has no fallback, so it is used for no cap and no shed",
        "See what there is with `quartier arm --check`, or accept it with `accept_no_fallback`.",
    ),
    _critical(
        "output.fallback_lost",
        "asset",
        "the fallback of its device is not as declared: an order may stay active when the gateway stops",
        "Write it anew: `systemctl stop quartier`, `quartier arm`, `systemctl start quartier`.",
    ),
    _warning(
        "order.not_held",
        "point",
        "a device took an order and does not do it",
        "See what was read back with `quartier why {asset}`, then look at the device's own limits.",
        stays_s=HOUR_S,
    ),
    _warning(
        "probe.failed",
        "asset",
        "the last probe found a fault that may prevent correct control of the asset",
        "Repair what the alarm text names, then try again: `systemctl stop quartier`, `quartier probe {of}`.",
    ),
    # Losses: the rows of gateway/docs/failsafe.md
    _critical(
        "loss.grid_meter_lost",
        "",
        "the grid meter is lost: assets that take orders keep the fail-safe caps",
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
        "an asset that runs in modes is silent: it counts at its most",
        DEVICE_REMEDY,
    ),
    _warning("loss.bus_down", "bus", "a bus is down: every device on it counts as silent", DEVICE_REMEDY),
    _warning(
        "loss.uplink_lost",
        "",
        "the district is lost: its schedules, or the fail-safe caps, hold",
        _LINK_REMEDY,
    ),
    _warning(
        "loss.clock_unsynced",
        "",
        "the clock is not synchronised: no document loosens anything",
        "See `systemctl status quartier-clock systemd-timesyncd`: both must run, and the time server answer.",
    ),
    _critical(
        "loss.disk_full",
        "",
        "the disk is full: samples stay in memory; if that is full, the oldest go and leave a gap record",
        "Make room on the disk of `/var/lib/quartier`; `df -h /var/lib/quartier` shows how much is left.",
    ),
    _critical(
        "loss.disk_dead",
        "",
        "the disk takes no writes: all goes on from memory",
        "See `journalctl -k` for its errors and replace the disk or card.",
    ),
    _warning(
        "loss.cycle_late",
        "",
        "the control cycle is late: nothing is raised",
        "See what else takes the machine's time with `top`.",
    ),
    _warning(
        "loss.controller_killed",
        "",
        "the previous run of the gateway did not stop in order: it was killed, froze or failed",
        "See why with `journalctl -u quartier -e`.",
    ),
    _warning(
        "loss.power_lost",
        "",
        "the machine lost its power, or was started again without a planned stop",
        "See when with `journalctl --list-boots`, and look at its supply.",
    ),
    *DEVICE_ALARM_KINDS,
    # The district
    _warning(
        "district.no_heartbeat",
        "",
        "a district is in the site file and sends no heartbeat: the building runs without the district",
        _LINK_REMEDY,
    ),
    _warning(
        "district.off",
        "",
        "the link to the district cannot be used as it is set",
        "See why with `journalctl -u quartier -g district.off`, correct it and restart the service.",
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
                "the broker does not let us in",
                "See the broker's words in `quartier status`, and have the district check the account.",
            ),
            (
                "subscription_refused",
                "the broker refuses a subscription",
                "Have the district compare its access rights; `quartier status` shows the link.",
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
        "another machine replaced this gateway: it left the broker, and tries again within 15 minutes",
        "Disable this one: `systemctl disable --now quartier`; if the other one is wrong, stop that.",
        stays_s=2 * HOUR_S,
    ),
    _warning(
        "district.no_watermark",
        "",
        "no watermark arrives: the district confirms nothing that it is sent",
        "Ask the district whether it sends watermarks; if it never does, set `watermark = false`.",
        stays_s=2 * HOUR_S,
        ended_by=("district.watermark_back",),
    ),
    _warning(
        "district.backlog_grows",
        "",
        "the district confirms less than is recorded: the backlog grows",
        "Ask the district whether it stores what it gets; `quartier status` shows the backlog.",
        stays_s=2 * HOUR_S,
        ended_by=("district.backlog_falls",),
    ),
    *(
        _warning(f"district.{name}", "", meaning, remedy, stays_s=2 * HOUR_S)
        for name, meaning, remedy in (
            (
                "publish_refused",
                "the broker refuses what we publish",
                "Have the district compare its access rights; `quartier status` shows the link.",
            ),
            (
                "watermark_refused",
                "a watermark has no valid signature of a key for watermarks: it has no effect",
                "Have the district sign it (`quartier keys`). If it signs, somebody else writes that topic.",
            ),
            (
                "watermark_ahead",
                "the district says it stored samples that this gateway never made",
                "Look for a second gateway with the same `site.id`, and for who else writes at the broker.",
            ),
            (
                "state_contested",
                "somebody said the primary host is offline, with a time ahead of the host's own",
                "See when: `journalctl -u quartier -g state_contested`; have the district find who sent it.",
            ),
            (
                "no_echo",
                "the district does not confirm what it is sent; it is sent again",
                "Ask the district whether its consumer runs; `quartier status` shows the backlog.",
            ),
            (
                "not_kept",
                "what must be known of the district after a restart cannot be written",
                "Look at the disk: `df -h /var/lib/quartier`.",
            ),
            (
                "credentials_faulty",
                "the account or certificate for the broker cannot be used",
                "See why with `journalctl -u quartier -g credentials`, and put the right files in place.",
            ),
            (
                "issuers_faulty",
                "the list of those who may sign cannot be used: no document is taken",
                "See why with `journalctl -u quartier -g issuers`, and put the right file in place.",
            ),
        )
    ),
    _warning(
        "district.expires",
        "certificate or key",
        "a certificate or a key of the district ends within seven days, or has ended, and has no successor",
        "Have the district renew it, and put it in place; `quartier keys` shows when its keys end.",
    ),
    _critical(
        "district.document_suspect",
        "",
        "a document was refused, and this may be an attack: a wrong signature, or old numbers",
        "Tell the district at once; `quartier history --points 'event.district.document_suspect'` has it.",
        stays_s=HOUR_S,
    ),
    # The gateway itself
    _critical(
        "release.not_kept",
        "",
        "the safe values cannot be written down: if the gateway is killed, only the devices' timers act",
        "Make room in `/run/quartier`; `df -h /run/quartier` shows how much is left.",
    ),
    _warning(
        "state.not_kept",
        "",
        "what must be known after a restart cannot be written",
        "See whether the disk is full or read-only: `df -h /var/lib/quartier`.",
    ),
    _warning(
        "state.damaged",
        "file",
        "a state file was found damaged at the start",
        "See which copy was used in `quartier status`; if it comes again, replace the disk or card.",
    ),
    _warning(
        "store.set_aside",
        "",
        "the history was damaged: it is kept beside a new one",
        "Copy the old file from `/var/lib/quartier`; if it comes again, replace the disk or card.",
    ),
    _warning(
        "store.file_lost",
        "",
        "the history was removed while in use, and is begun anew",
        "Find out who did; `quartier history` shows what is left.",
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
        "a part of the gateway failed five times in a row and is left alone",
        "Send the lines of `journalctl -u quartier -g task.parked` to the maker, and restart the service.",
        stays_s=inf,
    ),
    _warning(
        "config.disabled",
        "section",
        "a fault of the site file puts a part of it out of action",
        "See every fault with `quartier check`, correct it, and load it with `systemctl reload quartier`.",
    ),
    _warning(
        "config.refused",
        "",
        "the new site file cannot be used; the one before goes on",
        "See every fault with `quartier check`, correct it, and load it with `systemctl reload quartier`.",
    ),
    _notice(
        "config.restart_needed",
        "section",
        "a section of the new site file counts only after a restart",
        "Restart when it suits: `systemctl restart quartier`.",
        stays_s=inf,
    ),
)
ALARM_KINDS_BY_CODE = {kind.code: kind for kind in ALARM_KINDS}
