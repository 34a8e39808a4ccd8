"""What is shown of a value has nothing of the secrets in it."""

import pytest
from callboard_servicekit.configuration.masking import MASK, is_secret, masked, password_of
from callboard_servicekit.settings import OptionalSecret, Secret, ServiceSettings
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:hunter2@redis:6379/0", f"redis://:{MASK}@redis:6379/0"),
        ("postgresql+asyncpg://ada:hunter2@db/x", f"postgresql+asyncpg://ada:{MASK}@db/x"),
        ("postgresql+asyncpg://ada:hun@ter/2?x@db/x", f"postgresql+asyncpg://ada:{MASK}@db/x"),
        ("redis://hunter2@redis", f"redis://{MASK}@redis"),
        ("redis:hunter2@redis", f"{MASK}@redis"),
        ("redis://redis/0?password=hunter2&db=1", f"redis://redis/0?password={MASK}&db=1"),
        ("https://a.example, http://b.example", "https://a.example, http://b.example"),
    ],
)
def test_a_password_in_a_url_is_not_shown(value: str, shown: str) -> None:
    assert masked(value) == shown


@given(st.text(min_size=4).filter(lambda text: text not in f"redis://ada:{MASK}@host:6379/0"))
def test_no_password_however_odd_gets_through(password: str) -> None:
    assert password not in masked(f"redis://ada:{password}@host:6379/0")


@pytest.mark.parametrize(
    ("url", "password"),
    [("redis://:a%2Fb@h", "a/b"), ("redis://h", None), ("redis://:@h", None), ("redis://[", None), ("text", None)],
)
def test_the_password_of_a_url_is_what_its_reader_gets(url: str, password: str | None) -> None:
    assert password_of(url) == password


def test_secrets_are_known_by_their_type() -> None:
    class Fields(BaseModel):
        plain: str = ""
        needed: Secret = SecretStr("")
        optional: OptionalSecret = None

    assert {name: is_secret(field) for name, field in Fields.model_fields.items()} == {
        "plain": False,
        "needed": True,
        "optional": True,
    }
    secret = {str(field.alias) for field in ServiceSettings.model_fields.values() if is_secret(field)}
    assert secret == {"JWT_SECRET"}
