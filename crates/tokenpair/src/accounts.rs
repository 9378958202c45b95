//! What people do with their own account. Rules only: no HTTP, no SQL.

pub mod sessions;
