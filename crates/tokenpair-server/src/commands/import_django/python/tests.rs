mod hostile;

use super::{Environment, Project, Scope, Value, What};
use std::rc::Rc;

/// The names that a file sets, with these files beside it and these variables.
fn read(text: &str, files: &[(&str, &str)], variables: &[(&str, &str)]) -> Rc<Scope> {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("site/settings.py");
    std::fs::create_dir(folder.path().join("site")).unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    std::fs::write(folder.path().join("manage.py"), "").unwrap();
    std::fs::write(&settings, text).unwrap();
    let mut project = Project::of(&settings, Environment::with(variables));
    project.run(&settings).unwrap()
}

/// As Python prints it, or nearly; `?` and the reason for what is not known.
fn show(value: &Value) -> String {
    match &value.what {
        What::None => "None".to_owned(),
        What::Bool(flag) => flag.to_string(),
        What::Int(number) => number.to_string(),
        What::Float(number) => number.to_string(),
        What::Text(text) => format!("'{text}'"),
        What::List(values) => {
            let values: Vec<String> = values.iter().map(show).collect();
            format!("[{}]", values.join(", "))
        }
        What::Dict(members) => {
            let members = members.iter();
            let members: Vec<String> = members
                .map(|(name, value)| format!("{name}: {}", show(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        What::Duration(length) => format!("{}s", length / 1_000_000),
        What::Path(path) => format!("path {}", path.display()),
        What::FileText(path, _) => format!("text of {}", path.file_name().unwrap().display()),
        What::Unknown(reason) => format!("? {reason}"),
        _ => format!("<{}>", value.describe()),
    }
}

fn x(text: &str) -> String {
    of(&read(text, &[], &[]))
}

fn of(scope: &Scope) -> String {
    scope.get("X").map_or_else(|| "absent".to_owned(), show)
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(x(text), *expected, "{text}");
    }
}

#[test]
fn literals() {
    check(&[
        ("X = 'a' \"b\" '''c'''", "'abc'"),
        ("X = ('a'\n     'b')", "'ab'"),
        (r"X = r'\d' + '\x41'", r"'\dA'"),
        ("X = f'{1 + 1}-{\"b\"}-{{}}'", "'2-b-{}'"),
        ("X = 1_000 * 0x10", "16000"),
        ("X = -1.5", "-1.5"),
        ("X = (True, False, None,)", "[true, false, None]"),
        ("X = ('Bearer')", "'Bearer'"),
        ("X = 'Bearer',", "['Bearer']"),
        ("X = {'a': [1], 'b': {'c': ()}}", "{a: [1], b: {c: []}}"),
        ("X = {'a', 'b'}", "['a', 'b']"),
        ("X: int = 5", "5"),
        ("X = Y = 3", "3"),
        ("X, Y = 1, 2", "1"),
        ("X = b'a'", "? is made of bytes; tokenpair takes texts"),
        (
            "X = 99999999999999999999",
            "? is a number that is too large",
        ),
        ("X = f'{1:>3}'", "? is a text that is formatted"),
    ]);
}

#[test]
fn arithmetic_and_times() {
    check(&[
        ("X = 60 * 60 * 24", "86400"),
        ("X = 10 ** 3 // 7 % 5", "2"),
        ("X = 1 / 4", "0.25"),
        (
            "X = 1 / 0",
            "? is a number / a number, which is not evaluated",
        ),
        (
            "X = 10 ** 100",
            "? is a number ** a number, which is not evaluated",
        ),
        (
            "from datetime import timedelta\nX = timedelta(days=1, hours=2, minutes=3, seconds=4)",
            "93784s",
        ),
        (
            "import datetime\nX = datetime.timedelta(1, 5, weeks=1, milliseconds=2000, microseconds=1000000)",
            "691208s",
        ),
        (
            "import datetime as dt\nX = dt.timedelta(minutes=0.5)",
            "30s",
        ),
        (
            "from datetime import timedelta as td\nX = 2 * td(hours=1) + td(minutes=1)",
            "7260s",
        ),
        ("X = timedelta(minutes=5)", "300s"),
        (
            "from datetime import timedelta\nX = timedelta(fortnights=1)",
            "? is a timedelta with fortnights, which it does not have",
        ),
        (
            "from datetime import timedelta\nX = timedelta(days=10**12)",
            "? is longer than any time",
        ),
    ]);
}

#[test]
fn names_and_changes() {
    check(&[
        ("A = {'a': 1}\nX = {**A, 'b': 2, 'a': 3}", "{a: 3, b: 2}"),
        ("A = {'a': 1}\nX = A | {'b': 2}", "{a: 1, b: 2}"),
        (
            "X = ['a'] + ['b']\nX += ['c']\nX.append('d')\nX.extend(('e',))\nX.insert(0, 'z')\nX.remove('a')",
            "['z', 'b', 'c', 'd', 'e']",
        ),
        (
            "X = {}\nX['a'] = {}\nX['a']['b'] = 1\nX.update({'c': 2}, d=3)\nX.setdefault('c', 9)\ndel X['d']",
            "{a: {b: 1}, c: 2}",
        ),
        (
            "X = {'default': {}}\nX['default'].update({'a': 1})\nX.pop('b', None)",
            "{default: {a: 1}}",
        ),
        ("A = {'k': {'n': 5}}\nX = A['k']['n']", "5"),
        ("A = [1, 2]\nX = A[-1]", "2"),
        ("X = dict(a=1, **{'b': 2})", "{a: 1, b: 2}"),
        ("X = [*('a', 'b'), 'c']", "['a', 'b', 'c']"),
        (
            "X = [a.strip() for a in 'x, y,'.split(',') if a.strip()]",
            "['x', 'y']",
        ),
        (
            "X = ', '.join(['a', 'b']).upper().replace('A', 'c')",
            "'c, B'",
        ),
        ("X = 5\ndel X", "absent"),
        (
            "X = {}\nX[unknown()] = 1",
            "? is changed in line 2 in a way that is not evaluated",
        ),
        (
            "X = []\nfor a in range(3):\n    X.append(a)",
            "? is set in line 2 or below by a loop, which is not run",
        ),
        (
            "def f():\n    return 1\nX = f()",
            "<what f() returns, which is not called>",
        ),
        (
            "X = (lambda: 1)()",
            "? is a lambda, and functions are not run",
        ),
        ("X = missing", "<missing, which is Python code>"),
    ]);
}

#[test]
fn paths() {
    let scope = read(
        "import os\nfrom pathlib import Path\nBASE_DIR = Path(__file__).resolve().parent.parent\n\
         A = BASE_DIR / 'db.sqlite3'\nB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'db.sqlite3')\n\
         C = str(BASE_DIR.joinpath('db.sqlite3'))\nD = Path(__file__).parents[1] / 'db.sqlite3'\n\
         import environ\nE = (environ.Path(__file__) - 2)('db.sqlite3')\n\
         SAME = str(A) == B == C\nX = [str(A) == B, B == C, str(D) == str(Path(D)), str(E) == str(D)]\n\
         K = open(BASE_DIR / 'key.pem').read().strip()\nL = (BASE_DIR / 'key.pem').read_text()\n\
         with open(BASE_DIR / 'key.pem') as f:\n    M = f.read()\n",
        &[],
        &[],
    );
    assert_eq!(of(&scope), "[true, true, true, true]");
    assert!(show(scope.get("A").unwrap()).ends_with("/db.sqlite3"));
    for name in ["K", "L", "M"] {
        assert_eq!(show(scope.get(name).unwrap()), "text of key.pem", "{name}");
    }
}

#[test]
fn conditions() {
    check(&[
        ("if 1 < 2:\n    X = 1\nelse:\n    X = 2", "1"),
        (
            "if False:\n    X = 1\nelif not None:\n    X = 2\nelse:\n    X = 3",
            "2",
        ),
        ("X = 1 if 'a' in ['a'] else 2", "1"),
        ("X = None or 'a' and 'b'", "'b'"),
        ("X = 'a' == 'b'", "false"),
        ("import sys\nX = 'test' in sys.argv", "false"),
        (
            "import sys\nX = 'test' not in sys.argv and 'x' is not None",
            "true",
        ),
        (
            "X = 1\nif unknown():\n    X = 2",
            "? depends on the condition in line 2, which cannot be evaluated",
        ),
        ("if unknown():\n    X = 2\nelse:\n    X = 2", "2"),
        (
            "X = {'a': 1, 'b': 2}\nif unknown():\n    X['a'] = 5",
            "{a: ? depends on the condition in line 2, which cannot be evaluated, b: 2}",
        ),
        (
            "X = ['a']\nif unknown():\n    X += ['b']",
            "['a', ? depends on the condition in line 2, which cannot be evaluated]",
        ),
        ("if unknown() and False:\n    X = 1", "absent"),
        (
            "X = 1 if unknown() else 2",
            "? depends on what unknown() returns, which is not called",
        ),
    ]);
}

#[test]
fn the_environment_of_os() {
    let variables = [("A", "a"), ("N", "5"), ("T", "true"), ("L", "x, y")];
    for (text, expected) in [
        ("X = os.environ['A']", "'a'"),
        (
            "X = os.environ['B']",
            "? environment variable B is not set here",
        ),
        ("X = os.environ.get('B', 'b')", "'b'"),
        ("X = os.environ.get('B')", "None"),
        ("X = os.getenv('A', 'b') + '!'", "'a!'"),
        ("X = int(os.environ.get('N', 3)) * 2", "10"),
        (
            "X = os.environ.get('T', '').lower() in ('true', '1')",
            "true",
        ),
        ("X = os.environ.get('L').split(',')", "['x', ' y']"),
        ("X = 'A' in os.environ", "true"),
        (
            "from os import environ, getenv\nX = environ['A'] + getenv('A')",
            "'aa'",
        ),
        (
            "X = int(os.environ['B'])",
            "? environment variable B is not set here",
        ),
        ("X = bool(int(os.getenv('N', '0')))", "true"),
        (
            "from datetime import timedelta\nX = timedelta(minutes=int(os.environ.get('N', 1)))",
            "300s",
        ),
    ] {
        let scope = read(&format!("import os\n{text}"), &[], &variables);
        assert_eq!(of(&scope), expected, "{text}");
        if let Some(value) = scope.get("X").filter(|_| !text.contains(" in ")) {
            assert!(!value.variables.is_empty(), "{text}");
        }
    }
}

#[test]
fn django_environ() {
    let files = [(
        "site/.env",
        "A=a\nSECRET_KEY='s#1'\nD=postgres://u:p%40@h:5/n?sslmode=require\n",
    )];
    for (text, expected) in [
        ("X = env('A')", "'a'"),
        ("X = env('DEBUG')", "false"),
        ("X = env.bool('B', default=True)", "true"),
        ("X = env.int('N')", "5"),
        ("X = env('N', cast=int, default=1)", "5"),
        ("X = env.list('L', default=['a'])", "['a']"),
        ("X = env.list('M')", "['x', 'y']"),
        ("X = env.str('SECRET_KEY')", "'s#1'"),
        ("X = env('Q')", "? environment variable Q is not set here"),
        (
            "X = env('Q', default=env.NOTSET)",
            "? environment variable Q is not set here",
        ),
        (
            "X = env.json('N')",
            "? is a variable that is cast by json, which is not run",
        ),
        (
            "X = env.db('D')",
            "{ENGINE: 'django.db.backends.postgresql', NAME: 'n', USER: 'u', PASSWORD: 'p@', HOST: 'h', PORT: '5', OPTIONS: {sslmode: 'require'}}",
        ),
        (
            "X = env.db_url('Q', default=f'sqlite:///{BASE}/db.sqlite3')",
            "{ENGINE: 'django.db.backends.sqlite3', NAME: '/srv/db.sqlite3'}",
        ),
        (
            "X = env.db()",
            "? environment variable DATABASE_URL is not set here",
        ),
    ] {
        let text = format!(
            "import environ, os\nBASE = '/srv'\nenv = environ.Env(DEBUG=(bool, False))\nenviron.Env.read_env(os.path.join(os.path.dirname(__file__), '.env'))\n{text}"
        );
        let scope = read(&text, &files, &[("N", "5"), ("M", "x, y")]);
        assert_eq!(of(&scope), expected, "{text}");
    }
}

#[test]
fn python_decouple_and_dotenv() {
    let files = [(".env", "A=a\nDEBUG=on\nHOSTS=x,y\n")];
    for (text, expected) in [
        ("X = config('A')", "'a'"),
        ("X = config('DEBUG', default=False, cast=bool)", "true"),
        ("X = config('B', default=5, cast=int)", "5"),
        ("X = config('HOSTS', cast=Csv())", "['x', 'y']"),
        (
            "X = config('HOSTS', cast=lambda v: v.split(','))",
            "? is a variable that is cast by a function, which is not run",
        ),
        (
            "X = config('C')",
            "? environment variable C is not set here",
        ),
        (
            "from dotenv import load_dotenv\nload_dotenv()\nimport os\nX = os.getenv('A')",
            "'a'",
        ),
    ] {
        let scope = read(
            &format!("from decouple import config, Csv\n{text}"),
            &files,
            &[],
        );
        assert_eq!(of(&scope), expected, "{text}");
    }
}

#[test]
fn dj_database_url() {
    let sqlite = "{ENGINE: 'django.db.backends.sqlite3', NAME: 'db.sqlite3'}";
    let variables = [
        ("DATABASE_URL", "mysql://u@h/n"),
        ("OTHER", "sqlite:///db.sqlite3"),
        ("ODD", "what is this"),
    ];
    for (text, expected) in [
        ("X = dj_database_url.parse('sqlite:///db.sqlite3')", sqlite),
        ("X = dj_database_url.config(env='OTHER')", sqlite),
        (
            "X = dj_database_url.config(env='NONE', default='sqlite:///db.sqlite3')",
            sqlite,
        ),
        (
            "X = dj_database_url.config(conn_max_age=600, ssl_require=True)",
            "{ENGINE: 'django.db.backends.mysql', NAME: 'n', USER: 'u', PASSWORD: '', HOST: 'h', PORT: '', CONN_MAX_AGE: 600, OPTIONS: {sslmode: 'require'}}",
        ),
        (
            "X = dj_database_url.config(env='NONE')",
            "? environment variable NONE is not set here",
        ),
        (
            "X = dj_database_url.config(env='ODD')",
            "? is an address of a database that cannot be read",
        ),
    ] {
        let scope = read(&format!("import dj_database_url\n{text}"), &[], &variables);
        assert_eq!(of(&scope), expected, "{text}");
    }
}

#[test]
fn imports_of_the_project() {
    let files = [
        ("site/__init__.py", ""),
        (
            "site/base.py",
            "X = {'a': 1}\n_HIDDEN = 1\nfrom datetime import timedelta\n",
        ),
        ("site/circle.py", "from .settings import *\nY = 1\n"),
        ("site/latin.py", ""),
        ("common/extra.py", "X = 'extra'\n"),
        ("local_settings.py", "X = 'local'\n"),
        ("site/deep/__init__.py", "from ..base import X\n"),
    ];
    for (text, expected) in [
        ("from .base import *\nX['b'] = 2", "{a: 1, b: 2}"),
        ("from site.base import X as Z\nX = Z['a']", "1"),
        (
            "from . import base\nX = base.X",
            "<site.base.X, which is Python code>",
        ),
        ("from .deep import X", "{a: 1}"),
        ("from common.extra import X", "'extra'"),
        (
            "X = 1\ntry:\n    from local_settings import *\nexcept ImportError:\n    pass",
            "'local'",
        ),
        (
            "X = 1\ntry:\n    from .local import *\nexcept ImportError:\n    X = 2",
            "2",
        ),
        (
            "X = 1\ntry:\n    from nothing_here import *\nexcept:\n    pass",
            "1",
        ),
        (
            "X = 1\ntry:\n    import debug_toolbar\n    X = 2\nexcept ImportError:\n    pass",
            "? depends on whether the import in line 2 works",
        ),
        (
            "X = 1\ntry:\n    import os\n    X = 2\nexcept ImportError:\n    pass",
            "2",
        ),
        ("from .circle import Y\nX = Y", "1"),
        (
            "from .missing import X",
            "<site.missing.X, which is Python code>",
        ),
    ] {
        assert_eq!(of(&read(text, &files, &[])), expected, "{text}");
    }
}
