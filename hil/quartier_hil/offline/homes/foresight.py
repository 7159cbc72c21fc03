"""The cheapest use of a battery for a course that is known, as a linear program for HiGHS.

Import costs, export earns nothing.  In and out have a price of a millionth, so that nothing goes round.
Where an import is paid for (a price below 0) the line bends the other way: in these hours, and only there,
the program has whole numbers that say which way the battery and the connection go.
"""

from itertools import chain

import highspy
import numpy as np
from highspy._core import _Highs as Highs  # its wrapper says hello on stdout, where our figures go

from quartier_hil.offline.homes.year import Battery, Hours

_STIR = 1e-6


def cheapest(net_kwh: Hours, price_per_kwh: Hours, battery: Battery, held_kwh: float) -> Hours:
    """Return the energy that the battery takes (above zero) or gives in each hour, kWh at its terminals.

    Raises RuntimeError where HiGHS finds no optimum.
    """
    count = len(net_kwh)
    solver = Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)  # as all here: in one process all solvers share theirs
    solver.passModel(_program(net_kwh, price_per_kwh, battery, held_kwh))
    for hour in np.flatnonzero(price_per_kwh < 0.0):
        _bend(solver, int(hour), len(net_kwh), float(net_kwh[hour]), battery)
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"HiGHS: {solver.modelStatusToString(status).lower()}")
    columns: Hours = np.array(solver.getSolution().col_value)
    into, out = columns[:count], columns[count : 2 * count]
    return np.subtract(into, out)


def _bend(solver: Highs, hour: int, count: int, net_kwh: float, battery: Battery) -> None:
    """An import of that hour that is the connection's, no more, and a battery that goes one way."""
    into, out, taken = hour, count + hour, 2 * count + hour
    power, free = battery.power_kw, highspy.kHighsInf
    way, side = solver.getNumCol(), solver.getNumCol() + 1
    for column in (way, side):
        solver.addCol(0.0, 0.0, 1.0, 0, [], [])
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    solver.addRow(-free, 0.0, 2, [into, way], [1.0, -power])
    solver.addRow(-free, power, 2, [out, way], [1.0, power])
    solver.addRow(-free, 0.0, 2, [taken, side], [1.0, -max(net_kwh + power, 0.0)])
    over_kwh = max(power - net_kwh, 0.0)  # by how much at most it feeds in, where nothing is taken
    solver.addRow(-free, net_kwh + over_kwh, 4, [taken, into, out, side], [1.0, -1.0, 1.0, over_kwh])


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
