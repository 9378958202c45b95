//! What the endpoints do, by store, one after the other: what is durable waits for the disk each time.

use divan::{Bencher, black_box};
use std::sync::Arc;
use tempfile::TempDir;
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::passwords::{Hasher, PasswordHashers, Rounds};
use tokenpair::store::{NewUser, Store, UserAdmin};
use tokenpair::{
    Credentials, EncodedPassword, MemoryStore, RequestInfo, Settings, SimpleJwt, SqliteStore, flows,
};
use tokio::runtime::Runtime;

pub(crate) const KEY: &str = "a benchmark key of more than thirty-two bytes, used nowhere else";
const STORES: [&str; 2] = ["memory", "sqlite"];
pub(crate) const PASSWORD: &str = "lovelace";

struct Service {
    jwt: SimpleJwt,
    info: RequestInfo,
    runtime: Runtime,
    _folder: TempDir,
}

impl Service {
    fn new(store: &str, rotates: bool) -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), TempDir::new().unwrap());
        let mut settings = Settings::new(KEY);
        settings.password_hashers = vec![Hasher::Md5];
        settings.rotate_refresh_tokens = rotates;
        settings.blacklist_after_rotation = rotates;
        let path = folder.path().join("tokens.sqlite3");
        let store: Arc<dyn Store> = match store {
            "memory" => Arc::new(runtime.block_on(with_ada(MemoryStore::default()))),
            _ => Arc::new(runtime.block_on(async {
                let store = SqliteStore::connect(path.to_str().unwrap()).await.unwrap();
                store.migrate(SystemClock.now()).await.unwrap();
                with_ada(store).await
            })),
        };
        Self {
            jwt: SimpleJwt::builder(settings)
                .shared_store(store)
                .build()
                .unwrap(),
            info: RequestInfo::default(),
            runtime,
            _folder: folder,
        }
    }

    /// A token of a log-in.
    fn log_in(&self, name: &str) -> String {
        let credentials = Credentials {
            username: "ada".to_owned(),
            password: PASSWORD.to_owned(),
        };
        let answer = self
            .runtime
            .block_on(flows::obtain_pair(&self.jwt, &credentials, &self.info));
        answer
            .unwrap()
            .get(name)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    }
}

/// With the one user.
pub(crate) async fn with_ada<S: UserAdmin>(store: S) -> S {
    let hashers = PasswordHashers::new(&[Hasher::Md5], &Rounds::default()).unwrap();
    let ada = NewUser {
        username: "ada".to_owned(),
        email: String::new(),
        password: EncodedPassword::new(hashers.make_password(PASSWORD).unwrap()),
        is_staff: false,
        is_superuser: false,
    };
    store.create_user(ada, SystemClock.now()).await.unwrap();
    store
}

/// The blacklist is asked.
#[divan::bench(args = STORES)]
fn verify(bencher: Bencher<'_, '_>, store: &str) {
    let service = Service::new(store, false);
    let token = service.log_in("access");
    bencher.bench_local(|| {
        let verified = flows::verify(&service.jwt, black_box(&token), &service.info);
        service.runtime.block_on(verified).unwrap()
    });
}

/// User and blacklist are asked.
#[divan::bench(args = STORES)]
fn refresh(bencher: Bencher<'_, '_>, store: &str) {
    let service = Service::new(store, false);
    let token = service.log_in("refresh");
    bencher.bench_local(|| {
        let refreshed = flows::refresh(&service.jwt, black_box(&token), &service.info);
        service.runtime.block_on(refreshed).unwrap()
    });
}

/// Each token is used once.
#[divan::bench(args = STORES)]
fn refresh_rotating(bencher: Bencher<'_, '_>, store: &str) {
    let service = Service::new(store, true);
    let mut token = service.log_in("refresh");
    bencher.bench_local(|| {
        let refreshed = flows::refresh(&service.jwt, &token, &service.info);
        let answer = service.runtime.block_on(refreshed).unwrap();
        answer
            .get("refresh")
            .unwrap()
            .as_str()
            .unwrap()
            .clone_into(&mut token);
    });
}

/// With a hash of one round.
#[divan::bench(args = STORES)]
fn log_in(bencher: Bencher<'_, '_>, store: &str) {
    let service = Service::new(store, false);
    bencher.bench_local(|| service.log_in("access"));
}
