"""DBOS: N workflows of one no-op step enqueued, then one process, a hundred at once. Prints JSON."""

import json
import sys
import time

from dbos import DBOS, DBOSClient

url, size = sys.argv[1], int(sys.argv[2])
DBOS(config={"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})


@DBOS.step()
def write(number: int) -> int:
    """Nothing: the step's output is the durable record."""
    return number


@DBOS.workflow()
def deliver(number: int) -> int:
    """One delivery."""
    return write(number)


DBOS.launch()  # makes its tables
DBOS.register_queue("deliveries", concurrency=100, polling_interval_sec=0.1)
DBOS.destroy(destroy_registry=False)
client = DBOSClient(system_database_url=url)
handles = [client.enqueue({"queue_name": "deliveries", "workflow_name": "deliver"}, n) for n in range(size)]
DBOS(config={"name": "bench", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})
wall, cpu = time.perf_counter(), time.process_time()
DBOS.launch()
done = sum(handle.get_result() >= 0 for handle in handles)
print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "done": done}), flush=True)
DBOS.destroy()
