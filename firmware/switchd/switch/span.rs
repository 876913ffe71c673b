//! E1 spans in the switch.

use call::SpanId;
use link::{Channel, Refusal};

use super::Switch;

impl Switch {
    /// The latest lines of a D-channel's trace.
    pub(super) fn tell_trace(&mut self, span: SpanId) -> Result<(), Refusal> {
        Err(Refusal::Unknown { name: span.to_string() })
    }

    pub(super) fn test_loop(&mut self, channel: Channel) -> Result<(), Refusal> {
        Err(Refusal::Unknown { name: channel.span.to_string() })
    }

    pub(super) fn restart_span(&mut self, span: SpanId, _slot: Option<u8>) -> Result<(), Refusal> {
        Err(Refusal::Unknown { name: span.to_string() })
    }
}
