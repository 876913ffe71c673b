//! The entries of the journal, and the book that they add up to.
//!
//! Entries carry whole facts and are idempotent: a book that takes an entry twice, or takes a whole
//! older journal before a newer one, is the same book. That makes compaction trivial: the entries
//! of the book itself, in a new file.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use call::{AccountId, LegId, RecordingId, Stamp};
use link::{LegRecord, RecordingRecord, RecordingState};
use serde::{Deserialize, Serialize};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Entry {
    /// A leg lives. Written when it begins and when it is answered.
    Leg {
        /// What is known of it.
        record: Box<LegRecord>,
        /// What is needed to end its call after our death: one dialog, one for each phone that rings,
        /// or none before there is any.
        dialogs: Vec<KeptDialog>,
    },
    /// A leg ended and centerd has not acknowledged it.
    Ended {
        /// What is known of it.
        record: Box<LegRecord>,
    },
    /// A recording began or ended.
    Recording {
        /// What is known of it.
        record: Box<RecordingRecord>,
    },
    /// centerd has these ends on its disk; they are forgotten.
    Acked {
        /// Ended legs.
        legs: Vec<LegId>,
        /// Ended recordings.
        recordings: Vec<RecordingId>,
    },
    /// All contacts of an account; none: it is gone.
    Contacts {
        /// Whose.
        account: AccountId,
        /// Where it can be reached.
        contacts: Vec<KeptContact>,
    },
}

impl Entry {
    /// Whether the entry must outlive a power cut. The others need only outlive our own death, which
    /// the system's page cache does: after a power cut every call is gone anyway.
    #[must_use]
    pub fn must_be_durable(&self) -> bool {
        match self {
            Entry::Ended { .. } => true,
            Entry::Recording { record } => record.state != RecordingState::Growing,
            Entry::Leg { .. } | Entry::Acked { .. } | Entry::Contacts { .. } => false,
        }
    }
}

/// What is needed to end a call in the place of a dead process: BYE where it was up (RFC 3261
/// §12.2.1.1), CANCEL where it rang, a refusal where it waited for our answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDialog {
    /// The branch of our INVITE, while it rings.
    pub branch: Option<String>,
    /// The Via values of the far end's INVITE, while it waits for our answer. With neither the call
    /// is up.
    #[serde(default)]
    pub via: Vec<String>,
    /// The Call-ID.
    pub call_id: String,
    /// Our address with tag.
    pub local: String,
    /// The far end's address with tag.
    pub remote: String,
    /// Our last sequence number.
    pub cseq: u32,
    /// The far end itself.
    pub target: String,
    /// Through whom requests go, next hop first.
    pub routes: Vec<String>,
    /// Where requests are sent.
    pub peer: SocketAddr,
}

/// A contact that a phone registered (RFC 3261 §10.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptContact {
    /// As the phone wrote it.
    pub contact: String,
    /// Where the phone really is.
    pub peer: SocketAddr,
    /// Until when.
    pub expires: Stamp,
    /// Of its REGISTER.
    pub call_id: String,
    /// Of its REGISTER.
    pub cseq: u32,
    /// What the phone calls itself.
    #[serde(default)]
    pub agent: String,
}

/// What a journal adds up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    /// Legs that live, with their dialogs.
    pub legs: BTreeMap<LegId, (LegRecord, Vec<KeptDialog>)>,
    /// Ended legs that are not acknowledged.
    pub ended: BTreeMap<LegId, LegRecord>,
    /// Recordings that run, and ended ones that are not acknowledged.
    pub recordings: BTreeMap<RecordingId, RecordingRecord>,
    /// Contacts of phones.
    pub contacts: BTreeMap<AccountId, Vec<KeptContact>>,
}

impl Book {
    /// Adds one entry.
    pub fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Leg { record, dialogs } => {
                if !self.ended.contains_key(&record.leg) {
                    self.legs.insert(record.leg, (*record, dialogs));
                }
            }
            Entry::Ended { record } => {
                self.legs.remove(&record.leg);
                self.ended.insert(record.leg, *record);
            }
            Entry::Recording { record } => {
                self.recordings.insert(record.recording, *record);
            }
            Entry::Acked { legs, recordings } => {
                for leg in legs {
                    self.ended.remove(&leg);
                }
                for recording in recordings {
                    self.recordings.remove(&recording);
                }
            }
            Entry::Contacts { account, contacts } if contacts.is_empty() => {
                self.contacts.remove(&account);
            }
            Entry::Contacts { account, contacts } => {
                self.contacts.insert(account, contacts);
            }
        }
    }

    /// The fewest entries that add up to this book.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let legs = self.legs.values().map(|(record, dialogs)| Entry::Leg {
            record: Box::new(record.clone()),
            dialogs: dialogs.clone(),
        });
        let ended = self.ended.values().map(|r| Entry::Ended { record: Box::new(r.clone()) });
        let recordings =
            self.recordings.values().map(|r| Entry::Recording { record: Box::new(r.clone()) });
        let contacts = self
            .contacts
            .iter()
            .map(|(&account, c)| Entry::Contacts { account, contacts: c.clone() });
        legs.chain(ended).chain(recordings).chain(contacts)
    }

    /// How many entries [`Book::entries`] gives.
    #[must_use]
    pub fn len(&self) -> usize {
        self.legs.len() + self.ended.len() + self.recordings.len() + self.contacts.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use call::LegTag;
    use link::{Direction, Line};
    use proptest::prelude::*;

    fn record(n: u64) -> Box<LegRecord> {
        let line = Line::Account(AccountId(1));
        Box::new(LegRecord::new(LegId(n), LegTag(n), line, Direction::Out, Stamp(5)))
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 5060))
    }

    fn dialog() -> KeptDialog {
        let word = |w: &str| w.to_owned();
        KeptDialog {
            branch: None,
            via: vec![],
            call_id: word("c"),
            local: word("<sip:a@b>;tag=1"),
            remote: word("<sip:c@d>;tag=2"),
            cseq: 1,
            target: word("sip:c@d"),
            routes: vec![],
            peer: peer(),
        }
    }

    fn contact() -> KeptContact {
        let contact = "<sip:a@b>".to_owned();
        let call_id = "c".to_owned();
        let agent = String::new();
        KeptContact { contact, peer: peer(), expires: Stamp(1), call_id, cseq: 1, agent }
    }

    fn entry() -> impl Strategy<Value = Entry> {
        (0u64..6, 0u8..4, any::<bool>()).prop_map(|(n, kind, full)| match kind {
            0 => Entry::Leg { record: record(n), dialogs: full.then(dialog).into_iter().collect() },
            1 => Entry::Ended { record: record(n) },
            2 => Entry::Acked { legs: vec![LegId(n)], recordings: vec![] },
            _ => Entry::Contacts {
                account: AccountId(n as i64),
                contacts: full.then(contact).into_iter().collect(),
            },
        })
    }

    proptest! {
        #[test]
        fn a_books_own_entries_add_up_to_the_same_book(entries in prop::collection::vec(entry(), 0..40)) {
            let mut book = Book::default();
            for entry in entries {
                book.take(entry);
            }
            let mut again = Book::default();
            for entry in book.entries() {
                again.take(entry);
            }
            // A compacted journal may also be read behind the one that it replaces.
            let mut twice = book.clone();
            for entry in book.entries() {
                twice.take(entry);
            }
            prop_assert_eq!(&again, &book);
            prop_assert_eq!(&twice, &book);
            prop_assert_eq!(book.entries().count(), book.len());
        }
    }

    #[test]
    fn a_leg_that_has_ended_does_not_come_back() {
        let mut book = Book::default();
        book.take(Entry::Ended { record: record(1) });
        book.take(Entry::Leg { record: record(1), dialogs: vec![] });
        assert!(book.legs.is_empty() && book.ended.len() == 1);
    }
}
