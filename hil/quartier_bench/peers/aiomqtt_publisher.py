"""Publish with QoS 1 by aiomqtt, in a virtual environment of its own.

``aiomqtt_publisher.py PORT TOPIC BYTES``: each line on stdin, a number of messages, is answered by a line
with the
CPU seconds that it took and how many the broker acknowledged.  Twenty are under way at a time.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module

IN_FLIGHT_MAX = 20


async def main() -> None:
    """Answer until stdin ends."""
    port, topic, payload = int(sys.argv[1]), sys.argv[2], b"x" * int(sys.argv[3])
    library = import_module("aiomqtt")
    async with library.Client("127.0.0.1", port, max_inflight_messages=IN_FLIGHT_MAX) as client:
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            left = iter(range(int(line)))
            done = 0
            before_s = time.process_time()

            async def one_by_one(left: Iterator[int] = left) -> None:
                nonlocal done
                for _ in left:
                    await client.publish(topic, payload, qos=1)
                    done += 1

            await asyncio.gather(*(one_by_one() for _ in range(IN_FLIGHT_MAX)))
            cpu_s = time.process_time() - before_s
            sys.stdout.write(json.dumps([cpu_s, done]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
