"""What a role may do on a socket."""

import pytest
from callboard_testkit.social_under_test import SocialUnderTest


@pytest.mark.clause("ROOM-3")
async def test_a_viewer_hears_the_room_and_cannot_speak_in_it(social: SocialUnderTest) -> None:
    async with social.client(role="viewer", sub="user-2") as viewer, social.client() as member:
        refusal = await viewer.ask(type="chat", content="x", id="c")
        assert refusal == {
            "type": "error",
            "replyTo": "c",
            "code": "forbidden",
            "message": "Viewers read only.",
            "temporary": False,
        }
        await member.send(type="chat", content="hello")
        assert (await viewer.receive())["data"]["content"] == "hello"


async def test_an_agent_may_speak(social: SocialUnderTest) -> None:
    async with social.client(kind="agent", sub="agent-1", sid="agent-1", login="ci") as agent:
        echo = await agent.ask(type="chat", content="done")
    assert (echo["type"], echo["data"]["login"]) == ("echo", "ci")
