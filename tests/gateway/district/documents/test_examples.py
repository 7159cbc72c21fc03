"""An example for a document that has none of its own."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from quartier.district.documents.companion_namespace import iterate_rows
from quartier.district.documents.examples import EXAMPLES, make_example


class Inner(BaseModel):
    kind: Literal["a"]
    watts: Annotated[float, Field(gt=0)]


class Whole(BaseModel):
    name: Annotated[str, Field(min_length=3)]
    state: Literal["on", "off"]
    inner: list[Inner] = Field(min_length=1)
    choice: int | None
    sure: bool
    least: Annotated[int, Field(ge=5)]
    more: float = 3.0


def test_what_a_schema_asks_for_at_least_is_of_its_form():
    found = make_example(Whole.model_json_schema())
    assert Whole.model_validate(found)
    assert ("xxx", "on", "a", 5) == (found["name"], found["state"], found["inner"][0]["kind"], found["least"])


def test_examples_are_of_documents_that_there_are():
    assert [] == sorted(EXAMPLES.keys() - {row.name for row in iterate_rows()})
