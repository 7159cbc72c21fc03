"""Sites where any event may happen, and what must hold after it: for hypothesis, and for long walks.

``python -m tests.gateway.control.walk 1000000 7`` takes a million seeded moves and says how far it came; what
breaks is told with a line that replays it, and is cut down to the moves that it needs.

A walk drives the whole pure controller, in the order of ``control/sequence.py``: grid events, link state, caps, orders
by hand, the cycle.  It goes through hundreds of sites (``sites``), drawn by number: batteries, PV with a
limit, a relay or neither, charge points alone and in groups with departures, loads of all tiers, street
lights, heat pumps, cooling, geothermal pumps, CHP led by heat or electricity, waste batches with a
deadline, runs of the day, ventilation; boards with fuses per phase, with and without meters, on one phase or
three; grid meters of W, of VA alone, slow ones, with and without frequency and voltage; contacts and meters of
the grid operator; cycles of 0.5, 1 and 5 s; devices with and without fallbacks and timers.

What happens to them (``moves``): time, late cycles; readings that are wrong (sentinels, not a number, infinite,
off by a factor, of the wrong sign), that stand still, are bad, stale, or lost, of a point or a whole device;
devices that do not obey, and second masters; loads, sun, cars that come, go and want; states of charge,
temperatures, air, batches; frequency at 0.1, 0.5 and 2 Hz/s, voltage low, high, gone and back, on one phase or
all; contacts; heartbeats; documents tightening, loosening, in the past and the future, replayed, altered, with
nonsense in them; fail-safe values, commands; local plans of
any size; orders by hand and maintenance, cancelled, run out and over
restarts; restarts with and without a boot and without power; the site file read again with an asset less or
more; wall clocks that jump both ways, and are not trusted.

What must hold is in ``judge`` and ``flows``, each by its clause of spec/failsafe.md.
"""
