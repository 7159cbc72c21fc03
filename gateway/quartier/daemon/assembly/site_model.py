"""Make the site model for control from the site file and the points that devices serve (pure)."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Literal

from quartier.config.checks.connection_checks import SUBSCRIBED_POWER_POINTS
from quartier.config.loading import LoadedSite
from quartier.config.sections import asset_sections, connection_sections, site_file
from quartier.config.sections.operation_mode_sections import OperationModeSection, find_control_quantity
from quartier.control.observe.meter_clocks import CLOCK_OFFSET
from quartier.control.observe.phases import MEASURED_PHASES
from quartier.daemon.assembly import operation_modes
from quartier.daemon.assembly.bus_specs import find_declared_points, make_bus_specs
from quartier.daemon.assembly.site_settings import find_random_seed
from quartier.site import asset_types, site_layout
from quartier.site.site_layout import Node
from quartier_drivers.contract import PointInfo


def make_declared_site(loaded: LoadedSite) -> site_layout.Site:
    """Make the site for control without opening a device: for ``quartier check``."""
    return make_site(loaded.site, find_declared_points(make_bus_specs(loaded)), {})


def make_site(
    site: site_file.SiteFile, points: Mapping[str, PointInfo], values: Mapping[str, float | None]
) -> site_layout.Site:
    """Make the site for control.

    ``points`` are those that the site's devices serve.  ``values`` are the release values (see
    ``find_release_values``).
    """
    grid_name, grid = site.grid()
    limits = site.limits
    here = site.site.latitude, site.site.longitude
    place = None if here[0] is None or here[1] is None else (here[0], here[1])
    is_apparent = f"{grid_name}.power_w" not in points and f"{grid_name}.apparent_power_va" in points
    return site_layout.Site(
        name=site.site.id,
        grid=asset_types.GridMeter(
            name=grid_name,
            rated_w=limits.import_hard_w,
            period_s=find_period_s(
                points, f"{grid_name}.{'apparent_power_va' if is_apparent else 'power_w'}"
            ),
            is_apparent=is_apparent,
            frequency_period_s=find_measured_period_s(points, f"{grid_name}.frequency_hz"),
            voltage_period_s=find_measured_period_s(points, f"{grid_name}.voltage_l1_v"),
            voltage_v=grid.voltage_v,
        ),
        assets=tuple(
            _make_asset(name, asset, points, place)
            for name, asset in site.assets.items()
            if not isinstance(asset, asset_sections.GridMeterSection)
        ),
        limits=site_layout.SiteLimits(
            import_hard_w=limits.import_hard_w,
            export_hard_w=limits.export_hard_w,
            import_failsafe_w=limits.import_failsafe_w,
            export_failsafe_w=limits.export_failsafe_w,
            import_autonomous_w=limits.import_autonomous_w,
            export_autonomous_w=limits.export_autonomous_w,
        ),
        unlisted_generation_w=limits.unlisted_generation_w,
        grid_target_w=site.control.grid_target_w,
        cycle_s=site.control.cycle_s,
        release_values=values,
        own_controls=find_own_controls(points),
        seed=find_random_seed(site),
        contacts=tuple(_make_contact(name, contact, points) for name, contact in site.contacts.items()),
        supplies=make_supplies(site, points),
        zone=site.site.time_zone,
        nodes=tuple(make_node(name, node, points) for name, node in site.nodes.items()),
        main_fuse_a=inf if limits.main_fuse_a is None else limits.main_fuse_a,
        clock_sources=tuple(find_clock_sources(site, points)),
        clock_differs_max_s=site.clock.meter_differs_max_s,
        plans=site.planning is not None,
    )


def _make_contact(
    name: str, contact: connection_sections.ContactSection, points: Mapping[str, PointInfo]
) -> site_layout.LimitContact:
    return site_layout.LimitContact(
        name=name,
        acts_open=contact.acts == "open",
        import_max_w=contact.import_max_w,
        export_max_w=contact.export_max_w,
        generation_max_w=contact.generation_max_w,
        consumption_max_w=contact.consumption_max_w,
        debounce_s=contact.debounce_s,
        release_s=contact.release_s,
        period_s=find_period_s(points, f"{name}.input_on"),
    )


def _make_asset(
    name: str, asset: Any, points: Mapping[str, PointInfo], place: tuple[float, float] | None
) -> asset_types.ControllableAsset:
    shared: dict[str, Any] = {
        "name": name,
        "node": asset.node,
        "phase": asset.phase,
        "period_s": find_period_s(points, f"{name}.power_w"),
        "measured": f"{name}.power_w" in points,
        "accepts_no_fallback": asset.accept_no_fallback is not None,
    }
    if isinstance(asset, OperationModeSection):
        chosen = find_control_quantity(asset.role, lambda one: is_writable(points, f"{name}.{one}"))
        point = f"{name}.{chosen}"
        written = {
            **_find_extra_readings(name, asset.role, points),
            "quantity": chosen,
            "writable": is_writable(points, point),
            "falls_back": has_fallback(points, point),
            "lease_s": find_lease_s(points, point),
            "own_normal": asset.role in operation_modes.ROLES_WITH_OWN_NORMAL
            and is_given_back(points, point),
        }
        return operation_modes.make_operation_mode_asset(asset, shared | written, place)
    if isinstance(asset, asset_sections.BatterySection):
        return _make_battery(asset, shared, points)
    if isinstance(asset, asset_sections.PvSection):
        able = _find_curtailment(name, points)
        curtail = able if asset.curtail is None or able == "none" else asset.curtail
        point = f"{name}.{'relay_on' if curtail == 'relay' else 'generation_max_w'}"
        falls_back = curtail == "none" or has_fallback(points, point)
        lease_s = find_lease_s(points, point)
        return asset_types.Pv(
            **shared,
            rated_w=asset.rated_w,
            curtail=curtail,
            is_output_unused=curtail == "none" != able,
            falls_back=falls_back,
            lease_s=lease_s,
        )
    if isinstance(asset, asset_sections.ChargePointSection):
        return asset_types.ChargePointAsset(
            **shared,
            tier=asset.tier,
            rated_w=asset.rated_w or asset.current_max_a * asset.voltage_v * asset.phases_count,
            phases_count=asset.phases_count,
            voltage_v=asset.voltage_v,
            current_min_a=asset.current_min_a,
            current_max_a=asset.current_max_a,
            min_on_s=asset.min_on_s,
            min_off_s=asset.min_off_s,
            l1_on=asset.l1_on,
            departure_s=None
            if asset.departure is None
            else operation_modes.parse_time_of_day_s(asset.departure),
            energy_wanted_wh=asset.energy_wanted_wh,
            writable=is_writable(points, f"{name}.current_max_a"),
            falls_back=has_fallback(points, f"{name}.current_max_a"),
            lease_s=find_lease_s(points, f"{name}.current_max_a"),
            shows_order=is_read_back(points, f"{name}.current_max_a"),
        )
    is_switched = asset.tier != "A" and is_writable(points, f"{name}.relay_on")
    falls_back = asset.tier == "A" or has_fallback(points, f"{name}.relay_on")
    lease_s = find_lease_s(points, f"{name}.relay_on")
    if asset.run_w:
        sensed = _find_extra_readings(name, "load", points)
        period_s = max(sensed["sense_period_s"], find_period_s(points, f"{name}.relay_on"))
        written = {
            "quantity": "relay_on",
            "writable": is_switched,
            "falls_back": falls_back,
            "lease_s": lease_s,
        }
        return operation_modes.make_daily_run(
            asset, {**shared, **sensed, **written, "sense_period_s": period_s}
        )
    return asset_types.Load(
        **shared,
        tier=asset.tier,
        rated_w=asset.rated_w,
        switchable=is_switched,
        falls_back=falls_back,
        lease_s=lease_s,
        min_on_s=asset.min_on_s,
        min_off_s=asset.min_off_s,
    )


def _find_extra_readings(name: str, role: str, points: Mapping[str, PointInfo]) -> dict[str, Any]:
    """Return the served quantities that are sensed in addition to power, and their longest period in s."""
    senses = [
        point
        for one in operation_modes.SENSED_QUANTITIES.get(role, ())
        if (point := f"{name}.{one}") in points
    ]
    return {
        "senses": tuple(point.partition(".")[2] for point in senses),
        "sense_period_s": max((points[point].period_s for point in senses), default=5.0),
    }


def _make_battery(
    asset: asset_sections.BatterySection, shared: Mapping[str, Any], points: Mapping[str, PointInfo]
) -> asset_types.Battery:
    setpoint = points.get(f"{shared['name']}.setpoint_w")
    timer = None if setpoint is None else setpoint.fallback
    lease_s = 60.0 if timer is None else min(timer.after_s, 3 * (timer.refresh_s or timer.after_s / 3))
    return asset_types.Battery(
        **shared,
        tier=asset.tier,
        rated_w=asset.rated_w,
        capacity_wh=asset.capacity_wh,
        charge_max_w=asset.rated_w if asset.charge_max_w is None else asset.charge_max_w,
        discharge_max_w=asset.rated_w if asset.discharge_max_w is None else asset.discharge_max_w,
        ramp_max_w_per_s=asset.ramp_max_w_per_s or asset.rated_w / 5 or 1.0,
        soc_min_pct=asset.soc_min_pct,
        soc_max_pct=asset.soc_max_pct,
        reserve_soc_pct=asset.reserve_soc_pct,
        soc_period_s=find_period_s(points, f"{shared['name']}.soc_pct"),
        lease_s=min(lease_s, 60.0),
        writable=setpoint is not None and setpoint.writable,
        # A setpoint must end when the gateway still reads but no longer decides.  A timer that reads keep
        # alive does not end it.
        falls_back=setpoint is None or (timer is not None and timer.kept_by == "writes"),
    )


def _find_curtailment(name: str, points: Mapping[str, PointInfo]) -> Literal["none", "limit", "relay"]:
    """Return how the points of a PV asset let it be curtailed."""
    if is_writable(points, f"{name}.generation_max_w"):
        return "limit"
    return "relay" if is_writable(points, f"{name}.relay_on") else "none"


def make_node(name: str, section: connection_sections.NodeSection, points: Mapping[str, PointInfo]) -> Node:
    """Make the node for control; ``points`` are those that the site's devices serve.

    A node whose meter is not served stays a metered node: without readings, everything below it counts at its
    worst case.
    """
    periods = [
        points[f"{name}.{quantity}"].period_s
        for quantity in MEASURED_PHASES
        if f"{name}.{quantity}" in points
    ]
    return Node(
        name=name,
        under=section.under,
        fuse_a=section.fuse_a,
        phases_count=section.phases,
        phase=section.phase,
        power_max_w=inf if section.power_max_w is None else section.power_max_w,
        measured=section.device is not None,
        period_s=max(periods, default=1.0),
        unmeasured_w=section.unmeasured_w,
    )


def is_writable(points: Mapping[str, PointInfo], point: str) -> bool:
    """Return whether the point accepts commands."""
    return point in points and points[point].writable


def is_given_back(points: Mapping[str, PointInfo], point: str) -> bool:
    """Return whether the release gives the point back to the control of its own device."""
    return point in points and points[point].on_release == "own"


def find_own_controls(points: Mapping[str, PointInfo]) -> dict[str, bool]:
    """Find the points that go back to the control of their own device, and whether they show it.

    A point that does not show it, and whose memory wears with each write, is given back once; it is not in
    the result.
    """
    given = {name: one for name, one in points.items() if one.writable and one.on_release == "own"}
    return {
        name: one.shows_own and one.read_back
        for name, one in given.items()
        if (one.shows_own and one.read_back) or not one.persistent
    }


def is_read_back(points: Mapping[str, PointInfo], point: str) -> bool:
    """Return whether the value in the device can be read back; True if there is no such point."""
    return point not in points or points[point].read_back


def has_fallback(points: Mapping[str, PointInfo], point: str) -> bool:
    """Return whether the device drops commands by itself after a time; True if there is no such point."""
    return point not in points or points[point].fallback is not None


def find_lease_s(points: Mapping[str, PointInfo], point: str) -> float:
    """Return the time in s for which a command lasts without a refresh; infinite without a timer."""
    fallback = points[point].fallback if point in points else None
    return (
        inf if fallback is None else min(fallback.after_s, 3 * (fallback.refresh_s or fallback.after_s / 3))
    )


def find_period_s(points: Mapping[str, PointInfo], point: str) -> float:
    """Return the read period of a point in s; 1 s if there is no such point."""
    return points[point].period_s if point in points else 1.0


def find_measured_period_s(points: Mapping[str, PointInfo], point: str) -> float | None:
    """Return the read period of a point in s; None if there is no such point."""
    return points[point].period_s if point in points else None


def make_supplies(
    site: site_file.SiteFile, points: Mapping[str, PointInfo]
) -> tuple[site_layout.SupplyMeter, ...]:
    """Make the supply meters of the site file; add the grid meter if it states the subscribed power."""
    grid, _ = site.grid()
    said = {name: supply.release_s for name, supply in site.supplies.items()}
    if any(f"{grid}.{quantity}" in points for quantity in SUBSCRIBED_POWER_POINTS):
        said[grid] = connection_sections.SupplySection.model_fields["release_s"].default
    return tuple(
        site_layout.SupplyMeter(
            name=name,
            release_s=release_s,
            period_s=find_period_s(points, f"{name}.apparent_power_va"),
            is_grid=name == grid,
        )
        for name, release_s in said.items()
    )


def find_clock_sources(
    site: site_file.SiteFile, points: Mapping[str, PointInfo]
) -> Iterator[site_layout.ClockSource]:
    """Yield meters that tell the time or, at the connection, the tariff in force; supplies first."""
    at_the_connection = (*site.supplies, site.grid()[0])
    for name in dict.fromkeys((*at_the_connection, *site.nodes)):
        tariff_s = (
            find_measured_period_s(points, f"{name}.tariff_index") if name in at_the_connection else None
        )
        clock_s = find_measured_period_s(points, f"{name}.{CLOCK_OFFSET}")
        if tariff_s is not None or clock_s is not None:
            yield site_layout.ClockSource(name=name, tariff_s=tariff_s, clock_s=clock_s)
