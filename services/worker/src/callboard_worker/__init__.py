"""The worker's side of Callboard: a client to report with, a command line, and a reference worker."""

from callboard_worker.sdk.blocking import BlockingClient, BlockingRun, BlockingWorkflow
from callboard_worker.sdk.client import CallboardClient, ExecutionPage
from callboard_worker.sdk.execution import ExecutionRun
from callboard_worker.sdk.gateway import GatewayOptions
from callboard_worker.sdk.retry import RetryNotice, RetryPolicy
from callboard_worker.sdk.stream import ConnectionLost, EventStream, Resumed, StreamItem
from callboard_worker.sdk.workflow import Workflow

__all__ = [
    "BlockingClient",
    "BlockingRun",
    "BlockingWorkflow",
    "CallboardClient",
    "ConnectionLost",
    "EventStream",
    "ExecutionPage",
    "ExecutionRun",
    "GatewayOptions",
    "Resumed",
    "RetryNotice",
    "RetryPolicy",
    "StreamItem",
    "Workflow",
]
