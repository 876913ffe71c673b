//! SIP's endings and ours: a status or a `Reason` header to a [`Cause`], and a cause to a status.
//!
//! After RFC 3398 §7.2.4.1 and §8.2.6.1, with two differences that a call centre lives by: a phone
//! that is out of reach is told apart from one that nobody picks up, and a `Reason` header with a
//! Q.850 value (RFC 3326, RFC 6432) is believed before the status, because the exchange behind the
//! trunk knows more than the trunk.

use call::Cause;

/// Why a call was refused with this status, if no `Reason` header says more.
#[must_use]
pub fn of_status(status: u16) -> Cause {
    match status {
        301 | 410 => Cause::NumberChanged,
        // Other redirections are not followed (the box alone decides what is dialled).
        300..=399 => Cause::NoRoute,
        400 | 481 | 500 | 503 => Cause::TemporaryFailure,
        401 | 407 => Cause::NotSubscribed,
        402 | 403 | 433 | 603 | 607 | 608 => Cause::CallRejected,
        404 | 485 | 604 => Cause::UnallocatedNumber,
        405 | 501 => Cause::BearerNotImplemented,
        406 | 415 | 488 | 606 => Cause::IncompatibleDestination,
        408 => Cause::NoUserResponding,
        416 | 484 => Cause::InvalidNumber,
        430 | 480 => Cause::SubscriberAbsent,
        482 | 483 => Cause::NoRoute,
        486 | 600 => Cause::UserBusy,
        // Somebody behind the far end gave up; we had not cancelled, or we would not ask.
        487 => Cause::NoAnswer,
        491 => Cause::Congestion,
        502 => Cause::NetworkOutOfOrder,
        504 => Cause::TimerExpiry,
        _ => Cause::Interworking,
    }
}

/// The Q.850 value of a `Reason` header (RFC 3326 §2): `Q.850;cause=16;text="…"`, possibly one of
/// several reasons in one header.
#[must_use]
pub fn of_reason(value: &str) -> Option<Cause> {
    value.split(',').find_map(|reason| {
        let mut parts = reason.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case("Q.850") {
            return None;
        }
        let cause = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("cause").then_some(value.trim())
        })?;
        cause.parse().ok().map(Cause::from_q850)
    })
}

/// Why a call was refused with this status and these `Reason` headers. A reason that claims a
/// normal end says nothing about a refusal and is not believed.
#[must_use]
pub fn of_refusal<'a>(status: u16, reasons: impl IntoIterator<Item = &'a str>) -> Cause {
    let reason = reasons.into_iter().find_map(of_reason);
    let telling = |cause: &Cause| {
        !matches!(cause, Cause::NormalClearing | Cause::NormalUnspecified | Cause::Interworking)
    };
    reason.filter(telling).unwrap_or_else(|| of_status(status))
}

/// Why the far end has sent a BYE or a CANCEL with these `Reason` headers.
#[must_use]
pub fn of_release<'a>(reasons: impl IntoIterator<Item = &'a str>) -> Option<Cause> {
    reasons.into_iter().find_map(of_reason)
}

/// The value of the `Reason` header that says why we end a call.
#[must_use]
pub fn reason_header(cause: Cause) -> String {
    // What only we know is a normal end for everybody else.
    let value = cause.q850().unwrap_or(16);
    format!("Q.850;cause={value};text=\"{cause}\"")
}

/// The status with which a call that ends with `cause` before its answer is refused.
#[must_use]
pub const fn to_status(cause: Cause) -> u16 {
    match cause {
        Cause::UnallocatedNumber | Cause::NoRoute => 404,
        Cause::UserBusy => 486,
        Cause::NoUserResponding => 408,
        Cause::NoAnswer
        | Cause::SubscriberAbsent
        | Cause::NormalClearing
        | Cause::NormalUnspecified
        | Cause::Machine
        | Cause::Announcement
        | Cause::Silence
        | Cause::Abandoned => 480,
        Cause::CallRejected => 603,
        Cause::NumberChanged => 410,
        Cause::DestinationOutOfOrder | Cause::NetworkOutOfOrder => 502,
        Cause::InvalidNumber => 484,
        Cause::NoCircuit
        | Cause::TemporaryFailure
        | Cause::Congestion
        | Cause::ChannelUnavailable
        | Cause::ResourceUnavailable
        | Cause::BearerNotAvailable
        | Cause::Shutdown => 503,
        Cause::NotSubscribed | Cause::BearerNotAuthorized | Cause::Forbidden => 403,
        Cause::BearerNotImplemented | Cause::IncompatibleDestination => 488,
        Cause::MissingElement => 400,
        Cause::TimerExpiry => 504,
        Cause::Cancelled => 487,
        Cause::ProtocolError | Cause::Interworking | Cause::Lost | Cause::MediaTimeout => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_refusal_and_the_telling_ones_come_back() {
        for &cause in Cause::ALL {
            assert!((400..700).contains(&to_status(cause)), "{cause}");
        }
        for cause in [
            Cause::UnallocatedNumber,
            Cause::UserBusy,
            Cause::NoUserResponding,
            Cause::SubscriberAbsent,
            Cause::CallRejected,
            Cause::NumberChanged,
            Cause::InvalidNumber,
            Cause::TimerExpiry,
        ] {
            assert_eq!(of_status(to_status(cause)), cause);
        }
    }

    #[test]
    fn the_exchange_behind_the_trunk_is_believed_before_the_trunk() {
        let busy = ["SIP;cause=503", "Q.850 ;cause=17 ;text=\"User busy\""];
        assert_eq!(of_refusal(503, busy), Cause::UserBusy);
        assert_eq!(of_refusal(486, ["Q.850;cause=16"]), Cause::UserBusy);
        assert_eq!(of_refusal(486, ["Q.850;cause=many", ";;,=,", ""]), Cause::UserBusy);
        assert_eq!(of_release(["SIP;cause=200, Q.850;cause=31"]), Some(Cause::NormalUnspecified));
        assert_eq!(of_release([]), None);
    }

    #[test]
    fn our_reason_is_understood_again() {
        assert_eq!(of_reason(&reason_header(Cause::UserBusy)), Some(Cause::UserBusy));
        assert_eq!(of_reason(&reason_header(Cause::Machine)), Some(Cause::NormalClearing));
    }

    #[test]
    fn a_redirection_is_an_end() {
        assert_eq!(of_status(302), Cause::NoRoute);
        assert_eq!(of_status(699), Cause::Interworking);
    }
}
