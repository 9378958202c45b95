//! Times of single operations: `cargo bench -p tokenpair --all-features`, or `… -- jose` for one part.
//!
//! Where there is a peer it stands beside ours, under the same name with its own behind it. A busy machine slows both,
//! so compare medians, and measure twice. What must not grow is counted in instructions: `cargo xtask counts`.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot start should end"
)]

mod flows;
mod jose;
mod json;
mod pages;
mod passwords;

fn main() {
    divan::main();
}
