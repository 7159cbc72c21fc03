from pathlib import Path

import pytest

from quartier.config.draft import FIXED, ROLES
from quartier.config.keys import keys
from quartier.config.reference import reference, remote

PAGE = Path(__file__).parents[3] / "gateway/docs/site-file.md"


def test_the_committed_page_is_current() -> None:
    assert reference() == PAGE.read_text(encoding="utf-8"), (
        "gateway/docs/site-file.md is old: python -m quartier.cli config reference > gateway/docs/site-file.md"
    )


@pytest.mark.parametrize("model", [*FIXED.values(), *ROLES.values()])
def test_every_key_stands_on_the_page_with_its_sentence(model: type) -> None:
    text = reference()

    assert [] == [key.name for key in keys(model) if f"| `{key.name}` |" not in text or not key.sentence]


def test_the_committed_page_of_what_may_be_changed_from_afar_is_current() -> None:
    page = PAGE.with_name("remote.md")

    assert remote() == page.read_text(encoding="utf-8"), (
        "gateway/docs/remote.md is old: python -m quartier.cli config remote > gateway/docs/remote.md"
    )
