//! Progress indicator (Q.931 §4.5.23).

use super::{CodingStandard, Location, octets::Octets};

/// What happens to the call besides its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressIndicator {
    /// ITU-T.
    pub standard: CodingStandard,
    /// Where.
    pub location: Location,
    /// 1 not end-to-end ISDN, 2 the far end is not ISDN, 3 the near end is not ISDN, 4 returned to
    /// the ISDN, 5 interworking, 8 tones or announcements in the channel.
    pub description: u8,
}

impl ProgressIndicator {
    /// 1: not end-to-end ISDN, further progress may come in the channel.
    pub const NOT_ISDN: u8 = 1;
    /// 2: the called end is not ISDN.
    pub const FAR_NOT_ISDN: u8 = 2;
    /// 3: the calling end is not ISDN.
    pub const NEAR_NOT_ISDN: u8 = 3;
    /// 4: the call has come back to the ISDN.
    pub const BACK_TO_ISDN: u8 = 4;
    /// 8: tones or announcements are in the channel now.
    pub const IN_BAND: u8 = 8;

    /// An indicator of ITU-T.
    #[must_use]
    pub fn new(location: Location, description: u8) -> ProgressIndicator {
        ProgressIndicator { standard: CodingStandard::Itu, location, description }
    }

    /// Whether a tone or announcement is in the channel: 8. Only this one makes a DISCONNECT wait for
    /// its listener (§5.3.4.1, §5.4.1).
    #[must_use]
    pub fn is_tone(&self) -> bool {
        self.description == Self::IN_BAND
    }

    /// Whether something may be heard in the channel: 1, 2 or 8 (Q.931 §5.1.2, §5.1.6).
    #[must_use]
    pub fn is_inband(&self) -> bool {
        [Self::NOT_ISDN, Self::FAR_NOT_ISDN, Self::IN_BAND].contains(&self.description)
    }
}

impl ProgressIndicator {
    pub(crate) fn parse(content: &[u8]) -> Option<ProgressIndicator> {
        let mut octets = Octets::new(content);
        let third = octets.next()?;
        octets.skip_extension(third)?;
        Some(ProgressIndicator {
            standard: CodingStandard::from_code(third >> 5),
            location: Location::from_code(third),
            description: octets.next()? & 0x7F,
        })
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) {
        out.push(0x80 | self.standard.code() << 5 | self.location.code());
        out.push(0x80 | self.description);
    }
}
