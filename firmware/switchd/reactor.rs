//! The shell around the switch: sockets, clock, rings, files. It makes no decision.
//!
//! ```text
//! a turn, in order of priority, each bounded so that none starves the next:
//!    1  reports of the sound and disk threads     digits, ends of plays, sealed recordings
//!    2  what is due                               deadlines, retransmissions
//!    3  SIP datagrams                             DATAGRAMS_A_TURN
//!    4  frames of D-channels, alarms of spans     a bounded number each
//!    5  centerd                                   COMMANDS_A_TURN_MAX, then its queue is written
//!    6  once a second                             vitals, heartbeat
//! after each input its effects, in the order in which the switch gives them
//! at the end of the turn the journal's durable entries go to its thread
//! ```

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use call::{Now, SpanId, Stamp, Tick};
use link::limits::COMMANDS_A_TURN_MAX;
use link::{ToCenter, ToSwitch};
use tokio::net::{UdpSocket, UnixDatagram, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep_until, timeout};

use crate::center::{Center, Lost};
use crate::journal::{Entry, Journal};
use crate::keep::Keeper;
use crate::limits::{
    DATAGRAM_BYTES_MAX, DATAGRAMS_A_TURN, GREETING_MS, ORDERS_WAITING_MAX, SHUTDOWN_MS,
};
use crate::live_span::LiveSpan;
use crate::ready::Ready;
use crate::seam::{DiskOrder, DiskReport, ReactorEnds, SoundOrder, SoundPulse};
use crate::switch::{Note, Output, Parting, Switch, Vitals};

/// Everything that the reactor is given at its birth.
pub struct Shell {
    /// The SIP socket.
    pub sip: UdpSocket,
    /// Where centerd connects.
    pub listener: UnixListener,
    /// Rung by the other threads.
    pub bell: UnixDatagram,
    /// To and from the sound thread.
    pub rings: ReactorEnds,
    /// To the disk thread.
    pub disk_orders: SyncSender<DiskOrder>,
    /// From the disk thread.
    pub disk_reports: Receiver<DiskReport>,
    /// The sound thread's counters.
    pub pulse: Arc<SoundPulse>,
    /// What outlives us.
    pub journal: Journal,
    /// The last desired state.
    pub keeper: Keeper,
    /// The supervisor's pipe.
    pub ready: Ready,
    /// When tick zero was.
    pub born: Instant,
    /// The spans of the model, in its order.
    pub spans: Vec<LiveSpan>,
}

/// The present, for a process born at `born`.
#[must_use]
pub fn now(born: Instant) -> Now {
    let tick = u64::try_from(born.elapsed().as_millis()).unwrap_or(u64::MAX);
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let stamp = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
    Now { tick: Tick(tick), stamp: Stamp(stamp) }
}

/// Serves until SIGTERM (or SIGINT), then hangs up and returns.
///
/// # Errors
/// What the system said about the sockets; nothing can be served then.
pub async fn serve(shell: Shell, switch: Switch) -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut reactor = Reactor {
        shell,
        switch,
        center: None,
        candidate: None,
        sound_waiting: VecDeque::new(),
        disk_waiting: VecDeque::new(),
        again: false,
        journal_failed: false,
        second: Instant::now(),
        looked: Instant::now(),
        bytes: vec![0; DATAGRAM_BYTES_MAX],
    };
    reactor.act();
    reactor.shell.ready.serving();
    loop {
        tokio::select! {
            biased;
            _ = term.recv() => break,
            _ = int.recv() => break,
            () = reactor.woken() => reactor.turn()?,
        }
    }
    reactor.stop().await
}

/// How often layer 1 of the spans is looked at, ms: alarms have no descriptor.
const SPAN_LOOK_MS: u64 = 200;

/// Waits until a frame is there on any of these.
async fn any_readable(spans: &[LiveSpan]) {
    let mut waits: Vec<_> = spans.iter().map(|span| Box::pin(span.readable())).collect();
    std::future::poll_fn(|context| {
        let ready = waits.iter_mut().any(|wait| wait.as_mut().poll(context).is_ready());
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

struct Reactor {
    shell: Shell,
    switch: Switch,
    center: Option<Center>,
    /// A connection that has not greeted yet, and since when.
    candidate: Option<(Center, Instant)>,
    /// What found the sound ring or the disk channel full.
    sound_waiting: VecDeque<SoundOrder>,
    disk_waiting: VecDeque<DiskOrder>,
    /// A bound ended the last turn: there is more.
    again: bool,
    journal_failed: bool,
    /// When the last second was counted.
    second: Instant,
    /// When layer 1 of the spans was last looked at.
    looked: Instant,
    /// One datagram.
    bytes: Vec<u8>,
}

impl Reactor {
    fn now(&self) -> Now {
        now(self.shell.born)
    }

    /// Waits until there is something to do.
    async fn woken(&mut self) {
        if self.again {
            // Lets the runtime look at the sockets.
            return tokio::task::yield_now().await;
        }
        let due = self.switch.next_timeout().map(|t| self.shell.born + ms(t.0));
        let second = self.second + Duration::from_secs(1);
        let mut wake = due.map_or(second, |due| due.min(second));
        let unsettled = self.shell.journal.is_unsettled();
        if !self.sound_waiting.is_empty() || !self.disk_waiting.is_empty() || unsettled {
            wake = wake.min(Instant::now() + ms(u64::from(media::TICK_MS)));
        }
        let center = async {
            match &self.center {
                Some(center) => center.ready().await,
                None => std::future::pending().await,
            }
        };
        let candidate = async {
            match &self.candidate {
                Some((candidate, _)) => candidate.ready().await,
                None => std::future::pending().await,
            }
        };
        if !self.shell.spans.is_empty() {
            wake = wake.min(self.looked + ms(SPAN_LOOK_MS));
        }
        let spans = any_readable(&self.shell.spans);
        let mut accepted = None;
        tokio::select! {
            biased;
            _ = self.shell.bell.readable() => {}
            _ = self.shell.sip.readable() => {}
            () = spans => {}
            () = center => {}
            () = candidate => {}
            connection = self.shell.listener.accept() => accepted = connection.ok(),
            () = sleep_until(wake.into()) => {}
        }
        if let Some((stream, _)) = accepted {
            self.candidate = Some((Center::new(stream), Instant::now()));
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        self.again = false;
        self.take_reports();
        self.switch.handle_timeout(self.now());
        self.act();
        self.take_datagrams()?;
        self.take_frames();
        self.look_at_spans();
        self.take_greeting();
        self.take_commands();
        self.flush();
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.count_second();
        }
        self.settle_journal();
        Ok(())
    }

    // ---- inputs

    fn take_reports(&mut self) {
        let mut rung = [0; 64];
        while self.shell.bell.try_recv(&mut rung).is_ok() {}
        while let Some(report) = self.shell.rings.reports.dequeue() {
            self.switch.handle_sound(self.now(), report);
            self.act();
        }
        while let Ok(report) = self.shell.disk_reports.try_recv() {
            self.switch.handle_disk(self.now(), report);
            self.act();
        }
    }

    fn take_datagrams(&mut self) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let taken = self.take_datagrams_into(&mut bytes);
        self.bytes = bytes;
        taken
    }

    fn take_datagrams_into(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        for _ in 0..DATAGRAMS_A_TURN {
            match self.shell.sip.try_recv_from(bytes) {
                Ok((count, from)) => {
                    let datagram = bytes.get(..count).unwrap_or_default();
                    tracing::trace!(%from, "{}", String::from_utf8_lossy(datagram));
                    self.switch.handle_datagram(self.now(), from, datagram);
                    self.act();
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // What an earlier datagram of ours met on its way (ICMP): its transaction times out.
                Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(e) => return Err(e),
            }
        }
        self.again = true;
        Ok(())
    }

    fn take_frames(&mut self) {
        let mut frames = Vec::new();
        for (index, span) in self.shell.spans.iter_mut().enumerate() {
            let id = SpanId(index as i64 + 1);
            self.again |= span.take(|frame| frames.push((id, frame.to_vec())));
        }
        for (id, frame) in frames {
            // Somebody has just attached, and layer 1 has not been looked at since.
            if self.switch.is_dark(id) {
                self.look_at(id);
            }
            self.switch.handle_frame(self.now(), id, &frame);
            self.act();
        }
    }

    fn look_at_spans(&mut self) {
        if self.looked.elapsed() < ms(SPAN_LOOK_MS) {
            return;
        }
        self.looked = Instant::now();
        for index in 0..self.shell.spans.len() {
            self.look_at(SpanId(index as i64 + 1));
        }
    }

    fn look_at(&mut self, span: SpanId) {
        let index = usize::try_from(span.0 - 1).unwrap_or(usize::MAX);
        if let Some(status) = self.shell.spans.get_mut(index).map(LiveSpan::status) {
            self.switch.handle_span(self.now(), span, status);
            self.act();
        }
    }

    /// A new connection replaces the one that is here as soon as it has greeted properly.
    fn take_greeting(&mut self) {
        let Some((candidate, since)) = &mut self.candidate else { return };
        match candidate.take() {
            Ok(None) if since.elapsed() < ms(GREETING_MS) => {}
            Ok(Some(ToSwitch::Hello { version, epoch })) => {
                let Some((candidate, _)) = self.candidate.take() else { return };
                if let Err(parting) = self.switch.admits(version, epoch) {
                    return tracing::warn!(%parting, "a connection was refused");
                }
                if self.center.take().is_some() {
                    self.switch.handle_center_lost(self.now());
                    self.act();
                }
                self.center = Some(candidate);
                self.switch.handle_link(self.now(), ToSwitch::Hello { version, epoch });
                self.act();
            }
            Ok(Some(ToSwitch::Command { .. } | ToSwitch::Ack { .. })) => {
                tracing::warn!(parting = %Parting::NoGreeting, "a connection was refused");
                self.candidate = None;
            }
            Ok(None) | Err(_) => self.candidate = None,
        }
    }

    fn take_commands(&mut self) {
        for _ in 0..COMMANDS_A_TURN_MAX {
            let Some(center) = &mut self.center else { return };
            match center.take() {
                Ok(Some(said)) => {
                    self.switch.handle_link(self.now(), said);
                    self.act();
                }
                Ok(None) => return,
                Err(lost) => return self.lose_center(&lost),
            }
        }
        self.again = true;
    }

    fn lose_center(&mut self, lost: &Lost) {
        tracing::info!(%lost, "the connection to centerd is over");
        self.center = None;
        self.switch.handle_center_lost(self.now());
        self.act();
    }

    fn count_second(&mut self) {
        let queued = self.center.as_ref().map_or(0, Center::queued);
        let vitals = Vitals {
            sound_ticks: self.shell.pulse.ticks(),
            sound_overruns: self.shell.pulse.overruns(),
            events_queued: u32::try_from(queued).unwrap_or(u32::MAX),
        };
        self.switch.handle_vitals(self.now(), vitals);
        self.act();
        self.shell.ready.beat(vitals.sound_ticks);
    }

    // ---- effects

    /// Does everything that the switch asks for.
    fn act(&mut self) {
        self.push_waiting();
        while let Some(output) = self.switch.poll() {
            match output {
                Output::Sip { to, bytes } => {
                    tracing::trace!(%to, "{}", String::from_utf8_lossy(&bytes));
                    // A full socket is like a lost packet: its transaction sends again.
                    let _ = self.shell.sip.try_send_to(&bytes, to);
                }
                Output::Frame { span, bytes } => {
                    let index = usize::try_from(span.0 - 1).unwrap_or(usize::MAX);
                    if let Some(span) = self.shell.spans.get_mut(index) {
                        span.send(&bytes);
                    }
                }
                Output::Link(message) => self.say(&message),
                Output::Sound(order) => self.order_sound(order),
                Output::Journal(entry) => self.write(entry),
                Output::Disk(order) => self.order_disk(order),
                Output::KeepDesired(desired) => {
                    let keeper = self.shell.keeper.clone();
                    tokio::task::spawn_blocking(move || {
                        if let Err(error) = keeper.keep(&desired) {
                            tracing::error!(%error, "the desired state was not kept");
                        }
                    });
                }
                Output::CloseLink(parting) => {
                    tracing::warn!(%parting, "the connection to centerd is closed");
                    self.center = None;
                }
                Output::Note(note) => render(&note),
            }
        }
    }

    fn say(&mut self, message: &ToCenter) {
        let Some(center) = &mut self.center else { return };
        match center.push(message) {
            Ok(true) => {}
            Ok(false) => self.switch.handle_link_full(now(self.shell.born)),
            Err(error) => {
                tracing::error!(%error, "a message to centerd is too long; it begins again");
                self.switch.handle_link_full(now(self.shell.born));
            }
        }
    }

    fn order_sound(&mut self, order: SoundOrder) {
        if !self.sound_waiting.is_empty() {
            return self.sound_waiting.push_back(order);
        }
        if let Err(order) = self.shell.rings.orders.enqueue(order) {
            self.sound_waiting.push_back(order);
        }
    }

    fn order_disk(&mut self, order: DiskOrder) {
        if !self.disk_waiting.is_empty() {
            return self.disk_waiting.push_back(order);
        }
        if let Err(TrySendError::Full(order)) = self.shell.disk_orders.try_send(order) {
            self.disk_waiting.push_back(order);
        }
    }

    /// Tries again what found its ring full. A sound thread that takes nothing for so long is dead:
    /// the supervisor, who misses its pulse, ends us.
    fn push_waiting(&mut self) {
        while let Some(order) = self.sound_waiting.pop_front() {
            if let Err(order) = self.shell.rings.orders.enqueue(order) {
                self.sound_waiting.push_front(order);
                break;
            }
        }
        self.sound_waiting.truncate(ORDERS_WAITING_MAX);
        while let Some(order) = self.disk_waiting.pop_front() {
            if let Err(TrySendError::Full(order)) = self.shell.disk_orders.try_send(order) {
                self.disk_waiting.push_front(order);
                break;
            }
        }
        self.disk_waiting.truncate(ORDERS_WAITING_MAX);
    }

    fn write(&mut self, entry: Entry) {
        if let Err(error) = self.shell.journal.append(entry) {
            self.journal_failed = true;
            self.switch.handle_journal(now(self.shell.born), Some(error.to_string()));
        }
    }

    fn settle_journal(&mut self) {
        match self.shell.journal.settle() {
            Ok(()) if self.journal_failed => {
                self.journal_failed = false;
                self.switch.handle_journal(self.now(), None);
                self.act();
            }
            Ok(()) => {}
            Err(error) => {
                self.journal_failed = true;
                self.switch.handle_journal(self.now(), Some(error.to_string()));
                self.act();
            }
        }
    }

    fn flush(&mut self) {
        if let Some(center) = &mut self.center
            && let Err(lost) = center.flush()
        {
            self.lose_center(&lost);
        }
    }

    // ---- the end

    /// Hangs up everything, waits for the far ends within [`SHUTDOWN_MS`], ends the other threads.
    async fn stop(mut self) -> io::Result<()> {
        tracing::info!("stopping: every call is hung up");
        self.switch.handle_shutdown(self.now());
        self.act();
        let until = Instant::now() + ms(SHUTDOWN_MS);
        while !self.switch.is_quiet() && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            let _ = timeout(left, self.woken()).await;
            self.turn()?;
        }
        self.flush();
        self.order_sound(SoundOrder::Stop);
        self.push_waiting();
        let pulse = &self.shell.pulse;
        tracing::info!(
            ticks = pulse.ticks(),
            overruns = pulse.overruns(),
            late_p50_us = pulse.lateness_us(0.5),
            late_p99_us = pulse.lateness_us(0.99),
            late_p9999_us = pulse.lateness_us(0.9999),
            "sound has stopped"
        );
        Ok(())
    }
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Notes in words.
fn render(note: &Note) {
    match note {
        Note::CenterUp { epoch } => tracing::info!(epoch = epoch.0, "centerd is here"),
        Note::CenterLost => tracing::warn!("centerd is gone: calls and answer plans go on"),
        // One that was stopped in order leaves no legs.
        Note::Recovered { legs: 0, contacts } => {
            tracing::info!(contacts, "taking up after an earlier switchd");
        }
        Note::Recovered { legs, contacts } => {
            tracing::warn!(legs, contacts, "an earlier switchd died: its calls were ended");
        }
        Note::SoundRefused { leg, why } => tracing::warn!(%leg, %why, "sound was refused"),
        Note::Refused { why } => tracing::warn!(?why, "a call was turned away"),
        Note::Desired { version } => tracing::info!(version, "the desired state is applied"),
        Note::SoundFault(refusal) => {
            tracing::error!(%refusal, "the sound core refused a command");
        }
        Note::Beat(Some(span)) => tracing::info!(span = span.0, "a span beats the sound"),
        Note::Beat(None) => tracing::warn!("no span beats the sound: the timer does"),
        Note::SpanSound { span, sound } => {
            tracing::debug!(span = span.0, ?sound, "a span is not in step with the sound");
        }
    }
}
