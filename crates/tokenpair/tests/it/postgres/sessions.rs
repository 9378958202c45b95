//! Sessions on PostgreSQL, through HTTP.

use super::place::Place;
use crate::app::users;
use crate::sessions;

#[tokio::test]
async fn sessions_are_kept_in_postgres() {
    let Some(place) = Place::new().await else {
        return;
    };
    sessions::check(async || {
        place
            .run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .await;
        place.filled(&users()).await
    })
    .await;
}
