"""The examples in the chart's ci/ folder, as helm renders them."""

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, Manifest, helm

EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
examples = pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])


FOREIGN = {"HTTPRoute", "ServiceMonitor", "PodMonitor", "PrometheusRule", "Issuer", "Certificate"}
"""Kinds that others' CRDs define."""


class Strict(yaml.SafeLoader):
    """Refuses a key that is there twice, as the apiserver does; PyYAML would take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        repeated = [key for key, times in Counter(key.value for key, _ in node.value).items() if times > 1]
        assert not repeated, f"{repeated} twice, line {node.start_mark.line + 1} of what helm renders"
        return super().construct_mapping(node, deep)


@lru_cache
def rendered(example: Path) -> list[Manifest]:
    done = helm("template", "graphcron", str(CHART), "--namespace", "ns", "--values", str(example))
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.load_all(done.stdout, Loader=Strict) if document]


def named(example: Path, kind: str) -> dict[str, Manifest]:
    return {item["metadata"]["name"]: item for item in rendered(example) if item["kind"] == kind}
