"""Take a site file from a person (``quartier apply``), with rights that depend on where the person is.

At the gateway's console a person may change everything that ``quartier check`` accepts; neither heartbeat nor
district is needed.  From anywhere else only keys that are free in ``config/change_rights.py`` may change.
The text is stored beside the installer's file and takes precedence over it (see ``LoadedSite.ordered``).
Every change of keys that only a person on site may change is reported to the history and the district, even
if somebody with the rights to do so wrote the file itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from quartier.config import change_rights, loading, stored_site_file
from quartier.config.change_rights import ChangeRight
from quartier.config.loading import LoadedSite
from quartier.config.stored_site_file import APPLIED_FILE, APPLIED_NAME, GatewayPaths, StoredSiteFile
from quartier.runtime import state_file
from quartier.runtime.local_socket import presence
from quartier.runtime.local_socket.orders import OnSiteOrderHandlers
from quartier.runtime.local_socket.presence import AskingProcess, Presence, ProvePresence
from quartier.runtime.service_context import ServiceContext
from quartier_drivers.contract import Origin
from quartier_drivers.errors import ConfigError

PROTECTED_FILE = "protected"
KEYS_COUNT_MAX = 50
CHANGE_PERIOD_S = 1.0
TRIAL_RUN_S = 60.0
_PERIOD_FLOOR_S = 0.05
_ADOPTION_PERIODS = 60
_FILE_NAME_MAX = 1000


class SiteFileChanges:
    """Takes site files from people.

    ``adopt`` makes the daemon read its site file again.  ``loaded`` returns the site file in use.  ``prove``
    tells whether the asker is on site.
    """

    def __init__(
        self,
        places: GatewayPaths,
        loaded: Callable[[], LoadedSite],
        adopt: Callable[[], None],
        context: ServiceContext,
        prove: ProvePresence = presence.prove_presence,
    ) -> None:
        self._config = places.config
        self._state_dir = places.state_dir
        self._loaded = loaded
        self._adopt = adopt
        self._clock = context.clock
        self._event = context.event
        self._log = context.log
        self._prove = prove

    @property
    def order_handlers(self) -> OnSiteOrderHandlers:
        """The orders that the order socket accepts."""
        return {"apply": self.apply}

    async def run(self) -> None:
        """Report what each new site file changed; after a minute note that a run with it lasts; for ever."""
        began_ns, lasted, seen = self._clock.now().ns, False, None
        while True:
            if (loaded := self._loaded()) is not seen:
                seen = loaded
                await self._follow_site_file(loaded)
            if not lasted and self._clock.now().ns - began_ns > TRIAL_RUN_S * 1e9:
                lasted = True
                await self._try_write(
                    partial(stored_site_file.note_run_lasted, self._state_dir, loaded.ordered)
                )
            await self._clock.sleep_coarsely(CHANGE_PERIOD_S, _PERIOD_FLOOR_S)

    async def apply(self, request: Mapping[str, Any], who: Origin, asker: AskingProcess) -> dict[str, Any]:
        """Check the site file in ``text`` and put it into use; with ``check`` only check it.

        ``file`` is the name that faults give it.  The answer lists the keys that it changes.  ``error`` and
        ``faults`` say why it is not used.
        """
        text, standing = request.get("text"), self._prove(asker, request)
        if not isinstance(text, str) or not text.strip():
            return {"error": "the site file is missing; expected its whole text"}
        used, instead = self._loaded(), loading.ReplacementText(_find_file_name(request), text)
        try:
            changed, refused = await asyncio.to_thread(self._check_text, instead, used, standing)
        except ConfigError as error:
            return {
                "error": "it has faults",
                "faults": [str(fault) for fault in error.faults[:KEYS_COUNT_MAX]],
            }
        answer = {"changed": changed[:KEYS_COUNT_MAX], "at": standing.place, "used": False}
        if refused:
            why = f"a person at the console of the gateway is needed: {standing.why_not}"
            return {**answer, "error": why, "faults": refused[:KEYS_COUNT_MAX]}
        if request.get("check") is True or not changed:
            return answer
        return await self._save_and_adopt(text, who, standing, answer)

    async def _save_and_adopt(
        self, text: str, who: Origin, standing: Presence, answer: dict[str, Any]
    ) -> dict[str, Any]:
        """Save the text, report the change, and make the daemon read it."""
        place = standing.place or "from afar"
        over = await asyncio.to_thread(stored_site_file.find_file_digest, self._config)
        applied = StoredSiteFile(text, over, f"{who.name}, {place}", self._clock.now().utc_ms)
        if not await self._try_write(
            partial(stored_site_file.save_stored_site_file, self._state_dir, applied, APPLIED_FILE)
        ):
            return {**answer, "error": "it cannot be kept on disk; the site file in use stays"}
        said = f"{who.name} ({place}) applied a site file"
        self._record_change("site.applied", said, answer["changed"], by=who.name, at=place)
        self._adopt()
        for _ in range(_ADOPTION_PERIODS):
            if self._loaded().ordered == applied.name:
                return {**answer, "used": True}
            await self._clock.sleep_coarsely(CHANGE_PERIOD_S, _PERIOD_FLOOR_S)
        return {**answer, "error": "it is kept, but the gateway does not use it; see its log"}

    def _check_text(
        self, instead: loading.ReplacementText, used: LoadedSite, standing: Presence
    ) -> tuple[list[str], list[str]]:
        """Return the changed keys, and the faults for an asker who is not on site.  Raises ConfigError."""
        found = loading.check_site_file(self._config, instead)
        base = stored_site_file.load_on_site_file(self._config, self._state_dir)
        judgement = change_rights.evaluate_remote_file(base.site, used.site, found.site)
        changed = [*judgement.changed]
        if standing.is_on_site:
            return changed, []
        refused = [str(fault) for fault in loading.make_faults(instead, judgement.refused)]
        looser = "looser: only a person on site, or the district, may set it"
        refused += [f"{key}: {looser}" for key in judgement.loosened]
        return changed, refused

    async def _follow_site_file(self, loaded: LoadedSite) -> None:
        """Report changes of protected keys; delete an applied text that the gateway's file supersedes."""
        try:
            gone = await asyncio.to_thread(
                stored_site_file.drop_superseded, self._config, self._state_dir, APPLIED_FILE
            )
            stored = await asyncio.to_thread(
                stored_site_file.load_stored_site_file, self._state_dir, APPLIED_FILE
            )
        except OSError as error:
            self._log.warning("site.not_kept", why=error.strerror or str(error))
            return
        if gone:
            self._record_change(
                "site.superseded", f"the site file of {gone} gives way to the file at the gateway", []
            )
        elif stored is not None and stored.text and stored.starts_count >= stored_site_file.STARTS_COUNT_MAX:
            text = (
                f"with the site file of {stored.name} the gateway failed within a minute of every start: the "
                "file at the gateway is used"
            )
            self._record_change("site.given_up", text, [])
        keys = await asyncio.to_thread(self._find_protected_changes, loaded)
        if keys:
            names = ", ".join(keys[:KEYS_COUNT_MAX])
            text = f"the site file changed {names}, which only a person on site may change"
            self._record_change(
                "site.protected_changed", text, keys, by=loaded.ordered or "the file at the gateway"
            )

    def _find_protected_changes(self, loaded: LoadedSite) -> list[str]:
        """Return the protected keys that changed since the last site file in use, and save their new values.

        A site file with disabled parts shows nothing about changes.
        """
        if loaded.disabled:
            return []
        now = {
            ".".join(map(str, path)): repr(value)
            for path, value in change_rights.list_keys(loaded.site)
            if change_rights.find_right(path).right is ChangeRight.ON_SITE
        }
        before = state_file.load_facts(self._state_dir / PROTECTED_FILE)
        if before == now:
            return []
        try:
            state_file.save_facts(self._state_dir / PROTECTED_FILE, now)
        except OSError as error:
            self._log.warning("site.not_kept", why=error.strerror or str(error))
        if before is None:
            return []
        return sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))

    async def _try_write(self, write: Callable[[], None]) -> bool:
        try:
            await asyncio.to_thread(write)
        except OSError as error:
            self._log.warning("site.not_kept", why=error.strerror or str(error))
            return False
        return True

    def _record_change(self, code: str, text: str, keys: list[str], **data: str) -> None:
        told = {
            **data,
            "keys": keys[:KEYS_COUNT_MAX],
            **({"more": len(keys) - KEYS_COUNT_MAX} if keys[KEYS_COUNT_MAX:] else {}),
        }
        self._log.info(code, text=text, **told)
        self._event(code, text, told, self._clock.now())


def _find_file_name(request: Mapping[str, Any]) -> str:
    """Return the name of the file that a person hands over, as that person wrote it."""
    name = request.get("file")
    return name if isinstance(name, str) and 0 < len(name) <= _FILE_NAME_MAX else APPLIED_NAME
