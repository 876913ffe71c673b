//! The business core: who is called, when, by which trunk and for which agent.
//!
//! Pure: nothing here reads a clock, spawns, locks, does I/O or logs. Time comes in as
//! [`call::Tick`] (order inside one run) and [`call::Stamp`] (what a calendar reads). What a rule
//! forbids is answered by a typed reason that says which rule it is and when it clears.
//!
//! | file | holds |
//! |---|---|
//! | `lead` | the life of one person to call; retry rules |
//! | `attempt` | one try: its times, its end |
//! | `outcome` | what the network said, what the agent said |
//! | `agent` | a seat and the person on it |
//! | `campaign` | settings, state, and the decision to dial or why not |
//! | `route` | which trunk, and whether the destination is allowed |
//! | `hours` | calling hours and holidays in a time zone |
//! | `number` | what people write, turned into numbers |
//! | `rows` | a list file, taken apart into rows of cells |
//! | `import` | a list file, row by row |
//! | `turns` | whose turn it is among campaigns |
//! | `pacing` | how many calls to place ahead of free agents |

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::wildcard_enum_match_arm))]

#[macro_use]
mod word;

pub mod agent;
pub mod attempt;
pub mod caller;
pub mod campaign;
pub mod hours;
pub mod import;
pub mod lead;
pub mod limits;
pub mod number;
pub mod outcome;
pub mod pacing;
pub mod route;
pub mod rows;
pub mod turns;
