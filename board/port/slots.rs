//! A set of the time slots of one E1 frame.

/// Time slots 0 to 31 (ITU-T G.704 §2.3); bit `t` of the number is slot `t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slots(u32);

impl Slots {
    /// How many slots a frame has.
    pub const COUNT: u8 = 32;
    /// No slot.
    pub const NONE: Slots = Slots(0);
    /// What carries speech on a span with a D-channel: all but 0 (framing) and 16.
    pub const BEARERS: Slots = Slots(0xFFFE_FFFE);

    /// The set that a bitmap says.
    pub const fn from_bits(bits: u32) -> Slots {
        Slots(bits)
    }

    /// The set as a bitmap.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether the slot is in the set. A number past 31 never is.
    pub const fn contains(self, slot: u8) -> bool {
        slot < Slots::COUNT && self.0 & (1 << slot) != 0
    }

    /// Adds a slot. A number past 31 changes nothing.
    pub const fn insert(&mut self, slot: u8) {
        if slot < Slots::COUNT {
            self.0 |= 1 << slot;
        }
    }

    /// Takes a slot out. A number past 31 changes nothing.
    pub const fn remove(&mut self, slot: u8) {
        if slot < Slots::COUNT {
            self.0 &= !(1 << slot);
        }
    }

    /// How many slots are in the set.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the set has no slot.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The slots in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..Slots::COUNT).filter(move |slot| self.contains(*slot))
    }
}

impl FromIterator<u8> for Slots {
    fn from_iter<I: IntoIterator<Item = u8>>(slots: I) -> Slots {
        let mut set = Slots::NONE;
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers_are_thirty_without_framing_and_signalling() {
        assert_eq!(Slots::BEARERS.len(), 30);
        assert_eq!(Slots::BEARERS, (1..=15).chain(17..=31).collect());
        assert!(!Slots::BEARERS.contains(0) && !Slots::BEARERS.contains(16));
    }

    #[test]
    fn a_slot_past_the_frame_is_in_no_set() {
        let mut all = Slots::from_bits(u32::MAX);
        assert!(all.contains(31) && !all.contains(32) && !all.contains(255));
        all.remove(32);
        assert_eq!(all.len(), 32);
        assert!([32, 200].into_iter().collect::<Slots>().is_empty());
    }

    #[test]
    fn slots_come_in_ascending_order() {
        let set: Slots = [31, 1, 17].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [1, 17, 31]);
    }
}
