"""Settings, all from the environment (and `.env`). README lists every one; a test sees to it."""

from pathlib import Path

import Stemmer
from celery.schedules import crontab

from chatbot_project import logs, openapi
from chatbot_project.embedded.addresses import embedded_addresses
from chatbot_project.environment import (
    REDIS,
    BadSetting,
    Environment,
    database_config,
    email_config,
    pool_options,
)
from chatbot_project.storages import files_in_bucket, files_in_folder

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
ENV_FILE = BASE_DIR / env.str("ENV_FILE", ".env")
env.read_file(ENV_FILE, is_optional=ENV_FILE == BASE_DIR / ".env")

# --- Where things are -------------------------------------------------------------------------
DATA_DIR = (BASE_DIR / Path(env.str("CHATBOT_DATA_DIR", "var")).expanduser()).resolve()
DATABASE_URL = env.str("DATABASE_URL")
REDIS_URL = env.url("REDIS_URL", schemes=REDIS)
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL")
OPENAI_API_KEY = env.str("OPENAI_API_KEY")
EMBEDDED_MODEL = not (OPENAI_BASE_URL or OPENAI_API_KEY)
SECRET_KEY = env.str("SECRET_KEY", shortest=40)
GIVEN = {
    "DATABASE_URL": DATABASE_URL,
    "REDIS_URL": REDIS_URL,
    "OPENAI_BASE_URL": not EMBEDDED_MODEL,
    "OPENAI_API_KEY": not EMBEDDED_MODEL,
    "SECRET_KEY": SECRET_KEY or DATABASE_URL,  # several machines may share a database: no guess
}
try:  # with everything given the data folder is not touched: it need not be writable
    EMBEDDED = embedded_addresses(DATA_DIR, besides=[name for name in GIVEN if GIVEN[name]])
except OSError as error:
    raise BadSetting("CHATBOT_DATA_DIR", f"{DATA_DIR} cannot be used ({error.strerror}).") from None
PORT = env.int("PORT", 8000, minimum=1, maximum=65535)
PUBLIC_URL = env.url("PUBLIC_URL", f"http://localhost:{PORT}")
SITE_NAME = env.str("SITE_NAME", "Chatbot")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "support@localhost")
DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])

# --- Database, cache, queue -------------------------------------------------------------------
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 10, minimum=3)
# Planned once a connection: a third less of PostgreSQL's time. Not with PgBouncer before 1.21.
DATABASE_PREPARED_STATEMENTS = env.bool("DATABASE_PREPARED_STATEMENTS", True)
POOL = pool_options(DATABASE_POOL_SIZE, prepared=DATABASE_PREPARED_STATEMENTS)
DATABASES = {
    "default": {
        **database_config(DATABASE_URL or EMBEDDED["DATABASE_URL"], POOL),
        "CONN_MAX_AGE": 0,  # the pool keeps connections; Django must give them back
    }
}
SECRET_KEY = SECRET_KEY or EMBEDDED.get("SECRET_KEY", "")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS")
if not SECRET_KEY:
    raise BadSetting("SECRET_KEY", "must be set where DATABASE_URL is: all machines share one.")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = REDIS_URL or EMBEDDED["REDIS_URL"]

CACHES = {
    "default": {"BACKEND": "chatbot_project.api.cache.RedisCache", "LOCATION": REDIS_URL},
    "limits": {"BACKEND": "chatbot_project.api.cache.CountingCache", "LOCATION": REDIS_URL},
}
RATELIMIT_USE_CACHE = "limits"

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
    "django_ratelimit",
    "chatbot_project.api",
    "chatbot_project.embedded",
    "chatbot_project.site",
    "accounts",
    "webhooks",
    "knowledge",
    "documents",
    "files",
    "chat",
]
AUTH_USER_MODEL = "accounts.User"
VALIDATORS = ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"} for name in VALIDATORS
]
ROOT_URLCONF = "chatbot_project.urls"
ASGI_APPLICATION = "chatbot_project.asgi.application"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
STATIC_URL = "/static/"

# --- Middleware and pages ---------------------------------------------------------------------
MIDDLEWARE = [
    "chatbot_project.api.middleware.Plumbing",
    # Django's own, for pages alone: calls to the API pass them by.
    "chatbot_project.api.pages.Security",
    "chatbot_project.api.pages.Session",
    "chatbot_project.api.pages.Common",
    "chatbot_project.api.pages.Csrf",
    "chatbot_project.api.pages.Authentication",
    "chatbot_project.api.pages.Messages",
    "chatbot_project.api.pages.Clickjacking",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SILENCED_SYSTEM_CHECKS = [
    # It knows no Redis backend but django-redis. Ours counts atomically; a test holds it to that.
    "django_ratelimit.W001",
]

# --- Logs -------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", "INFO", choices=logs.LEVELS)
LOG_FORMAT = env.str(
    "LOG_FORMAT", "auto", choices=logs.FORMATS
)  # json, text, or auto: text on a terminal
LOGGING = logs.configuration(LOG_LEVEL, LOG_FORMAT)

# --- Server -----------------------------------------------------------------------------------
# Loopback: a first start on a laptop must not open a port to its network. Containers say 0.0.0.0.
HOST = env.str("HOST", "127.0.0.1")
MAX_BODY_BYTES = 10_000_000
MAX_UPLOAD_BYTES = 101_000_000  # a file of 100 MB and the fields around it
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# --- Files ------------------------------------------------------------------------------------
# In a folder here, or in a bucket of any service that speaks S3.
S3_BUCKET = env.str("S3_BUCKET")
S3_ENDPOINT_URL = env.url("S3_ENDPOINT_URL")
S3_REGION = env.str("S3_REGION")
S3_ACCESS_KEY_ID = env.str("S3_ACCESS_KEY_ID")
S3_SECRET_ACCESS_KEY = env.str("S3_SECRET_ACCESS_KEY")
S3_PREFIX = env.str("S3_PREFIX").strip("/")
for name in ("S3_ENDPOINT_URL", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"):
    if globals()[name] and not S3_BUCKET:
        raise BadSetting(name, "is of no use without S3_BUCKET.")
if bool(S3_ACCESS_KEY_ID) != bool(S3_SECRET_ACCESS_KEY):
    raise BadSetting("S3_ACCESS_KEY_ID", "and S3_SECRET_ACCESS_KEY belong together.")
STORAGES = {
    "default": files_in_bucket(
        S3_BUCKET,
        prefix=S3_PREFIX,
        endpoint_url=S3_ENDPOINT_URL,
        region=S3_REGION,
        access_key=S3_ACCESS_KEY_ID,
        secret_key=S3_SECRET_ACCESS_KEY,
    )
    if S3_BUCKET
    else files_in_folder(DATA_DIR / "files"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILES_AT_ONCE = env.int("FILES_AT_ONCE", 1, minimum=1)  # on a machine, by all its workers

# --- Mail -------------------------------------------------------------------------------------
# Without a server, mail is written into files, for whoever runs this to find.
EMAIL_URL = env.str("EMAIL_URL")
DEFAULT_FROM_EMAIL = SUPPORT_EMAIL
if EMAIL_URL:
    globals().update(email_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_TIMEOUT = 10  # seconds

# --- Queue ------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
if REDIS_URL.startswith("unix:"):  # Celery spells it its own way
    path = REDIS_URL.removeprefix("unix").replace("?db=", "?virtual_host=")
    CELERY_BROKER_URL = f"redis+socket{path}"
if REDIS_URL.startswith("rediss:"):
    CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": "required"}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 30}
CELERY_TASK_PUBLISH_RETRY = False  # a request must not wait for a broker that is down
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"  # it keeps no file: nothing here needs one
CELERY_BEAT_SCHEDULE = {
    "prune-idempotency-keys": {
        "task": "chatbot_project.api.tasks.prune_idempotency_keys",
        "schedule": 900.0,
    },
    "note-worker": {"task": "chatbot_project.site.tasks.note_worker", "schedule": 15.0},
    "sweep-answers": {"task": "chat.tasks.sweep_abandoned_answers", "schedule": 10.0},
    "sweep-files": {"task": "files.tasks.sweep_files", "schedule": 10.0},
    "sweep-indexing": {"task": "documents.tasks.sweep_indexing", "schedule": 30.0},
    "embed-recent-chunks": {
        "task": "knowledge.tasks.embed_recent_chunks",
        "schedule": 300.0,
    },
    "make-titles": {"task": "chat.tasks.make_titles", "schedule": 30.0},
    "sweep-deliveries": {"task": "webhooks.tasks.sweep", "schedule": 2.0},
    "tell-owners": {"task": "webhooks.tasks.tell_owners", "schedule": 60.0},
    "prune-events": {"task": "webhooks.tasks.prune", "schedule": 3600.0},
    "delete-accounts": {"task": "accounts.tasks.delete_accounts", "schedule": 30.0},
    "clear-sessions": {
        "task": "chatbot_project.site.tasks.clear_sessions",
        "schedule": crontab(hour="3", minute="17"),
    },
}
for entry in CELERY_BEAT_SCHEDULE.values():  # with no worker there they must not pile up
    period = entry["schedule"] if isinstance(entry["schedule"], float) else 86_400.0
    entry["options"] = {"expires": period}

# --- API --------------------------------------------------------------------------------------
API_AUTHENTICATE = "accounts.authentication.authenticate"
API_ANONYMOUS_REQUESTS_PER_MINUTE = env.int("ANONYMOUS_REQUESTS_PER_MINUTE", 30)
API_REPLAY = "chat.replies.replay"
# Limits of tiers that GET /api/usage shows with `used`, and who counts them.
USAGE_COUNTERS = {
    "concurrent_answers": "chat.limits.count_answers",
    "max_endpoints": "webhooks.services.count_endpoints",
    "max_files": "files.quotas.count_files",
    "max_stored_bytes": "files.quotas.count_bytes",
}
# Who deletes what an account has, some of it a call, before the account itself; in this order.
ACCOUNT_DELETERS = [
    *("chat.upkeep.delete_chats_of", "files.services.delete_files_of"),
    *("knowledge.services.delete_sources_of", "webhooks.deletion.delete_endpoints_of"),
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["chatbot_project.api.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["chatbot_project.api.bodies.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chatbot_project.api.negotiation.AlwaysFirst",
    "DEFAULT_PAGINATION_CLASS": "chatbot_project.api.pagination.Pagination",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "chatbot_project.api.errors_handler.handle",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%SZ",
}
SPECTACULAR_SETTINGS = openapi.description(SITE_NAME, SUPPORT_EMAIL)

# --- Language models --------------------------------------------------------------------------
if EMBEDDED_MODEL:
    OPENAI_BASE_URL = EMBEDDED["OPENAI_BASE_URL"]
    OPENAI_API_KEY = EMBEDDED["OPENAI_API_KEY"]
OPENAI_BASE_URL = OPENAI_BASE_URL or "https://api.openai.com/v1"
EMBEDDED_SERVICES = [
    name
    for name, is_needed in {
        "postgres": not DATABASE_URL,
        "valkey": not GIVEN["REDIS_URL"],
        "llm": EMBEDDED_MODEL,
    }.items()
    if is_needed
]
EMBEDDED_MODEL_NAME = "smollm2-135m-instruct"
# `public=provider` pairs. Set: other names are refused. Unset: any name goes to the provider.
CHAT_MODELS = env.pairs("CHAT_MODELS")
EXTRACTIVE_MODEL_NAME = "extractive"  # of ours: it answers in the words of the sources alone
if EXTRACTIVE_MODEL_NAME in CHAT_MODELS:
    raise BadSetting("CHAT_MODELS", f"{EXTRACTIVE_MODEL_NAME} is the name of a model of ours.")
CHAT_DEFAULT_MODEL = env.str(
    "CHAT_DEFAULT_MODEL", choices=[*CHAT_MODELS, EXTRACTIVE_MODEL_NAME] if CHAT_MODELS else ()
)
# Models that may call functions, by their public names; * is every one.
CHAT_TOOLS = [] if EMBEDDED_MODEL else env.list("CHAT_TOOLS", default=["*"])
if CHAT_MODELS and (unknown := {*CHAT_TOOLS} - {*CHAT_MODELS, "*", "none"}):
    raise BadSetting("CHAT_TOOLS", f"{min(unknown)!r} is not one of CHAT_MODELS.")
CHAT_CONTEXT_TOKENS = env.int(
    "CHAT_CONTEXT_TOKENS", 4096 if EMBEDDED_MODEL else 16_000, minimum=256
)
CHAT_TIMEOUT = env.float("CHAT_TIMEOUT", 60.0, minimum=0.1)  # seconds a model may pause
CHAT_MAX_MESSAGE_CHARACTERS = env.int("CHAT_MAX_MESSAGE_CHARACTERS", 32_000, minimum=1)

# --- Webhooks ---------------------------------------------------------------------------------
# host:port of endpoints that may be private and without TLS.
WEBHOOK_ALLOWED_HOSTS = env.addresses("WEBHOOK_ALLOWED_HOSTS")
WEBHOOK_TIMEOUT = env.float("WEBHOOK_TIMEOUT", 15.0, minimum=0.1)  # seconds for a whole attempt
# The schedule of attempts takes three days.
WEBHOOK_RETENTION_DAYS = env.int("WEBHOOK_RETENTION_DAYS", 30, minimum=4, maximum=3650)

# --- Knowledge --------------------------------------------------------------------------------
EMBEDDINGS_BASE_URL = env.url("EMBEDDINGS_BASE_URL")
EMBEDDINGS_API_KEY = env.str("EMBEDDINGS_API_KEY", "")
# With neither of the two, each process that embeds has the embedded model in itself.
EMBEDDED_EMBEDDINGS = not (EMBEDDINGS_BASE_URL or EMBEDDINGS_API_KEY)
EMBEDDINGS_BASE_URL = EMBEDDINGS_BASE_URL or "https://api.openai.com/v1"
EMBEDDINGS_MODEL = env.str("EMBEDDINGS_MODEL", "text-embedding-3-small")
EMBEDDINGS_DIMENSIONS = env.int("EMBEDDINGS_DIMENSIONS", 0, maximum=16_000)  # 0: as it comes
EMBEDDINGS_THREADS = env.int("EMBEDDINGS_THREADS", 2, minimum=1)
SEARCH_LANGUAGE = env.str("SEARCH_LANGUAGE", "english", choices=Stemmer.algorithms())

# --- Files ------------------------------------------------------------------------------------
# A file is read by a process of its own, which may take no more than this.
EXTRACTION_MEMORY_MB = env.int("EXTRACTION_MEMORY_MB", 1024, minimum=128)
EXTRACTION_SECONDS = env.int("EXTRACTION_SECONDS", 300, minimum=1)
EXTRACTION_MAX_PAGES = env.int("EXTRACTION_MAX_PAGES", 5_000, minimum=1)
EXTRACTION_MAX_CHARACTERS = env.int("EXTRACTION_MAX_CHARACTERS", 10_000_000, minimum=1)
