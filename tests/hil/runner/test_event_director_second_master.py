from quartier_hil.runner.event_director import SecondModbusMaster
from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.foreign_writes import build_foreign_writes
from quartier_sim.modbus.keba_p30 import P30


async def test_a_second_client_moves_what_the_first_one_ordered():
    station = P30(rated_a=16.0)
    async with await serve_tcp(station) as endpoint:
        first, second = SecondModbusMaster(endpoint.port), SecondModbusMaster(endpoint.port)
        await first.order(build_foreign_writes(station, 6.0))
        await second.order(build_foreign_writes(station, 13.0))

        assert 13.0 == station.orders()["current_max_a"]
        assert (2, 0, 2, 0) == (
            first.taken_count,
            first.refused_count,
            second.taken_count,
            second.refused_count,
        )


async def test_what_a_device_refuses_or_nobody_answers_is_counted():
    station = P30(rated_a=16.0)
    async with await serve_tcp(station) as endpoint:
        second_master = SecondModbusMaster(endpoint.port)
        await second_master.order([(255, bytes.fromhex("06 138C 0001"))])  # 1 mA is too little
        station.fault("off")
        await second_master.order(build_foreign_writes(station, 13.0))

        assert (0, 3) == (second_master.taken_count, second_master.refused_count)
        station.clear()
        await endpoint.ready()
