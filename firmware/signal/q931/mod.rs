//! Q.931 (05/98) with EN 300 403-1: calls over the D-channel of a primary rate interface.
//!
//! `wire` is octets and values; `state` and `timer` carry the standard's names; `call` is the
//! machine of one call, both sides of the interface; `channels` is who has which time slot;
//! `restart` is §5.5; `dchannel` composes them with the data link of `q921` and is what everybody
//! else talks to. `PROCEDURES.md` lists the standard's procedures with the test that shows each.
//!
//! Not here, because a primary rate line to a call centre has none of it: suspend and resume,
//! segmentation, packets, broadcast, and the supplementary services of Q.932 (FACILITY is taken
//! without action).

pub mod call;
pub mod cause;
pub mod channels;
pub mod dchannel;
pub mod fault;
pub mod restart;
pub mod state;
pub mod timer;
pub mod wire;
