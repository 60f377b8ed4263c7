"""Settings, all from the environment (and `.env`). README lists every one; a test keeps that list complete."""

import os
from pathlib import Path

from chatbot_project.embedded.addresses import embedded_addresses
from chatbot_project.environment import REDIS, BadSetting, Environment, database_config

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
env.read_file(BASE_DIR / env.str("ENV_FILE", ".env"))

# --- Where things are -------------------------------------------------------------------------
DATA_DIR = BASE_DIR / Path(env.str("CHATBOT_DATA_DIR", "var")).expanduser()
try:
    EMBEDDED = embedded_addresses(DATA_DIR)
except OSError as error:
    raise BadSetting("CHATBOT_DATA_DIR", f"{DATA_DIR} cannot be used ({error.strerror}).") from None
PORT = env.int("PORT", 8000, minimum=1, maximum=65535)
PUBLIC_URL = env.url("PUBLIC_URL", f"http://localhost:{PORT}")
SITE_NAME = env.str("SITE_NAME", "Chatbot")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "support@localhost")
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or EMBEDDED["SECRET_KEY"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])

# --- Database, cache, queue -------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL")
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 10, minimum=1)
DATABASE_POOL = {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 20}
DATABASES = {
    "default": {
        **database_config(DATABASE_URL or EMBEDDED["DATABASE_URL"], DATABASE_POOL),
        "CONN_MAX_AGE": 0,  # the pool keeps connections; Django must give them back
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.url("REDIS_URL", EMBEDDED["REDIS_URL"], schemes=REDIS)

# --- Applications -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "chatbot_project.api",
    "chatbot_project.embedded",
    "chatbot_project.site",
    "accounts",
    "chat",
]
AUTH_USER_MODEL = "accounts.User"
ROOT_URLCONF = "chatbot_project.urls"
ASGI_APPLICATION = "chatbot_project.asgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"

# --- API --------------------------------------------------------------------------------------
API_AUTHENTICATE = "accounts.authentication.authenticate"
API_ANONYMOUS_REQUESTS_PER_MINUTE = env.int("ANONYMOUS_REQUESTS_PER_MINUTE", 30)
API_REPLAY = "chat.replies.replay"
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)

# --- Language models --------------------------------------------------------------------------
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
EMBEDDED_MODEL = not (OPENAI_BASE_URL or OPENAI_API_KEY)
if EMBEDDED_MODEL:
    OPENAI_BASE_URL = EMBEDDED["OPENAI_BASE_URL"]
    OPENAI_API_KEY = EMBEDDED["OPENAI_API_KEY"]
