"""Computes the cost of a step's stored energy as pieces of rising slope.

Part of the specification of ``storage``.
"""

from typing import NamedTuple


class Step(NamedTuple):
    """One step of a horizon.  Energies in Wh of the step, prices in money per Wh."""

    net_wh: float
    """Energy at the meter without the storage and without curtailment; import is positive."""
    curtailable_wh: float
    """Largest rise of ``net_wh`` by curtailing generation; 0 or more."""
    import_price: float
    export_price: float
    """Revenue of an exported Wh; below 0 it costs."""
    over_price: float
    """Extra cost of an imported Wh above ``contract_wh``, on top of its price; 0 or more."""
    contract_wh: float
    import_max_wh: float
    export_max_wh: float
    """Caps; 0 or more, may be infinite."""
    low_wh: float
    high_wh: float
    """The least and the most change of the stored energy; a minus takes from the storage."""
    floor_wh: float
    ceiling_wh: float
    """Bounds of the stored energy at the end of the step."""


class Wiring(NamedTuple):
    """The losses and the wear between the meter and the store."""

    charge_efficiency: float
    discharge_efficiency: float
    wear_price: float
    """Money per Wh that goes into the store, and per Wh that leaves it."""


class Piece(NamedTuple):
    """A stretch of the stored energy's change along which each Wh costs the same."""

    breach: float
    """Wh beyond the caps per stored Wh: it counts before all money; below 0 it takes such away."""
    price: float
    length_wh: float
    kink_wh: float
    """0, or how far from its begin the true cost lies above this piece, which is then a chord."""


class Flow(NamedTuple):
    """The effect of a step at the meter."""

    grid_wh: float
    curtailed_wh: float
    cost: float
    excess_wh: float


def pieces(step: Step, wiring: Wiring) -> list[Piece]:
    """The convex hull of a step's cost over the change of the stored energy, from ``low_wh`` to
    ``high_wh``.

    Costs are pairs: Wh beyond the caps first, then money.  Both sides of no change and of each corner of
    the meter's cost (export cap, zero, contract, import cap) have their slope; curtailment lifts what is
    exported as long as that is worth while.  Where slopes fall, neighbours become one piece, their chord:
    ``kink_wh`` then tells it.
    """
    made: list[Piece] = []
    per_charge, per_discharge = 1.0 / wiring.charge_efficiency, wiring.discharge_efficiency
    at_wh = step.low_wh
    for upper_wh, breach, price in _regions(step):
        difference_wh = upper_wh - step.net_wh
        if difference_wh < 0.0:
            end_wh = difference_wh / per_discharge
        else:
            end_wh = difference_wh * wiring.charge_efficiency
        end_wh = min(end_wh, step.high_wh)
        if at_wh < end_wh and at_wh < 0.0:
            part_wh = min(end_wh, 0.0)
            length_wh = part_wh - at_wh
            append(
                made, Piece(breach * per_discharge, price * per_discharge - wiring.wear_price, length_wh, 0.0)
            )
            at_wh = part_wh
        if at_wh < end_wh:
            length_wh = end_wh - at_wh
            append(made, Piece(breach * per_charge, price * per_charge + wiring.wear_price, length_wh, 0.0))
            at_wh = end_wh
    return made


def flow(step: Step, wiring: Wiring, moved_wh: float) -> Flow:
    """Return what a change of the stored energy does at the meter, with the best curtailment."""
    if moved_wh < 0.0:
        without_wh = step.net_wh + moved_wh * wiring.discharge_efficiency
        wear = 0.0 - moved_wh * wiring.wear_price
    else:
        without_wh = step.net_wh + moved_wh / wiring.charge_efficiency
        wear = moved_wh * wiring.wear_price
    curtailed_wh = min(max(best_wh(step) - without_wh, 0.0), step.curtailable_wh)
    grid_wh = without_wh + curtailed_wh
    if grid_wh < 0.0:
        cost = grid_wh * step.export_price + wear
        excess_wh = max(0.0 - step.export_max_wh - grid_wh, 0.0)
    else:
        cost = grid_wh * step.import_price + max(grid_wh - step.contract_wh, 0.0) * step.over_price + wear
        excess_wh = max(grid_wh - step.import_max_wh, 0.0)
    return Flow(grid_wh, curtailed_wh, cost, excess_wh)


def falling(step: Step) -> int:
    """Return how many regions of the meter's cost fall: from the left they are export beyond its cap, export,
    import, import up to the second of contract and cap.  Curtailment goes as far as the last of them.
    """
    if step.import_price >= 0.0:
        return 2 if step.export_price < 0.0 else 1
    if step.contract_wh <= step.import_max_wh and step.import_price + step.over_price < 0.0:
        return 4
    return 3


def best_wh(step: Step) -> float:
    """The meter's energy that costs least."""
    count = falling(step)
    if count == 1:
        return 0.0 - step.export_max_wh
    if count == 2:
        return 0.0
    if count == 3:
        return min(step.contract_wh, step.import_max_wh)
    return max(step.contract_wh, step.import_max_wh)


def _regions(step: Step) -> list[tuple[float, float, float]]:
    """The meter's cost under the best curtailment: (upper end in Wh before curtailment, breach, price)."""
    inner_wh = min(step.contract_wh, step.import_max_wh)
    outer_wh = max(step.contract_wh, step.import_max_wh)
    over = step.import_price + step.over_price
    kept = step.contract_wh <= step.import_max_wh
    meter = [
        (0.0 - step.export_max_wh, -1.0, step.export_price),
        (0.0, 0.0, step.export_price),
        (inner_wh, 0.0, step.import_price),
        (outer_wh, 0.0, over) if kept else (outer_wh, 1.0, step.import_price),
        (float("inf"), 1.0, over),
    ]
    count = falling(step)
    return [
        *((upper - step.curtailable_wh, breach, price) for upper, breach, price in meter[:count]),
        (meter[count - 1][0], 0.0, 0.0),
        *meter[count:],
    ]


def append(made: list[Piece], piece: Piece) -> None:
    """Put a piece to the right of the others; where slopes would fall, neighbours become their chord."""
    while made:
        last = made[-1]
        if (piece.breach, piece.price) > (last.breach, last.price):
            break
        length_wh = last.length_wh + piece.length_wh
        if piece.breach == last.breach and piece.price == last.price:
            kink_wh = (
                last.kink_wh if last.kink_wh > 0.0 or piece.kink_wh == 0.0 else last.length_wh + piece.kink_wh
            )
            piece = Piece(last.breach, last.price, length_wh, kink_wh)
        else:
            breach = (last.breach * last.length_wh + piece.breach * piece.length_wh) / length_wh
            price = (last.price * last.length_wh + piece.price * piece.length_wh) / length_wh
            piece = Piece(breach, price, length_wh, last.length_wh)
        made.pop()
    made.append(piece)
