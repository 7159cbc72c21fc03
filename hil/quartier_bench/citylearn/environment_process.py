"""Run CityLearn's environment over two pipes, in a virtual environment that has it (it is no dependency).

One line of JSON each: the observations at the beginning of an hour go out, the actions of the batteries
come
in, CityLearn's scores go out at the end.  It imports nothing of ours.
"""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

SCORE_NAMES = {
    "cost_total": "cost",
    "carbon_emissions_total": "co2",
    "all_time_peak_average": "peak",
    "daily_peak_average": "daily_peak",
    "ramping_average": "ramping",
}
"""CityLearn's names of what ``quartier-hil homes`` tells."""
OBSERVATIONS = (
    "non_shiftable_load",
    "solar_generation",
    "electrical_storage_soc",
    "net_electricity_consumption",
)


def main(schema: str, hours: int, agent: str) -> None:
    """Let ``agent`` live so many hours: ``pipe`` is whoever reads us, another CityLearn's of that name."""
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # CityLearn prints, and the pipe is for us alone
        for line in run_agent(schema, hours, agent):
            out.write(json.dumps(line) + "\n")
            out.flush()


def run_agent(schema: str, hours: int, agent: str, orders: TextIO = sys.stdin) -> Iterator[Mapping[str, Any]]:
    """The lines that go out."""
    from citylearn.citylearn import CityLearnEnv  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - found in the guest's interpreter alone

    options = {"simulation_end_time_step": hours - 1} if hours else {}
    env = CityLearnEnv(schema, central_agent=False, **options)
    shown, _ = env.reset()
    theirs = None
    if agent != "pipe":
        from citylearn.agents import rbc  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - as above

        theirs = getattr(rbc, agent)(env)
    yield {"homes": [one.name for one in env.buildings], "hours": env.time_steps}
    while not env.terminated:
        if theirs is None:
            yield _make_hour(env, shown)
            actions = json.loads(orders.readline())
        else:
            actions = theirs.predict(shown, deterministic=True)
        shown, *_ = env.step(actions)
    yield {"scores": _read_scores(env)}


def _make_hour(env: Any, shown: Sequence[Sequence[float]]) -> Mapping[str, Any]:
    names = env.observation_names[0]
    homes = [[float(values[names.index(name)]) for name in OBSERVATIONS] for values in shown]
    return {
        "row": int(env.time_step),
        "co2": float(shown[0][names.index("carbon_intensity")]),
        "homes": homes,
    }


def _read_scores(env: Any) -> Mapping[str, float]:
    table = env.evaluate()
    found = {}
    for theirs, ours in SCORE_NAMES.items():
        rows = table[(table["cost_function"] == theirs) & (table["level"] == "district")]
        found[ours] = float(rows["value"].iloc[0])
    return found


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
