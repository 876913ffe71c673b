//! Plays and digits: what a leg hears from its own player, and which keys it presses.

use call::{LegId, SpanId};
use link::{Channel, Collected, Event, LoopResult, PlayEnd, Prompt, Refusal};
use media::{Barge, Command, Fact, LoopVerdict, Play, PlayerId, PortId, Repeat};

use super::leg::{Collecting, Leg, Plan, Playing};
use super::port::{player_of, port_of};
use super::talk::wrong_phase;
use super::{Note, Sound, Switch, Timer};
use crate::limits::PLAY_LATE_MS;
use crate::seam::SoundReport;

/// A play whose length is not known to end: it is stopped, or its leg ends.
const ENDLESS_MS: u64 = u64::MAX / 2;

impl Switch {
    /// The sound thread tells something.
    pub fn handle_sound(&mut self, now: call::Now, report: SoundReport) {
        self.now = now;
        match report {
            SoundReport::Fact { fact, .. } => self.heard(fact),
            SoundReport::Refused(refusal) => self.note(Note::SoundFault(refusal)),
            SoundReport::Lateness { late_us, lost_packets, .. } => {
                // The sound thread tells each second; health is told less often, with the worst.
                for (kept, told) in self.sound.late_us.iter_mut().zip(late_us) {
                    *kept = (*kept).max(told);
                }
                self.sound.lost_packets = lost_packets;
            }
            SoundReport::Master { span } => self.note(Note::Beat(span.map(span_id))),
            SoundReport::Span { span, sound } => {
                self.note(Note::SpanSound { span: span_id(span), sound });
            }
            SoundReport::LoopTest { span, slot, verdict } => {
                let result = match verdict {
                    Some(LoopVerdict::Closed { delay_ms, errors_per_mille, .. }) => {
                        LoopResult::Closed { errors_per_mille, delay_ms }
                    }
                    Some(LoopVerdict::Open { .. }) => LoopResult::Open,
                    None => LoopResult::NotNow,
                };
                let channel = Channel { span: span_id(span), slot };
                self.tell(Event::LoopTested { channel, result });
            }
        }
        self.settle();
    }

    fn heard(&mut self, fact: Fact) {
        match fact {
            Fact::Digit { port, digit, .. } => {
                if let Some(leg) = self.leg_at(port) {
                    self.pressed(leg, char::from(digit));
                }
            }
            Fact::PlayEnded { player, why } => self.play_ended(player, why),
            Fact::MediaTimeout { port, .. } => {
                if let Some(leg) = self.leg_at(port) {
                    self.end_leg(leg, call::Cause::MediaTimeout, call::Side::Box);
                }
            }
            Fact::PortClosed { port, .. } => {
                self.deadlines.stop(Timer::Port(port.0));
                self.ports.closed(port);
            }
            Fact::SoundStarted { .. }
            | Fact::SoundEnded { .. }
            | Fact::MediaStarted { .. }
            | Fact::MediaResumed { .. }
            | Fact::SourceChanged { .. }
            | Fact::DigitsSent { .. }
            | Fact::RecorderOverrun { .. }
            | Fact::PortReport { .. }
            | Fact::FactsLost { .. } => {}
        }
    }

    fn leg_at(&self, port: PortId) -> Option<LegId> {
        self.legs.values().find(|leg| leg.port == port).map(Leg::id)
    }

    // ---- plays

    pub(super) fn start_play(
        &mut self,
        leg: LegId,
        play: u32,
        prompts: &[Prompt],
        repeat: bool,
        barge_in: bool,
    ) -> Result<(), Refusal> {
        let found = self.leg(leg).ok_or(Refusal::NoSuchLeg { leg })?;
        if !found.is_talkable() || matches!(found.plan, Plan::Leaving(_)) {
            return Err(wrong_phase(leg, "not answered or about to end"));
        }
        if !(1..=link::limits::PLAY_PROMPTS_MAX).contains(&prompts.len()) {
            let reason = format!("1 to {} prompts", link::limits::PLAY_PROMPTS_MAX);
            return Err(Refusal::Invalid { field: "prompts".to_owned(), reason });
        }
        let mut sounds = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let sound = self.setup.library.find(prompt).ok_or_else(|| Refusal::Unknown {
                name: format!("prompt {}/{}", prompt.language, prompt.name),
            })?;
            sounds.push(sound);
        }
        self.play(leg, Some(play), &sounds, repeat, barge_in);
        Ok(())
    }

    /// Plays a sound of the box's own to a leg.
    pub(super) fn play_own(&mut self, leg: LegId, sound: Sound) {
        self.play(leg, None, &[sound], false, false);
    }

    fn play(
        &mut self,
        leg: LegId,
        play: Option<u32>,
        sounds: &[Sound],
        repeat: bool,
        barge_in: bool,
    ) {
        self.tell_play_end(leg, PlayEnd::Stopped);
        let playing = Playing {
            play,
            prompts: sounds.iter().map(|s| s.id).collect(),
            repeat,
            barge_in,
            length_ms: sounds.iter().fold(0, |sum: u32, s| sum.saturating_add(s.length_ms)),
        };
        if let Some(found) = self.legs.get_mut(&leg) {
            found.play = Some(playing);
        }
        self.begin_play(leg);
        // The first digit has its time from the end of the play.
        self.deadlines.stop(Timer::FirstKey(leg));
    }

    fn begin_play(&mut self, leg: LegId) {
        let Some(found) = self.leg(leg) else { return };
        let (port, Some(playing)) = (found.port, found.play.clone()) else { return };
        let barge = if playing.barge_in { Barge::Digit(port) } else { Barge::None };
        let alone = playing.prompts.len() == 1;
        let forever = playing.repeat && alone;
        let repeat = if forever { Repeat::Forever } else { Repeat::Times(1) };
        let player = player_of(port);
        for (at, &prompt) in playing.prompts.iter().enumerate() {
            let play = Play { player, prompt, repeat, append: at > 0, barge };
            self.order_sound(Command::Play(play));
        }
        self.ports.play_begun(port);
        let lasts = if forever { ENDLESS_MS } else { u64::from(playing.length_ms) + PLAY_LATE_MS };
        self.deadlines.set(Timer::PlayEnd(leg), self.now.tick + lasts);
    }

    /// Stops what a leg plays.
    pub(super) fn stop_play(&mut self, leg: LegId, how: PlayEnd) {
        let Some(found) = self.leg(leg).filter(|l| l.play.is_some()) else { return };
        let port = found.port;
        self.order_sound(Command::Stop(player_of(port)));
        self.tell_play_end(leg, how);
    }

    fn tell_play_end(&mut self, leg: LegId, how: PlayEnd) {
        let Some(playing) = self.legs.get_mut(&leg).and_then(|l| l.play.take()) else { return };
        self.deadlines.stop(Timer::PlayEnd(leg));
        if let Some(play) = playing.play {
            self.tell(Event::Played { leg, play, how });
        }
        self.await_first_key(leg);
    }

    fn play_ended(&mut self, player: PlayerId, why: media::PlayEnd) {
        let Some(port) = port_of(player) else { return };
        // The end of a play that another has replaced says nothing about that other.
        if !self.ports.play_ended(port) {
            return;
        }
        let Some(leg) = self.leg_at(port) else { return };
        let again = self.leg(leg).and_then(|l| l.play.as_ref()).is_some_and(|p| p.repeat);
        match why {
            media::PlayEnd::Finished if again => self.begin_play(leg),
            media::PlayEnd::Finished => self.play_over(leg, PlayEnd::Complete),
            media::PlayEnd::Stopped | media::PlayEnd::Digit(_) => {
                self.play_over(leg, PlayEnd::Stopped);
            }
        }
    }

    /// The end of a play was never told.
    pub(super) fn play_lost(&mut self, leg: LegId) {
        let Some(found) = self.leg(leg) else { return };
        let port = found.port;
        self.ports.forget_plays(port);
        self.play_over(leg, PlayEnd::Complete);
    }

    fn play_over(&mut self, leg: LegId, how: PlayEnd) {
        self.tell_play_end(leg, how);
        self.leave(leg);
    }

    // ---- digits

    pub(super) fn start_collection(
        &mut self,
        leg: LegId,
        collecting: Collecting,
    ) -> Result<(), Refusal> {
        let found = self.legs.get_mut(&leg).ok_or(Refusal::NoSuchLeg { leg })?;
        if !found.is_talkable() || matches!(found.plan, Plan::Leaving(_)) {
            return Err(wrong_phase(leg, "not answered or about to end"));
        }
        let max = link::limits::COLLECT_DIGITS_MAX;
        if !(1..=max).contains(&usize::from(collecting.digits_max)) {
            let reason = format!("1 to {max}");
            return Err(Refusal::Invalid { field: "digits_max".to_owned(), reason });
        }
        found.collect = Some(collecting);
        self.deadlines.stop(Timer::NextKey(leg));
        self.deadlines.stop(Timer::FirstKey(leg));
        self.await_first_key(leg);
        Ok(())
    }

    /// The first digit's time runs while nothing plays.
    fn await_first_key(&mut self, leg: LegId) {
        let Some(found) = self.leg(leg).filter(|l| l.play.is_none()) else { return };
        let Some(collecting) = &found.collect else { return };
        if collecting.digits.is_empty() {
            let due = self.now.tick + u64::from(collecting.first_ms);
            self.deadlines.set(Timer::FirstKey(leg), due);
        }
    }

    /// A key was pressed, however it came.
    pub(super) fn pressed(&mut self, leg: LegId, digit: char) {
        let Some(found) = self.legs.get_mut(&leg) else { return };
        let Some(collecting) = &mut found.collect else {
            self.tell(Event::Digit { leg, digit });
            return;
        };
        self.deadlines.stop(Timer::FirstKey(leg));
        if collecting.end == Some(digit) {
            return self.end_collection(leg, Collected::Ended);
        }
        collecting.digits.push(digit);
        let full = collecting.digits.len() >= usize::from(collecting.digits_max);
        let due = self.now.tick + u64::from(collecting.inter_ms);
        if full {
            return self.end_collection(leg, Collected::Full);
        }
        self.deadlines.set(Timer::NextKey(leg), due);
    }

    pub(super) fn end_collection(&mut self, leg: LegId, how: Collected) {
        let Some(done) = self.drop_collection(leg) else { return };
        let (collect, digits) = (done.collect, done.digits);
        self.tell(Event::Collected { leg, collect, digits, how });
    }

    /// Nobody is told: the leg ends.
    pub(super) fn drop_collection(&mut self, leg: LegId) -> Option<Collecting> {
        self.deadlines.stop(Timer::FirstKey(leg));
        self.deadlines.stop(Timer::NextKey(leg));
        self.legs.get_mut(&leg)?.collect.take()
    }

    /// The music that all held parties hear plays for the life of the switch.
    pub(super) fn begin_music(&mut self) {
        let music = self.setup.library.find(&Prompt::new("", super::prompt::MUSIC));
        if let Some(sound) = music {
            self.order_sound(Command::Play(Play {
                repeat: Repeat::Forever,
                ..Play::once(super::port::MUSIC_PLAYER, sound.id)
            }));
        }
    }
}

/// The span at this place of the model.
fn span_id(place: u8) -> SpanId {
    SpanId(i64::from(place) + 1)
}
