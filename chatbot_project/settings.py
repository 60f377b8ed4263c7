"""Settings, all from the environment (and `.env`). README lists every one; a test keeps that list complete."""

import os
from pathlib import Path

import environ

from chatbot_project.embedded.addresses import embedded_addresses

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

# --- Where things are -------------------------------------------------------------------------
DATA_DIR = Path(env.str("CHATBOT_DATA_DIR", "var")).expanduser()
if not DATA_DIR.is_absolute():
    DATA_DIR = BASE_DIR / DATA_DIR
EMBEDDED = embedded_addresses(DATA_DIR)
PORT = env.int("PORT", 8000)
PUBLIC_URL = env.str("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
SITE_NAME = env.str("SITE_NAME", "Chatbot")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "support@localhost")
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or EMBEDDED["SECRET_KEY"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])

# --- Database, cache, queue -------------------------------------------------------------------
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 10)
DATABASES = {
    "default": {
        **env.db_url_config(env.str("DATABASE_URL", "") or EMBEDDED["DATABASE_URL"]),
        "CONN_MAX_AGE": 0,  # the pool keeps connections; Django must give them back
        "OPTIONS": {"pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 20}},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL", "") or EMBEDDED["REDIS_URL"]

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
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", "")
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
EMBEDDED_MODEL = not (OPENAI_BASE_URL or OPENAI_API_KEY)
if EMBEDDED_MODEL:
    OPENAI_BASE_URL = EMBEDDED["OPENAI_BASE_URL"]
    OPENAI_API_KEY = EMBEDDED["OPENAI_API_KEY"]
