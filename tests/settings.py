"""Settings of the test session: the product's own, on embedded servers of the tests' own."""

import os
from pathlib import Path

from tests.slot import claim_slot

BASE = Path(__file__).resolve().parent.parent
TEST_DATA_DIR = BASE / "var" / "test"
SLOT = claim_slot(TEST_DATA_DIR)

# The developer's own settings must not decide what the tests do.
OURS = "DATABASE_URL REDIS_URL OPENAI_BASE_URL OPENAI_API_KEY SECRET_KEY HOST PORT PUBLIC_URL"
for name in OURS.split():
    os.environ.pop(name, None)
os.environ["ENV_FILE"] = os.devnull
os.environ["CHATBOT_DATA_DIR"] = str(TEST_DATA_DIR)

from chatbot_project.settings import *  # noqa: E402, F403
from chatbot_project.settings import CACHES, DATABASES, EMBEDDED  # noqa: E402

DATABASES["default"]["TEST"] = {"NAME": f"test_chatbot_{SLOT}"}
REDIS_URL = f"{EMBEDDED['REDIS_URL']}?db={SLOT}"
for cache in CACHES.values():
    cache["LOCATION"] = REDIS_URL
# One that is slow, as it should be, costs minutes here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
