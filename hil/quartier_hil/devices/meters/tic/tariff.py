"""Tariffs of a Linky: names, indexes, and the one that counts at a moment.

Source: Enedis-NOI-CPT_54E version 3, sections 6.1.1 and 6.2.2 (historique: OPTARIF, PTEC and the
index labels of each option), 6.2.3 (standard: NGTF, LTARF, NTARF).  Hours are those of a usual
contract: low tariff from 22 to 6, EJP's peak from 7 to 1; Tempo and EJP know the day's colour from outside.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Name = Literal["base", "hc", "ejp", "tempo"]


@dataclass(frozen=True, slots=True)
class Period:
    """One of a tariff's periods: its place among the indexes (from 1) and its names in both modes."""

    index: int
    ptec: str
    counter: str
    ltarf: str


@dataclass(frozen=True, slots=True)
class Tariff:
    """``optarif`` in historique, ``ngtf`` in standard."""

    optarif: str
    ngtf: str
    periods: tuple[Period, ...]

    def period(self, local: dt.datetime, colour: int = 1) -> Period:
        """The one in force at ``local`` legal time; ``colour`` of the day: 1 blue, 2 white, 3 red.

        For EJP red is a day of mobile peak.
        """
        high = 6 <= local.hour < 22
        match len(self.periods):
            case 1:
                return self.periods[0]
            case 2 if self.optarif == "EJP.":
                return self.periods[colour == 3 and (local.hour >= 7 or local.hour < 1)]
            case 2:
                return self.periods[high]
            case _:
                return self.periods[2 * (colour - 1) + high]


TARIFFS: Mapping[Name, Tariff] = {
    "base": Tariff("BASE", "BASE", (Period(1, "TH..", "BASE", "BASE"),)),
    "hc": Tariff(
        "HC..",
        "H PLEINE/CREUSE",
        (Period(1, "HC..", "HCHC", "HEURE  CREUSE"), Period(2, "HP..", "HCHP", "HEURE  PLEINE")),
    ),
    "ejp": Tariff(
        "EJP.",
        "EJP",
        (Period(1, "HN..", "EJPHN", "HEURE NORMALE"), Period(2, "PM..", "EJPHPM", "POINTE MOBILE")),
    ),
    "tempo": Tariff(
        "BBR(",
        "TEMPO",
        (
            Period(1, "HCJB", "BBRHCJB", "HC BLEU"),
            Period(2, "HPJB", "BBRHPJB", "HP BLEU"),
            Period(3, "HCJW", "BBRHCJW", "HC BLANC"),
            Period(4, "HPJW", "BBRHPJW", "HP BLANC"),
            Period(5, "HCJR", "BBRHCJR", "HC ROUGE"),
            Period(6, "HPJR", "BBRHPJR", "HP ROUGE"),
        ),
    ),
}
TOMORROW = ("----", "BLEU", "BLAN", "ROUG")
