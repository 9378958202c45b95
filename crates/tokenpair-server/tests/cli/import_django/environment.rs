//! Values that settings look up in the environment.

use super::{Import, KEY};
use crate::support::Folder;

/// Settings that look a secret up; what is to be set; what the file has as a comment.
const REFERENCES: &[(&str, &str, &str)] = &[
    (
        "SECRET_KEY = os.environ['DJANGO_SECRET_KEY']",
        "TOKENPAIR_SIGNING_KEY=\"$DJANGO_SECRET_KEY\"",
        "",
    ),
    (
        "SECRET_KEY = env('DJANGO_SECRET_KEY')",
        "TOKENPAIR_SIGNING_KEY=\"$DJANGO_SECRET_KEY\"",
        "",
    ),
    (
        "SECRET_KEY = config('K', default='insecure-default')",
        "TOKENPAIR_SIGNING_KEY=\"$K\"",
        "# SIGNING_KEY = \"insecure-default\"",
    ),
    (
        "SIMPLE_JWT = {'SIGNING_KEY': os.getenv('JWT_KEY', 'insecure-default')}",
        "TOKENPAIR_SIGNING_KEY=\"$JWT_KEY\"",
        "# SIGNING_KEY = \"insecure-default\"",
    ),
    (
        "SIMPLE_JWT = {'ISSUER': os.environ['ISSUER']}",
        "TOKENPAIR_ISSUER=\"$ISSUER\"",
        "",
    ),
    (
        "DATABASES = {'default': env.db()}",
        "TOKENPAIR_DATABASE=\"$DATABASE_URL\"",
        "",
    ),
    (
        "DATABASES = {'default': dj_database_url.config(default='postgres://u:insecure-default@h/n', conn_max_age=5)}",
        "TOKENPAIR_DATABASE=\"$DATABASE_URL\"",
        "# url = \"postgres://u:insecure-default@h/n\"",
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'n', 'USER': 'u', 'HOST': 'h', 'PASSWORD': os.environ['DB_PASSWORD']}}",
        "TOKENPAIR_DATABASE=\"postgres://u:$DB_PASSWORD@h/n\"",
        "",
    ),
    (
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'n', 'USER': 'u', 'HOST': os.environ['DB_HOST'], 'PASSWORD': os.environ['DB_PASSWORD']}}",
        "TOKENPAIR_DATABASE=\"postgres://u:$DB_PASSWORD@$DB_HOST/n\"",
        "",
    ),
    (
        "CORS_ALLOWED_ORIGINS = env.list('ORIGINS')",
        "TOKENPAIR_CORS_ALLOWED_ORIGINS=\"$ORIGINS\"",
        "",
    ),
];
const READERS: &str =
    "import os, environ, dj_database_url\nfrom decouple import config\nenv = environ.Env()\n";

#[test]
fn what_is_in_the_environment_stays_there() {
    for (settings, reference, default) in REFERENCES {
        let import = Import::of(&format!("{READERS}{settings}\n"));
        let file = import.file();
        let export = import.told.out.contains(&format!("  export {reference}\n"));
        assert!(
            import.told.out.contains(&format!("  {reference} (")),
            "{settings}"
        );
        assert_eq!(
            export,
            default.is_empty(),
            "{settings}\n{}",
            import.told.out
        );
        assert!(file.contains(reference), "{settings}\n{file}");
        assert!(
            !import.told.out.contains("insecure-default"),
            "{}",
            import.told.out
        );
        assert!(file.contains(default), "{settings}\n{file}");
        let live = file.lines().filter(|line| !line.starts_with('#'));
        assert!(
            !live.collect::<String>().contains("insecure-default"),
            "{file}"
        );
    }
}

/// The same where the variables are set, in the environment or in a file: no secret goes anywhere.
#[test]
fn secrets_of_the_environment_are_written_nowhere() {
    let variables = [
        ("DJANGO_SECRET_KEY", "sesame-1"),
        ("K", "sesame-2"),
        ("JWT_KEY", "sesame-3"),
        ("DATABASE_URL", "postgres://u:sesame-4@h/n"),
        ("DB_PASSWORD", "sesame-5"),
        ("DB_HOST", "h"),
        ("ISSUER", "me"),
        ("ORIGINS", "https://a.example.com"),
    ];
    for (settings, reference, _) in REFERENCES {
        let import = Import::with(&format!("{READERS}{settings}\n"), &variables);
        let file = import.file();
        for text in [&file, &import.told.out, &import.told.err] {
            assert!(!text.contains("sesame"), "{settings}\n{text}");
        }
        let is_plain = reference.contains("ISSUER") || reference.contains("CORS_");
        assert_eq!(
            file.contains("export") || file.contains(reference),
            !is_plain,
            "{settings}\n{file}"
        );
        if reference.contains("DATABASE") {
            assert!(
                import
                    .setting("database", "url")
                    .starts_with("\"postgres://u@h/n"),
                "{settings}\n{file}"
            );
        }
    }
    let folder = Folder::new()
        .with_file(".env", "SECRET_KEY=sesame-6\nDEBUG=on\n")
        .with_file("settings.py", "import environ\nenv = environ.Env(DEBUG=(bool, False))\nenviron.Env.read_env('.env')\nenv.read_env()\nSECRET_KEY = env('SECRET_KEY')\nDEBUG = env('DEBUG')\n");
    let import = Import::in_folder(folder, "settings.py");
    // A file of the project's, like the settings; and no shell reads its quotes as these libraries do.
    assert!(import.file().contains("SIGNING_KEY = \"sesame-6\""));
    assert!(!import.told.out.contains("sesame"));
    let fragment = "SECRET_KEY (set in a file)";
    assert!(
        import.told.out.contains(fragment),
        "{fragment}: {}",
        import.told.out
    );
}

/// A reference is right: with it the server runs.
#[test]
fn a_reference_is_what_the_server_takes() {
    let import = Import::with(
        "import os\nSECRET_KEY = os.environ['K']\n",
        &[("TOKENPAIR_SIGNING_KEY", KEY)],
    );
    import.file();
    let shown = import.folder.run("config show --config out.toml");
    let line = shown.out.lines().find(|line| line.contains("SIGNING_KEY "));
    assert!(
        line.is_some_and(|line| line.contains("environment variable TOKENPAIR_SIGNING_KEY")),
        "{}",
        shown.out
    );
}

/// Without its private key no server starts, and still everything else is looked at.
#[test]
fn a_private_key_may_stay_in_the_environment() {
    let import = Import::of(
        "import os\nSIMPLE_JWT = {'ALGORITHM': 'RS256', 'SIGNING_KEY': os.environ['PRIVATE_KEY'], 'LEEWAY': 'x'}\n",
    );
    assert_eq!(import.told.status, Some(0), "{}", import.told.err);
    let file = std::fs::read_to_string(import.folder.path("out.toml")).unwrap();
    assert!(
        file.contains("ALGORITHM = \"RS256\"")
            && file.contains("TOKENPAIR_SIGNING_KEY=\"$PRIVATE_KEY\""),
        "{file}"
    );
    assert!(
        import.left().contains("SIMPLE_JWT.LEEWAY"),
        "{}",
        import.told.out
    );
}

/// The end of the last line is a part of Django's key, and is left out where a key file is read here.
#[test]
fn a_key_in_a_file_is_what_django_reads_there() {
    for (code, is_text) in [
        ("env('KEY')", true),
        ("open('key.txt').read()", true),
        ("open('key.txt').read().strip()", false),
    ] {
        let settings =
            format!("import environ\nenv = environ.FileAwareEnv()\nSECRET_KEY = {code}\n");
        let mut folder = Folder::new()
            .with_file("key.txt", format!("{KEY}\n"))
            .with_file("settings.py", settings);
        folder.variables = vec![("KEY_FILE".to_owned(), "key.txt".to_owned())];
        let import = Import::in_folder(folder, "settings.py");
        let key = import.setting("simple_jwt", "SIGNING_KEY");
        assert_eq!(key.contains(KEY) && key.contains('\n'), is_text, "{code}");
        let file = import.setting("server", "signing_key_file");
        assert_eq!(file.contains("key.txt"), !is_text, "{code}");
        assert!(!import.told.out.contains(KEY));
    }
}
