//! User models and URLs from a project's files, and a live project that Django itself tells of.

use super::{Import, project};
use crate::support::{Folder, wait_until};
use std::fs;
use std::io::Write as _;
use std::process::Command;

const BASES: &str = "from django.db import models\nfrom django.contrib.auth.models import AbstractUser, AbstractBaseUser, PermissionsMixin\n";

fn with_model(model: &str, settings: &str) -> Import {
    let folder = Folder::new();
    fs::create_dir(folder.path("shop")).unwrap();
    fs::write(folder.path("shop/__init__.py"), "").unwrap();
    fs::write(folder.path("shop/models.py"), format!("{BASES}{model}")).unwrap();
    let settings =
        format!("AUTH_USER_MODEL = 'shop.User'\nINSTALLED_APPS = ['shop']\n{settings}\n");
    Import::in_folder(folder.with_file("settings.py", settings), "settings.py")
}

/// A model, a column of `[user_model]`, and what the file has there.
const MODELS: &[(&str, &str, &str)] = &[
    (
        "class User(AbstractUser):\n    pass\n",
        "table",
        "\"shop_user\"",
    ),
    ("class User(AbstractUser):\n    pass\n", "username", ""),
    (
        "class User(AbstractUser):\n    username = None\n    email = models.EmailField(unique=True)\n    USERNAME_FIELD = 'email'\n",
        "username",
        "\"email\"",
    ),
    (
        "class User(AbstractUser):\n    id = models.UUIDField(primary_key=True)\n",
        "id_kind",
        "\"uuid\"",
    ),
    (
        "class User(AbstractUser):\n    code = models.CharField(primary_key=True, max_length=9)\n",
        "id",
        "\"code\"",
    ),
    (
        "class User(AbstractUser):\n    code = models.CharField(primary_key=True, max_length=9)\n",
        "id_kind",
        "\"text\"",
    ),
    (
        "class User(AbstractBaseUser):\n    phone = models.CharField(unique=True, db_column='tel')\n    USERNAME_FIELD = 'phone'\n",
        "username",
        "\"tel\"",
    ),
    (
        "class User(AbstractBaseUser):\n    phone = models.CharField(unique=True, db_column='tel')\n    USERNAME_FIELD = 'phone'\n",
        "username_field",
        "\"phone\"",
    ),
    (
        "class User(AbstractBaseUser):\n    phone = models.CharField()\n    is_active = True\n    USERNAME_FIELD = 'phone'\n",
        "is_active",
        "\"\"",
    ),
    (
        "class User(AbstractBaseUser, PermissionsMixin):\n    phone = models.CharField()\n    is_active = models.BooleanField(db_column='active')\n    USERNAME_FIELD = 'phone'\n",
        "is_active",
        "\"active\"",
    ),
    (
        "class User(AbstractBaseUser):\n    phone = models.CharField()\n    USERNAME_FIELD = 'phone'\n",
        "is_superuser",
        "\"\"",
    ),
    (
        "class User(AbstractUser):\n    password = models.CharField(db_column='pw')\n    last_login = None\n",
        "password",
        "\"pw\"",
    ),
    (
        "class User(AbstractUser):\n    last_login = None\n",
        "last_login",
        "\"\"",
    ),
    (
        "class Named(models.Model):\n    class Meta:\n        abstract = True\n        db_table = 'people'\nclass User(Named, AbstractUser):\n    pass\n",
        "table",
        "\"people\"",
    ),
    (
        "class User(AbstractUser):\n    class Meta(AbstractUser.Meta):\n        db_table = 'people'\n",
        "table",
        "\"people\"",
    ),
];

#[test]
fn a_user_model_is_read_from_its_class() {
    for (model, name, expected) in MODELS {
        let import = with_model(model, "");
        assert_eq!(
            import.setting("user_model", name),
            *expected,
            "{model}\n{}",
            import.told.out
        );
    }
    let model = "class User(AbstractUser):\n    uid = models.UUIDField(unique=True, db_column='public_id')\n";
    let import = with_model(model, "SIMPLE_JWT = {'USER_ID_FIELD': 'uid'}");
    assert_eq!(import.setting("user_model", "user_id_kind"), "\"uuid\"");
    assert_eq!(
        import.setting("simple_jwt", "USER_ID_FIELD"),
        "\"public_id\""
    );
}

#[test]
fn what_a_user_model_does_beyond_its_columns_is_told() {
    for (model, fragment) in [
        (
            "from django.contrib.auth.models import User as Old\nclass User(Old):\n    pass\n",
            "made of two tables",
        ),
        (
            "from others import Base\nclass User(Base, AbstractUser):\n    pass\n",
            "its base others.Base is not in the project",
        ),
        (
            "class User(AbstractUser):\n    def check_password(self, raw):\n        return True\n",
            "the model's own check_password",
        ),
        (
            "from django.contrib.auth.models import UserManager\nclass M(UserManager):\n    def get_by_natural_key(self, name):\n        pass\nclass User(AbstractUser):\n    objects = M()\n",
            "its manager's get_by_natural_key",
        ),
        (
            "class Other(AbstractUser):\n    pass\n",
            "shop.models has no class User",
        ),
        ("class User(User):\n    pass\n", "User"),
        (
            "class User(AbstractUser):\n    class Meta:\n        db_table = name()\n",
            "its db_table what name() returns",
        ),
        (
            "class User(AbstractUser):\n    class Meta:\n        db_table = '\"auth\".\"user\"'\n",
            "the whole section is left out",
        ),
    ] {
        let import = with_model(model, "");
        import.file();
        assert!(
            import.left().contains(fragment),
            "{model}\n{}",
            import.told.out
        );
    }
}

fn with_urls(urls: &str) -> Import {
    let urls = format!(
        "from django.urls import include, path, re_path\nfrom rest_framework_simplejwt import views\n{urls}\n"
    );
    let folder = Folder::new()
        .with_file("settings.py", "ROOT_URLCONF = 'urls'\nDEBUG = True\n")
        .with_file("urls.py", urls);
    Import::in_folder(folder, "settings.py")
}

/// `urls.py`, an endpoint, and what the file has there.
const URLS: &[(&str, &str, &str)] = &[
    (
        "urlpatterns = [path('a/', views.TokenObtainPairView.as_view())]",
        "token_obtain_pair",
        "\"/a/\"",
    ),
    (
        "urlpatterns = [path('a/', views.token_refresh)]",
        "token_refresh",
        "\"/a/\"",
    ),
    (
        "urlpatterns = [re_path(r'^a/(?P<v>v1)/$', views.token_refresh)]",
        "token_refresh",
        "false",
    ),
    (
        "urlpatterns = [re_path(r'^a-b/?$', views.token_refresh)]",
        "token_refresh",
        "\"/a-b/\"",
    ),
    (
        "from django.conf.urls import url\nurlpatterns = [url(r'^a/$', views.token_verify)]",
        "token_verify",
        "\"/a/\"",
    ),
    (
        "inner = [path('b/', views.token_verify)]\nurlpatterns = [path('a/', include(inner)), path('c/', include((inner, 'x')))]",
        "token_verify",
        "[\"/a/b/\", \"/c/b/\"]",
    ),
    (
        "from django.conf import settings\nfrom django.conf.urls.static import static\nurlpatterns = [path('a', views.token_verify)]\nurlpatterns += static('/m/', document_root='x')",
        "token_verify",
        "\"/a\"",
    ),
    (
        "from django.conf import settings\nurlpatterns = []\nif not settings.DEBUG:\n    urlpatterns += [path('x/', views.token_verify)]\nelse:\n    urlpatterns += [path('y/', views.token_verify)]",
        "token_verify",
        "\"/y/\"",
    ),
    (
        "class Mine(views.TokenBlacklistView):\n    pass\nurlpatterns = [path('a/', Mine.as_view())]",
        "token_blacklist",
        "\"/a/\"",
    ),
    (
        "class Mine(views.TokenBlacklistView):\n    throttle_scope = 'x'\nurlpatterns = [path('a/', Mine.as_view())]",
        "token_blacklist",
        "false",
    ),
    (
        "from django.views.decorators.csrf import csrf_exempt\nurlpatterns = [path('a/', csrf_exempt(views.TokenObtainSlidingView.as_view()))]",
        "token_obtain_sliding",
        "\"/a/\"",
    ),
    (
        "from rest_framework.routers import DefaultRouter\nrouter = DefaultRouter()\nrouter.register('x', X)\nfrom django.contrib import admin\nurlpatterns = [path('admin/', admin.site.urls), path('', include(router.urls)), path('a/', views.TokenRefreshSlidingView.as_view())]",
        "token_refresh_sliding",
        "\"/a/\"",
    ),
    (
        "urlpatterns = [path('auth/', include('djoser.urls.jwt'))]",
        "token_refresh",
        "\"/auth/jwt/refresh/\"",
    ),
];

#[test]
fn routes_are_read_from_urls() {
    for (urls, name, expected) in URLS {
        let import = with_urls(urls);
        assert_eq!(
            import.setting("paths", name),
            *expected,
            "{urls}\n{}",
            import.told.out
        );
    }
}

#[test]
fn routes_that_are_not_simple_jwts_own_are_told() {
    for (urls, fragment) in [
        (
            "class Mine(views.TokenBlacklistView):\n    def post(self, request):\n        pass\nurlpatterns = [path('a/', Mine.as_view())]",
            "is a view of your own at /a/, on top of TokenBlacklistView: it has its own post",
        ),
        (
            "urlpatterns = [path('a/', views.TokenVerifyView.as_view(permission_classes=[]))]",
            "it is given permission_classes",
        ),
        (
            "urlpatterns = [path('a/', limit(rate='5/m')(views.TokenVerifyView.as_view()))]",
            "",
        ),
        (
            "urlpatterns = [path('<slug:x>/', views.token_verify)]",
            "has a part that varies",
        ),
        (
            "from django.conf.urls.i18n import i18n_patterns\nurlpatterns = i18n_patterns(path('a/', views.token_verify))",
            "begins with the language",
        ),
        (
            "urlpatterns = [path('a/', views.token_verify)] + more()",
            "",
        ),
        (
            "urlpaterns = [path('a/', views.token_verify)]",
            "did you mean urlpatterns?",
        ),
    ] {
        let import = with_urls(urls);
        import.file();
        assert!(
            import.left().contains(fragment),
            "{urls}\n{}",
            import.told.out
        );
    }
}

/// The reference's Python, made by `cargo xtask check`.
pub(crate) fn python() -> Option<String> {
    const VARIABLE: &str = "TEST_DJANGO_PYTHON";
    let python = std::env::var(VARIABLE).ok();
    if python.is_none() {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        assert!(!is_ci, "{VARIABLE} is not set, and CI must not skip");
        let skipped = format!("SKIPPED: {VARIABLE} is not set; `cargo xtask check` sets it\n");
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    }
    python
}

/// The package is not installed; this is as much of it as settings need.
fn with_corsheaders(folder: Folder) -> Folder {
    fs::create_dir(folder.path("corsheaders")).unwrap();
    folder
        .with_file("corsheaders/__init__.py", "")
        .with_file("corsheaders/defaults.py", "default_headers = (\"accept\", \"authorization\", \"content-type\", \"origin\", \"user-agent\", \"x-csrftoken\", \"x-requested-with\")\n")
        .with_file("corsheaders/middleware.py", "class CorsMiddleware:\n    def __init__(self, get_response):\n        self.get_response = get_response\n\n    def __call__(self, request):\n        return self.get_response(request)\n")
}

/// Values without their sources.
fn values(file: &str) -> toml::Table {
    file.parse().unwrap()
}

#[test]
fn django_itself_tells_the_same_as_its_files() {
    let Some(python) = python() else {
        return;
    };
    let folder = with_corsheaders(project());
    let line = format!("import-django --manage-py manage.py --python {python} --output live.toml");
    let told = folder.run(&line);
    assert_eq!(told.status, Some(0), "{}", told.err);
    assert!(
        !told.out.contains("fixture-0123456789"),
        "a secret is shown"
    );
    let left = super::part(&told.out, "Not taken over");
    assert_eq!(left.matches("\n  - ").count(), 1, "{left}");
    let told_by_django = fs::read_to_string(folder.path("live.toml")).unwrap();
    let import = Import::in_folder(folder, "config/settings/local.py");
    assert_eq!(
        values(&told_by_django),
        values(&import.file()),
        "{told_by_django}"
    );
    let folder = import.folder;

    // Django makes the tables and the user, tokenpair logs it in.
    let manage = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command
            .arg("manage.py")
            .args(arguments)
            .current_dir(folder.path("."));
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    manage(&["makemigrations", "accounts"]);
    manage(&["migrate"]);
    manage(&[
        "shell",
        "-c",
        "from accounts.models import Customer; Customer.objects.create_user('ada@example.com', 's3cret-enough')",
    ]);
    let checked = folder.run("check --config live.toml");
    assert_eq!(checked.status, Some(0), "{}", checked.out);
    let server = folder.serve("serve --config live.toml");
    let login = serde_json::json!({"email": "ada@example.com", "password": "s3cret-enough"});
    // Argon2 with Django's memory takes long on a busy machine: 503 asks to come again.
    let mut answer = (503, serde_json::Value::Null);
    wait_until(|| {
        answer = server.post("/auth/token/", &login);
        answer.0 != 503
    });
    assert_eq!(answer.0, 200, "{}", answer.1);
}

#[test]
fn a_live_project_that_does_not_start_is_told_without_its_secrets() {
    let Some(python) = python() else {
        return;
    };
    let broken = "raise ValueError('postgres://u:sesame@h/n')\n";
    let folder = project().with_file("config/settings/local.py", broken);
    let told = folder.run(&format!(
        "import-django --manage-py manage.py --python {python}"
    ));
    assert_eq!((told.status, told.out.as_str()), (Some(1), ""));
    assert!(
        told.err.contains("Django does not start: ValueError") && !told.err.contains("sesame"),
        "{}",
        told.err
    );
    let told = folder.run("import-django --manage-py manage.py --python /nowhere/python");
    assert!(
        told.err.contains("name another with --python"),
        "{}",
        told.err
    );
    let told = folder.run(&format!(
        "import-django --manage-py nowhere.py --python {python}"
    ));
    assert!(told.err.contains("there is no such file"), "{}", told.err);
}
