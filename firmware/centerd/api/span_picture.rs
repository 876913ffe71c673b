//! A span as pages draw it: its settings, its alarms and what to do about them, each channel with its
//! call.

use call::{SpanId, Stamp, TenantId};
use link::{Channel as Slot, ChannelState, LoopResult, SpanAlarm, SpanLink, SpanRecord, SpanRole};
use serde::Serialize;
use store::BoxView;
use store::spans::Span as Row;
use utoipa::ToSchema;

use crate::center::view::View as Live;
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

/// The last loop test as it is shown.
#[must_use]
pub fn tested(found: &(Stamp, LoopResult)) -> LoopTest {
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
pub struct Sources<'a> {
    live: &'a Live,
    config: &'a Config,
    rows: Vec<Row>,
    trunks: Vec<store::trunks::Trunk>,
    tenant: TenantId,
}

impl<'a> Sources<'a> {
    /// Of what the store and the running office say, as `tenant` may see it.
    ///
    /// # Errors
    /// What the store says.
    pub fn read(
        view: BoxView<'_>,
        live: &'a Live,
        config: &'a Config,
        tenant: TenantId,
    ) -> store::Result<Sources<'a>> {
        let trunks = view.trunks()?.into_iter().filter(|row| !row.disabled).collect();
        Ok(Sources { live, config, rows: view.spans()?, trunks, tenant })
    }

    /// Those of the model, and those that were configured when the model had them.
    pub fn ids(&self) -> impl Iterator<Item = SpanId> {
        let modelled = i64::try_from(self.config.span.len()).unwrap_or(0);
        let beyond = self.rows.iter().map(|row| row.id.0).filter(|id| *id > modelled);
        (1..=modelled).chain(beyond.collect::<Vec<_>>()).map(SpanId)
    }

    /// One of them.
    #[must_use]
    pub fn span(&self, id: SpanId) -> Span {
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
