//! Our ISDN against libpri. Every test is named `isdn_…`: `cargo test -p peer isdn` runs these alone
//! and needs no release program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod link;
mod pair;
mod span;
