"""Rich content of requests: the text may stand in it, and everything else is stored."""

import pytest
from pydantic import ValidationError

from campaign_api.campaigns.content import NewContent
from leopard.personalization.content import RichContent


def test_the_text_in_content_is_not_stored_with_it() -> None:
    given = {"header": {"type": "text", "text": "Hello"}, "body": "Hi {first_name}", "footer": "Bye"}
    content = NewContent.model_validate(given)
    assert content.body == "Hi {first_name}"
    assert content.beside_text == RichContent.model_validate({name: given[name] for name in ("header", "footer")})


def test_content_with_only_a_text_is_a_message_of_text() -> None:
    assert NewContent.model_validate({"body": "Hi"}).beside_text is None


@pytest.mark.parametrize("given", [{}, {"buttons": []}, {"header": None, "body": None}])
def test_content_that_holds_nothing_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="must hold header, body, footer, buttons or template"):
        NewContent.model_validate(given)


@pytest.mark.parametrize("body", [" ", "a\0", "x" * 10_001])
def test_the_text_in_content_follows_the_rules_of_a_campaigns_text(body: str) -> None:
    with pytest.raises(ValidationError) as caught:
        NewContent.model_validate({"body": body})
    assert [error["loc"] for error in caught.value.errors()] == [("body",)]
