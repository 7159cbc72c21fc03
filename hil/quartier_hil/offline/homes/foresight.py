"""The cheapest use of a battery for a course that is known, as a linear program for HiGHS.

Import costs, export earns nothing.  In and out have a price of a millionth, so that nothing goes round.
"""

from itertools import chain

import highspy
import numpy as np
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout, where our figures go

from quartier_hil.offline.homes.year import Battery, Hours

_STIR = 1e-6


def cheapest(net_kwh: Hours, price_per_kwh: Hours, battery: Battery, held_kwh: float) -> Hours:
    """What the battery takes (above zero) or gives in each hour, kWh at its terminals.

    Raises RuntimeError where HiGHS finds no optimum.
    """
    count = len(net_kwh)
    solver = Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)  # as all here: in one process all solvers share theirs
    solver.passModel(_program(net_kwh, price_per_kwh, battery, held_kwh))
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS: {solver.modelStatusToString(status).lower()}")
    columns: Hours = np.array(solver.getSolution().col_value)
    into, out = columns[:count], columns[count : 2 * count]
    return np.subtract(into, out)


def _program(net_kwh: Hours, price: Hours, battery: Battery, held_kwh: float) -> highspy.HighsLp:
    """Columns: in, out, import, held at the end of each hour.  Rows: what is held, then the connection."""
    count, one_way = len(net_kwh), battery.efficiency
    hours = range(count)
    free = np.full(count, highspy.kHighsInf)
    power = np.full(count, battery.power_kw)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = 4 * count, 2 * count
    program.col_cost_ = np.concatenate([np.full(2 * count, _STIR), price, np.zeros(count)])
    program.col_lower_ = np.zeros(4 * count)
    program.col_upper_ = np.concatenate([power, power, free, np.full(count, battery.capacity_kwh)])
    begun = np.zeros(count)
    begun[0] = held_kwh
    program.row_lower_ = np.concatenate([begun, net_kwh])
    program.row_upper_ = np.concatenate([begun, free])
    columns = list(
        chain(
            ([(at, -one_way), (count + at, -1.0)] for at in hours),
            ([(at, 1 / one_way), (count + at, 1.0)] for at in hours),
            ([(count + at, 1.0)] for at in hours),
            ([(at, 1.0), (at + 1, -1.0)][: count - at] for at in hours),
        )
    )
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_ = np.cumsum([0, *map(len, columns)], dtype=np.int32)
    program.a_matrix_.index_ = np.array([row for column in columns for row, _ in column], dtype=np.int32)
    program.a_matrix_.value_ = np.array([value for column in columns for _, value in column])
    return program
