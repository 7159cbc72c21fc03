"""Read single settings of the site file: link parameters, store, deadbands, local assets."""

import zlib
from pathlib import Path

from quartier.config.sections import site_file
from quartier.control.link.allowed import LinkParameters
from quartier.site import site_layout
from quartier.store.deadband import Deadband, Deadbands
from quartier.store.history_store import Store


def find_random_seed(site: site_file.SiteFile) -> int:
    """Return a number specific to this site, the same at every start, that spreads random delays."""
    return zlib.crc32(f"{site.site.district}.{site.site.id}".encode())


def make_link_params(site: site_file.SiteFile, limits: site_layout.SiteLimits) -> LinkParameters:
    """Make the parameters of the link-state machine."""
    return LinkParameters(
        limits=limits,
        heartbeat_timeout_s=site.limits.heartbeat_timeout_s,
        failsafe_min_s=site.limits.failsafe_min_s,
        hold_max_s=site.limits.hold_max_s,
        heartbeat_offset_max_s=site.clock.heartbeat_offset_max_s,
        seed=find_random_seed(site),
    )


def find_no_fallback_reasons(site: site_file.SiteFile) -> dict[str, str]:
    """Find why assets may be ordered although their device never drops a command, as the site file states."""
    found = {name: getattr(asset, "accept_no_fallback", None) for name, asset in site.assets.items()}
    return {name: reason for name, reason in found.items() if reason is not None}


def list_local_assets(site: site_file.SiteFile) -> tuple[str, ...]:
    """List the assets whose data never leave the site."""
    return tuple(name for name, asset in site.assets.items() if asset.share == "local")


def make_store(site: site_file.SiteFile, runtime_dir: Path, state_dir: Path) -> Store:
    """Make the local history as the site file configures it; it is not opened yet."""
    return Store(
        site.store.file(state_dir),
        runtime_dir,
        size_max_bytes=site.store.size_max_mb * 1_000_000,
        commit_s=site.store.commit_s,
        chunk_count=site.store.chunk_count,
        deadbands=Deadbands(make_deadbands(site)),
        assets=tuple(site.assets),
        local_streams=list_local_assets(site),
        outbox=site.district_link is not None,
    )


def make_deadbands(site: site_file.SiteFile) -> dict[str, Deadband]:
    """Make the site's deadbands, by unit or kind of value."""
    section = site.store.deadbands
    power = Deadband(section.power_w, section.power_pct, section.power_period_s)
    counter = Deadband(period_s=section.counter_period_s)
    return {
        **dict.fromkeys(("w", "va", "var"), power),
        **dict.fromkeys(("wh", "varh", "m3", "count"), counter),
        "v": Deadband(section.voltage_v),
        "a": Deadband(section.current_a, share_pct=1.0, period_s=section.power_period_s),
        "hz": Deadband(section.frequency_hz),
        "c": Deadband(section.temperature_k),
        "k": Deadband(section.temperature_k),
        "pct": Deadband(section.soc_pct),
    }
