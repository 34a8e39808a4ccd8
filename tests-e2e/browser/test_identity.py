"""The tabs of one browser share one cookie: none of them shows one person's page with another one's data."""

import re

import pytest
from callboard_contracts.executions import Status
from callboard_testkit.member import Member, new_member
from callboard_testkit.suite import RunningSuite
from callboard_worker import BlockingClient
from playwright.sync_api import Locator, Page, expect

FOCUS = "() => dispatchEvent(new Event('focus'))"
TURNED = "report\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe"


@pytest.fixture
def bob(gateway: str) -> Member:
    """Somebody of another organisation."""
    return new_member(gateway)


@pytest.fixture
def other_tab(page: Page) -> Page:
    return page.context.new_page()


@pytest.fixture
def runs(gateway: str, member: Member, bob: Member) -> None:
    """An execution in each of the two organisations."""
    for who, task in ((member, "run-of-alice"), (bob, "run-of-bob")):
        with BlockingClient(gateway, who.api_token) as client:
            client.update(task, Status.RUNNING)


def sign_in(page: Page, who: Member) -> None:
    page.get_by_label("Login or e-mail address").fill(who.login)
    page.get_by_label("Password", exact=True).fill(who.password)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Page, who: Member) -> None:
    page.get_by_role("button", name=f"Account {who.login}").click()
    page.get_by_role("button", name="Sign out").click()


def sign_in_elsewhere(page: Page, who: Member) -> None:
    """In the same browser, where no tab of the dashboard can tell."""
    answer = page.request.post("/auth/api/login", data={"login": who.login, "password": who.password})
    assert answer.ok


def account(page: Page, who: Member) -> Locator:
    return page.get_by_role("button", name=f"Account {who.login}")


def run(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=re.compile(name))


def expect_all_of(page: Page, who: Member, own: str, others: str) -> None:
    expect(account(page, who)).to_be_visible()
    expect(run(page, own)).to_be_visible()
    expect(run(page, others)).to_have_count(0)


@pytest.mark.usefixtures("runs")
def test_a_tab_at_the_door_goes_in_with_whoever_signs_in_beside_it(
    page: Page, other_tab: Page, suite: RunningSuite, member: Member
) -> None:
    other_tab.goto("/")
    expect(other_tab.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto("/")
    sign_in(page, member)
    expect_all_of(page, member, "run-of-alice", "run-of-bob")
    expect_all_of(other_tab, member, "run-of-alice", "run-of-bob")


@pytest.mark.usefixtures("runs")
def test_all_tabs_are_the_next_persons_when_one_of_them_is(
    signed_in: Page, other_tab: Page, member: Member, bob: Member
) -> None:
    for tab in (signed_in, other_tab):
        tab.goto("/")
        expect_all_of(tab, member, "run-of-alice", "run-of-bob")
    sign_out(other_tab, member)
    expect(signed_in.get_by_role("link", name="Sign in again")).to_be_visible()
    sign_in(other_tab, bob)
    expect_all_of(other_tab, bob, "run-of-bob", "run-of-alice")
    expect_all_of(signed_in, bob, "run-of-bob", "run-of-alice")


@pytest.mark.usefixtures("runs")
def test_what_an_ended_session_leaves_on_the_page_cannot_be_used(
    signed_in: Page, other_tab: Page, member: Member
) -> None:
    for tab in (signed_in, other_tab):
        tab.goto("/")
        expect(run(tab, "run-of-alice")).to_be_visible()
    sign_out(other_tab, member)
    expect(signed_in.get_by_role("link", name="Sign in again")).to_be_visible()
    expect(signed_in.locator("main")).to_have_js_property("inert", value=True)
    expect(signed_in.locator("main")).to_contain_text("run-of-alice")


@pytest.mark.usefixtures("runs")
def test_a_tab_that_one_comes_back_to_asks_whose_it_is(signed_in: Page, bob: Member, member: Member) -> None:
    signed_in.clock.install()
    signed_in.goto("/")
    expect_all_of(signed_in, member, "run-of-alice", "run-of-bob")
    sign_in_elsewhere(signed_in, bob)
    signed_in.clock.fast_forward(11_000)
    signed_in.evaluate(FOCUS)
    expect_all_of(signed_in, bob, "run-of-bob", "run-of-alice")


def test_no_token_is_made_in_the_name_of_somebody_else(signed_in: Page, bob: Member, member: Member) -> None:
    signed_in.goto("/#/tokens")
    expect(account(signed_in, member)).to_be_visible()
    signed_in.get_by_label("Name", exact=True).fill("laptop")
    sign_in_elsewhere(signed_in, bob)
    signed_in.get_by_role("button", name="Create token").click()
    expect(account(signed_in, bob)).to_be_visible()
    expect(signed_in.get_by_role("button", name="Revoke worker")).to_be_visible()
    expect(signed_in.get_by_role("button", name="Revoke laptop")).to_have_count(0)


@pytest.mark.usefixtures("runs")
def test_nothing_of_the_last_person_stays_in_the_tab(signed_in: Page, member: Member, bob: Member) -> None:
    signed_in.goto("/#/executions?text=alice")
    expect(run(signed_in, "run-of-alice")).to_be_visible()
    sign_out(signed_in, member)
    expect(signed_in.get_by_role("heading", name="Sign in to Callboard")).to_be_visible()
    expect(signed_in.locator("header.bar")).to_be_empty()
    assert member.login not in signed_in.content()
    sign_in(signed_in, bob)
    expect_all_of(signed_in, bob, "run-of-bob", "run-of-alice")
    run(signed_in, "run-of-bob").click()
    breadcrumb = signed_in.get_by_role("navigation", name="Breadcrumb").get_by_role("link")
    expect(breadcrumb).to_have_attribute("href", "#/executions")


def test_a_name_that_would_read_backwards_shows_why(signed_in: Page, worker: BlockingClient) -> None:
    worker.update("turned", Status.RUNNING, name=TURNED)
    signed_in.goto("/")
    expect(run(signed_in, "turned")).to_contain_text("report<U+202E>gpj.exe")
    run(signed_in, "turned").click()
    expect(signed_in.get_by_role("heading", name="report<U+202E>gpj.exe")).to_be_visible()
    expect(signed_in).to_have_title(re.compile(re.escape("report<U+202E>gpj.exe")))


def test_a_tab_that_is_open_for_long_keeps_the_newest_and_says_that_there_are_more(
    signed_in: Page, worker: BlockingClient
) -> None:
    worker.update("oldest", Status.PASSED)
    signed_in.goto("/")
    states = signed_in.get_by_role("navigation", name="Filter by state")
    expect(states.get_by_role("link", name="All 1", exact=True)).to_be_visible()
    for number in range(601):
        worker.update(f"later-{number}", Status.PASSED)
    expect(run(signed_in, "later-600")).to_be_visible()
    expect(run(signed_in, "oldest")).to_have_count(0)
    expect(states.get_by_role("link", name=re.compile(r"^All 5\d\d\+$"))).to_be_visible()
    expect(states.get_by_role("link", name=re.compile(r"^Passed 5\d\d\+$"))).to_be_visible()
    signed_in.get_by_role("button", name="Load older").click()
    expect(states.get_by_role("link", name=re.compile(r"^All 6\d\d\+$"))).to_be_visible()
    signed_in.get_by_role("button", name="Load older").click()
    expect(run(signed_in, "oldest")).to_be_visible()
    expect(states.get_by_role("link", name="All 602", exact=True)).to_be_visible()
