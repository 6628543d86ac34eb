"""The function's log and its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

_CALLER = 3
"""Frames up to the code that a log line names as its place."""


@dataclass(frozen=True, slots=True)
class LambdaJournal:
    """Log lines in JSON, and metrics in the log line that ends an invocation."""

    logger: Logger
    metrics: Metrics

    def info(self, message: str, /, **facts: object) -> None:
        self.logger.info(message, stacklevel=_CALLER, extra=facts)

    def warning(self, message: str, /, **facts: object) -> None:
        self.logger.warning(message, stacklevel=_CALLER, extra=facts)

    def error(self, message: str, /, **facts: object) -> None:
        self.logger.error(message, stacklevel=_CALLER, extra=facts)

    def exception(self, message: str, /, **facts: object) -> None:
        """An error, with the traceback of what is being handled."""
        self.logger.exception(message, stacklevel=_CALLER, extra=facts)  # noqa: LOG004 - the caller handles it

    def count(self, metric: str, number: int = 1) -> None:
        self.metrics.add_metric(metric, MetricUnit.Count, number)

    def milliseconds(self, metric: str, took: float) -> None:
        self.metrics.add_metric(metric, MetricUnit.Milliseconds, took)

    def beside_metrics(self, name: str, value: object) -> None:
        """Puts a value beside the metrics; as a dimension it would make a metric of each value."""
        self.metrics.add_metadata(name, value)
