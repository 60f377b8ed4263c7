"""`manage.py createapikey EMAIL [--tier NAME] [--name N]` prints a new API key, no more."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import ApiKey, Tier, User
from accounts.services import create_api_key, find_or_create_user


class Command(BaseCommand):
    help = "Makes an API key and prints it; makes the account too if there is none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="whose key it is")
        parser.add_argument("--tier", help="the account's tier from now on (new ones: standard)")
        parser.add_argument("--name", default="", help="what the key is for")

    @transaction.atomic
    def handle(self, *, email: str, tier: str | None, name: str, **options: Any) -> None:
        owner = find_or_create_user(valid_email(email), known_tier(tier) if tier else None)
        if not owner.is_active:
            raise CommandError(f"The account {owner} is not active: no key of it would work.")
        _, secret = create_api_key(owner, valid_name(name), limited=False)
        self.stdout.write(secret)


def valid_email(text: str) -> str:
    field = User._meta.get_field("email")
    try:
        validate_email(text)
        field.run_validators(text)
    except ValidationError:
        raise CommandError(f"This is not an e-mail address: {text!r}") from None
    return text


def valid_name(text: str) -> str:
    try:
        ApiKey._meta.get_field("name").run_validators(text)
    except ValidationError as error:
        raise CommandError(f"--name: {' '.join(error.messages)}") from None
    return text


def known_tier(name: str) -> Tier:
    tiers = {tier.name: tier for tier in Tier.objects.all()}
    if name not in tiers:
        raise CommandError(f"There is no tier {name!r}. There are: {', '.join(tiers)}.")
    return tiers[name]
