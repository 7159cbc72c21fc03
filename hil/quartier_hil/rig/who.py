"""Identify the device at a place of the bench, and compare it with the bench file."""

from dataclasses import dataclass

from pydantic import ValidationError

from quartier_drivers.device_profile import loading
from quartier_drivers.errors import ConfigError
from quartier_hil import siting
from quartier_hil.rig.bench import Device, Meter, Place
from quartier_hil.rig.client import Client, Denied, NoAnswer
from quartier_hil.rig.register import Register

_SERIAL, _FIRMWARE = "serial", "firmware"


@dataclass(frozen=True, slots=True)
class Who:
    """Identity of a device: whether it answers, its own text, and the mismatch if there is one."""

    answers: bool
    words: str
    wrong: str = ""


def identity(place: Place) -> Register | None:
    """Return the register of its identity: of the bench file, else of its profile, which both may use."""
    stated = place.identity if isinstance(place, Device | Meter) else None
    if stated is not None or not isinstance(place, Device):
        return stated
    try:
        profile = loading.require_register_profile(
            loading.load_profile(place.profile, [siting.profiles_folder()])
        )
    except ConfigError:
        return None
    source = profile.identity.get(_SERIAL) or profile.identity.get(_FIRMWARE)
    if source is None:
        return None
    is_text = source.type_name == "string"
    told = {
        "register": str(source.address),
        "type": "text" if is_text else source.type_name,
        "words": source.word_order,
        "scale": source.scale,
        "length": source.width if is_text else 8,
    }
    try:
        return Register.model_validate(told)
    except ValidationError:
        return None  # an encoding that the rig has no own decoder for


async def asked(place: Place, client: Client, probe: Register | None = None) -> Who:
    """Ask at a place; ``probe`` is read where it does not say who it is.  Never raises for what is silent."""
    wanted = place.serial if isinstance(place, Device | Meter) else None
    where = identity(place)
    try:
        if where is not None:
            words = where.shown(await client.words(where))
        else:
            words = await _named(client, probe)
    except Denied as error:
        wrong = f"does not say {wanted}: {error}" if wanted is not None else ""
        return Who(answers=True, words=f"answers with {error}", wrong=wrong)
    except NoAnswer as error:
        return Who(answers=False, words="", wrong=str(error))
    if wanted is not None and words != wanted:
        return Who(answers=True, words=words, wrong=f"says {words or 'nothing'}, expected {wanted}")
    return Who(answers=True, words=words)


async def _named(client: Client, probe: Register | None) -> str:
    """By function 43/14, else that it answers at all."""
    try:
        return " ".join(await client.identity())
    except Denied:
        pass
    except NoAnswer:
        if probe is None:
            raise
    if probe is None:
        return "answers"
    await client.words(probe)
    return "answers"
