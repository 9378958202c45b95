//! What was revoked stays revoked.

use super::filled;
use super::place::Place;
use crate::purge::{check, check_that_it_matters};

#[tokio::test]
async fn a_purge_revives_no_token_in_postgres() {
    if Place::new().await.is_none() {
        return;
    }
    let make = async || filled().await.unwrap().1;
    check(make).await;
    check_that_it_matters(make).await;
}
