"""Counters of tokens and money by namespace and model, of which there is a bounded number."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from prometheus_client import CollectorRegistry, Counter

from graphcron.firing.usage import OTHER_MODELS
from graphcron.resource.backfill import BackfillFiring
from graphcron.resource.prices import Prices, by_model
from graphcron.resource.status import EndedFiring
from graphcron.resource.usage import TokenCounts, Usage

SERIES_LIMIT = 500
"""Pairs of namespace and model. Further models of a namespace are `other`, and further namespaces, too."""
MODELS_LIMIT = 50
"""Models of a namespace: its graphs name them, and leave room for those of others."""

KINDS = {"input": "input_tokens", "output": "output_tokens", "cached": "cached_tokens"}


class SpendingMetrics:
    """A firing counts where its status is written first; one that never is in a history, because ten newer ones ended
    with it or before it, does not."""

    def __init__(self, registry: CollectorRegistry, prices: Prices) -> None:
        self._prices = prices
        self._pairs: set[tuple[str, str]] = set()
        self._tokens = Counter(
            "graphcron_tokens",
            "Tokens that firings used, by model. Cached tokens are part of the input.",
            ["namespace", "model", "kind"],
            registry=registry,
        )
        self._cost = Counter(
            "graphcron_cost", "What these tokens cost.", ["namespace", "model", "currency"], registry=registry
        )

    def wrote_backfill(self, namespace: str, before: Any, after: Mapping[str, Any]) -> None:
        """Count what a status of a backfill is the first to have; its firings never change."""
        ended = _of(after, "firings") or ()
        if not ended or ended == (recorded := _of(before, "firings")):
            return
        known = {_job(firing) for firing in recorded} if isinstance(recorded, list) else set()
        for firing in ended:
            if _job(firing) not in known and "usage" in firing:
                self.count(namespace, BackfillFiring.model_validate(firing), None)

    def count(self, namespace: str, firing: EndedFiring, recorded: EndedFiring | None) -> None:
        """Count what a firing used, without what is counted of it."""
        if firing.usage is None or (recorded and recorded.usage == firing.usage):
            return
        now, before = (_by_model(one.usage if one else None) for one in (firing, recorded))
        for model, counts in now.items():
            known = before.get(model, TokenCounts())
            labels = self._labels(namespace, model)
            for kind, field in KINDS.items():
                if (more := getattr(counts, field) - getattr(known, field)) > 0:
                    self._tokens.labels(*labels, kind).inc(more)
            if price := self._prices.price_of(model):
                cost = max(Decimal(), price.of(counts) - price.of(known))
                self._cost.labels(*labels, self._prices.currency).inc(float(cost))

    def _labels(self, namespace: str, model: str) -> tuple[str, str]:
        for pair in ((namespace, model), (namespace, OTHER_MODELS)):
            if pair in self._pairs or self._has_room_for(*pair):
                self._pairs.add(pair)
                return pair
        return "", OTHER_MODELS

    def _has_room_for(self, namespace: str, model: str) -> bool:
        models = sum(one == namespace for one, _ in self._pairs)
        return len(self._pairs) < SERIES_LIMIT and (models < MODELS_LIMIT or model == OTHER_MODELS)


def _by_model(usage: Usage | None) -> dict[str, TokenCounts]:
    return by_model(usage) if usage else {}


def _of(status: Any, name: str) -> Any:
    return status.get(name) if isinstance(status, Mapping) else None


def _job(firing: Any) -> Any:
    return firing.get("jobName") if isinstance(firing, Mapping) else None
