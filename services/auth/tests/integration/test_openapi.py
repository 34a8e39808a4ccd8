import httpx
from callboard_contracts.problems import PROBLEM_MEDIA_TYPE


async def test_every_call_declares_its_answers_and_its_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {
        ("post", "/api/signup"),
        ("post", "/api/login"),
        ("post", "/api/refresh"),
        ("post", "/api/logout"),
        ("get", "/api/users/me"),
        ("get", "/users/me"),
        ("post", "/api/v1/tokens"),
        ("get", "/api/v1/tokens"),
        ("delete", "/api/v1/tokens/{token_id}"),
        ("post", "/api/v1/tokens/{token_id}/rotate"),
        ("get", "/api/audit"),
        ("post", "/api/v1/sessions"),
        ("get", "/.well-known/jwks.json"),
    }
    for (_, path), operation in operations.items():
        problems = {status for status in operation["responses"] if status >= "400"}
        assert ("503" in problems) == (path != "/.well-known/jwks.json")
        for status in problems:
            schema = operation["responses"][status]["content"][PROBLEM_MEDIA_TYPE]["schema"]
            assert {"type", "title", "status", "code", "requestId"} <= set(schema["properties"])
