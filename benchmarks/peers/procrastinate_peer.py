"""procrastinate on PostgreSQL: N no-op jobs deferred, then one worker, twenty at once. Prints JSON."""

import asyncio
import json
import sys
import time

import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1]))


@app.task(name="deliver")
async def deliver(number: int) -> None:
    """Nothing: completing the job is the durable record."""


async def main(size: int) -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await deliver.batch_defer_async(*[{"number": number} for number in range(size)])
        wall, cpu = time.perf_counter(), time.process_time()
        await app.run_worker_async(wait=False, concurrency=20, install_signal_handlers=False)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        done = await app.job_manager.list_jobs_async(status="succeeded")
        print(json.dumps({"seconds": wall, "cpu": cpu, "done": len(list(done))}))


asyncio.run(main(int(sys.argv[2])))
