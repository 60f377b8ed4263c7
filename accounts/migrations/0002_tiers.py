"""The three tiers every installation starts with. Staff edit them in the admin afterwards."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

MB, GB, TB = 10**6, 10**9, 10**12
LIMITS = (
    "requests_per_minute",
    "concurrent_answers",
    "tokens_per_month",
    "max_file_bytes",
    "max_files",
    "max_stored_bytes",
    "max_endpoints",
    "max_api_keys",
)
TIERS = {
    "standard": (100, 3, 1_000_000, 25 * MB, 200, 1 * GB, 5, 10),
    "premium": (500, 10, 10_000_000, 50 * MB, 2_000, 20 * GB, 20, 50),
    "enterprise": (2000, 50, None, 100 * MB, 50_000, 1 * TB, 100, 500),
}


def make_tiers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    tier = apps.get_model("accounts", "Tier")
    for name, limits in TIERS.items():
        tier.objects.get_or_create(name=name, defaults=dict(zip(LIMITS, limits, strict=True)))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_accounts")]
    operations = [migrations.RunPython(make_tiers, migrations.RunPython.noop, elidable=False)]
