"""An event reaches every member of its channel once, in order, and nobody else."""

import asyncio

from callboard_contracts.channels import LOGS
from callboard_testkit.social_under_test import SocialUnderTest


async def test_every_socket_of_the_organisation_gets_the_same_event(social: SocialUnderTest) -> None:
    async with social.client() as one, social.client(sub="user-2", sid="session-2") as two:
        position = await social.publish(taskId="task-1", status="RUNNING")
        frames = [await one.receive_text(), await two.receive_text()]
    assert frames[0] == frames[1]
    assert f'"position":"{position}"' in frames[0]


async def test_another_organisation_hears_nothing(social: SocialUnderTest) -> None:
    async with social.client() as ours, social.client(org="org-2", sub="user-9", sid="session-9") as theirs:
        await social.publish(taskId="task-1")
        await ours.receive_until("execution-updated")
        assert await theirs.hears_nothing()


async def test_events_come_in_the_order_of_their_positions(social: SocialUnderTest) -> None:
    async with social.client() as client:
        sent = [await social.publish(taskId=f"task-{number}") for number in range(50)]
        assert [(await client.receive())["position"] for _ in sent] == sent


async def test_a_joiner_continues_where_connected_says_the_channel_stands(social: SocialUnderTest) -> None:
    await social.publish(taskId="before")
    async with social.client() as client:
        epoch, _, offset = client.positions["org"].partition(":")
        await social.publish(taskId="after")
        event = await client.receive()
    assert event["position"] == f"{epoch}:{int(offset) + 1}"
    assert event["data"] == {"taskId": "after"}


async def test_nothing_is_missed_or_doubled_while_sockets_join_in_a_storm_of_events(social: SocialUnderTest) -> None:
    async def publish() -> None:
        for number in range(300):
            await social.publish(taskId=str(number))

    async def follow() -> None:
        async with social.client() as client:
            offset = int(client.positions["org"].partition(":")[2])
            while offset < 300:
                event = await client.receive()
                assert int(event["position"].partition(":")[2]) == offset + 1
                offset += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
        for _ in range(20):
            tasks.create_task(follow())


async def test_a_socket_hears_a_channel_only_while_it_is_subscribed(social: SocialUnderTest) -> None:
    async with social.client() as client:
        await social.publish(LOGS, line="unheard")
        assert (await client.ask(type="subscribe", id="1", channel="logs"))["type"] == "subscribed"
        await social.publish(LOGS, line="heard")
        assert (await client.receive())["data"] == {"line": "heard"}
        assert (await client.ask(type="unsubscribe", channel="logs")) == {"type": "unsubscribed", "channel": "logs"}
        await social.publish(LOGS, line="unheard")
        assert await client.hears_nothing()
