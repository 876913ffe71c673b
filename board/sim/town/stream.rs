//! The sound of one call as signalling sees it: offers and answers (RFC 3264), and what was
//! agreed on.

use std::net::{IpAddr, SocketAddr};

use signal::sip::sdp::{self, Codec, Direction, Local, Negotiated, SdpError};

use super::output::{Gate, SoundOrder, SoundPort, Terms};

/// The payload type of RFC 4733 digits in our offers.
const DIGITS_PT: u8 = 101;
/// The packets that we want, in milliseconds.
const PTIME_MS: u8 = 20;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    port: SoundPort,
    address: SocketAddr,
    codecs: [Codec; 2],
    version: u64,
    our_offer: Option<String>,
    agreed: Option<Terms>,
    open: bool,
}

impl Stream {
    /// A stream at `port`, which hears RTP at `ip` and the UDP port that belongs to it.
    pub(super) fn new(port: SoundPort, ip: IpAddr, rtp_first: u16, codec: Codec) -> Stream {
        let other = match codec {
            Codec::Pcma => Codec::Pcmu,
            Codec::Pcmu => Codec::Pcma,
        };
        let udp = rtp_first.saturating_add(port.0.saturating_mul(2));
        Stream {
            port,
            address: SocketAddr::new(ip, udp),
            codecs: [codec, other],
            version: 0,
            our_offer: None,
            agreed: None,
            open: false,
        }
    }

    pub(super) const fn port(&self) -> SoundPort {
        self.port
    }

    /// Where the far end hears RTP, once agreed on.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.agreed.map(|terms| terms.remote)
    }

    /// Our answer to the far end's offer; ours if it made none.
    pub(super) fn answer(&mut self, offer: Option<&str>) -> Result<String, SdpError> {
        let Some(offer) = offer else { return Ok(self.offer()) };
        let local = self.local();
        let (answer, agreed) = sdp::answer(offer.as_bytes(), &local, &self.codecs)?;
        self.agree(&agreed);
        Ok(answer)
    }

    /// Our offer.
    pub(super) fn offer(&mut self) -> String {
        let offer = sdp::offer(&self.local(), &self.codecs);
        self.our_offer = Some(offer.clone());
        offer
    }

    /// The far end has answered our offer.
    pub(super) fn accept(&mut self, answer: &str) -> Result<(), SdpError> {
        let Some(offer) = &self.our_offer else { return Ok(()) };
        let agreed = sdp::accept_answer(offer.as_bytes(), answer.as_bytes())?;
        self.agree(&agreed);
        Ok(())
    }

    /// Lets sound flow as agreed on.
    pub(super) fn flow(&mut self, gate: &mut Gate) {
        let Some(terms) = self.agreed else { return };
        gate.sound(if self.open { SoundOrder::Change(terms) } else { SoundOrder::Open(terms) });
        self.open = true;
    }

    /// Whether the far end takes no sound from us.
    pub(super) fn is_held(&self) -> bool {
        self.agreed.is_some_and(|terms| !terms.sends)
    }

    /// Does something with the sound, if there is any yet.
    pub(super) fn order(&self, gate: &mut Gate, order: impl FnOnce(SoundPort) -> SoundOrder) {
        if self.open {
            gate.sound(order(self.port));
        }
    }

    /// The call is over.
    pub(super) fn close(self, gate: &mut Gate) {
        self.order(gate, SoundOrder::Close);
        gate.give_back(self.port);
    }

    fn agree(&mut self, agreed: &Negotiated) {
        self.agreed = Some(Terms {
            port: self.port,
            remote: agreed.remote,
            codec: agreed.codec,
            digits: agreed.dtmf_pt,
            sends: agreed.direction.sends() && !agreed.remote.ip().is_unspecified(),
        });
    }

    fn local(&mut self) -> Local {
        self.version += 1;
        Local {
            address: self.address,
            session_id: u64::from(self.address.port()),
            version: self.version,
            dtmf_pt: DIGITS_PT,
            ptime_ms: PTIME_MS,
            direction: Direction::SendRecv,
        }
    }
}
