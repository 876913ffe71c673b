//! The test pattern, written a second time (`pattern.c` is the far end's): the pseudo-random
//! sequence of ITU-T O.150 with 2^23-1 bits, which finds its own step. And what follows from what
//! was heard of it, at either end.

use board_port::{BLOCK, SILENCE};

/// How many octets may be missing in one place and still be counted: 50 s. The sequence comes again
/// after a quarter of an hour.
const MISSING_MAX: i64 = 400_000;
/// How many may have come twice.
const TWICE_MAX: i64 = 2_000;
/// Octets that the kernel moves at a time (1 ms).
const CHUNK: i64 = 8;

/// The octet that follows the last three, the oldest of them lowest.
fn step(mut last: u32) -> u8 {
    let mut next = 0;
    for bit in 0..8 {
        let new = (last >> 6 ^ last >> 1) & 1;
        last = last >> 1 | new << 23;
        next |= (new as u8) << bit;
    }
    next
}

fn after(last: u32, octet: u8) -> u32 {
    last >> 8 | u32::from(octet) << 16
}

/// How many octets lie from one place of the sequence to another.
fn distance(from: u32, to: u32, most: i64) -> Option<i64> {
    let mut at = from;
    for octets in 0..=most {
        if at == to {
            return Some(octets);
        }
        at = after(at, step(at));
    }
    None
}

/// Makes the pattern.
#[derive(Clone, Copy)]
pub struct Sender(u32);

impl Sender {
    /// From its beginning.
    pub const fn new() -> Sender {
        Sender(0x7F_FFFF)
    }

    /// The next 20 ms, and what goes on behind them.
    pub fn block(self) -> ([u8; BLOCK], Sender) {
        let (mut last, mut block) = (self.0, [0; BLOCK]);
        for octet in &mut block {
            *octet = step(last);
            last = after(last, *octet);
        }
        (block, Sender(last))
    }
}

/// One place where the sequence was broken.
#[derive(Clone, Copy, Debug)]
pub struct Break {
    /// Three octets of the pattern from before it.
    pub before: u32,
    /// Three octets from after it.
    pub after: u32,
    /// Octets that are not silence between them, the latter included.
    pub octets: i64,
    /// Octets of silence between them.
    pub silent: i64,
}

impl Break {
    /// How many octets of the pattern are missing; less than 0: some came twice.
    fn missing(self) -> Option<i64> {
        let forth = distance(self.before, self.after, MISSING_MAX);
        let back = || distance(self.after, self.before, TWICE_MAX).map(|octets| -octets);
        forth.or_else(back).map(|octets| octets - self.octets)
    }
}

/// What was heard of the pattern at one end of one channel, in octets.
#[derive(Clone, Default, Debug)]
pub struct Heard {
    /// Octets that followed from the three before.
    pub good: i64,
    /// Octets of silence between them: the other end was late.
    pub silent: i64,
    /// Octets that are neither, nor the three that it takes to find the step again.
    pub spoilt: i64,
    /// Where the sequence was broken.
    pub breaks: Vec<Break>,
}

impl Heard {
    /// What is missing in all, or what is wrong. An emulated machine under load is late now and
    /// then: silence goes between, or the kernel drops what nobody took, in whole milliseconds, and
    /// no octet is spoilt. Anything else is wrong.
    pub fn judge(&self) -> Result<i64, String> {
        if self.spoilt > 0 {
            return Err(format!("{} octets spoilt", self.spoilt));
        }
        let mut all = 0;
        for place in &self.breaks {
            let wrong = || format!("{place:?} with {:?} octets missing", place.missing());
            let missing = place.missing().ok_or_else(wrong)?;
            // At the edge of a silence an octet of the pattern may look like one of it.
            let edge = place.silent.min(2);
            let whole = (missing + edge).rem_euclid(CHUNK) <= 2 * edge;
            let late = place.silent + 2 >= CHUNK || missing.abs() + 2 >= CHUNK;
            if !(whole && late) {
                return Err(wrong());
            }
            all += missing;
        }
        Ok(all)
    }
}

/// Listens for the pattern at our end.
#[derive(Clone, Default, Debug)]
pub struct Listener {
    /// What was heard so far.
    pub heard: Heard,
    /// The state now and one, two, three octets ago.
    states: [u32; 4],
    /// Good octets in a row.
    run: u32,
    /// Octets in a row that are neither good nor silent.
    astray: u32,
    /// The break that we are in.
    seeking: Option<Break>,
}

impl Listener {
    /// Looks at 20 ms.
    pub fn look(&mut self, block: &[u8; BLOCK]) {
        block.iter().for_each(|octet| self.look_at(*octet));
    }

    fn look_at(&mut self, octet: u8) {
        let [now, one_ago, two_ago, three_ago] = self.states;
        // All zeros follow from themselves: they are no pattern.
        let good = octet == step(now) && now != 0;
        let begun = self.run >= 16 || self.seeking.is_some() || !self.heard.breaks.is_empty();
        if !good && begun && self.seeking.is_none() {
            // Three octets earlier it was surely the pattern: no chance hits four times.
            self.seeking = Some(Break { before: three_ago, after: 0, octets: 3, silent: 0 });
        }
        if good {
            self.heard.good += i64::from(begun);
            self.run += 1;
            self.astray = 0;
        } else {
            let silent = octet == SILENCE;
            self.run = 0;
            self.astray = if silent { 0 } else { self.astray + 1 };
            self.heard.silent += i64::from(begun && silent);
            self.heard.spoilt += i64::from(begun && self.astray > 3);
        }
        self.states = [after(now, octet), now, one_ago, two_ago];
        let Some(mut place) = self.seeking else { return };
        let silent = !good && octet == SILENCE;
        place.octets += i64::from(!silent);
        place.silent += i64::from(silent);
        self.seeking = Some(place);
        if self.run == 4 {
            self.heard.breaks.push(Break { after: self.states[0], ..place });
            self.seeking = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten blocks, changed, as they are heard.
    fn heard(change: impl Fn(&mut Vec<u8>)) -> Heard {
        let (mut octets, mut sender) = (Vec::new(), Sender::new());
        for _ in 0..10 {
            let (block, next) = sender.block();
            octets.extend(block);
            sender = next;
        }
        change(&mut octets);
        let mut listener = Listener::default();
        octets.iter().for_each(|octet| listener.look_at(*octet));
        listener.heard
    }

    #[test]
    fn the_sequence_does_not_come_again_soon_and_silence_does_not_follow_from_itself() {
        let start = Sender::new().0;
        assert_eq!(distance(after(start, step(start)), start, MISSING_MAX + TWICE_MAX), None);
        assert_ne!(step(u32::from_le_bytes([SILENCE, SILENCE, SILENCE, 0])), SILENCE);
    }

    #[test]
    fn an_unbroken_pattern_is_good_throughout() {
        let all = heard(|_| {});
        assert_eq!((all.silent, all.spoilt, all.breaks.len()), (0, 0, 0));
        assert!(all.good > 1_570 && all.judge() == Ok(0));
    }

    #[test]
    fn silence_between_and_whole_milliseconds_lost_are_no_fault() {
        let late = heard(|octets| {
            octets.splice(500..500, [SILENCE; 160]);
        });
        assert_eq!((late.judge(), late.breaks.len()), (Ok(0), 1));
        assert!((159..=161).contains(&late.silent));
        let dropped = heard(|octets| {
            octets.drain(640..800);
        });
        assert_eq!(dropped.judge(), Ok(160));
        let twice = heard(|octets| {
            let block: Vec<u8> = octets[320..480].to_vec();
            octets.splice(480..480, block);
        });
        assert_eq!(twice.judge(), Ok(-160));
    }

    #[test]
    fn a_changed_octet_or_bit_or_a_lost_octet_is_a_fault() {
        for bit in 0..8 {
            let spoilt = heard(|octets| octets[700] ^= 1 << bit);
            assert!(spoilt.judge().is_err(), "{spoilt:?}");
        }
        let lost = heard(|octets| {
            octets.remove(700);
        });
        assert!(lost.judge().is_err());
        let swapped = heard(|octets| octets.swap(700, 701));
        assert!(swapped.judge().is_err());
    }
}
