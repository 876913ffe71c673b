//! One verb, two kinds of line: what the switch does to a call wherever it lives.

use call::{Cause, LegId, SpanId};
use media::PortId;
use signal::q931::dchannel::CallId;
use signal::sip::endpoint::CallKey;

use super::Switch;
use crate::journal::KeptDialog;

/// Where a leg's call lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LineCall {
    /// In the SIP endpoint.
    Sip(CallKey),
    /// In the D-channel of a span.
    Span(SpanId, CallId),
}

impl Switch {
    pub(super) fn call_belongs(&mut self, call: LineCall, leg: LegId) {
        match call {
            LineCall::Sip(call) => self.lines.belongs(call, leg),
            LineCall::Span(span, call) => self.spans.belongs(span, call, leg),
        }
    }

    pub(super) fn ring_call(&mut self, call: LineCall) {
        match call {
            LineCall::Sip(call) => self.lines.ring(self.now.tick, call),
            LineCall::Span(span, call) => self.spans.ring(self.now, span, call),
        }
    }

    pub(super) fn hang_up_call(&mut self, call: LineCall, cause: Cause) {
        match call {
            LineCall::Sip(call) => self.lines.hang_up(self.now.tick, call, cause),
            LineCall::Span(span, call) => self.spans.hang_up(self.now, span, call, cause),
        }
    }

    pub(super) fn forget_call(&mut self, call: LineCall, port: PortId) {
        match call {
            LineCall::Sip(call) => self.lines.forget(call, port),
            LineCall::Span(span, call) => self.spans.forget(span, call),
        }
    }

    /// What a hang-up after our death needs. A D-channel needs nothing: it begins again with RESTART
    /// (Q.931 §5.5), which clears every call.
    pub(super) fn kept_call(&self, call: LineCall) -> Vec<KeptDialog> {
        match call {
            LineCall::Sip(call) => self.lines.kept_dialogs(call),
            LineCall::Span(..) => Vec::new(),
        }
    }
}
