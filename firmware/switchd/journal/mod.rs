//! The journal: what switchd must still know after its own death.
//!
//! ```text
//! in it                          for
//! legs that live, with dialogs   BYE to what was up; those legs are reported as lost
//! ended legs, not acknowledged   centerd gets every end, whoever died
//! recordings, not acknowledged   files that were cut are measured and reported
//! contacts of phones             phones can be called at once after a restart
//! ```
//!
//! [`entry`] is the vocabulary and the pure fold over it; [`file`] the only input and output.

pub mod entry;
pub mod file;

pub use entry::{Book, Entry, KeptContact, KeptDialog};
pub use file::{Journal, JournalError};
