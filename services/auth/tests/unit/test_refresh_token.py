import re

from callboard_auth.sessions.refresh_token import first_token, new_salt, successor, token_hash


def test_token_is_32_random_bytes_fit_for_a_cookie() -> None:
    tokens = {first_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_successor_is_the_same_for_a_retry_and_another_in_every_other_session() -> None:
    salt, token = new_salt(), first_token()

    assert successor(salt, token) == successor(salt, token)
    assert successor(salt, token) != successor(new_salt(), token)
    assert successor(salt, token) != successor(salt, first_token())


def test_chain_of_successors_never_comes_round() -> None:
    salt, token = new_salt(), first_token()
    seen = set()
    for _ in range(1_000):
        seen.add(token)
        token = successor(salt, token)

    assert len(seen) == 1_000
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)


def test_stored_hash_is_not_what_the_salt_derives() -> None:
    salt, token = new_salt(), first_token()

    assert len(token_hash(token)) == 32
    assert token_hash(token) != token_hash(successor(salt, token))
