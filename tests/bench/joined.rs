//! Joined calls: what a minute of one costs, and what is heard in it. The same telephones, packets
//! and window for the floor, the switch and Asterisk.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use call::{LegId, LegPhase};
use link::OnAnswer;

use crate::broken::Broken;
use crate::child::Part;
use crate::cpu::{Seen, Window};
use crate::floor::{Late, Listening};
use crate::limits::{LEGS_WAIT, RAMP_PER_S, SEAL_WAIT, SETTLE};
use crate::office::{Office, SEATS};
use crate::phones::number_of;
use crate::say::{Answer, Order};
use crate::voice::Heard;

/// What one window of joined calls showed.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Calls that were up.
    pub calls: usize,
    /// Whether they were recorded.
    pub recorded: bool,
    /// CPU seconds for one call that lasts a minute.
    pub per_call_minute_s: f64,
    /// Cores that were busy with it.
    pub cores: f64,
    /// What all ears heard.
    pub heard: Heard,
    /// Packets that the phones sent.
    pub sent: u64,
    /// From mouth to ear, ms: median, 99th percentile, worst.
    pub delay_ms: [f64; 3],
    /// The phones' own worst lateness, ms.
    pub phones_late_ms: f64,
    /// Recordings that were sealed, and the sound they lack, ms.
    pub sealed: Option<(usize, u64)>,
}

impl Load {
    /// Frames that were said and not heard, of all that should have been.
    pub fn frames_lost_share(&self) -> f64 {
        let all = self.heard.frames + self.heard.frames_lost;
        self.heard.frames_lost as f64 / all.max(1) as f64
    }
}

/// The telephones.
pub struct Phones(pub Part);

impl Phones {
    /// Gives an order whose answer is only that it is done.
    pub fn order(&mut self, order: &Order) -> Result<(), Broken> {
        let answer = self.0.ask(order)?;
        if answer == Answer::Done { Ok(()) } else { Err(surprise(&answer)) }
    }

    /// Watches process `pid` for `seconds` while `wait` passes the time.
    pub fn window(
        &mut self,
        pid: u32,
        seconds: u64,
        wait: impl FnOnce(Duration) -> Result<(), Broken>,
    ) -> Result<(Seen, Answer), Broken> {
        self.order(&Order::Begin)?;
        let watched = Window::open(pid)?;
        wait(Duration::from_secs(seconds))?;
        let seen = watched.close()?;
        Ok((seen, self.0.ask(&Order::End)?))
    }
}

/// An answer that belongs to another order.
pub fn surprise(answer: &Answer) -> Broken {
    Broken::Child { child: "phones", what: format!("said {answer:?} out of turn") }
}

/// Puts a window's two halves together.
pub fn load(calls: usize, recorded: bool, seen: Seen, sum: &Answer) -> Result<Load, Broken> {
    let &Answer::Sum { heard, sent, delay_ms, late_ms } = sum else { return Err(surprise(sum)) };
    Ok(Load {
        calls,
        recorded,
        per_call_minute_s: seen.per_call_minute(calls),
        cores: seen.cpu.as_secs_f64() / seen.wall.as_secs_f64(),
        heard,
        sent,
        delay_ms,
        phones_late_ms: late_ms,
        sealed: None,
    })
}

/// The floor with `calls` calls; raw recordings into `folder` if there is one. Also how late each of
/// its ticks began, µs.
pub fn floor(
    program: &Path,
    phones: &mut Phones,
    calls: usize,
    folder: Option<&Path>,
    seconds: u64,
) -> Result<(Load, Vec<u32>), Broken> {
    let mut words = vec!["--calls".to_owned(), calls.to_string()];
    if let Some(folder) = folder {
        words.extend(["--folder".to_owned(), folder.display().to_string()]);
    }
    let mut floor = Part::start(program, "floor", &words)?;
    let Listening { legs } = floor.hear()?;
    phones.order(&Order::TalkTo { to: legs })?;
    thread::sleep(SETTLE);
    let (seen, sum) = phones.window(floor.pid(), seconds, |time| {
        thread::sleep(time);
        Ok(())
    })?;
    phones.order(&Order::Hush)?;
    let Late { late_us } = floor.finish()?;
    Ok((load(calls, folder.is_some(), seen, &sum)?, late_us))
}

/// The switch with `calls` joined calls: seats first, then as many customers who are joined with
/// them by their answer plans.
pub fn switch(
    pid: u32,
    office: &mut Office,
    phones: &mut Phones,
    calls: usize,
    recorded: bool,
    seconds: u64,
) -> Result<Load, Broken> {
    office.forget();
    let mut pace = Pace::new();
    let mut seats: Vec<LegId> = Vec::new();
    for call in 0..calls {
        seats.push(office.originate(SEATS, number_of(2 * call), OnAnswer::Tell)?);
        pace.wait(office)?;
    }
    let answered = |office: &Office| office.count(|k| k.phase() == LegPhase::Answered) == calls;
    reached(office, "answered seats", answered)?;
    for (call, &seat) in seats.iter().enumerate() {
        let offer = office.offer(seat)?;
        office.originate_joined(number_of(2 * call + 1), offer, recorded)?;
        pace.wait(office)?;
    }
    let joined = |office: &Office| office.count(crate::office::Known::joined) == 2 * calls;
    reached(office, "joined legs", joined)?;
    office.listen_for(SETTLE)?;
    let (seen, sum) = phones.window(pid, seconds, |time| office.listen_for(time))?;
    let mut load = load(calls, recorded, seen, &sum)?;
    let up = office.count(|k| k.phase() == LegPhase::Answered);
    if up != 2 * calls {
        let what = format!("only {up} of {} legs lived through the window", 2 * calls);
        return Err(Broken::Switch(what));
    }
    for leg in office.known.keys().copied().collect::<Vec<_>>() {
        office.hang_up(leg)?;
    }
    let ended = |office: &Office| office.count(|k| k.phase() != LegPhase::Ended) == 0;
    let over = office.listen_until(LEGS_WAIT, ended)?;
    // Release links may have ended a leg before our order came.
    office.refused.clear();
    if !over {
        return Err(Broken::Switch("legs that were hung up do not end".to_owned()));
    }
    if recorded {
        office.listen_until(SEAL_WAIT, |office| office.sealed().0 == calls)?;
        load.sealed = Some(office.sealed());
    }
    phones.order(&Order::Hush)?;
    Ok(load)
}

/// Waits for a batch of legs; broken if they do not come.
fn reached(office: &mut Office, what: &str, so: impl Fn(&Office) -> bool) -> Result<(), Broken> {
    let failed =
        |o: &Office| !o.refused.is_empty() || o.count(|k| k.phase() == LegPhase::Ended) > 0;
    let there = office.listen_until(LEGS_WAIT, |office| so(office) || failed(office))?;
    office.admit()?;
    if there && so(office) {
        return Ok(());
    }
    let ended = office.known.values().filter_map(|k| k.record.as_ref()).find(|r| r.cause.is_some());
    let why =
        ended.map_or("time is over".to_owned(), |r| format!("leg {} ended: {:?}", r.leg, r.cause));
    Err(Broken::Switch(format!("not all {what} are there: {why}")))
}

/// Orders at [`RAMP_PER_S`].
struct Pace {
    begun: Instant,
    given: u32,
}

impl Pace {
    fn new() -> Pace {
        Pace { begun: Instant::now(), given: 0 }
    }

    fn wait(&mut self, office: &mut Office) -> Result<(), Broken> {
        self.given += 1;
        let due = self.begun + Duration::from_secs(1) * self.given / RAMP_PER_S;
        // What fell behind while a batch was awaited is not hurried after.
        if due + Duration::from_millis(200) < Instant::now() {
            *self = Pace::new();
        }
        office.listen_for(due.saturating_duration_since(Instant::now()))
    }
}
