"""The operator's metrics, all of them observed, of an operator that has nothing to do."""

from graphcron.operator.cron_metrics import EachGraphCron
from graphcron.operator.metrics import OperatorMetrics


def idle_metrics() -> OperatorMetrics:
    metrics = OperatorMetrics()
    metrics.observe(
        queue_depth=lambda: 0,
        leads=lambda: True,
        last_watch=lambda: 0,
        states=dict,
        unmet=dict,
        each=EachGraphCron(0, dict, dict),
        quarantined=lambda: 0,
    )
    return metrics
