//! A simulated campaign floor on which pacing is measured: virtual time, seeded, no sound.
//!
//! [`world`] says what people and agents are like, [`floor`] lets a day happen, [`rivals`] are the
//! policies pacing is compared with, [`measure`] turns days into a row. Attempt `n` of a day is
//! the same person for every policy.

pub mod draw;
pub mod floor;
pub mod measure;
pub mod rivals;
pub mod world;
