//! What is wrong now: what the store keeps, and what switchd says while it lasts.

use axum::extract::State;
use serde::Serialize;
use store::alarms::Severity;
use utoipa::ToSchema;

use super::Front;
use super::errors::Problem;
use super::rights::Who;
use super::take::Listed;
use crate::center::view::View as Live;

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Alarm {
    /// Names it as long as it is up: the word of its kind and what it is about.
    pub id: String,
    /// What kind, a word.
    pub kind: String,
    /// `warning` or `critical`.
    pub severity: &'static str,
    /// What it is and what to do.
    pub text: String,
    /// Since when; null: switchd raised it, and its time is not kept.
    pub since: Option<i64>,
    /// Whether it is up; false only in a push that tells its end.
    pub up: bool,
}

/// An alarm without anything personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShortAlarm {
    /// See [`Alarm::id`]; without what it is about.
    pub id: String,
    /// What kind, a word.
    pub kind: String,
    /// What such an alarm means.
    pub text: &'static str,
    /// Since when, where it is known.
    pub since: Option<i64>,
}

/// Alarms that are up: of the tenant, and of the box.
#[utoipa::path(
    get, path = "/api/v1/alarms", tag = "box", responses((status = 200, body = Listed<Alarm>))
)]
pub async fn list(
    State(front): State<Front>,
    who: Who,
) -> Result<axum::Json<Listed<Alarm>>, Problem> {
    let tenant = who.tenant;
    let kept = front.read_box(|view| view.alarms_up()).await?;
    let mine = kept.into_iter().filter(|alarm| alarm.tenant.is_none_or(|of| of == tenant));
    Ok(Listed::whole(all(&front.live(), &mine.collect::<Vec<_>>())))
}

/// Every alarm once, whether the store keeps it or switchd alone knows it.
#[must_use]
pub fn all(live: &Live, kept: &[store::alarms::Alarm]) -> Vec<Alarm> {
    let mut found: Vec<Alarm> = kept
        .iter()
        .map(|alarm| Alarm {
            id: id_of(&alarm.kind, &alarm.subject),
            kind: alarm.kind.clone(),
            severity: severity_word(alarm.severity),
            text: alarm.detail.clone(),
            since: Some(alarm.raised_at.0),
            up: true,
        })
        .collect();
    for (alarm, text) in &live.alarms {
        let kind = word(*alarm);
        // The store keeps each alarm of each span, with its time.
        let told = |known: &Alarm| {
            known.kind == kind
                || (*alarm == link::Alarm::SpanDown && known.kind.starts_with("span_"))
        };
        if !found.iter().any(told) {
            found.push(Alarm {
                id: id_of(kind, ""),
                kind: kind.to_owned(),
                severity: severity(*alarm),
                text: text.clone(),
                since: None,
                up: true,
            });
        }
    }
    found
}

/// As [`all`], with nothing in it that names anybody or any address.
#[must_use]
pub fn short(live: &Live, kept: &[store::alarms::Alarm]) -> Vec<ShortAlarm> {
    let mut found: Vec<ShortAlarm> = Vec::new();
    for alarm in all(live, kept) {
        if !found.iter().any(|known| known.kind == alarm.kind) {
            let text = meaning(&alarm.kind);
            found.push(ShortAlarm {
                id: alarm.kind.clone(),
                kind: alarm.kind,
                text,
                since: alarm.since,
            });
        }
    }
    found
}

/// The word of a severity.
pub const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn id_of(kind: &str, subject: &str) -> String {
    if subject.is_empty() { kind.to_owned() } else { format!("{kind}:{subject}") }
}

const fn word(alarm: link::Alarm) -> &'static str {
    match alarm {
        link::Alarm::RecordingDisk => "recording_disk",
        link::Alarm::SoundOverrun => "sound_overrun",
        link::Alarm::Journal => "journal",
        link::Alarm::Guessing => "guessing",
        link::Alarm::Flood => "flood",
        link::Alarm::TrunkDown => "trunk_down",
        link::Alarm::SpanDown => "span_down",
    }
}

const fn severity(alarm: link::Alarm) -> &'static str {
    match alarm {
        link::Alarm::RecordingDisk
        | link::Alarm::Journal
        | link::Alarm::TrunkDown
        | link::Alarm::SpanDown => "critical",
        link::Alarm::SoundOverrun | link::Alarm::Guessing | link::Alarm::Flood => "warning",
    }
}

fn meaning(kind: &str) -> &'static str {
    match kind {
        "recording_disk" => "recordings have stopped: the disk is full or fails",
        "sound_overrun" => "the sound thread was late",
        "journal" => "the switch cannot write its journal",
        "guessing" => "somebody guesses passwords and is locked out",
        "flood" => "more requests come than the box takes",
        "trunk_down" => "a trunk is down",
        "desired_refused" => "the switch does not take the settings of phones and trunks",
        "span_down" => "an E1 span is down",
        "span_not_open" => "the device of an E1 span cannot be opened",
        "span_red" => "no signal comes in on an E1 span",
        "span_yellow" => "the far end of an E1 span does not hear us",
        "span_blue" => "the provider's line of an E1 span is interrupted",
        "span_loopback" => "a loop is closed on an E1 span",
        "span_d_channel" => "the D-channel of an E1 span does not answer",
        _ => "sign in to read more",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_may_read_names_nobody() {
        let mut live = Live::default();
        live.alarms.insert(link::Alarm::Guessing, "8001 from 203.0.113.7 is locked".into());
        let full = all(&live, &[]);
        assert!(full[0].text.contains("203.0.113.7"));
        let short = serde_json::to_string(&short(&live, &[])).unwrap();
        assert!(short.contains("guessing") && !short.contains("203") && !short.contains("8001"));
    }
}
