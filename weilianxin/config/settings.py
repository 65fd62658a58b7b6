"""Every setting of an installation, read from environment variables named WEILIANXIN_* (see docs/run.md).

Nothing here decides a rule of the service: limits, texts, categories and calendars are data that an
administrator edits at the desk.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name, default=""):
    return os.environ.get(f"WEILIANXIN_{name}", default)


def env_bool(name, default=False):
    return env(name, "1" if default else "0").strip().lower() in {"1", "true", "yes", "on"}


DATA_DIR = Path(env("DATA", "var")).resolve()


def kept_secret(name):
    """The secret of this installation, made once and kept readable by its owner only."""
    path = DATA_DIR / "keys" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


DEBUG = env_bool("DEBUG")
DEMO = env_bool("DEMO")
SECRET_KEY = env("SECRET_KEY") or kept_secret("secret")
ALLOWED_HOSTS = [h for h in env("HOSTS", "localhost,127.0.0.1,[::1]").split(",") if h]
CSRF_TRUSTED_ORIGINS = [o for o in env("ORIGINS").split(",") if o]
PUBLIC_URL = env("PUBLIC_URL", "http://127.0.0.1:8000").rstrip("/")
HTTPS = env_bool("HTTPS", PUBLIC_URL.startswith("https:"))
# How many reverse proxies stand in front and may say who the client is; 0 means nobody may.
PROXIES = int(env("PROXIES", "0"))

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "weilianxin.journal",
    "weilianxin.areas",
    "weilianxin.people",
    "weilianxin.files",
    "weilianxin.notify",
    "weilianxin.cases",
    "weilianxin.insights",
    "weilianxin.portal",
    "weilianxin.desk",
    "weilianxin.programmes.reports",
    "weilianxin.programmes.rounds",
]

MIDDLEWARE = [
    "weilianxin.lib.edge.SecurityHeaders",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "weilianxin.lib.edge.EdgeValidator",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "weilianxin.lib.language.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "weilianxin.people.session.AccountMiddleware",
]

ROOT_URLCONF = "weilianxin.config.urls"
WSGI_APPLICATION = "weilianxin.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "weilianxin.portal.context.frame",
            ],
            "builtins": ["weilianxin.portal.templatetags.wlx"],
        },
    }
]


def database(url):
    """Django's settings for `url`; without one, SQLite in the data folder, durable at every commit."""
    if not url or url.startswith("sqlite"):
        name = url.partition(":///")[2] if url else DATA_DIR / "weilianxin.sqlite3"
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": name,
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
                "PRAGMA foreign_keys=ON; PRAGMA cache_size=-32000;",
            },
            # A file, so that threads in tests really meet.
            "TEST": {"NAME": str(DATA_DIR / f"test-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.sqlite3")},
        }
    parts = urlsplit(url)
    query = {k: v[-1] for k, v in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": query.pop("port", None) or parts.port or "",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": query,
    }


DATABASES = {"default": database(os.environ.get("DATABASE_URL", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "people.Account"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "__Host-wlx" if HTTPS else "wlx"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 24 * 3600
CSRF_COOKIE_NAME = "__Host-wlx-csrf" if HTTPS else "wlx-csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "weilianxin.portal.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXIES else None

LANGUAGE_CODE = env("LANGUAGE", "zh-hans")
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LANGUAGE_COOKIE_NAME = "lang"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_MAX_AGE = 3600
MEDIA_ROOT = DATA_DIR / "files"

FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 400
DATA_UPLOAD_MAX_NUMBER_FILES = 24

# Who the installation is, and whether it speaks to the outside world.
SUBDISTRICT_CODE = env("SUBDISTRICT")
CALLS = env_bool("CALLS")  # show telephone numbers as links one can call; never for people of the demo
# Partners on this machine or in the house's own net, for tests and the demo only.
WEBHOOKS_AT_HOME = False
# Against floods of codes, far above what many people behind one address need: per address, and in all.
CODES_HOUR, CODES_DAY = int(env("CODES_HOUR") or 200), int(env("CODES_DAY") or 1000)
CODES_MINUTE = int(env("CODES_MINUTE") or 300)
SMS = env("SMS", "none")  # none | console | http
SMS_URL, SMS_KEY, SMS_SIGN = env("SMS_URL"), env("SMS_KEY"), env("SMS_SIGN", "微连心")
EMAIL_HOST, EMAIL_PORT = env("SMTP_HOST"), int(env("SMTP_PORT", "465") or 465)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = env("SMTP_USER"), env("SMTP_PASSWORD")
EMAIL_USE_SSL = env_bool("SMTP_SSL", True)
DEFAULT_FROM_EMAIL = env("MAIL_FROM", EMAIL_HOST_USER)

# The mini-program. The secret opens its account: it is kept in the environment and never shown or logged.
WECHAT_APPID, WECHAT_SECRET = env("WECHAT_APPID"), env("WECHAT_SECRET")
WECHAT_TOKEN, WECHAT_AES_KEY = env("WECHAT_TOKEN"), env("WECHAT_AES_KEY")  # of its message push
WECHAT_BASE = env("WECHAT_BASE", "https://api.weixin.qq.com")
WECHAT_STATE = env("WECHAT_STATE", "formal")  # which version messages and codes open: developer | trial | formal

# What the administrator's first page asks for the problems of this installation: called with the moment.
CHECK = "weilianxin.config.check.problems"

# What the work loop calls with the moment, and every how many seconds (see config/work.py).
WORK = {
    "weilianxin.notify.deliver.deliver_due": 2,
    "weilianxin.notify.deliver.take_up": 3600,
    "weilianxin.notify.deliver.forget_old": 86400,
    "weilianxin.notify.webhooks.deliver_due": 2,
    "weilianxin.notify.webhooks.forget_old": 86400,
    "weilianxin.cases.ring.ring_due": 10,
    "weilianxin.programmes.reports.threads.ring_due": 30,
    "weilianxin.programmes.reports.threads.forget_old": 3600,
    "weilianxin.insights.brief.send_due": 60,
    "weilianxin.journal.checkpoint.seal_due": 60,
    "weilianxin.cases.once.forget_old": 3600,
    "weilianxin.people.codes.cleanup": 3600,
    "weilianxin.people.throttle.cleanup": 3600,
    "weilianxin.people.tokens.cleanup": 3600,
    "weilianxin.notify.push.forget_old": 3600,
    "weilianxin.files.store.sweep_photos": 3600,
    "weilianxin.files.store.sweep_orphans": 86400,
    "weilianxin.files.store.sweep_sounds": 3600,
    "weilianxin.programmes.reports.pages.drafts.forget_old": 86400,
    "weilianxin.programmes.rounds.plan.keep": 3600,
    "weilianxin.config.work.clear_sessions": 86400,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "weilianxin.config.logs.Line", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
    },
    "filters": {"address": {"()": "weilianxin.config.logs.AddressFilter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["address"]}},
    "root": {"handlers": ["stderr"], "level": env("LOG", "INFO").upper()},
    "loggers": {"django.db.backends": {"level": "INFO"}, "httpx": {"level": "WARNING"}},
}
