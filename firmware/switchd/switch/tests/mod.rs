//! Conversations of a whole switch with phones, a carrier and centerd, in virtual time.

mod connect;
mod conversation;
mod fullest;
mod property;
mod restart;
mod span;
mod town;
