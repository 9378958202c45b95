//! Sign, verify, refresh and obtain, in time and beside a peer in the same run: `cargo bench -p tokenpair --all-features`.
//!
//! Rounds of all subjects are interleaved, so that a busy machine slows all of them; the median counts. The ratio is
//! ours to the peer's on the line above it (jsonwebtoken on the same cryptography), below 1 is faster.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    clippy::assigning_clones
)]

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::passwords::{Hasher, PasswordHashers, Rounds};
use tokenpair::store::{NewUser, UserAdmin as _};
use tokenpair::{
    AccessToken, Credentials, EncodedPassword, RequestInfo, Settings, SimpleJwt, SqliteStore,
    UntypedToken, User, flows,
};
use tokio::runtime::Runtime;

const KEY: &str = "a benchmark key of more than thirty-two bytes, used nowhere else";
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(60);

#[derive(serde::Serialize, serde::Deserialize)]
struct PeerClaims {
    token_type: String,
    exp: i64,
    iat: i64,
    jti: String,
    user_id: String,
}

struct Subject<'a> {
    name: &'static str,
    beside_previous: bool,
    work: Box<dyn FnMut() + 'a>,
    rounds: Vec<f64>,
}

fn subject<'a>(name: &'static str, beside_previous: bool, work: impl FnMut() + 'a) -> Subject<'a> {
    Subject {
        name,
        beside_previous,
        work: Box::new(work),
        rounds: Vec::new(),
    }
}

impl Subject<'_> {
    fn round(&mut self) {
        let (start, mut times) = (Instant::now(), 0u32);
        while start.elapsed() < ROUND {
            for _ in 0..8 {
                (self.work)();
            }
            times += 8;
        }
        self.rounds
            .push(start.elapsed().as_nanos() as f64 / f64::from(times));
    }

    fn median(&mut self) -> f64 {
        self.rounds.sort_by(f64::total_cmp);
        self.rounds[self.rounds.len() / 2]
    }
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plain = engine(
        &runtime,
        folder.path().join("plain.sqlite3").to_str().unwrap(),
        false,
    );
    let rotating = engine(
        &runtime,
        folder.path().join("rotating.sqlite3").to_str().unwrap(),
        true,
    );
    let credentials = Credentials {
        username: "ada".to_owned(),
        password: "lovelace".to_owned(),
    };
    let info = RequestInfo::default();
    let login = |jwt: &SimpleJwt| {
        runtime
            .block_on(flows::obtain_pair(jwt, &credentials, &info))
            .unwrap()
    };
    let token = |jwt: &SimpleJwt, name: &str| {
        login(jwt)
            .get(name)
            .and_then(|token| token.as_str())
            .unwrap()
            .to_owned()
    };

    let user = User::new(1, "ada");
    let (access, refresh) = (token(&plain, "access"), token(&plain, "refresh"));
    let mut current = token(&rotating, "refresh");
    let (encoding, decoding) = (
        EncodingKey::from_secret(KEY.as_bytes()),
        DecodingKey::from_secret(KEY.as_bytes()),
    );
    let validation = Validation::new(Algorithm::HS256);
    let peer_claims = || PeerClaims {
        token_type: "access".to_owned(),
        exp: 4_102_444_800,
        iat: 1_700_000_000,
        jti: "0123456789abcdef0123456789abcdef".to_owned(),
        user_id: "1".to_owned(),
    };

    let mut subjects = vec![
        subject("sign HS256, jsonwebtoken", false, || {
            black_box(jsonwebtoken::encode(&Header::default(), &peer_claims(), &encoding).unwrap());
        }),
        subject("sign HS256, AccessToken::for_user + encode", true, || {
            black_box(plain.encode(&AccessToken::for_user(&plain, &user)).unwrap());
        }),
        subject("verify HS256, jsonwebtoken", false, || {
            black_box(jsonwebtoken::decode::<PeerClaims>(&access, &decoding, &validation).unwrap());
        }),
        subject("verify HS256, UntypedToken::verify", true, || {
            black_box(UntypedToken::verify(&plain, &access).unwrap());
        }),
        subject("flow verify (blacklist asked, SQLite)", false, || {
            runtime
                .block_on(flows::verify(&plain, &access, &info))
                .unwrap();
        }),
        subject("flow refresh (user and blacklist, SQLite)", false, || {
            runtime
                .block_on(flows::refresh(&plain, &refresh, &info))
                .unwrap();
        }),
        subject(
            "flow refresh, rotating (durable, one at a time)",
            false,
            || {
                let answer = runtime
                    .block_on(flows::refresh(&rotating, &current, &info))
                    .unwrap();
                current = answer
                    .get("refresh")
                    .and_then(|token| token.as_str())
                    .unwrap()
                    .to_owned();
            },
        ),
        subject(
            "flow obtain, one md5 round (durable, one at a time)",
            false,
            || {
                black_box(login(&plain));
            },
        ),
    ];
    for _ in 0..ROUNDS {
        subjects.iter_mut().for_each(Subject::round);
    }
    println!(
        "{:<52} {:>12} {:>8}",
        "median of 15 interleaved rounds", "ns", "ratio"
    );
    let mut previous = 0.0;
    for subject in &mut subjects {
        let median = subject.median();
        let ratio = if subject.beside_previous {
            format!("{:.2}", median / previous)
        } else {
            String::new()
        };
        println!("{:<52} {median:>12.0} {ratio:>8}", subject.name);
        previous = median;
    }
    println!(
        "derivation of Django's default hash: {:.1} ms",
        default_hash().as_secs_f64() * 1e3
    );
}

fn engine(runtime: &Runtime, path: &str, rotate: bool) -> SimpleJwt {
    let mut settings = Settings::new(KEY);
    settings.password_hashers = vec![Hasher::Md5];
    settings.rotate_refresh_tokens = rotate;
    settings.blacklist_after_rotation = rotate;
    let hashers = PasswordHashers::new(&settings.password_hashers, &Rounds::default()).unwrap();
    let password = EncodedPassword::new(hashers.make_password("lovelace").unwrap());
    let store = runtime.block_on(async {
        let store = SqliteStore::connect(path).await.unwrap();
        store.migrate(SystemClock.now()).await.unwrap();
        let ada = NewUser {
            username: "ada".to_owned(),
            email: String::new(),
            password,
            is_staff: false,
            is_superuser: false,
        };
        store.create_user(ada, SystemClock.now()).await.unwrap();
        store
    });
    SimpleJwt::new(settings, store).unwrap()
}

fn default_hash() -> Duration {
    let hashers = PasswordHashers::default();
    let start = Instant::now();
    black_box(hashers.make_password("lovelace").unwrap());
    start.elapsed()
}
