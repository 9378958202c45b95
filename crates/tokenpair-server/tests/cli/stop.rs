//! SIGTERM: what a balancer and its clients see until the end.

use crate::support::{Folder, wait_until};

#[test]
fn within_the_drain_delay_it_serves_on_and_says_that_it_stops() {
    let folder = Folder::new()
        .with_user("ada")
        .with_variable("TOKENPAIR_DRAIN_DELAY", "4m");
    let server = folder.serve("serve");
    assert_eq!(server.get("/readyz", "").0, 200);
    server.signal("TERM");
    wait_until(|| server.get("/readyz", "").0 == 503);
    let (_, body) = server.get("/readyz", "");
    assert_eq!(body["status"], "stopping");
    assert_eq!(server.get("/livez", "").0, 200);
    assert_eq!(server.get("/api/me/", "").0, 401);
    server.signal("TERM");
    let told = server.end();
    assert_eq!(told.status, Some(0));
    assert!(told.err.contains("drain_delay=240s"), "{}", told.err);
    assert!(told.err.contains("stopped at once"), "{}", told.err);
}

#[test]
fn the_drain_delay_comes_to_an_end() {
    let folder = Folder::new()
        .with_user("ada")
        .with_file("tokenpair.toml", "[server]\ndrain_delay = 0.1\n");
    let told = folder.serve("serve").stop();
    assert_eq!(told.status, Some(0));
    assert!(told.err.contains("aborted=0"), "{}", told.err);
}
