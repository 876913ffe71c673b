//! Sound without samples: what the sound thread and the disk thread would say, at the instant at
//! which they would say it.

use std::collections::{BTreeMap, VecDeque};

use call::Tick;
use link::{RecordingRecord, RecordingState};
use media::fact::PortStats;
use media::{Command, Fact, PlayEnd, PlayerId, PortId, PromptId, RecorderId, Repeat};
use switchd::seam::{DiskOrder, DiskReport, SoundOrder, SoundReport};

/// Stands in for both threads.
#[derive(Debug, Default)]
pub struct Facts {
    /// Length of each prompt, ms.
    lengths: BTreeMap<PromptId, u64>,
    /// When each player falls silent; `None`: never by itself.
    playing: BTreeMap<PlayerId, Option<Tick>>,
    /// Recordings that run, and since when.
    taping: BTreeMap<RecorderId, (RecordingRecord, Tick)>,
    /// Which port has a channel: by place of the span (from 0) and time slot.
    bearers: BTreeMap<(u8, u8), PortId>,
    said: VecDeque<SoundReport>,
    reported: VecDeque<DiskReport>,
}

impl Facts {
    /// With these prompts.
    #[must_use]
    pub fn new(lengths: BTreeMap<PromptId, u64>) -> Facts {
        Facts { lengths, ..Facts::default() }
    }

    /// An order to the sound thread.
    pub fn handle_sound(&mut self, now: Tick, order: SoundOrder) {
        let command = match order {
            SoundOrder::Media(command) => command,
            SoundOrder::Bearer { port, channel } => return self.bear(port, channel),
            SoundOrder::Remote { .. } | SoundOrder::LoopTest { .. } | SoundOrder::Stop => return,
        };
        match command {
            Command::ClosePort(port) => {
                self.bear(port, None);
                self.say(Fact::PortClosed { port, stats: PortStats::default() });
            }
            Command::Play(play) => self.play(now, play),
            Command::PlayTone(player, ..) => {
                self.playing.insert(player, None);
            }
            Command::Stop(player) => self.end(player, PlayEnd::Stopped),
            Command::StopRecorder(recorder) => self.seal(now, recorder, RecordingState::Sealed),
            Command::OpenPort(_)
            | Command::SetCodec(..)
            | Command::SetDigitPayload(..)
            | Command::SetMapping(..)
            | Command::SetSending(..)
            | Command::SetMediaTimeout(..)
            | Command::SetDetector(..)
            | Command::SetEcho(..)
            | Command::Hear(..)
            | Command::Unhear(..)
            | Command::Deafen(_)
            | Command::SetPrompt(..)
            | Command::SendDigits(..)
            | Command::StartRecorder(_)
            | Command::Report(_) => {}
        }
    }

    /// The port that hears a channel.
    #[must_use]
    pub fn bearer(&self, channel: (u8, u8)) -> Option<PortId> {
        self.bearers.get(&channel).copied()
    }

    /// An order to the disk thread.
    pub fn handle_disk(&mut self, now: Tick, order: DiskOrder) {
        match order {
            DiskOrder::Start { recorder, record } => {
                self.taping.insert(recorder, (record, now));
            }
            DiskOrder::Mend { record } => {
                let record = RecordingRecord { state: RecordingState::Cut, ..record };
                self.reported.push_back(DiskReport::Recording { recorder: None, record });
            }
            DiskOrder::Stop => {}
        }
    }

    /// Ends what has been played to its end.
    pub fn handle_timeout(&mut self, now: Tick) {
        let over = self.playing.iter().filter(|(_, end)| end.is_some_and(|end| end <= now));
        for player in over.map(|(player, _)| *player).collect::<Vec<_>>() {
            self.end(player, PlayEnd::Finished);
        }
    }

    /// When the next play ends.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Tick> {
        self.playing.values().filter_map(|end| *end).min()
    }

    /// What the sound thread says.
    pub fn poll_sound(&mut self) -> Option<SoundReport> {
        self.said.pop_front()
    }

    /// What the disk thread says.
    pub fn poll_disk(&mut self) -> Option<DiskReport> {
        self.reported.pop_front()
    }

    fn bear(&mut self, port: PortId, channel: Option<(u8, u8)>) {
        self.bearers.retain(|_, had| *had != port);
        if let Some(channel) = channel {
            let other = self.bearers.insert(channel, port);
            assert!(other.is_none(), "two ports are on channel {channel:?}");
        }
    }

    fn play(&mut self, now: Tick, play: media::Play) {
        let length = self.lengths.get(&play.prompt).copied().unwrap_or(0);
        let begins = match (play.append, self.playing.get(&play.player)) {
            (true, Some(Some(end))) => *end,
            (true, _) => now,
            (false, Some(_)) => {
                self.end(play.player, PlayEnd::Stopped);
                now
            }
            (false, None) => now,
        };
        let end = match play.repeat {
            Repeat::Times(times) => Some(begins + length * u64::from(times.max(1))),
            Repeat::Forever => None,
        };
        self.playing.insert(play.player, end);
    }

    fn end(&mut self, player: PlayerId, why: PlayEnd) {
        if self.playing.remove(&player).is_some() {
            self.say(Fact::PlayEnded { player, why });
        }
    }

    fn seal(&mut self, now: Tick, recorder: RecorderId, state: RecordingState) {
        if let Some((record, since)) = self.taping.remove(&recorder) {
            let record = RecordingRecord { state, length_ms: now - since, ..record };
            self.reported.push_back(DiskReport::Recording { recorder: Some(recorder), record });
        }
    }

    fn say(&mut self, fact: Fact) {
        self.said.push_back(SoundReport::Fact { tick: 0, fact });
    }
}
