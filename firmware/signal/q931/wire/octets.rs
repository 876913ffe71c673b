//! Octets of one element's contents, and the extension bit (Q.931 §4.5.1): bit 8 is 0 when another
//! octet of the same group follows.

/// Walks over contents.
pub(crate) struct Octets<'a> {
    rest: &'a [u8],
}

impl<'a> Octets<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Octets<'a> {
        Octets { rest }
    }

    /// The next octet, with its extension bit.
    pub(crate) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Everything that was not read.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The octets of the group that `first` began, 7 bits each, without `first`. `None` when the
    /// contents end within the group.
    pub(crate) fn extension(&mut self, first: u8) -> Option<Vec<u8>> {
        let mut more = Vec::new();
        let mut last = first;
        while last & 0x80 == 0 {
            last = self.next()?;
            more.push(last & 0x7F);
        }
        Some(more)
    }

    /// Passes over the octets of the group that `first` began.
    pub(crate) fn skip_extension(&mut self, first: u8) -> Option<()> {
        let mut last = first;
        while last & 0x80 == 0 {
            last = self.next()?;
        }
        Some(())
    }
}

/// Writes a group of 7-bit values: bit 8 is 1 in the last one only.
pub(crate) fn emit_extended(group: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend(group.map(|octet| octet & 0x7F));
    if out.len() > start
        && let Some(last) = out.last_mut()
    {
        *last |= 0x80;
    }
}
