"""Settings of the test session: the product's own, on embedded servers of the tests' own."""

import os
from pathlib import Path

from tests.setting_names import names_read
from tests.slot import claim_slot

BASE = Path(__file__).resolve().parent.parent
TEST_DATA_DIR = BASE / "var" / "test"
SLOT = claim_slot(TEST_DATA_DIR)

# The developer's own settings must not decide what the tests do.
for name in names_read():
    os.environ.pop(name, None)
os.environ["ENV_FILE"] = os.devnull
os.environ["CHATBOT_DATA_DIR"] = str(TEST_DATA_DIR)

from chatbot_project.settings import *  # noqa: E402, F403
from chatbot_project.settings import CACHES, CELERY_BROKER_URL, DATABASES, EMBEDDED  # noqa: E402

DATABASES["default"]["TEST"] = {"NAME": f"test_chatbot_{SLOT}"}
REDIS_URL = f"{EMBEDDED['REDIS_URL']}?db={SLOT}"
CELERY_BROKER_URL = f"{CELERY_BROKER_URL}?virtual_host={SLOT}"
for cache in CACHES.values():
    cache["LOCATION"] = REDIS_URL
# One that is slow, as it should be, costs minutes here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
