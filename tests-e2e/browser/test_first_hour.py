"""From nothing to a live log: what a person does in the first minutes."""

import re

from callboard_contracts.executions import Status
from callboard_testkit.member import Member
from callboard_testkit.suite import PASSWORD, RunningSuite, new_login
from callboard_worker import BlockingClient
from playwright.sync_api import Page, expect


def sign_up(page: Page, login: str) -> None:
    page.goto("/#/sign-up")
    page.get_by_label("Organisation", exact=True).fill(f"Organisation of {login}")
    page.get_by_label("Login", exact=True).fill(login)
    page.get_by_label("E-mail address").fill(f"{login}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create organisation").click()


def sign_in(page: Page, login: str, password: str) -> None:
    page.get_by_label("Login or e-mail address").fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def make_token(page: Page, name: str) -> str:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create token").click()
    shown = page.get_by_role("region", name="API token", exact=True).first
    expect(shown).to_contain_text("ah_live_")
    return shown.inner_text().strip()


def test_from_sign_up_to_a_live_log(page: Page, suite: RunningSuite, gateway: str) -> None:
    sign_up(page, new_login())
    expect(page.get_by_role("heading", name="Post your first run")).to_be_visible()
    page.get_by_role("link", name="API tokens").click()
    token = make_token(page, "laptop")
    page.get_by_role("link", name="Executions", exact=True).first.click()
    with BlockingClient(gateway, token) as worker, worker.execution("build-7", branch="main") as run:
        row = page.get_by_role("link", name=re.compile("build-7"))
        expect(row).to_contain_text("Running")
        run.log("first line")
        row.click()
        log = page.get_by_role("log")
        expect(log).to_contain_text("first line")
        run.log("second line")
        expect(log).to_contain_text("second line")
        run.finish(Status.PASSED)
        expect(page.get_by_role("heading", name="build-7")).to_be_visible()
        expect(page.locator("main")).to_contain_text("Passed")
    page.go_back()
    expect(page.get_by_role("link", name=re.compile("build-7"))).to_contain_text("Passed")


def test_a_token_is_shown_once_and_a_revoked_one_is_gone(signed_in: Page) -> None:
    signed_in.goto("/#/tokens")
    token = make_token(signed_in, "ci")
    signed_in.get_by_role("button", name="Done").click()
    expect(signed_in.locator("body")).not_to_contain_text(token)
    signed_in.get_by_role("button", name="Revoke ci").click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Revoke token").click()
    expect(signed_in.get_by_role("button", name="Revoke ci")).to_have_count(0)


def test_a_rotated_token_and_the_new_one_both_work_for_a_while(
    signed_in: Page, gateway: str, suite: RunningSuite
) -> None:
    signed_in.goto("/#/tokens")
    old = make_token(signed_in, "ci")
    signed_in.get_by_role("button", name="Done").click()
    signed_in.get_by_role("button", name="Rotate ci").click()
    signed_in.get_by_label("The old token goes on working").select_option(label="For a day")
    signed_in.get_by_role("button", name="Rotate token").click()
    shown = signed_in.get_by_role("region", name="API token", exact=True).first
    expect(shown).to_contain_text("ah_live_")
    new = shown.inner_text().strip()
    assert new != old
    for number, token in enumerate((old, new)):
        with BlockingClient(gateway, token) as worker:
            worker.update(f"rotated-{number}", Status.PASSED)
    signed_in.get_by_role("button", name="Done").click()
    expect(signed_in.get_by_role("main")).to_contain_text("rotated, ends in 23 h")


def test_a_wrong_password_is_told_and_the_login_stays(page: Page, suite: RunningSuite) -> None:
    page.goto("/")
    sign_in(page, "nobody", "a wrong password")
    expect(page.get_by_role("alert").filter(has_text="Invalid login or password")).to_be_visible()
    expect(page.get_by_label("Login or e-mail address")).to_have_value("nobody")


def test_a_link_to_an_execution_survives_the_sign_in(page: Page, worker: BlockingClient, member: Member) -> None:
    worker.update("linked", Status.RUNNING)
    page.goto("/#/executions/linked")
    sign_in(page, member.login, member.password)
    expect(page.get_by_role("heading", name="linked")).to_be_visible()


def test_an_execution_nobody_posted_says_so_and_shows_the_way_back(signed_in: Page) -> None:
    signed_in.goto("/#/executions/unknown-one")
    expect(signed_in.locator("main")).to_contain_text(re.compile("no execution", re.IGNORECASE))
    signed_in.get_by_role("main").get_by_role("link", name=re.compile("executions", re.IGNORECASE)).first.click()
    expect(signed_in.get_by_role("heading", name="Executions")).to_be_visible()


def test_states_are_counted_and_filtered(signed_in: Page, worker: BlockingClient) -> None:
    for number, status in enumerate([Status.PASSED, Status.PASSED, Status.FAILED]):
        worker.update(f"job-{number}", status)
    signed_in.goto("/")
    states = signed_in.get_by_role("navigation", name="Filter by state")
    expect(states.get_by_role("link", name="Passed 2")).to_be_visible()
    states.get_by_role("link", name="Failed 1").click()
    expect(signed_in.get_by_role("link", name=re.compile("job-2"))).to_be_visible()
    expect(signed_in.get_by_role("link", name=re.compile("job-0"))).to_have_count(0)
