"""Problems in a service's OpenAPI document."""

import json

from callboard_servicekit.openapi import problems
from fastapi import FastAPI


def test_an_endpoint_declares_its_problems_in_full(app: FastAPI) -> None:
    @app.get("/documented", responses=problems(401, 503))
    async def documented() -> None:
        """Answers nothing."""

    responses = app.openapi()["paths"]["/documented"]["get"]["responses"]
    assert {"200", "401", "503"} <= set(responses)
    assert responses["503"]["description"] == "Service Unavailable"
    (media_type,) = responses["401"]["content"]
    assert media_type == "application/problem+json"
    schema = responses["401"]["content"][media_type]["schema"]
    assert {"type", "title", "status", "detail", "instance", "code", "requestId"} <= set(schema["required"])
    assert "$ref" not in json.dumps(schema)
    assert schema["properties"]["errors"]["anyOf"][0]["items"]["properties"].keys() == {"location", "message"}
