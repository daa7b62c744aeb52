"""The chart's README and schema, from the comments in values.yaml."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools.docs import chart_docs

VALUES = """\
# About this file.

# What it is
# in two lines.
# @schema enum: [a, b]
mode: a

# A group.
group:
  # How many.
  # @schema minimum: 1, maximum: 9
  count: 3
  # Anything | at all.
  free: {}
  # A whole, though it has keys.
  # @schema type: [object, "null"]
  whole: {cpu: 1}
  # As in a pod spec.
  # @schema $ref: Resources
  resources: {limits: {cpu: 1}}
  # Also as in a pod spec.
  # @schema items: {$ref: Toleration}
  tolerations: []
  inner:
    # Matches.
    # @schema pattern: '^(https?://[^\\s]+)?$'
    url: ""
"""


def schema() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(chart_docs.to_json(chart_docs.read(VALUES)))
    return made


def test_a_value_has_the_type_of_its_default_and_the_keywords_of_its_comment() -> None:
    group = schema()["properties"]["group"]["properties"]
    assert group["count"] == {"type": "integer", "minimum": 1, "maximum": 9, "description": "How many."}
    assert group["inner"]["properties"]["url"]["pattern"] == r"^(https?://[^\s]+)?$"
    assert schema()["properties"]["mode"] == {"enum": ["a", "b"], "description": "What it is in two lines."}


def test_groups_allow_no_other_keys_and_values_as_a_whole_do() -> None:
    found = schema()
    group = found["properties"]["group"]
    assert found["additionalProperties"] is group["additionalProperties"] is False
    assert group["properties"]["inner"]["additionalProperties"] is False
    assert group["properties"]["free"] == {"type": "object", "description": "Anything | at all."}
    assert group["properties"]["whole"]["type"] == ["object", "null"]


def test_a_value_can_refer_to_a_type_of_a_pod_spec() -> None:
    group = schema()["properties"]["group"]["properties"]
    assert group["resources"] == {"$ref": "#/$defs/Resources", "description": "As in a pod spec."}
    assert group["tolerations"]["items"] == {"$ref": "#/$defs/Toleration"}
    text = chart_docs.to_json(chart_docs.read(VALUES), {"Resources": {"type": "object"}})
    assert json.loads(text)["$defs"] == {"Resources": {"type": "object"}}


def test_a_comment_above_a_blank_line_is_nobodys() -> None:
    assert "About this file" not in json.dumps(schema())


def test_the_readme_has_a_row_for_each_value() -> None:
    text = chart_docs.to_markdown(chart_docs.read(VALUES), {"description": "A chart", "kubeVersion": ">=1"})
    assert '| `mode` | `"a"` | What it is in two lines. One of `"a"`, `"b"`. |' in text
    assert '| `group.whole` | `{"cpu": 1}` | A whole, though it has keys. |' in text
    assert "| `group.free` | `{}` | Anything \\| at all. |" in text
    assert "| `group.inner.url` |" in text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\n", "a is not explained"),
        ("b:\n  # x\n  c: 1\n  d: 2\n", "b.d is not explained"),
        ("# x\na: null\n", "a has no type"),
        ("# x\n# @schema minimum 1\na: 1\n", "a: this is no `@schema"),
        ("# x\n# @shcema minimum: 1\na: 1\n", "a: this is no `@schema"),
    ],
)
def test_a_value_that_nobody_explains_is_named(text: str, complaint: str) -> None:
    with pytest.raises(chart_docs.ValuesError, match=complaint):
        chart_docs.read(text)


def test_check_tells_that_a_file_is_stale_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    (tmp_path / "Chart.yaml").write_text("{description: A chart, kubeVersion: '>=1'}")
    assert chart_docs.main(["--check"], tmp_path) == 1
    assert "values.schema.json is not what values.yaml says" in capsys.readouterr().err
    assert not (tmp_path / "README.md").exists()
    assert chart_docs.main([], tmp_path) == 0
    assert chart_docs.main(["--check"], tmp_path) == 0
