"""Every relative link in a Markdown file leads to a file, and its anchor to a heading."""

from pathlib import Path

import pytest

from cluster.paths import HERE
from tests.docs import links

ROOT = HERE.root.resolve()
DOCUMENTS = [path.relative_to(ROOT) for path in links.documents(ROOT)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    assert links.broken(ROOT / document, ROOT) == []


def test_the_front_pages_are_among_the_documents() -> None:
    assert {Path("README.md"), Path("docs/README.md"), Path("charts/graphcron/README.md")} <= set(DOCUMENTS)


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("[a](other.md)", None),
        ("[a](other.md#two-words)", None),
        ("[a](other.md#two-words-1)", None),
        ("[a](#here)", None),
        ("[a](sub/)", None),
        ("[a](https://example.com/nowhere)", None),
        ("`[a](gone.md)`", None),
        ("[a](gone.md)", "gone.md leads to no file"),
        ("| t |\n|---|\n| [a](gone.md) |", "gone.md leads to no file"),
        ("![a](gone.svg)", "gone.svg leads to no file"),
        ("[a][b]\n\n[b]: gone.md", "gone.md leads to no file"),
        ("[a](other.md#gone)", "other.md#gone leads to no heading"),
        ("[a](#gone)", "#gone leads to no heading"),
        ("[a](/other.md)", "/other.md is absolute: write it relative to the document"),
        ("[a](../../x.md)", "../../x.md leads out of the repository"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, link: str, fault: str | None) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "other.md").write_text("# Two words\n\n## Two `words`\n")
    page = tmp_path / "page.md"
    page.write_text(f"# Here\n\n{link}\n")
    assert links.broken(page, tmp_path) == ([f"page.md: {fault}"] if fault else [])


def test_anchors_are_those_of_github() -> None:
    text = "# `spec`\n\n## What's new, and why?\n\n### snake_case & more\n\n```\n# no heading\n```\n"
    assert links.anchors(text) == {"spec", "whats-new-and-why", "snake_case--more"}
