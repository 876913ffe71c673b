//! The test pattern, written a second time (`pattern.c` is the far end's): the pseudo-random
//! sequence of ITU-T O.150 with 2^15-1 bits, which finds its own step. And what follows from what
//! was heard of it, at either end.

use board_port::{BLOCK, SILENCE};

/// Octets after which the sequence begins anew: as many as it has bits, because eight of them and
/// this number have nothing in common.
const PERIOD: i64 = 32_767;
/// Octets that the kernel moves at a time (1 ms).
const CHUNK: i64 = 8;

/// The octet that follows the last two, the older of them in the low half.
fn step(mut last: u16) -> u8 {
    let mut next = 0;
    for bit in 0..8 {
        let new = (last >> 2 ^ last >> 1) & 1;
        last = last >> 1 | new << 15;
        next |= (new as u8) << bit;
    }
    next
}

fn after(last: u16, octet: u8) -> u16 {
    last >> 8 | u16::from(octet) << 8
}

/// Makes the pattern.
#[derive(Clone, Copy)]
pub struct Sender(u16);

impl Sender {
    /// From its beginning.
    pub const fn new() -> Sender {
        Sender(0x7FFF)
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
    /// Two octets of the pattern from before it.
    pub before: u16,
    /// Two octets from after it.
    pub after: u16,
    /// Octets that are not silence between them, the latter included.
    pub octets: i64,
    /// Octets of silence between them.
    pub silent: i64,
}

impl Break {
    /// How many octets of the pattern are missing; less than 0: some came twice.
    fn missing(self) -> Option<i64> {
        let (mut at, mut distance) = (self.before, 0);
        while at != self.after {
            at = after(at, step(at));
            distance += 1;
            if distance > PERIOD {
                return None;
            }
        }
        let missing = distance - self.octets;
        Some(if missing > PERIOD / 2 { missing - PERIOD } else { missing })
    }
}

/// What was heard of the pattern at one end of one channel, in octets.
#[derive(Clone, Default, Debug)]
pub struct Heard {
    /// Octets that followed from the two before.
    pub good: i64,
    /// Octets of silence between them: the other end was late.
    pub silent: i64,
    /// Octets that are neither, nor the two that it takes to find the step again.
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
    /// The state now, one octet ago, two octets ago.
    states: [u16; 3],
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
        let [now, before, long_before] = self.states;
        // All zeros follow from themselves: they are no pattern.
        let good = octet == step(now) && now != 0;
        let begun = self.run >= 16 || self.seeking.is_some() || !self.heard.breaks.is_empty();
        if !good && begun && self.seeking.is_none() {
            // Two octets earlier it was surely the pattern: no chance hits three times.
            self.seeking = Some(Break { before: long_before, after: 0, octets: 2, silent: 0 });
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
            self.heard.spoilt += i64::from(begun && self.astray > 2);
        }
        self.states = [after(now, octet), now, before];
        let Some(mut place) = self.seeking else { return };
        let silent = !good && octet == SILENCE;
        place.octets += i64::from(!silent);
        place.silent += i64::from(silent);
        self.seeking = Some(place);
        if self.run == 3 {
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
    fn the_sequence_has_its_length_and_silence_is_not_in_it_for_long() {
        let (mut at, mut length) = (0x7FFF, 0);
        loop {
            at = after(at, step(at));
            length += 1;
            if at == 0x7FFF {
                break;
            }
        }
        assert_eq!(length, PERIOD);
        assert_ne!(step(u16::from_le_bytes([SILENCE; 2])), SILENCE);
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
