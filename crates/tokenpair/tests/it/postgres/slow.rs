//! A database that is slow: who can be answered in time, is; nobody pays for an answer that comes too late.

use super::outage::{ANSWER, Patient, assert_unavailable, futures, timed};
use super::proxy::Illness;
use crate::app::{ALICE, TOKEN};
use std::time::Duration;
use tokenpair::store::Store as _;

/// A late answer is remembered for a moment.
async fn await_changes(patient: &Patient) {
    while patient.app.post(TOKEN, ALICE).await.status != 200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database_is_no_outage() {
    let Some(patient) = Patient::new().await else {
        return;
    };
    let pair = patient.app.log_in().await;
    // Statements are prepared when they are first sent, which takes an answer more.
    patient.app.verify(&pair.refresh).await.assert(200, "{}");
    patient.store.ping().await.unwrap();
    patient.proxy.become_(Illness::Slow(Duration::from_secs(2)));
    let verified = futures((0..20).map(|_| patient.app.verify(&pair.refresh)));
    let ((verified, pinged), time) =
        timed(async { tokio::join!(verified, patient.store.ping()) }).await;
    assert!(time <= ANSWER, "{time:?}");
    pinged.expect("ready");
    let answered = verified.iter().filter(|reply| reply.status == 200).count();
    assert!(answered > 0, "{verified:?}");
    patient.proxy.become_(Illness::Healthy);
    await_changes(&patient).await;
    assert_eq!(patient.app.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_is_asked_for_the_first_time_takes_one_way_too() {
    let Some(patient) = Patient::new().await else {
        return;
    };
    let pair = patient.app.log_in().await;
    let late = Duration::from_millis(1500);
    patient.proxy.become_(Illness::Slow(late));
    patient.app.verify(&pair.refresh).await.assert(200, "{}");
    let me = patient.app.get_as(&pair.access, "/me/").await;
    assert_eq!(me.status, 200, "{me:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_too_slow_for_a_change_is_an_outage_before_the_change_is_begun() {
    let Some(patient) = Patient::new().await else {
        return;
    };
    let pair = patient.app.log_in().await;
    assert_eq!(patient.app.refresh(&pair.refresh).await.status, 200);
    let pair = patient.app.log_in().await;
    patient.proxy.become_(Illness::Slow(Duration::from_secs(2)));
    let (replies, time) = timed(async {
        tokio::join!(
            patient.app.refresh(&pair.refresh),
            patient.app.blacklist(&pair.refresh),
            patient.app.post(TOKEN, ALICE),
        )
    })
    .await;
    assert!(time <= ANSWER, "{time:?}");
    for reply in [&replies.0, &replies.1, &replies.2] {
        assert_unavailable(reply);
    }
    patient.proxy.become_(Illness::Healthy);
    await_changes(&patient).await;
    patient.app.verify(&pair.refresh).await.assert(200, "{}");
    assert_eq!(patient.app.refresh(&pair.refresh).await.status, 200);
}
