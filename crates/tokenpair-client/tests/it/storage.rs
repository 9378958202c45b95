//! One login of several clients (rules 6 and 9).

use crate::clock::TestClock;
use crate::fake::{Fake, Wrong};
use crate::watched::Watched;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokenpair_client::{
    Client, Error, Event, FileStorage, MemoryStorage, Storage, SystemClock, Tokens, async_trait,
};
use tokio::task::{JoinHandle, JoinSet};

async fn status(client: &Client) -> u16 {
    client.get("/me/").send().await.unwrap().status().as_u16()
}

/// Clients that share a file, as processes do: each opens it for itself.
fn windows(fake: &Fake, folder: &tempfile::TempDir, count: usize) -> Vec<Client> {
    let storage = || FileStorage::new(folder.path().join("logins/ada"));
    let client = |_| {
        let builder = fake.builder().clock(SystemClock::default());
        builder.storage(storage()).build().unwrap()
    };
    (0..count).map(client).collect()
}

#[tokio::test]
async fn clients_that_share_a_file_refresh_once() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    fake.state().rotates = true;
    let windows = windows(&fake, &folder, 5);
    windows[0].log_in("ada", "secret").await.unwrap();
    for expiry in 1..=3 {
        fake.forget_access();
        let mut crowd = JoinSet::new();
        for client in windows.iter().cycle().take(50) {
            let client = client.clone();
            crowd.spawn(async move { status(&client).await });
        }
        assert_eq!(crowd.join_all().await, [200; 50]);
        assert_eq!(fake.refreshes(), expiry);
    }
}

#[tokio::test]
async fn a_log_out_of_one_is_one_of_all() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let windows = windows(&fake, &folder, 2);
    windows[0].log_in("ada", "secret").await.unwrap();
    assert_eq!(status(&windows[1]).await, 200);
    windows[0].log_out().await.unwrap();
    assert!(!windows[1].is_logged_in().await.unwrap());
    assert_eq!(status(&windows[1]).await, 401);
    assert_eq!(fake.authorizations("GET /api/me/")[1], None);
    assert_eq!(fake.refreshes(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone_and_nothing_is_left_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let windows = windows(&fake, &folder, 1);
    windows[0].log_in("ada", "secret").await.unwrap();
    let logins = folder.path().join("logins");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&logins), 0o700);
    let names = || {
        let entries = std::fs::read_dir(&logins)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut entries: Vec<_> = entries.collect();
        entries.sort();
        entries
    };
    assert_eq!(names(), [logins.join("ada"), logins.join("ada.lock")]);
    assert!(names().iter().all(|path| mode(path) == 0o600));
    windows[0].log_out().await.unwrap();
    assert_eq!(names(), [logins.join("ada.lock")]);
}

#[tokio::test]
async fn a_lock_that_hangs_does_not_hang_the_application() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("ada");
    let client = fake
        .builder()
        .storage(FileStorage::new(&path))
        .build()
        .unwrap();
    client.log_in("ada", "secret").await.unwrap();
    let held = FileStorage::new(&path).lock().await.unwrap();
    fake.forget_access();
    assert_eq!(status(&client).await, 200);
    let wait = fake.clock.slept().pop();
    assert_eq!(wait, Some(std::time::Duration::from_secs(10)));
    drop(held);
}

fn asking(client: &Client) -> JoinHandle<u16> {
    let client = client.clone();
    tokio::spawn(async move { status(&client).await })
}

#[tokio::test]
async fn who_was_refused_without_the_lock_waits_for_it_before_it_is_the_end() {
    let fake = Fake::start().await;
    let storage = Arc::new(Watched::default());
    let (client, events) = fake.told(fake.builder().storage(storage.clone())).await;
    let held = storage.memory.lock().await.unwrap();
    fake.forget_access();
    fake.go_wrong([Wrong::Held]);
    let asking = asking(&client);
    fake.holds().await;
    fake.clock.freeze();
    let tokens = fake.refreshed_elsewhere(&storage.memory).await;
    fake.release();
    // It has had its 401. Who holds the lock saves now.
    storage.asked(3).await;
    storage.save(Some(&tokens)).await.unwrap();
    drop(held);
    assert_eq!(asking.await.unwrap(), 200);
    assert_eq!(events.all(), [Event::Login]);
}

#[tokio::test]
async fn a_refresh_that_began_for_a_token_of_before_is_not_enough() {
    let fake = Fake::start().await;
    let storage = Arc::new(Watched::default());
    let client = fake.builder().storage(storage.clone()).build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    let held = storage.memory.lock().await.unwrap();
    fake.clock.freeze();
    fake.forget_access();
    let first = asking(&client);
    storage.asked(2).await;
    let tokens = fake.refreshed_elsewhere(&storage.memory).await;
    storage.save(Some(&tokens)).await.unwrap();
    fake.forget_access();
    let second = asking(&client);
    // Each has read what it sends, and read again when that was refused.
    storage.read(4).await;
    drop(held);
    assert_eq!(second.await.unwrap(), 200);
    first.await.unwrap();
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn the_next_process_finds_the_login_and_believes_no_clock_of_its_own() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("ada");
    let open = |clock: TestClock| {
        let builder = fake.builder().clock(clock).storage(FileStorage::new(&path));
        builder.build().unwrap()
    };
    open(fake.clock.clone())
        .log_in("ada", "secret")
        .await
        .unwrap();
    assert_eq!(status(&open(fake.clock.ahead(7200))).await, 200);
    assert_eq!(fake.refreshes(), 0);
    // Who cannot send twice is careful.
    let request = open(fake.clock.ahead(7200)).post("/echo/");
    let request = request.body(tokenpair_client::reqwest::Body::wrap("once".to_owned()));
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn an_empty_file_is_nobodys_login() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("ada");
    std::fs::write(&path, "").unwrap();
    let client = fake
        .builder()
        .storage(FileStorage::new(path))
        .build()
        .unwrap();
    assert!(!client.is_logged_in().await.unwrap());
}

/// A disk that may be full, or not be read.
#[derive(Default)]
struct Disk {
    memory: MemoryStorage,
    is_full: AtomicBool,
    is_unreadable: AtomicBool,
}

#[async_trait]
impl Storage for Disk {
    async fn load(&self) -> io::Result<Option<Tokens>> {
        if self.is_unreadable.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.memory.load().await
    }

    async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.memory.save(tokens).await
    }
}

#[tokio::test]
async fn tokens_that_cannot_be_stored_are_not_lost() {
    let fake = Fake::start().await;
    fake.state().rotates = true;
    let disk = Arc::new(Disk::default());
    let client = fake.builder().storage(disk.clone()).build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    disk.is_full.store(true, Ordering::SeqCst);
    fake.expire();
    let error = client.get("/me/").send().await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)));
    assert_eq!(status(&client).await, 200);
    disk.is_full.store(false, Ordering::SeqCst);
    fake.expire();
    assert_eq!(status(&client).await, 200);
    assert_eq!(fake.refreshes(), 2);
    let stored = disk.load().await.unwrap().unwrap();
    assert_eq!(stored.refresh().expose(), "secret-refresh-3");
}

#[tokio::test]
async fn a_storage_that_cannot_be_read_loses_nothing_that_a_refresh_brought() {
    let fake = Fake::start().await;
    fake.state().rotates = true;
    let disk = Arc::new(Disk::default());
    let client = fake.builder().storage(disk.clone()).build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    fake.expire();
    fake.go_wrong([Wrong::Held]);
    let asking = asking(&client);
    fake.holds().await;
    disk.is_unreadable.store(true, Ordering::SeqCst);
    fake.release();
    assert_eq!(asking.await.unwrap(), 200);
    // That is no end of the login: it is there when the storage can be read again.
    let error = client.get("/me/").send().await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)));
    disk.is_unreadable.store(false, Ordering::SeqCst);
    fake.expire();
    assert_eq!(status(&client).await, 200);
    assert_eq!(fake.refreshes(), 2);
}

#[tokio::test]
async fn a_log_out_clears_also_what_cannot_be_read() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("ada");
    let builder = fake.builder().storage(FileStorage::new(&path));
    let (client, events) = fake.told(builder).await;
    std::fs::write(&path, r#"{"access": "#).unwrap();
    // The server knows nothing of it.
    assert!(!client.log_out().await.unwrap());
    assert!(!path.exists());
    let asked = Event::Logout(tokenpair_client::LogoutReason::Asked);
    assert_eq!(events.all(), [Event::Login, asked]);
}

#[tokio::test]
async fn an_error_of_the_file_says_which_it_is() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    // No file, but a folder.
    let storage = FileStorage::new(folder.path());
    let client = fake.builder().storage(storage).build().unwrap();
    let Err(Error::Storage(error)) = client.is_logged_in().await else {
        panic!("a folder holds no login");
    };
    assert!(error.to_string().contains(folder.path().to_str().unwrap()));
}

/// As on some network disks. Root may read it all the same.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_synced_holds_a_login() {
    use std::os::unix::fs::PermissionsExt as _;
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let mode = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode));
    mode(0o300).unwrap();
    let storage = FileStorage::new(folder.path().join("ada"));
    let client = fake.builder().storage(storage).build().unwrap();
    let logged_in = client.log_in("ada", "secret").await;
    let logged_out = client.log_out().await;
    mode(0o700).unwrap();
    logged_in.unwrap();
    assert!(logged_out.unwrap());
}
