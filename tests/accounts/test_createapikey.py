"""`manage.py createapikey`: the key and nothing else; and the first start's admin."""

import subprocess
import sys
from io import StringIO
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.validators import validate_email
from django.db import connections

from accounts.authentication import authenticate_key
from accounts.models import ApiKey, Tier, User
from accounts.services import create_first_admin

MANAGE = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "createapikey"]


def createapikey(*arguments: str) -> str:
    stdout = StringIO()
    call_command("createapikey", *arguments, stdout=stdout)
    return stdout.getvalue()


@pytest.mark.django_db(transaction=True)
def test_it_prints_the_key_and_nothing_else(process_environment: dict[str, str]) -> None:
    arguments = [*MANAGE, "new@example.com", "--tier", "premium", "--name", "Benchmark"]
    run = subprocess.run(
        arguments, env=process_environment, capture_output=True, text=True, timeout=60, check=True
    )
    caller = authenticate_key(run.stdout.removesuffix("\n"))
    assert caller.user.email == "new@example.com"
    assert caller.user.tier.name == "premium"
    assert caller.key is not None
    assert caller.key.name == "Benchmark"
    assert run.stderr == ""


@pytest.mark.django_db(transaction=True)
def test_a_mistake_is_one_line_on_stderr(process_environment: dict[str, str]) -> None:
    run = subprocess.run(
        [*MANAGE, "a@example.com", "--tier", "gold"],
        env=process_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode != 0
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert "gold" in line
    assert "standard" in line
    assert not User.objects.exists()


def test_a_new_account_is_standard_and_has_no_password(db: None) -> None:
    createapikey("new@example.com")
    user = User.objects.get()
    assert user.tier.name == "standard"
    assert not user.has_usable_password()


def test_an_account_is_found_in_any_case(owner: User) -> None:
    createapikey("OWNER@example.com")
    assert ApiKey.objects.get().owner == owner
    assert User.objects.count() == 1


def test_a_tier_named_is_the_accounts_from_now_on(owner: User) -> None:
    createapikey(owner.email, "--tier", "enterprise")
    createapikey(owner.email)
    owner.refresh_from_db()
    assert owner.tier.name == "enterprise"


def test_the_limit_is_not_for_the_operator(owner: User) -> None:
    Tier.objects.update(max_api_keys=0)
    assert authenticate_key(createapikey(owner.email).strip())


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b", "a@b.c\n", "a\0@b.com", f"{'a' * 250}@b.com"]
)
def test_a_bad_address_makes_nothing(db: None, email: str) -> None:
    with pytest.raises(CommandError, match="e-mail address"):
        createapikey(email)
    assert not User.objects.exists()


def test_a_bad_name_makes_nothing(db: None) -> None:
    with pytest.raises(CommandError, match="--name"):
        createapikey("a@example.com", "--name", "n" * 101)
    assert not User.objects.exists()


def test_a_key_that_would_not_work_is_not_made(owner: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="not active"):
        createapikey(owner.email)
    assert not ApiKey.objects.exists()


def test_the_first_admin_can_do_everything(db: None) -> None:
    made = create_first_admin()
    assert made is not None
    email, password, secret = made
    validate_email(email)
    admin = User.objects.get(email=email)
    assert admin.is_superuser
    assert admin.is_staff
    assert admin.check_password(password)
    assert admin.tier.name == "enterprise"
    assert authenticate_key(secret).scopes is None


def test_there_is_one_first_admin(db: None) -> None:
    assert create_first_admin()
    assert create_first_admin() is None
    assert (User.objects.count(), ApiKey.objects.count()) == (1, 1)


def test_somebody_elses_account_does_not_become_the_admin(db: None) -> None:
    createapikey("admin@localhost")
    made = create_first_admin()
    assert made is not None
    assert not User.objects.get(email="admin@localhost").is_staff
    assert User.objects.get(email=made[0]).is_superuser


@pytest.mark.django_db(transaction=True)
def test_two_calls_at_once_make_one_account() -> None:
    together, secrets = Barrier(4), []

    def make() -> None:
        together.wait(10)
        secrets.append(createapikey("new@example.com").strip())
        connections.close_all()

    threads = [Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({authenticate_key(secret).account_id for secret in secrets}) == 1
    assert len(secrets) == 4


def test_an_admin_made_by_hand_is_enough(staff: User) -> None:
    assert create_first_admin() is None
