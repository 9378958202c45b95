//! The project's own log-in serializers, back ends and managers: what is taken over, what is suggested, what is told.

use super::{Import, django_python};
use crate::support::Folder;
use std::fs;

const HEAD: &str = "from rest_framework_simplejwt.serializers import TokenObtainPairSerializer\nclass Mine(TokenObtainPairSerializer):\n";

/// A project whose log-in has this class body as its serializer.
fn with(body: &str) -> Import {
    let settings = "ROOT_URLCONF = 'urls'\nSIMPLE_JWT = {'USER_ID_CLAIM': 'uid', 'TOKEN_OBTAIN_SERIALIZER': 'serializers.Mine'}\n";
    let urls = "from django.urls import path\nfrom rest_framework_simplejwt.views import TokenObtainPairView\nurlpatterns = [path('in/', TokenObtainPairView.as_view())]\n";
    let folder = Folder::new()
        .with_file("settings.py", settings)
        .with_file("urls.py", urls)
        .with_file("serializers.py", format!("{HEAD}{body}"));
    Import::in_folder(folder, "settings.py")
}

fn get_token(statements: &str) -> String {
    format!(
        "    @classmethod\n    def get_token(cls, user):\n        token = super().get_token(user)\n        {statements}\n        return token\n"
    )
}

fn validate(statements: &str) -> String {
    format!(
        "    def validate(self, attrs):\n        data = super().validate(attrs)\n        {statements}\n        return data\n"
    )
}

/// A class body, and what the file has for it.
#[test]
fn what_is_surely_the_same_is_taken_over() {
    for (body, lines) in [
        (
            get_token("token['name'] = user.username"),
            "[claims]\nname = \"user.username\"",
        ),
        (
            get_token("token['id'] = user.pk"),
            "[claims]\nid = \"user.id\"",
        ),
        (
            get_token("token['tenant'] = 'acme'"),
            "[claims]\ntenant = \"acme\"",
        ),
        (
            get_token("token['v'] = 2; token['beta'] = True"),
            "[claims]\nv = 2",
        ),
        (
            get_token("token['mail'] = str(user.email)"),
            "[claims]\nmail = \"user.email\"",
        ),
        (
            get_token("token['groups'] = list(user.groups.values_list('name', flat=True))"),
            "[claims]\ngroups = \"user.groups\"",
        ),
        (
            get_token("token['groups'] = sorted(user.groups.values_list('name', flat=True))"),
            "[claims]\ngroups = \"user.groups\"",
        ),
        (
            get_token("token['groups'] = [g.name for g in user.groups.all()]"),
            "[claims]\ngroups = \"user.groups\"",
        ),
        (
            get_token("token['may'] = list(user.get_all_permissions())"),
            "[claims]\nmay = \"user.all_permissions\"",
        ),
        (
            validate("data['email'] = self.user.email"),
            "[answer]\nemail = \"user.email\"",
        ),
        (
            validate("user = self.user\n        data.update({'email': user.email})"),
            "[answer]\nemail = \"user.email\"",
        ),
        (
            validate("data['user'] = {'id': self.user.id, 'staff': self.user.is_staff}"),
            "[answer]\nuser = { id = \"user.id\", staff = \"user.is_staff\" }",
        ),
        (
            validate(
                "refresh = self.get_token(self.user)\n        data['refresh'] = str(refresh)\n        data['access'] = str(refresh.access_token)\n        data['name'] = self.user.username",
            ),
            "[answer]\nname = \"user.username\"",
        ),
        (
            "    \"\"\"Nothing.\"\"\"\n".to_owned(),
            "token_obtain_pair = \"/in/\"",
        ),
    ] {
        let import = with(&body);
        let file = import.file();
        assert!(file.contains(lines), "{body}\n{file}");
        assert_eq!(import.left(), "", "{body}");
        assert!(
            import
                .notes()
                .contains("Mine (serializers.py:2): only adds"),
            "{body}"
        );
    }
}

/// A class body, what is said of it, and what is suggested for the rest.
#[test]
fn what_is_not_surely_the_same_is_suggested_or_told() {
    for (body, reason, suggestion) in [
        (
            get_token("token['n'] = user.get_full_name(); token['e'] = user.email"),
            "user.get_full_name() is Python code (serializers.py:6)",
            "[claims]\n# Suggested: e = \"user.email\"  # serializers.py:6",
        ),
        (
            get_token("if user.is_staff:\n            token['e'] = user.email"),
            "`if user.is_staff:` is Python code (serializers.py:6)",
            "",
        ),
        (
            get_token("token['since'] = user.date_joined"),
            "user.date_joined, a DateTimeField, may look otherwise",
            "# Suggested: since = \"user.date_joined\"",
        ),
        (
            get_token("token['id'] = str(user.id)"),
            "str(user.id) is a text, and the column is none",
            "# Suggested: id = \"user.id\"",
        ),
        (
            get_token("token['p'] = user.password"),
            "user.password is never given out",
            "",
        ),
        (
            get_token("token['x'] = user.shoe_size"),
            "user.shoe_size is no column of the user model",
            "",
        ),
        (
            get_token("token['exp'] = 5"),
            "the claim exp is set by tokenpair itself",
            "",
        ),
        (
            get_token("token['uid'] = user.email"),
            "the claim uid is set by tokenpair itself",
            "",
        ),
        (
            get_token("token['x'] = f'{user.email}'"),
            "is Python code",
            "",
        ),
        (
            get_token("token['x'] = 'user.email'"),
            "the text 'user.email' would name a column here",
            "",
        ),
        (
            format!("    @traced\n{}", get_token("token['e'] = user.email")),
            "`@traced` is Python code",
            "",
        ),
        (
            "    username_field = 'email'\n".to_owned(),
            "`username_field = 'email'` is Python code",
            "",
        ),
        (
            "    def validate(self, attrs):\n        return {}\n".to_owned(),
            "`return {}` is Python code",
            "",
        ),
    ] {
        let import = with(&body);
        let file = import.file();
        assert!(
            import.left().contains(reason),
            "{body}\n{}",
            import.told.out
        );
        assert!(file.contains(suggestion), "{body}\n{file}");
        let claims = import.table().get("claims").cloned();
        let is_empty =
            claims.is_none_or(|claims| claims.as_table().is_some_and(toml::Table::is_empty));
        assert!(is_empty, "{body}\n{file}");
    }
}

/// A project with a user model of its own, whose log-in adds this.
fn with_person(fields: &str, added: &str) -> Folder {
    let settings = "SECRET_KEY = 'a-key-of-at-least-32-bytes-for-this-test'\nROOT_URLCONF = 'urls'\n\
        INSTALLED_APPS = ['django.contrib.auth', 'django.contrib.contenttypes', 'rest_framework', 'people']\n\
        DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}\n\
        AUTH_USER_MODEL = 'people.Person'\nSIMPLE_JWT = {'TOKEN_OBTAIN_SERIALIZER': 'serializers.Mine'}\n";
    let models =
        "from django.contrib.auth.models import AbstractUser\nfrom django.db import models\n";
    let urls = "from django.urls import path\nfrom rest_framework_simplejwt.views import TokenObtainPairView\nurlpatterns = [path('in/', TokenObtainPairView.as_view())]\n";
    let manage = "import os, sys\nfrom django.core.management import execute_from_command_line\n\
        os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\nexecute_from_command_line(sys.argv)\n";
    let folder = Folder::new();
    fs::create_dir(folder.path("people")).unwrap();
    folder
        .with_file("settings.py", settings)
        .with_file("urls.py", urls)
        .with_file("manage.py", manage)
        .with_file("people/__init__.py", "")
        .with_file("people/models.py", format!("{models}{fields}"))
        .with_file("serializers.py", format!("{HEAD}{}", get_token(added)))
}

/// `str(None)` is a text in Python.
#[test]
fn a_text_of_what_may_be_null_is_suggested() {
    let fields = "class Person(AbstractUser):\n    nick = models.CharField(max_length=9, null=True)\n    team = models.CharField(max_length=9, null=False)\n";
    let added = "token['n'] = str(user.nick); token['t'] = str(user.team)";
    let import = Import::in_folder(with_person(fields, added), "settings.py");
    let reason = "str(user.nick) is \"None\" where the column is null (serializers.py:6)";
    assert!(import.left().contains(reason), "{}", import.told.out);
    assert!(
        !import.left().contains("str(user.team)"),
        "{}",
        import.told.out
    );
}

/// As fields that encrypt have it: they call themselves texts.
#[test]
fn a_column_that_the_projects_code_reads_is_not_taken_for_its_text() {
    let Some(python) = django_python() else {
        return;
    };
    let fields = "class Sealed(models.CharField):\n    def from_db_value(self, value, *_):\n        return value[::-1]\n\
        class Person(AbstractUser):\n    nick = Sealed(max_length=9)\n    team = models.CharField(max_length=9)\n";
    let added = "token['n'] = user.nick; token['t'] = user.team";
    let folder = with_person(fields, added);
    let told = folder.run(&format!(
        "import-django --manage-py manage.py --python {python}"
    ));
    assert_eq!(told.status, Some(0), "{}", told.err);
    let reason = "user.nick, a Sealed, may look otherwise here";
    assert!(told.out.contains(reason), "{}", told.out);
    assert!(!told.out.contains("user.team,"), "{}", told.out);
}

/// A claim is everybody's here.
#[test]
fn what_only_some_log_ins_add_is_suggested() {
    let urls = "from django.urls import path\nfrom rest_framework_simplejwt.views import TokenObtainPairView\nfrom serializers import Mine\n\
        class Own(TokenObtainPairView):\n    serializer_class = Mine\n\
        urlpatterns = [path('in/', TokenObtainPairView.as_view()), path('own/', Own.as_view())]\n";
    let folder = Folder::new()
        .with_file("settings.py", "ROOT_URLCONF = 'urls'\n")
        .with_file("urls.py", urls)
        .with_file(
            "serializers.py",
            format!("{HEAD}{}", get_token("token['e'] = user.email")),
        );
    let import = Import::in_folder(folder, "settings.py");
    assert!(import.file().contains("# Suggested: e = \"user.email\""));
    assert_eq!(import.setting("paths", "token_obtain_pair"), "\"/in/\"");
    assert!(
        import.left().contains("not every log-in goes through it"),
        "{}",
        import.told.out
    );
}

#[test]
fn views_that_only_repeat_simple_jwts_own_are_simple_jwts() {
    let of = |class: &str| {
        let urls = format!(
            "from django.urls import path\nfrom rest_framework.permissions import AllowAny, IsAdminUser\nfrom rest_framework_simplejwt.views import TokenRefreshView\n{class}urlpatterns = [path('a/', Mine.as_view())]\n"
        );
        let folder = Folder::new()
            .with_file("settings.py", "ROOT_URLCONF = 'urls'\n")
            .with_file("urls.py", urls);
        Import::in_folder(folder, "settings.py").setting("paths", "token_refresh")
    };
    for class in [
        "class Mine(TokenRefreshView):\n    permission_classes = (AllowAny,)\n",
        "class Mine(TokenRefreshView):\n    authentication_classes = []\n    schema = None\n",
        "@extend_schema(tags=['auth'])\nclass Mine(TokenRefreshView):\n    pass\n",
        "class Base(TokenRefreshView):\n    pass\nclass Mine(Base):\n    pass\n",
    ] {
        assert_eq!(of(class), "\"/a/\"", "{class}");
    }
    for class in [
        "class Mine(TokenRefreshView):\n    permission_classes = [IsAdminUser]\n",
        "@method_decorator(limit, name='dispatch')\nclass Mine(TokenRefreshView):\n    pass\n",
        "class Base(TokenRefreshView):\n    throttle_scope = 'x'\nclass Mine(Base):\n    pass\n",
    ] {
        assert_eq!(of(class), "false", "{class}");
    }
}

#[test]
fn a_look_up_without_regard_to_case_is_suggested() {
    let backend = |line: &str| {
        let backend = format!(
            "from django.contrib.auth.backends import ModelBackend\nclass Mine(ModelBackend):\n    def authenticate(self, request, username=None, password=None, **more):\n        {line}\n"
        );
        let folder = Folder::new()
            .with_file(
                "settings.py",
                "AUTHENTICATION_BACKENDS = ['backends.Mine']\n",
            )
            .with_file("backends.py", backend);
        let import = Import::in_folder(folder, "settings.py");
        assert!(
            import.left().contains("backends.Mine is Python code"),
            "{}",
            import.told.out
        );
        import
            .file()
            .contains("[user_model]\n# Suggested: username_lookup = \"iexact\"  # backends.py:3")
    };
    for line in [
        "user = User.objects.get(username__iexact=username)",
        "user = User.objects.get(**{f'{User.USERNAME_FIELD}__iexact': username})",
        "user = User.objects.get(**{User.USERNAME_FIELD + '__iexact': username})",
        "name = '{}__iexact'.format(User.USERNAME_FIELD)",
    ] {
        assert!(backend(line), "{line}");
    }
    for line in [
        "user = User.objects.get(email__iexact=username)",
        "user = User.objects.get(Q(username__iexact=username) | Q(email__iexact=username))",
        "user = User.objects.get(email=username)",
    ] {
        assert!(!backend(line), "{line}");
    }
}
