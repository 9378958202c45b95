//! Each kind of setting by itself.

use super::{Import, KEY};
use crate::support::Folder;

/// Settings, a section and a name, and what the file has there.
const TAKEN: &[(&str, &str, &str, &str)] = &[
    (
        "SIMPLE_JWT = {'AUTH_HEADER_TYPES': ('Bearer')}",
        "simple_jwt",
        "AUTH_HEADER_TYPES",
        "\"Bearer\"",
    ),
    (
        "SIMPLE_JWT = {'AUTH_TOKEN_CLASSES': ('rest_framework_simplejwt.tokens.SlidingToken',)}",
        "simple_jwt",
        "AUTH_TOKEN_CLASSES",
        "[\"rest_framework_simplejwt.tokens.SlidingToken\"]",
    ),
    (
        "SIMPLE_JWT = {'TOKEN_TYPE_CLAIM': None}",
        "simple_jwt",
        "TOKEN_TYPE_CLAIM",
        "\"\"",
    ),
    (
        "SIMPLE_JWT = {'LEEWAY': 5}\nSIMPLE_JWT |= {'LEEWAY': 6}",
        "simple_jwt",
        "LEEWAY",
        "6",
    ),
    (
        "BASE = {'LEEWAY': 5}\nSIMPLE_JWT = {**BASE, 'ISSUER': 'me'}",
        "simple_jwt",
        "LEEWAY",
        "5",
    ),
    (
        "SIMPLE_JWT = {'ACCESS_TOKEN_LIFETIME': timedelta(seconds=1.5)}",
        "simple_jwt",
        "ACCESS_TOKEN_LIFETIME",
        "\"1s 500ms\"",
    ),
    (
        "from django.conf import settings\nSECRET_KEY = '@@'\nSIMPLE_JWT = {'SIGNING_KEY': settings.SECRET_KEY}",
        "simple_jwt",
        "SIGNING_KEY",
        "\"@@\"",
    ),
    (
        "SECRET_KEY = '@@'\nSIMPLE_JWT = {'SIGNING_KEY': SECRET_KEY[1:]}",
        "simple_jwt",
        "SIGNING_KEY",
        "",
    ),
    (
        "SECRET_KEY = 'short'",
        "simple_jwt",
        "INSECURE_ALLOW_SHORT_KEYS",
        "true",
    ),
    (
        "SIMPLE_JWT = {'ALGORITHM': 'RS256', 'SIGNING_KEY': open('/keys/jwt.pem').read()}",
        "server",
        "signing_key_file",
        "\"/keys/jwt.pem\"",
    ),
    (
        "SIMPLE_JWT = {}\nCSRF_TRUSTED_ORIGINS = ['https://app.example.com', 'https://*.example.org']",
        "simple_jwt",
        "CSRF_TRUSTED_ORIGINS",
        r#"["https://app.example.com", "https://*.example.org"]"#,
    ),
    (
        "DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024",
        "simple_jwt",
        "DATA_UPLOAD_MAX_MEMORY_SIZE",
        "10240",
    ),
    (
        "INSTALLED_APPS = ['a']\nINSTALLED_APPS += ['rest_framework_simplejwt.token_blacklist']",
        "database",
        "token_blacklist",
        "true",
    ),
    (
        "INSTALLED_APPS = ['a'] + others()\nINSTALLED_APPS += ['rest_framework_simplejwt.token_blacklist']",
        "database",
        "token_blacklist",
        "true",
    ),
    (
        "INSTALLED_APPS = ['a'] + others()",
        "database",
        "token_blacklist",
        "",
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/srv/db.sqlite3'}}",
        "database",
        "url",
        "\"sqlite:/srv/db.sqlite3\"",
    ),
    (
        "import dj_database_url\nDATABASES = {'default': dj_database_url.parse('sqlite:////srv/db.sqlite3')}",
        "database",
        "url",
        "\"sqlite:/srv/db.sqlite3\"",
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop', 'USER': 'ada', 'PASSWORD': 'p@ss/', 'HOST': 'db.example.com', 'PORT': 5433}}",
        "database",
        "url",
        "\"postgres://ada:p%40ss%2F@db.example.com:5433/shop\"",
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop', 'USER': 'ada', 'HOST': '/run/pg', 'PORT': '5433'}}",
        "database",
        "url",
        "\"postgres://ada@/shop?host=/run/pg&port=5433\"",
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop', 'HOST': 'h', 'OPTIONS': {'sslmode': 'verify-full', 'sslrootcert': '/ca.pem', 'pool': {'max_size': 20}}}}",
        "database",
        "max_connections",
        "20",
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop', 'HOST': 'h', 'OPTIONS': {'sslmode': 'require', 'isolation_level': 3}}}",
        "database",
        "url",
        "\"postgres://h/shop?sslmode=require\"",
    ),
    (
        "CORS_ORIGIN_WHITELIST = ['https://a.example.com']",
        "cors",
        "CORS_ALLOWED_ORIGINS",
        "[\"https://a.example.com\"]",
    ),
    (
        "import re\nCORS_ALLOWED_ORIGIN_REGEXES = [re.compile(r'^https://\\w+\\.example\\.com$')]",
        "cors",
        "CORS_ALLOWED_ORIGIN_REGEXES",
        "['^https://\\w+\\.example\\.com$']",
    ),
    (
        "MIDDLEWARE = ['a']\nCORS_ALLOW_ALL_ORIGINS = True",
        "cors",
        "CORS_ALLOW_ALL_ORIGINS",
        "",
    ),
    (
        "PASSWORD_HASHERS = ['django.contrib.auth.hashers.BCryptSHA256PasswordHasher', 'a.MyHasher']",
        "simple_jwt",
        "PASSWORD_HASHERS",
        "[\"bcrypt_sha256\"]",
    ),
];

#[test]
fn settings_are_written_as_the_configuration_takes_them() {
    for (settings, section, name, expected) in TAKEN {
        let import = Import::of(&settings.replace("@@", KEY));
        let expected = expected.replace("@@", KEY);
        assert_eq!(
            import.setting(section, name),
            expected,
            "{settings}\n{}",
            import.told.out
        );
    }
}

/// Settings, and what is told of what is left out.
const LEFT: &[(&str, &[&str])] = &[
    (
        "SIMPLE_JWT = {'access_token_lifetime': 5}",
        &[
            "does not read a name in lower case",
            "Did you mean ACCESS_TOKEN_LIFETIME?",
        ],
    ),
    (
        "SIMPLE_JWT = {'ALGORITM': 'HS512'}",
        &[
            "SIMPLE_JWT.ALGORITM (settings.py:1)",
            "Did you mean ALGORITHM?",
        ],
    ),
    (
        "SIMPLE_JWT = {'AUTH_TOKEN_CLASS': 'x'}",
        &["has been removed, use AUTH_TOKEN_CLASSES"],
    ),
    (
        "SIMPLE_JWT = {'REUSE_DETECTION': True}",
        &["Simple JWT has no such setting"],
    ),
    (
        "SIMPLE_JWT = {'ALGORITHM': 'none'}",
        &["SIMPLE_JWT.ALGORITHM"],
    ),
    (
        "SIMPLE_JWT = {'ACCESS_TOKEN_LIFETIME': timedelta(days=-1)}",
        &["negative timedelta"],
    ),
    (
        "SIMPLE_JWT = {'ACCESS_TOKEN_LIFETIME': get_lifetime()}",
        &[
            "what get_lifetime() returns, which is not called",
            "Set ACCESS_TOKEN_LIFETIME in [simple_jwt]",
        ],
    ),
    (
        "SIMPLE_JWT = {'USER_AUTHENTICATION_RULE': 'a.rule'}",
        &["Python code cannot be run here", "user_authentication_rule"],
    ),
    (
        "SIMPLE_JWT = {'AUTH_TOKEN_CLASSES': ('a.tokens.MyToken',)}",
        &["no token class \"a.tokens.MyToken\""],
    ),
    (
        "SIMPLE_JWT = {'JWK_URL': 'https://a.example.com/jwks'}",
        &["needs an asymmetric ALGORITHM"],
    ),
    (
        "SIMPLE_JWT = load()",
        &["SIMPLE_JWT (settings.py:1)", "what load() returns"],
    ),
    (
        "SIMPLE_JTW = {'LEEWAY': 5}\nSECRET_KEY = 1",
        &["Did you mean SIMPLE_JWT?"],
    ),
    (
        "JWT_AUTH = {}\nSECRET_KEY = 1",
        &["belongs to djangorestframework-jwt"],
    ),
    (
        "SECRET_KEY = get_random_secret_key()",
        &["SECRET_KEY (settings.py:1)", "TOKENPAIR_SIGNING_KEY"],
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.mysql', 'NAME': 'n'}}",
        &["not on django.db.backends.mysql"],
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': ':memory:'}}",
        &["in memory"],
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': '/srv/what?.sqlite3'}}",
        &["[database] url", "without options"],
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'n', 'HOST': 'h', 'OPTIONS': {'service': 'x'}}}",
        &["OPTIONS.service"],
    ),
    (
        "DATABASE_ROUTERS = ['a.Router']\nSECRET_KEY = 1",
        &["DATABASE_ROUTERS"],
    ),
    (
        "AUTHENTICATION_BACKENDS = ['a.EmailBackend', 'django.contrib.auth.backends.ModelBackend']\nSECRET_KEY = 1",
        &["a.EmailBackend is Python code"],
    ),
    (
        "AUTH_USER_MODEL = 'accounts.User'",
        &[
            "the module accounts.models is not in the project",
            "--manage-py",
        ],
    ),
    (
        "AUTH_USER_MODEL = name()",
        &["AUTH_USER_MODEL (settings.py:1)"],
    ),
    (
        "PASSWORD_HASHERS = ['a.MyHasher']",
        &["Django makes new hashes with it"],
    ),
    (
        "USE_TZ = False\nTIME_ZONE = 'Asia/Tokyo'\nSECRET_KEY = 1",
        &["USE_TZ (settings.py:1)", "times of Asia/Tokyo", "UTC"],
    ),
    (
        "LANGUAGE_CODE = 'de'\nSECRET_KEY = 1",
        &["Django words its errors in de"],
    ),
    (
        "REST_FRAMEWORK = {'EXCEPTION_HANDLER': 'a.handler'}",
        &["REST_FRAMEWORK.EXCEPTION_HANDLER"],
    ),
    (
        "REST_FRAMEWORK = {'DEFAULT_THROTTLE_CLASSES': ['rest_framework.throttling.AnonRateThrottle']}",
        &["docs/nginx.md"],
    ),
    (
        "CORS_ALOWED_ORIGINS = ['https://a.example.com']",
        &["Did you mean CORS_ALLOWED_ORIGINS?"],
    ),
    (
        "CORS_ALLOWED_ORIGINS = ['a.example.com']",
        &["CORS_ALLOWED_ORIGINS (settings.py:1)"],
    ),
    (
        "ROOT_URLCONF = 'site.urls'",
        &["the module site.urls is not in the project"],
    ),
    (
        "import django_heroku\nSECRET_KEY = 1\ndjango_heroku.settings(locals())",
        &[
            "settings.py:3",
            "django_heroku.settings() may change any setting",
        ],
    ),
    (
        "SECRET_KEY = 1\nexec(open('x').read())",
        &["exec() may change any setting"],
    ),
    (
        "from nowhere import *\nSECRET_KEY = 1",
        &["the module nowhere that is imported here is not there"],
    ),
];

#[test]
fn what_cannot_be_taken_is_told_with_its_place_and_reason() {
    for (settings, fragments) in LEFT {
        let import = Import::of(settings);
        import.file();
        for fragment in *fragments {
            assert!(
                import.left().contains(fragment),
                "{settings}: {fragment}\n{}",
                import.told.out
            );
        }
    }
}

/// Settings of most projects that tokens have nothing to do with.
#[test]
fn what_does_not_matter_is_passed_over() {
    let settings = format!(
        "import os\nfrom pathlib import Path\nfrom django.utils.translation import gettext_lazy as _\nBASE_DIR = Path(__file__).resolve().parent.parent\n\
         SECRET_KEY = '{KEY}'\nDEBUG = True\nALLOWED_HOSTS = ['*']\nLOGGING = {{'handlers': {{'f': {{'filename': os.getcwd()}}}}}}\n\
         TEMPLATES = [{{'DIRS': [BASE_DIR / 'templates']}}]\nSTATIC_URL = 'static/'\nLANGUAGES = [('de', _('German'))]\nUSE_TZ = True\nTIME_ZONE = 'UTC'\n\
         LANGUAGE_CODE = 'en-us'\nUSE_I18N = True\nDATABASE_ROUTERS = []\nEMAIL_HOST_PASSWORD = 'mail-secret'\nAUTH_USER_MODEL = 'auth.User'\n\
         DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3', 'NAME': BASE_DIR / 'db.sqlite3', 'CONN_MAX_AGE': 60, 'ATOMIC_REQUESTS': True}}}}\n\
         AUTHENTICATION_BACKENDS = ['django.contrib.auth.backends.ModelBackend']\nAUTH_PASSWORD_VALIDATORS = []\nSIMPLE_JWT = {{}}\n"
    );
    let import = Import::of(&settings);
    assert!(import.left().is_empty(), "{}", import.told.out);
    let file = import.file();
    assert!(
        !file.contains("mail-secret") && !file.contains("ALLOWED_HOSTS"),
        "{file}"
    );
    assert!(!import.told.out.contains(KEY));
}

/// A file beside the settings, a setting, and what the configuration has.
const VERSIONS: &[(&str, &str, &str, &str)] = &[
    (
        "requirements.txt",
        "Django==4.2.7\n",
        "PASSWORD_ROUNDS",
        "pbkdf2_sha256_iterations = 600000",
    ),
    (
        "requirements.txt",
        "django[argon2] ~= 5.0.1\n",
        "PASSWORD_ROUNDS",
        "pbkdf2_sha256_iterations = 720000",
    ),
    ("requirements.txt", "Django==5.2\n", "PASSWORD_ROUNDS", ""),
    (
        "uv.lock",
        "[[package]]\nname = \"django\"\nversion = \"5.1.3\"\n",
        "PASSWORD_ROUNDS",
        "pbkdf2_sha256_iterations = 870000",
    ),
    (
        "requirements.txt",
        "djangorestframework_simplejwt==5.3.1\n",
        "USER_ID_CLAIM_TYPE",
        "\"number\"",
    ),
    (
        "requirements.txt",
        "djangorestframework-simplejwt==5.3.1\n",
        "ERROR_TEXTS",
        "\"5.4\"",
    ),
    (
        "requirements.txt",
        "djangorestframework-simplejwt==5.5.0\n",
        "ERROR_TEXTS",
        "",
    ),
    (
        "requirements.txt",
        "djangorestframework-simplejwt==5.5.0\n",
        "USER_ID_CLAIM_TYPE",
        "\"number\"",
    ),
    (
        "requirements.txt",
        "djangorestframework-simplejwt==5.5.1\n",
        "USER_ID_CLAIM_TYPE",
        "",
    ),
    (
        "requirements.txt",
        "djangorestframework-simplejwt==4.8.0\n",
        "BLACKLIST_AFTER_ROTATION",
        "true",
    ),
];

#[test]
fn versions_that_are_named_decide_what_they_decide_in_django() {
    for (file, content, name, expected) in VERSIONS {
        let folder = Folder::new()
            .with_file("manage.py", "")
            .with_file("settings.py", "SIMPLE_JWT = {'LEEWAY': 5}\n")
            .with_file(file, content);
        let import = Import::in_folder(folder, "settings.py");
        let found = import.setting("simple_jwt", name);
        assert!(
            found.contains(expected) && found.is_empty() == expected.is_empty(),
            "{content}: {found}"
        );
    }
}

#[test]
fn hashers_that_change_the_work_alone_are_djangos_with_that_work() {
    let hashers = "from django.contrib.auth.hashers import PBKDF2PasswordHasher, Argon2PasswordHasher\n\
        class Slow(PBKDF2PasswordHasher):\n    iterations = PBKDF2PasswordHasher.iterations\n\
        class Mine(PBKDF2PasswordHasher):\n    iterations = 1_500_000\n\
        class Other(Argon2PasswordHasher):\n    def encode(self, password, salt):\n        return ''\n";
    let folder = Folder::new()
        .with_file("manage.py", "")
        .with_file(
            "settings.py",
            "PASSWORD_HASHERS = ['hashers.Mine', 'hashers.Other', 'hashers.Slow']\n",
        )
        .with_file("hashers.py", hashers);
    let import = Import::in_folder(folder, "settings.py");
    assert_eq!(
        import.setting("simple_jwt", "PASSWORD_HASHERS"),
        "[\"pbkdf2_sha256\"]"
    );
    assert_eq!(
        import.setting("simple_jwt", "PASSWORD_ROUNDS"),
        "{ pbkdf2_sha256_iterations = 1500000 }"
    );
    for name in ["hashers.Other", "hashers.Slow"] {
        assert!(
            import
                .left()
                .contains(&format!("{name} is none of Django's hashers")),
            "{}",
            import.told.out
        );
    }
}
