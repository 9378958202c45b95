//! What a page costs: from the request of a browser to the last byte, with users in memory. `cargo bench -p tokenpair
//! --all-features -- pages` prints the time of each, which is processor time: one thread, and nothing to wait for.

use crate::flows::{KEY, PASSWORD, with_ada};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use divan::Bencher;
use std::sync::Arc;
use tokenpair::accounts::{AccountOptions, Accounts};
use tokenpair::passwords::Hasher;
use tokenpair::web::{
    DjangoUrls as _, OpenApi, Site, View, browser_account, browser_login, browser_logout,
    browser_register, docs_view, logout, logout_all, me, password_change, password_reset,
    password_reset_confirm, register, schema_view, session_detail, session_list, token_views,
};
use tokenpair::{Credentials, MemoryStore, RequestInfo, Settings, SimpleJwt, flows};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

const PAGES: [&str; 8] = [
    "/api/token/",
    "/api/me/",
    "/api/sessions/",
    "/api/schema/",
    "/api/docs/",
    "/auth/login/",
    "/auth/register/",
    "/auth/account/",
];
/// The sessions of the user whose pages these are.
const SESSIONS: usize = 20;

/// All endpoints at their usual paths, as in the server.
fn views() -> Vec<(String, View<Accounts>)> {
    let tokens = token_views().map(|(path, view)| (format!("/api{path}"), view));
    let others = [
        ("/api/me/", me()),
        ("/api/register/", register()),
        ("/api/password/change/", password_change()),
        ("/api/password/reset/", password_reset()),
        ("/api/password/reset/confirm/", password_reset_confirm()),
        ("/api/logout/", logout()),
        ("/api/logout/all/", logout_all()),
        ("/api/sessions/", session_list()),
        ("/api/sessions/{id}/", session_detail()),
        ("/auth/login/", browser_login("/auth/account/")),
        ("/auth/logout/", browser_logout("/auth/login/")),
        ("/auth/register/", browser_register("/auth/account/")),
        ("/auth/account/", browser_account()),
    ];
    let others = others.map(|(path, view)| (path.to_owned(), view));
    tokens.into_iter().chain(others).collect()
}

fn router(accounts: Accounts) -> Router {
    let views = views();
    let document = OpenApi::new("Benchmark", "1").document(accounts.jwt(), &views);
    let site = Site::new("Benchmark").login("/auth/login/");
    let made = [
        ("/api/schema/".to_owned(), schema_view(&document)),
        ("/api/docs/".to_owned(), docs_view(&document)),
    ];
    let all = views.into_iter().chain(made);
    let router = all.fold(Router::new(), |router, (path, view)| {
        router.url(&path, view.site(&site))
    });
    router.with_state(accounts)
}

/// The engine with a user and her sessions, and an access token of hers.
async fn accounts() -> (Accounts, String) {
    let mut settings = Settings::new(KEY);
    settings.password_hashers = vec![Hasher::Md5];
    settings.sessions = true;
    let store = with_ada(MemoryStore::default()).await;
    let jwt = SimpleJwt::new(settings, store.clone()).unwrap();
    let mut access = String::new();
    for _ in 0..SESSIONS {
        let credentials = Credentials {
            username: "ada".to_owned(),
            password: PASSWORD.to_owned(),
        };
        let info = RequestInfo::default();
        let pair = flows::obtain_pair(&jwt, &credentials, &info).await.unwrap();
        pair.get("access")
            .unwrap()
            .as_str()
            .unwrap()
            .clone_into(&mut access);
    }
    let mut options = AccountOptions::default();
    options.registration = true;
    (
        Accounts::new(jwt, Arc::new(store), options).unwrap(),
        access,
    )
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[divan::bench(args = PAGES)]
fn page(bencher: Bencher<'_, '_>, path: &str) {
    let runtime = runtime();
    let (accounts, access) = runtime.block_on(accounts());
    let router = router(accounts);
    let open = || async {
        let request = Request::get(path)
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, format!("__Host-access={access}"));
        let request = request.body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(
            answer.status().as_u16() / 100,
            if path == "/api/token/" { 4 } else { 2 }
        );
        to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap()
            .len()
    };
    bencher.bench_local(|| runtime.block_on(open()));
}
