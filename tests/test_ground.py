"""The command, the work loop, the health page, the check before going live, and what tests themselves stand on."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from tests.support import browser as chromium
from tests.support.world import at
from weilianxin.areas.models import CalendarDay
from weilianxin.config import check, cli, commands, health, logs, serve, work
from weilianxin.people.models import Account, Post, Role, Unit
from weilianxin.programmes.reports.models import Category, LevelLimit


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_of_the_table_has_its_function(command):
    function, adds = cli.target(cli.COMMANDS[command][0])
    assert callable(function)
    assert adds is None or callable(adds)


def test_the_longest_command_that_fits_is_taken():
    assert cli.find(["import", "staff", "people.xlsx"]) == ("import staff", ["people.xlsx"])
    assert cli.find(["check", "--quiet"]) == ("check", ["--quiet"])
    assert cli.find(["import", "nonsense"]) == (None, ["import", "nonsense"])


def test_an_unknown_command_is_answered_with_the_list_of_commands(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["nonsense"])
    assert end.value.code == 2
    shown = capsys.readouterr().err
    assert all(command in shown for command in cli.COMMANDS)


def test_a_log_line_does_not_repeat_the_words_of_an_exception():
    try:
        try:
            raise KeyError("13912345678")
        except KeyError as error:
            raise ValueError("老斗 13912345678") from error
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "%s failed", ("a job",), sys.exc_info())
    shown = logs.Line("%(message)s").format(record)
    assert "13912345678" not in shown and "老斗" not in shown
    assert "a job failed" in shown and "builtins.ValueError" in shown and "builtins.KeyError" in shown
    assert "test_ground.py" in shown


def test_every_job_of_the_loop_exists_and_can_be_called_on_an_empty_installation(transactional_db):
    assert [job.name for job in work.jobs() if not job.run(timezone.now())] == []


ran = []


def counted(moment):
    ran.append(moment)


def broken(moment):
    raise ValueError("13912345678")


def test_a_job_that_fails_does_not_stop_the_others_and_is_tried_again_later(db, caplog):
    ran.clear()
    jobs = [work.Job(f"{__name__}.broken", 1), work.Job(f"{__name__}.counted", 1)]
    assert work.turn(jobs, at(9)) == 1
    assert ran == [at(9)]
    assert work.turn(jobs, at(9)) == 0, "nothing is due a moment later"
    soon = time.monotonic() + 2
    assert work.turn(jobs, at(9), clock=soon) == 0 and len(ran) == 2, "what failed is left in peace for a while"
    assert work.turn(jobs, at(9), clock=soon + work.AFTER_FAILURE) == 1
    assert "broken failed" in caplog.text


def test_a_job_is_called_when_its_time_has_come_and_not_before(db):
    ran.clear()
    jobs = [work.Job(f"{__name__}.counted", 60)]
    begin = time.monotonic()
    for seconds in (0, 30, 61, 62):
        work.turn(jobs, at(9), clock=begin + seconds)
        if seconds == 61:
            jobs[0].due = begin + 121
    assert len(ran) == 2


def test_the_loop_stops_cleanly_when_it_is_told_to(tmp_path):
    environment = {**os.environ, "WEILIANXIN_DATA": str(tmp_path), "WEILIANXIN_LOG": "INFO", "DATABASE_URL": ""}
    command = [sys.executable, "-m", "weilianxin.config.cli"]
    subprocess.run([*command, "migrate"], env=environment, check=True, capture_output=True)
    loop = subprocess.Popen([*command, "work"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "work.heartbeat").exists() and time.monotonic() < deadline and loop.poll() is None:
            time.sleep(0.1)
        loop.send_signal(signal.SIGTERM)
        _out, said = loop.communicate(timeout=30)
    finally:
        loop.kill()
    assert loop.returncode == 0, said
    assert "the work loop ends" in said and "failed" not in said


@pytest.fixture
def heart(settings, tmp_path):
    """A heartbeat of this test's own: another one may let the loop fall silent at the same moment."""
    settings.DATA_DIR = tmp_path
    work.beat()


def test_the_health_page_is_green_while_database_and_loop_live(client, db, heart):
    answer = client.get("/healthz")
    assert answer.status_code == 200, answer.content
    assert answer.json()["ok"] is True
    assert answer.json()["outbox"]["waiting"] == 0


def test_the_health_page_is_red_when_the_loop_has_been_silent(client, db, heart):
    long_ago = time.time() - health.LOOP_MAY_REST - 5
    os.utime(work.heartbeat_path(), (long_ago, long_ago))
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["work_loop"] is False and answer.json()["database"] is True


def test_the_health_page_is_red_when_the_database_takes_no_writes(client, db, heart, monkeypatch):
    monkeypatch.setattr(health, "database_takes_writes", lambda: False)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["work_loop"] is True


def test_a_database_that_may_only_be_read_is_noticed(transactional_db):
    from django.db import connection

    read_only, writable = (
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
        if connection.vendor == "sqlite"
        else ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off")
    )
    with connection.cursor() as cursor:
        assert health.database_takes_writes()
        cursor.execute(read_only)
        try:
            assert not health.database_takes_writes()
        finally:
            cursor.execute(writable)


def test_the_health_page_tells_nothing_about_people_or_secrets(client, world):
    shown = json.dumps(client.get("/healthz").json())
    assert settings.SECRET_KEY not in shown and str(settings.DATA_DIR) not in shown
    assert set(json.loads(shown)) == {
        "database", "work_loop_seconds", "work_loop", "disk", "outbox", "late_messages", "ok",
    }  # fmt: skip


def said(look, moment=None):
    return "\n".join(problem.what for problem in look(moment or timezone.now()))


def test_the_check_finds_nothing_to_say_about_the_staff_of_the_small_world(world):
    assert said(check.of_areas) == ""
    assert said(check.of_centre) == ""
    assert said(check.of_administrators) == ""


@pytest.mark.parametrize(
    ("role", "area", "words"),
    [
        (Role.GRID_WORKER, "grid", "没有 A 岗网格员：天枢社区第一网格"),
        (Role.GRID_WORKER_BACKUP, "grid", "没有 B 岗，A 岗不在时没人接：天枢社区第一网格"),
        (Role.GRID_LEADER, "second_grid", "没有网格长：天枢社区第二网格"),
        (Role.COMMUNITY_SECRETARY, "other_community", "没有书记：天璇社区"),
    ],
)
def test_the_check_names_the_area_whose_post_nobody_holds(world, role, area, words):
    Post.objects.filter(role=role, area=getattr(world, area)).update(until=timezone.now())
    assert words in said(check.of_areas)


def test_a_post_held_by_somebody_who_may_no_longer_sign_in_counts_as_empty(world):
    world.secretary.is_active = False
    world.secretary.save()
    assert "没有书记：天枢社区" in said(check.of_areas)


def test_the_check_names_grids_where_a_and_b_are_one_person(world):
    Post.objects.filter(role=Role.GRID_WORKER_BACKUP, area=world.grid).update(account=world.worker)
    assert "同一个人：天枢社区第一网格" in said(check.of_areas)


def test_the_check_names_categories_without_a_limit(world):
    assert said(check.of_categories) == ""
    LevelLimit.objects.filter(urgency="U2").update(handle_limit="")
    category = Category.objects.filter(channel_out="case", urgency="U2").first()
    Category.objects.filter(pk=category.pk).update(handle_limit="")
    assert category.name_zh in said(check.of_categories)


def test_the_check_names_kinds_of_unit_that_nobody_registered(world):
    Unit.objects.filter(kind="enforcement_team").update(is_active=False)
    assert "综合行政执法队" in said(check.of_units)
    assert "街道应急消防值班" not in said(check.of_units)


def test_the_check_warns_of_a_year_without_calendar(world):
    assert said(check.of_calendar, at(9)) == ""
    for day in CalendarDay.objects.filter(date__year=2026):
        day.delete()
    assert "2026" in said(check.of_calendar, at(9))


def test_the_next_year_is_asked_for_in_autumn_without_stopping_a_start(world):
    autumn = datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert [(p.grave, "2027" in p.what) for p in check.of_calendar(autumn)] == [(False, True)]


def test_the_check_names_an_administrator_without_second_factor(world):
    world.admin.totp_secret = ""
    world.admin.save()
    assert world.admin.name in said(check.of_administrators)


def test_the_check_of_settings_is_silent_only_for_an_address_the_public_can_reach(settings):
    settings.DEBUG, settings.HTTPS, settings.PROXIES = False, True, 1
    settings.ALLOWED_HOSTS, settings.PUBLIC_URL = ["star.example"], "https://star.example"
    assert said(check.of_settings) == ""
    settings.HTTPS = False
    assert "HTTPS" in said(check.of_settings)
    settings.HTTPS, settings.ALLOWED_HOSTS = True, ["localhost", "127.0.0.1"]
    assert "域名" in said(check.of_settings)


def test_demo_people_in_a_real_installation_are_a_problem(world):
    assert "演示" in said(check.of_demo)


def test_every_problem_says_what_to_do(world):
    Post.objects.all().update(until=timezone.now())
    found = check.problems()
    assert len(found) > 8
    assert all(problem.what and problem.remedy for problem in found)


def test_serve_refuses_to_go_live_while_something_is_missing(world, capsys, monkeypatch):
    monkeypatch.setattr(serve, "supervise", lambda children: pytest.fail("it went live"))
    options = Namespace(host="127.0.0.1", port=0, threads=1, processes=1, no_work=True, anyway=False)
    assert serve.run(options) == 1
    assert "没有上线" in capsys.readouterr().err


def test_a_dead_loop_is_started_again_and_the_end_of_the_web_server_is_the_end(tmp_path):
    marks = tmp_path / "marks"
    once_more = f"open({str(marks)!r}, 'a').write('x')"
    web = (
        "import os, time\n"
        "for _ in range(300):\n"
        "    time.sleep(0.1)\n"
        f"    if os.path.exists({str(marks)!r}) and os.path.getsize({str(marks)!r}) > 1:\n"
        "        break\n"
    )
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    try:
        code = serve.supervise({"web": [sys.executable, "-c", web], "work": [sys.executable, "-c", once_more]})
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    assert code == 1, "a web server that ends by itself is a failure, whatever it says"
    assert len(marks.read_text()) >= 2


def test_the_error_pages_named_in_the_addresses_exist():
    from weilianxin.config import urls

    for name in ("handler400", "handler403", "handler404", "handler500"):
        assert callable(import_string(getattr(urls, name)))


def test_everybody_of_the_small_world_is_known_to_the_service_after_signing_in(world, signed_in):
    for account in (world.worker, world.admin, world.resident):
        answer = signed_in(account).get("/healthz")
        assert answer.wsgi_request.account == account


@pytest.mark.browser
def test_a_browser_sees_what_the_test_has_written(live_url, world, browser_context):
    work.beat()
    chromium.sign_in(browser_context, world.resident, live_url)
    page = browser_context.new_page()
    answer = page.goto(f"{live_url}/healthz")
    assert answer.status == 200 and '"ok": true' in page.content()


@pytest.mark.browser
def test_a_page_that_asks_another_host_is_noticed(chromium_browser):
    context = chromium.watch(chromium_browser.new_context())
    away = "<img src='http://elsewhere.invalid/x.png'>"
    context.route("**/*", lambda route: route.fulfill(content_type="text/html", body=away))
    page = context.new_page()
    page.goto("http://127.0.0.1:9/")
    page.wait_for_timeout(200)
    context.close()
    with pytest.raises(AssertionError, match="elsewhere"):
        chromium.assert_stayed_home(context)


def make_admin(monkeypatch, password, username="chief"):
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    return commands.admin(Namespace(username=username, name="觜火", subdistrict=None))


def test_the_first_administrator_is_made_at_the_command_line_and_must_set_a_second_factor(world, monkeypatch):
    assert make_admin(monkeypatch, "a long way to the stars") == 0
    made = Account.objects.get(username="chief")
    assert made.check_password("a long way to the stars") and made.kind == Account.STAFF
    assert [(p.role, p.area) for p in made.posts.all()] == [(Role.SYSTEM_ADMIN, world.subdistrict)]
    assert "觜火" in said(check.of_administrators)


def test_a_weak_password_or_a_taken_name_makes_no_administrator(world, monkeypatch):
    before = Account.objects.count()
    assert make_admin(monkeypatch, "123456") == 1
    assert make_admin(monkeypatch, "a long way to the stars", username=world.admin.username) == 1
    assert Account.objects.count() == before


def test_a_command_before_the_tables_are_made_says_what_to_do_instead_of_breaking(tmp_path):
    environment = {**os.environ, "WEILIANXIN_DATA": str(tmp_path), "DATABASE_URL": ""}
    command = [sys.executable, "-m", "weilianxin.config.cli", "bench"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "weilianxin migrate" in done.stdout
    assert "Traceback" not in done.stderr
