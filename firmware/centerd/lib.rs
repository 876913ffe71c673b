//! centerd: the daemon of campaigns, agents and records, with the API and the console.
//!
//! | file | holds |
//! |---|---|
//! | `center` | the running office, without I/O: the same in the daemon and in the simulated world |
//! | `reactor` | the loop around it: disk, link, time, questions |
//! | `load` | the rows that it works from |
//! | `api`, `server`, `pages` | HTTP: what people and programs can ask, and the console |
//! | `config`, `first_run`, `ready` | how it starts |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm))]

pub mod api;
pub mod center;
pub mod config;
pub mod first_run;
pub mod limits;
pub mod linkup;
pub mod load;
pub mod number_range;
pub mod pages;
pub mod reactor;
pub mod ready;
pub mod secrets;
pub mod server;
pub mod start;
