//! E1 spans: how each is used, what it does now, its alarms, its trace, its loop test. What is
//! plugged in stands in the model file; spans belong to the box.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{SpanId, Stamp, TenantId};
use link::span::{D_SLOT, all_slots};
use link::{Channel as Slot, ChannelState, LoopResult, SpanAlarm, SpanLink, SpanRecord, SpanRole};
use serde::{Deserialize, Serialize};
use store::page::Cursor;
use store::spans::Span as Row;
use store::{BoxChange, BoxView};
use utoipa::ToSchema;

use super::Front;
use super::errors::Problem;
use super::rights::Who;
use super::take::{self, Asked, DONE, Id, Listed, Maybe, Part, Sent, Slotted};
use crate::center::request::{Refused, Request};
use crate::center::spans::{Question, subject};
use crate::center::view::{Changed, View as Live};
use crate::config::Config;
use crate::load::{SpanSettings, TrunkKind, TrunkSettings};

/// An E1 span.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Span {
    /// Its place in the model, from 1.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it is used at all: its settings were saved once.
    pub configured: bool,
    /// Our side: `user` or `network`.
    pub role: &'static str,
    /// Numbers come and go digit by digit.
    pub overlap: bool,
    /// Digits of a called number that the exchange sends; 0: all.
    pub did_digits: u8,
    /// Time slots that a person has taken out of service.
    pub blocked: Vec<u8>,
    /// What it is plugged into.
    pub device: String,
    /// `up`: calls can be made; `establishing`: the D-channel is being set up; `down`; `unused`:
    /// not configured; `unknown`: the switch is away.
    pub state: &'static str,
    /// Alarms of layer 1: `not_open`, `red`, `yellow`, `blue`, `recovering`, `loopback`.
    pub alarms: Vec<&'static str>,
    /// The data link of the D-channel: `up`, `establishing` or `down`.
    pub d_channel: &'static str,
    /// Since when alarms and data link are as they are.
    pub since: Option<i64>,
    /// What to look at, a word: `device`, `cable`, `provider`, `sending_pair`, `loop`, `wait`,
    /// `d_channel`, `settings`, `switch`; null: nothing is wrong.
    pub next_step: Option<&'static str>,
    /// Its channels, by time slot.
    pub channels: Vec<Channel>,
    /// What was counted since the switch started.
    pub counters: Counters,
    /// It leads into the simulated town.
    pub simulated: bool,
}

/// One channel of a span.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Channel {
    /// Its time slot.
    pub slot: u8,
    /// `idle`, `ringing`, `talking`, `restarting`, `blocked` or `out_of_service`.
    pub state: &'static str,
    /// The trunk to whose group it belongs.
    pub trunk_id: Option<i64>,
    /// That trunk's name.
    pub trunk: Option<String>,
    /// The call on it; null: none, or somebody else's.
    pub call: Option<ChannelCall>,
    /// The last loop test since the box started.
    pub tested: Option<LoopTest>,
}

/// The call on a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelCall {
    /// Its leg, as in the list of calls.
    pub id: u64,
    /// `in` or `out`.
    pub direction: &'static str,
    /// Who was called.
    pub called: String,
    /// Who calls.
    pub caller: String,
    /// When it began.
    pub since: i64,
}

/// What was counted on a span since the switch started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counters {
    /// Frames of sound repeated or left out because two clocks differ.
    pub slips: u64,
    /// Bipolar violations.
    pub bipolar_violations: u64,
    /// CRC-4 errors.
    pub crc4_errors: u64,
    /// CRC-4 errors that the far end saw.
    pub far_crc4_errors: u64,
    /// Errors in the frame alignment signal.
    pub frame_errors: u64,
    /// Blocks of sound that did not come in time.
    pub missed_blocks: u64,
    /// D-channel frames received.
    pub frames_in: u64,
    /// D-channel frames sent.
    pub frames_out: u64,
    /// D-channel frames sent again.
    pub retransmitted: u64,
    /// D-channel frames thrown away.
    pub bad_frames: u64,
    /// Calls that came in.
    pub calls_in: u64,
    /// Calls that went out.
    pub calls_out: u64,
}

/// How a span is to be used. What is left out stays.
#[derive(Default, Deserialize, ToSchema)]
pub struct SpanForm {
    /// Its name.
    pub name: Option<String>,
    /// Our side: `user` (the far end is the public exchange) or `network`.
    pub role: Option<String>,
    /// Whether numbers come and go digit by digit.
    pub overlap: Option<bool>,
    /// Digits of a called number that the exchange sends, 0 (all) to 15.
    pub did_digits: Option<u8>,
    /// Time slots taken out of service; calls on them go on.
    pub blocked: Option<Vec<u8>>,
}

/// What of a span is to start anew.
#[derive(Default, Deserialize, ToSchema)]
pub struct RestartForm {
    /// Only this time slot; left out: all of them. Calls on it end.
    pub slot: Option<u8>,
}

/// Which channel to test.
#[derive(Deserialize, ToSchema)]
pub struct TestForm {
    /// Its time slot.
    pub slot: u8,
}

/// Whether a channel is out of service.
#[derive(Deserialize, ToSchema)]
pub struct BlockForm {
    /// Take it out of service, or back in. A call on it goes on.
    pub blocked: bool,
}

/// What a loop test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LoopTest {
    /// `closed`: our own sound came back; `open`: nothing of it did; `not_now`: the channel carries
    /// a call or the span is down; `no_answer`: the switch did not say within five seconds.
    pub result: &'static str,
    /// Octets that came back changed, of a thousand.
    pub errors_per_mille: Option<u16>,
    /// From sending to hearing.
    pub delay_ms: Option<u16>,
    /// When.
    pub at: i64,
}

/// An alarm of a span, standing or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpanHistory {
    /// Its id.
    pub id: i64,
    /// `not_open`, `red`, `yellow`, `blue`, `loopback`, or `d_channel`: the line was in order and
    /// the D-channel was not up.
    pub alarm: String,
    /// `warning` or `critical`.
    pub severity: &'static str,
    /// What it is and what to do.
    pub text: String,
    /// Since when.
    pub raised: i64,
    /// Until when; null: still.
    pub cleared: Option<i64>,
}

/// The latest lines of a D-channel's trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpanTrace {
    /// When it was taken.
    pub at: i64,
    /// At most 400, oldest first.
    pub lines: Vec<TraceText>,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TraceText {
    /// When.
    pub at: i64,
    /// Sent by us, or received.
    pub sent: bool,
    /// What it says. Numbers are masked but for their last four digits.
    pub text: String,
}

const fn alarm_word(alarm: SpanAlarm) -> &'static str {
    match alarm {
        SpanAlarm::NotOpen => "not_open",
        SpanAlarm::Red => "red",
        SpanAlarm::Yellow => "yellow",
        SpanAlarm::Blue => "blue",
        SpanAlarm::Recovering => "recovering",
        SpanAlarm::Loopback => "loopback",
    }
}

const fn channel_word(state: ChannelState) -> &'static str {
    match state {
        ChannelState::Idle => "idle",
        ChannelState::Ringing => "ringing",
        ChannelState::Talking => "talking",
        ChannelState::Restarting => "restarting",
        ChannelState::Blocked => "blocked",
        ChannelState::OutOfService => "out_of_service",
    }
}

const fn link_word(link: SpanLink) -> &'static str {
    match link {
        SpanLink::Down => "down",
        SpanLink::Establishing => "establishing",
        SpanLink::Up => "up",
    }
}

/// State and next step. The line comes before the D-channel: whoever looks begins at the cable.
fn judged(
    configured: bool,
    record: Option<&SpanRecord>,
    link_up: bool,
) -> (&'static str, Option<&'static str>) {
    let Some(record) = record.filter(|_| link_up) else { return ("unknown", Some("switch")) };
    if !configured {
        return ("unused", Some("settings"));
    }
    let step = record.alarms.iter().min().map(|alarm| match alarm {
        SpanAlarm::NotOpen => "device",
        SpanAlarm::Red => "cable",
        SpanAlarm::Yellow => "sending_pair",
        SpanAlarm::Blue => "provider",
        SpanAlarm::Recovering => "wait",
        SpanAlarm::Loopback => "loop",
    });
    match (step, record.link) {
        (Some(step), SpanLink::Down | SpanLink::Establishing) => ("down", Some(step)),
        (Some(step), SpanLink::Up) => ("up", Some(step)),
        (None, SpanLink::Up) => ("up", None),
        (None, SpanLink::Establishing) => ("establishing", Some("d_channel")),
        (None, SpanLink::Down) => ("down", Some("d_channel")),
    }
}

fn tested(found: &(Stamp, LoopResult)) -> LoopTest {
    let (at, result) = *found;
    let (word, errors, delay) = match result {
        LoopResult::Closed { errors_per_mille, delay_ms } => {
            ("closed", Some(errors_per_mille), Some(delay_ms))
        }
        LoopResult::Open => ("open", None, None),
        LoopResult::NotNow => ("not_now", None, None),
    };
    LoopTest { result: word, errors_per_mille: errors, delay_ms: delay, at: at.0 }
}

/// Everything that the picture of a span is drawn from.
struct Sources<'a> {
    live: &'a Live,
    config: &'a Config,
    rows: Vec<Row>,
    trunks: Vec<store::trunks::Trunk>,
    tenant: TenantId,
}

impl<'a> Sources<'a> {
    fn read(
        view: BoxView<'_>,
        live: &'a Live,
        config: &'a Config,
        tenant: TenantId,
    ) -> store::Result<Sources<'a>> {
        let trunks = view.trunks()?.into_iter().filter(|row| !row.disabled).collect();
        Ok(Sources { live, config, rows: view.spans()?, trunks, tenant })
    }

    /// Those of the model, and those that were configured when the model had them.
    fn ids(&self) -> impl Iterator<Item = SpanId> {
        let modelled = i64::try_from(self.config.span.len()).unwrap_or(0);
        let beyond = self.rows.iter().map(|row| row.id.0).filter(|id| *id > modelled);
        (1..=modelled).chain(beyond.collect::<Vec<_>>()).map(SpanId)
    }

    fn span(&self, id: SpanId) -> Span {
        let row = self.rows.iter().find(|row| row.id == id);
        let record = self.live.spans.get(&id);
        let model = usize::try_from(id.0 - 1).ok().and_then(|at| self.config.span.get(at));
        let settings = row.map(SpanSettings::of).unwrap_or_default();
        let named = row.map(|row| row.name.clone());
        let named = named.or_else(|| model.map(|model| model.name.clone()));
        let name = named.filter(|name| !name.is_empty());
        let (state, next_step) = judged(row.is_some(), record, self.live.link_up);
        let attach = model.and_then(|model| model.attach.as_deref());
        let in_town = |attach: &str| self.config.town.span.iter().any(|town| town.attach == attach);
        Span {
            id: id.0,
            name: name.unwrap_or_else(|| format!("span{}", id.0)),
            configured: row.is_some(),
            role: role_word(settings.role),
            overlap: settings.overlap,
            did_digits: settings.did_digits,
            device: record.map(|record| record.device.clone()).unwrap_or_default(),
            state,
            alarms: record
                .map(|record| record.alarms.iter().map(|alarm| alarm_word(*alarm)).collect())
                .unwrap_or_default(),
            d_channel: record.map_or("down", |record| link_word(record.link)),
            since: record.map(|record| record.since.0),
            next_step,
            channels: record
                .map(|record| record.channels.iter().map(|one| self.channel(id, one)).collect())
                .unwrap_or_default(),
            counters: record.map(counters).unwrap_or_default(),
            simulated: self.config.town.simulated && attach.is_some_and(in_town),
            blocked: settings.blocked,
        }
    }

    fn channel(&self, span: SpanId, record: &link::ChannelRecord) -> Channel {
        let at = Slot { span, slot: record.slot };
        let trunk = self.trunks.iter().find(|row| {
            let settings = TrunkSettings::of(row);
            settings.kind == TrunkKind::Channels
                && settings.groups.iter().any(|g| g.span == span && g.slots.contains(&at.slot))
        });
        let call = record.leg.and_then(|leg| self.live.calls.get(&leg));
        let call = call.filter(|call| call.tenant == self.tenant).map(|call| ChannelCall {
            id: call.record.leg.0,
            direction: match call.record.direction {
                link::Direction::In => "in",
                link::Direction::Out => "out",
            },
            called: call.record.called.clone(),
            caller: call.record.caller.clone(),
            since: call.record.created.0,
        });
        Channel {
            slot: record.slot,
            state: channel_word(record.state),
            trunk_id: trunk.map(|row| row.id.0),
            trunk: trunk.map(|row| row.name.clone()),
            call,
            tested: self.live.loops.get(&at).map(tested),
        }
    }
}

const fn role_word(role: SpanRole) -> &'static str {
    match role {
        SpanRole::User => "user",
        SpanRole::Network => "network",
    }
}

fn counters(record: &SpanRecord) -> Counters {
    let counted = record.counters;
    let ([frames_in, frames_out], [calls_in, calls_out]) = (counted.frames, counted.calls);
    Counters {
        slips: counted.slips,
        bipolar_violations: counted.bipolar_violations,
        crc4_errors: counted.crc4_errors,
        far_crc4_errors: counted.far_crc4_errors,
        frame_errors: counted.frame_errors,
        missed_blocks: counted.missed_blocks,
        frames_in,
        frames_out,
        retransmitted: counted.retransmitted,
        bad_frames: counted.bad_frames,
        calls_in,
        calls_out,
    }
}

/// One span as a tenant sees it.
///
/// # Errors
/// What the store says.
pub fn one_of(
    view: BoxView<'_>,
    live: &Live,
    config: &Config,
    tenant: TenantId,
    id: SpanId,
) -> store::Result<Option<Span>> {
    let sources = Sources::read(view, live, config, tenant)?;
    let known = sources.ids().any(|known| known == id);
    Ok(known.then(|| sources.span(id)))
}

async fn found(front: &Front, who: &Who, id: i64) -> Result<Span, Problem> {
    let (live, tenant, reach) = (front.live(), who.tenant, front.clone());
    let read = move |view: BoxView<'_>| one_of(view, &live, &reach.config, tenant, SpanId(id));
    front.read_box(read).await?.ok_or(Problem::NotFound { what: "span", id })
}

/// The time slot, if the span has it.
fn slot_of(span: &Span, slot: u8) -> Result<u8, Problem> {
    let carried = span.channels.iter().any(|channel| channel.slot == slot);
    let known = if span.channels.is_empty() { all_slots().contains(&slot) } else { carried };
    let wrong =
        || Problem::field("slot", format!("span {} has no channel in time slot {slot}", span.id));
    if known { Ok(slot) } else { Err(wrong()) }
}

/// The spans of the model, with their channels as they are now.
#[utoipa::path(
    get, path = "/api/v1/spans", tag = "spans", responses((status = 200, body = Listed<Span>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Span>>, Problem> {
    let (live, tenant, reach) = (front.live(), who.tenant, front.clone());
    let spans = front
        .read_box(move |view| {
            let sources = Sources::read(view, &live, &reach.config, tenant)?;
            Ok(sources.ids().map(|id| sources.span(id)).collect())
        })
        .await?;
    Ok(Listed::whole(spans))
}

/// One span.
#[utoipa::path(
    get, path = "/api/v1/spans/{id}", tag = "spans", params(("id" = i64, Path)),
    responses((status = 200, body = Span))
)]
pub async fn one(State(front): State<Front>, who: Who, Id(id): Id) -> Result<Json<Span>, Problem> {
    found(&front, &who, id).await.map(Json)
}

/// Uses a span, or changes how. Calls that run on it go on.
#[utoipa::path(
    put, path = "/api/v1/spans/{id}", tag = "spans", params(("id" = i64, Path)),
    request_body = SpanForm, responses((status = 200, body = Span))
)]
pub async fn change(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<SpanForm>,
) -> Result<Json<Span>, Problem> {
    let _alone = front.lines.lock().await;
    let span = found(&front, &who, id).await?;
    let name = take::name("name", sent.name.as_deref().unwrap_or(&span.name))?;
    let rows = front.read_box(|view| view.spans()).await?;
    if let Some(other) = rows.iter().find(|row| row.id.0 != id && row.name == name) {
        let reason = format!("span {} is called {name} already: choose another name", other.id.0);
        return Err(Problem::field("name", reason));
    }
    let row = rows.iter().find(|row| row.id.0 == id);
    let mut settings = row.map(SpanSettings::of).unwrap_or_default();
    fill(&mut settings, sent)?;
    save(&front, &who, id, name, &settings).await?;
    found(&front, &who, id).await.map(Json)
}

fn fill(settings: &mut SpanSettings, sent: SpanForm) -> Result<(), Problem> {
    if let Some(role) = sent.role {
        settings.role = match role.as_str() {
            "user" => SpanRole::User,
            "network" => SpanRole::Network,
            _ => return Err(Problem::field("role", format!("{role:?}: write user or network"))),
        };
    }
    settings.overlap = sent.overlap.unwrap_or(settings.overlap);
    if let Some(digits) = sent.did_digits {
        if usize::from(digits) > call::number::DIGITS_MAX {
            return Err(Problem::field("did_digits", format!("{digits}: write 0 (all) to 15")));
        }
        settings.did_digits = digits;
    }
    if let Some(mut blocked) = sent.blocked {
        if let Some(wrong) = blocked.iter().find(|slot| !all_slots().contains(slot)) {
            let reason = format!("{wrong} is no channel: write 1 to 31 without {D_SLOT}");
            return Err(Problem::field("blocked", reason));
        }
        blocked.sort_unstable();
        blocked.dedup();
        settings.blocked = blocked;
    }
    Ok(())
}

async fn save(
    front: &Front,
    who: &Who,
    id: i64,
    name: String,
    settings: &SpanSettings,
) -> Result<(), Problem> {
    let settings = serde_json::to_value(settings).map_err(|e| Problem::Bug(e.to_string()))?;
    let row = Row { id: SpanId(id), name, settings };
    front.write_box(who, BoxChange::SaveSpan(row)).await?;
    front.reload(who, [Changed::Span(SpanId(id))]).await
}

/// Takes a channel out of service, or back in. A call on it goes on.
#[utoipa::path(
    post, path = "/api/v1/spans/{id}/channels/{slot}", tag = "spans",
    params(("id" = i64, Path), ("slot" = u8, Path)),
    request_body = BlockForm, responses((status = 200, body = Span))
)]
pub async fn block(
    State(front): State<Front>,
    who: Who,
    Slotted(id, slot): Slotted,
    Sent(sent): Sent<BlockForm>,
) -> Result<Json<Span>, Problem> {
    let _alone = front.lines.lock().await;
    let span = found(&front, &who, id).await?;
    let slot = slot_of(&span, slot)?;
    let rows = front.read_box(|view| view.spans()).await?;
    let row = rows.into_iter().find(|row| row.id.0 == id).ok_or_else(|| not_used(id))?;
    let mut settings = SpanSettings::of(&row);
    settings.blocked.retain(|known| *known != slot);
    if sent.blocked {
        settings.blocked.push(slot);
        settings.blocked.sort_unstable();
    }
    save(&front, &who, id, row.name, &settings).await?;
    found(&front, &who, id).await.map(Json)
}

fn not_used(id: i64) -> Problem {
    Problem::Conflict(format!("span {id} is not used yet: save its settings first"))
}

/// Alarms of a span, newest first, those that are over too.
#[utoipa::path(
    get, path = "/api/v1/spans/{id}/history", tag = "spans", params(("id" = i64, Path), Part),
    responses((status = 200, body = Listed<SpanHistory>))
)]
pub async fn history(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Asked(part): Asked<Part>,
) -> Result<Json<Listed<SpanHistory>>, Problem> {
    found(&front, &who, id).await?;
    let (page, rows) = (part.page()?, part.rows());
    let about = subject(SpanId(id));
    let found = front.read_box(move |view| view.alarms_about(&about, page)).await?;
    let last = found.last().map(|row| Cursor { at: Stamp(0), id: row.id.0 });
    let shown = found.into_iter().map(|alarm| SpanHistory {
        id: alarm.id.0,
        alarm: alarm.kind.strip_prefix("span_").unwrap_or(&alarm.kind).to_owned(),
        severity: super::alarms::severity_word(alarm.severity),
        text: alarm.detail,
        raised: alarm.raised_at.0,
        cleared: alarm.cleared_at.map(|at| at.0),
    });
    Ok(Listed::part(shown.collect(), rows, last))
}

/// The latest lines of a span's D-channel.
#[utoipa::path(
    get, path = "/api/v1/spans/{id}/trace", tag = "spans", params(("id" = i64, Path)),
    responses((status = 200, body = SpanTrace))
)]
pub async fn trace(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<Json<SpanTrace>, Problem> {
    found(&front, &who, id).await?;
    front.ask(&who, Request::Span(Question::Trace(SpanId(id)))).await?;
    let trace = front.live().traces.get(&SpanId(id)).cloned();
    let trace = trace.ok_or(Problem::Office(Refused::NoAnswer))?;
    let line = |line: &link::TraceLine| TraceText {
        at: line.at.0,
        sent: line.sent,
        text: line.text.clone(),
    };
    Ok(Json(SpanTrace { at: trace.at.0, lines: trace.lines.iter().map(line).collect() }))
}

/// Starts a channel or the whole span anew (Q.931 RESTART). Calls on it end.
#[utoipa::path(
    post, path = "/api/v1/spans/{id}/restart", tag = "spans", params(("id" = i64, Path)),
    request_body = RestartForm, responses((status = 204))
)]
pub async fn restart(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Maybe(sent): Maybe<RestartForm>,
) -> Result<StatusCode, Problem> {
    let span = found(&front, &who, id).await?;
    let slot = sent.slot.map(|slot| slot_of(&span, slot)).transpose()?;
    front.ask(&who, Request::Span(Question::Restart(SpanId(id), slot))).await?;
    Ok(DONE)
}

/// Sends a pattern on an idle channel and listens whether it comes back. Answers within five
/// seconds, in most cases in less than one.
#[utoipa::path(
    post, path = "/api/v1/spans/{id}/test", tag = "spans", params(("id" = i64, Path)),
    request_body = TestForm, responses((status = 200, body = LoopTest))
)]
pub async fn test(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
    Sent(sent): Sent<TestForm>,
) -> Result<Json<LoopTest>, Problem> {
    let span = found(&front, &who, id).await?;
    let at = Slot { span: SpanId(id), slot: slot_of(&span, sent.slot)? };
    let silent =
        LoopTest { result: "no_answer", errors_per_mille: None, delay_ms: None, at: front.now().0 };
    match front.ask(&who, Request::Span(Question::Loop(at))).await {
        Ok(()) => Ok(Json(front.live().loops.get(&at).map_or(silent, tested))),
        Err(Problem::Office(Refused::NoAnswer)) => Ok(Json(silent)),
        Err(problem) => Err(problem),
    }
}
