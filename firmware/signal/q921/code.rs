//! MDL-ERROR: what the link tells layer management (Q.921 table II.1).

/// The code of an MDL-ERROR indication, by the standard's letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// Unsolicited supervisory response with F = 1.
    A,
    /// Unsolicited DM with F = 1.
    B,
    /// Unsolicited UA with F = 1.
    C,
    /// Unsolicited UA with F = 0.
    D,
    /// DM with F = 0: the peer has lost the link.
    E,
    /// The peer established the link anew.
    F,
    /// Nobody answered SABME, N200 times again.
    G,
    /// Nobody answered DISC, N200 times again.
    H,
    /// Nobody answered an enquiry, N200 times.
    I,
    /// An N(R) outside what was sent.
    J,
    /// FRMR received.
    K,
    /// A frame that is not defined, or that only our own side may send.
    L,
    /// Information where none is permitted.
    M,
    /// A frame of the wrong size.
    N,
    /// More information than N201.
    O,
}

impl Code {
    /// How many there are.
    pub const COUNT: usize = 15;

    /// All, in the standard's order.
    pub const ALL: [Code; Code::COUNT] = [
        Code::A,
        Code::B,
        Code::C,
        Code::D,
        Code::E,
        Code::F,
        Code::G,
        Code::H,
        Code::I,
        Code::J,
        Code::K,
        Code::L,
        Code::M,
        Code::N,
        Code::O,
    ];

    /// The standard's letter.
    #[must_use]
    pub const fn letter(self) -> char {
        (b'A' + self as u8) as char
    }

    /// What it means and what to look at, in words for the console.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Code::A | Code::B | Code::C | Code::D => {
                "an answer to nothing: frames are delayed or doubled on the way"
            }
            Code::E => "the far end has lost the link; it is established anew",
            Code::F => "the far end established the link anew; look there if it repeats",
            Code::G => "nobody answers: check the span's alarms, time slot 16, and the far end",
            Code::H => "nobody answers the release: the far end is gone",
            Code::I => "the far end fell silent; the link is established anew",
            Code::J => "the far end acknowledged what was never sent; established anew",
            Code::K => "the far end rejected a frame of ours; established anew",
            Code::L => "a frame that we do not know: is the far end set to the other side?",
            Code::M => "a frame with information that it may not have",
            Code::N => "a frame of the wrong size",
            Code::O => "a frame longer than N201: set it alike at both ends",
        }
    }
}

/// How often each code was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; Code::COUNT]);

impl Tally {
    /// One more.
    pub fn count(&mut self, code: Code) {
        if let Some(n) = self.0.get_mut(code as usize) {
            *n += 1;
        }
    }

    /// How often.
    #[must_use]
    pub fn of(&self, code: Code) -> u64 {
        self.0.get(code as usize).copied().unwrap_or_default()
    }

    /// How often any.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_letter_and_its_own_count() {
        let mut tally = Tally::default();
        for (n, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code.letter(), "ABCDEFGHIJKLMNO".chars().nth(n).unwrap());
            (0..n).for_each(|_| tally.count(code));
        }
        assert!(Code::ALL.into_iter().enumerate().all(|(n, code)| tally.of(code) == n as u64));
        assert_eq!(tally.total(), (0..15).sum());
    }
}
