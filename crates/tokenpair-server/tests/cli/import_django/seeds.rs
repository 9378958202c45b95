//! The snippets that tutorials print, pasted into a file.

use super::Import;

#[test]
fn apps_and_routes_on_one_page_with_a_broken_import() {
    let import = Import::of(
        "INSTALLED_APPS = ['rest_framework','rest_framework_simplejwt',]  \nREST_FRAMEWORK = {\n\t'DEFAULT_AUTHENTICATION_CLASSES': (  \n\t\t'rest_framework_simplejwt.authentication.JWTAuthentication',     \n\t\t)}\n\
         from rest_framework_simplejwt.views import\n(TokenObtainPairView,TokenRefreshView)  \nurlpatterns = [path('api/token/', TokenObtainPairView.as_view(),\nname='token_obtain_pair'),     \npath('api/token/refresh/', TokenRefreshView.as_view(), name='token_refresh'), ] \n",
    );
    assert_eq!(import.setting("database", "token_blacklist"), "false");
    assert_eq!(
        import.setting("paths", "token_obtain_pair"),
        "\"/api/token/\""
    );
    assert_eq!(
        import.setting("paths", "token_refresh"),
        "\"/api/token/refresh/\""
    );
    assert_eq!(import.setting("paths", "token_verify"), "false");
    assert!(import.notes().contains("SECRET_KEY"), "{}", import.told.out);
}

#[test]
fn lifetimes_alone() {
    let import = Import::of(
        "from datetime import timedelta\nSIMPLE_JWT = {\n'ACCESS_TOKEN_LIFETIME': timedelta(minutes=15),\n'REFRESH_TOKEN_LIFETIME': timedelta(days=7),\n}\n",
    );
    assert_eq!(
        import.setting("simple_jwt", "ACCESS_TOKEN_LIFETIME"),
        "\"15m\""
    );
    assert_eq!(
        import.setting("simple_jwt", "REFRESH_TOKEN_LIFETIME"),
        "\"7 days\""
    );
    assert!(import.left().is_empty(), "{}", import.told.out);
    let checked = import.folder.run("check --config out.toml");
    assert_eq!(checked.status, Some(0), "{}", checked.out);
}

/// The customer who logs in by e-mail, and the setting that stands beside `SIMPLE_JWT`.
#[test]
fn update_last_login_beside_simple_jwt_has_no_effect() {
    let import = Import::of(
        "SIMPLE_JWT = {'ACCESS_TOKEN_LIFETIME': timedelta(hours=1), 'REFRESH_TOKEN_LIFETIME': timedelta(days=3)}\nUPDATE_LAST_LOGIN = True\n",
    );
    assert_eq!(
        import.setting("simple_jwt", "ACCESS_TOKEN_LIFETIME"),
        "\"1h\""
    );
    assert_eq!(import.setting("simple_jwt", "UPDATE_LAST_LOGIN"), "");
    assert!(
        import
            .left()
            .contains("UPDATE_LAST_LOGIN (settings.py:2): stands outside of SIMPLE_JWT")
    );
    assert!(
        import
            .left()
            .contains("set UPDATE_LAST_LOGIN in [simple_jwt]")
    );
}

const NOTES: &str = "from datetime import timedelta
SIMPLE_JWT={
    'ACCESS_TOKEN_LIFETIME': timedelta(minutes=5), # this means you token will expire in 5 minutes
    'REFRESH_TOKEN_LIFETIME': timedelta(days=1), # extra token with expiry date of 1 day
    'ROTATE_REFRESH_TOKENS': False, # setting false you will get only access token
    'BLACKLIST_AFTER_ROTATION': True,
}
";

#[test]
fn defaults_with_remarks() {
    let import = Import::of(NOTES);
    assert_eq!(
        import.setting("simple_jwt", "BLACKLIST_AFTER_ROTATION"),
        "true"
    );
    assert_eq!(
        import.setting("simple_jwt", "ROTATE_REFRESH_TOKENS"),
        "false"
    );
}

#[test]
fn misspelt_names_are_reported_with_the_right_ones() {
    let prose = "for putting jwt authentication globally \nsettings.py\n";
    let misspelt = "REST_FRAMEWORK = {\n\t'DEFAULT_AUTHENTCATION_CLASSES':(\n\t    'rest_framework_simplejwt.authentication.JWTAuthentication',\n)}\n\
        urlspatterns = [\n    path('gettoken/', TokenObtainPairView.as_view(), name='token_obtain_pair'),\n]\n";
    let settings = format!(
        "{prose}{misspelt}{NOTES}SIMPLE_JWT['REFESH_TOKEN_LIFETIME'] = timedelta(days=2)\n"
    );
    let import = Import::of(&settings);
    for (name, meant) in [
        (
            "REST_FRAMEWORK.DEFAULT_AUTHENTCATION_CLASSES",
            "Did you mean DEFAULT_AUTHENTICATION_CLASSES?",
        ),
        (
            "SIMPLE_JWT.REFESH_TOKEN_LIFETIME",
            "Did you mean REFRESH_TOKEN_LIFETIME?",
        ),
        (
            "urls.py",
            "Django reads no urlspatterns, did you mean urlpatterns?",
        ),
    ] {
        let line = import.left().lines().find(|line| line.contains(name));
        assert!(
            line.is_some_and(|line| line.contains(meant)),
            "{name}: {}",
            import.told.out
        );
    }
    assert!(
        import.left().contains("settings.py:1"),
        "the prose is told: {}",
        import.told.out
    );
    assert_eq!(
        import.setting("simple_jwt", "REFRESH_TOKEN_LIFETIME"),
        "\"1 day\""
    );
}

#[test]
fn routes_under_other_names() {
    let routes = "from rest_framework_simplejwt.views import TokenObtainPairView\nfrom rest_framework_simplejwt.views import TokenRefreshView\nfrom rest_framework_simplejwt.views import TokenVerifyView\nurlpatterns = [\n    path('gettoken/', TokenObtainPairView.as_view(), name='token_obtain_pair'),\n    path('refreshtoken/', TokenRefreshView.as_view(), name='token_refresh'),\n    path('verifytoken/', TokenVerifyView.as_view(), name='token_verify'), # this is optional\n]\n";
    let import = Import::of(routes);
    for (name, path) in [
        ("token_obtain_pair", "\"/gettoken/\""),
        ("token_refresh", "\"/refreshtoken/\""),
        ("token_verify", "\"/verifytoken/\""),
        ("token_blacklist", "false"),
    ] {
        assert_eq!(import.setting("paths", name), path);
    }
}
