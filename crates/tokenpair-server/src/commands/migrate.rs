//! `tokenpair migrate`: creates the tables that are missing.

use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use tokenpair::json::Value;

pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let config = Config::load(options, None)?;
    let store = config.database.open().await?;
    let done = store
        .migrate(&|progress| output::progress(options, progress))
        .await?;
    for step in &done {
        output::result(
            options,
            format!("  Applying {step}... OK"),
            [("applied", Value::from(step.to_string()))],
        )?;
    }
    if done.is_empty() {
        output::result(
            options,
            "  No migrations to apply.",
            [("applied", Value::Null)],
        )?;
    }
    Ok(())
}
