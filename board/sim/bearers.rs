//! Real sound for the exchange: the time slots of its spans around the box's own sound core, in
//! blocks of 20 ms of A-law.
//!
//! [`Bearers::tick`] is called every 20 ms by whoever owns it; what came from the box since then is
//! given in by [`Bearers::handle_message`], what goes to it is taken by [`Bearers::message`]. Without
//! sockets and without a clock: a test passes messages by hand.

use std::collections::{BTreeMap, VecDeque};

use board_port::block::{self, Frame, LONGEST};
use board_port::{BLOCK, SILENCE, Slots};
use media::wav::WavError;
use media::{
    Codec, Command, Digits, Ear, Engine, Fact, Gain, OpenPort, Play, PlayerId, PortId, Repeat,
    Setup, Source,
};

use crate::limits::{MOMENTS_WAITING, SPANS_MAX};
use crate::sound::{SoundError, fill_library};
use crate::town::{BearerTerms, SoundFact, SoundOrder, SoundPort};

/// How loud the echo of a bad line is.
const ECHO_DB: f32 = -14.0;
/// Ports of the sound core: one for each time slot of each span.
const PORTS: usize = SPANS_MAX * 32;

/// See the module.
pub struct Bearers {
    engine: Engine,
    open: BTreeMap<SoundPort, BearerTerms>,
    lines: Vec<Line>,
}

/// One span.
struct Line {
    /// What came and was not heard yet, the oldest first.
    waiting: VecDeque<(Slots, Box<Frame>)>,
    sequence: u32,
    slots: Slots,
    frame: Box<Frame>,
    message: Box<[u8; LONGEST]>,
}

impl Line {
    fn new() -> Line {
        Line {
            waiting: VecDeque::new(),
            sequence: 0,
            slots: Slots::NONE,
            frame: Box::new([[SILENCE; BLOCK]; 32]),
            message: Box::new([0; LONGEST]),
        }
    }
}

impl Bearers {
    /// Sound for so many spans, at most [`SPANS_MAX`].
    ///
    /// # Errors
    /// A voice of the program is broken.
    pub fn new(spans: usize) -> Result<Bearers, WavError> {
        let setup = Setup { ports: PORTS, players: PORTS, recorders: 0, echoes: 0 };
        let mut engine = Engine::new(setup);
        fill_library(&mut engine)?;
        let lines = (0..spans.min(SPANS_MAX)).map(|_| Line::new()).collect();
        Ok(Bearers { engine, open: BTreeMap::new(), lines })
    }

    /// Does what the town asks for.
    ///
    /// # Errors
    /// [`SoundError`]; nothing has changed then.
    pub fn apply(&mut self, order: SoundOrder) -> Result<(), SoundError> {
        let player = |port: SoundPort| PlayerId(place(port).0);
        match order {
            SoundOrder::OpenBearer(terms) => self.open(terms),
            SoundOrder::Say(port, voice) => {
                let play = Play::once(player(port), voice.prompt());
                Ok(self.engine.apply(Command::Play(play))?)
            }
            SoundOrder::Sound(port, tone) => {
                let repeat = if tone.is_endless() { Repeat::Forever } else { Repeat::Times(1) };
                let play = Play::once(player(port), tone.prompt());
                Ok(self.engine.apply(Command::Play(Play { repeat, ..play }))?)
            }
            SoundOrder::Hush(port) => Ok(self.engine.apply(Command::Stop(player(port)))?),
            SoundOrder::Press(port, keys) => {
                let digits = Digits::new(&keys).ok_or(SoundError::Keys(keys))?;
                // Into a line that is mute nobody presses keys.
                if self.open.get(&port).is_some_and(|terms| terms.speaks) {
                    self.engine.apply(Command::SendDigits(place(port), digits))?;
                }
                Ok(())
            }
            SoundOrder::Close(port) => {
                self.open.remove(&port);
                self.engine.apply(Command::Stop(player(port)))?;
                Ok(self.engine.apply(Command::ClosePort(place(port)))?)
            }
            SoundOrder::Open(terms) | SoundOrder::Change(terms) => {
                Err(SoundError::Elsewhere(terms.port))
            }
        }
    }

    /// A block message of the box. What is none is dropped, and of too many the oldest.
    pub fn handle_message(&mut self, span: u8, message: &[u8]) {
        let Some(line) = self.lines.get_mut(usize::from(span)) else { return };
        let Ok(view) = block::decode(message) else { return };
        let mut frame: Box<Frame> = Box::new([[SILENCE; BLOCK]; 32]);
        for (slot, block) in view.blocks() {
            if let Some(place) = frame.get_mut(usize::from(slot)) {
                *place = *block;
            }
        }
        if line.waiting.len() >= MOMENTS_WAITING {
            line.waiting.pop_front();
        }
        line.waiting.push_back((view.slots, frame));
    }

    /// One turn of 20 ms: hears, speaks.
    pub fn tick(&mut self) {
        let moments: Vec<_> = self.lines.iter_mut().map(|line| line.waiting.pop_front()).collect();
        for (port, terms) in &self.open {
            let moment = moments.get(usize::from(terms.span)).and_then(Option::as_ref);
            let Some((slots, frame)) = moment.filter(|_| terms.hears || terms.echoes) else {
                continue;
            };
            if let Some(block) = frame.get(usize::from(terms.slot))
                && slots.contains(terms.slot)
            {
                // A port that is open in the map is open in the core.
                let _ = self.engine.handle_bearer(place(*port), block);
            }
        }
        self.engine.tick();
        for line in &mut self.lines {
            line.slots = Slots::NONE;
        }
        for (port, sound) in self.engine.bearers() {
            let Some(terms) = self.open.get(&SoundPort(port.0 + SoundPort::BEARERS)) else {
                continue;
            };
            let Some(line) = self.lines.get_mut(usize::from(terms.span)) else { continue };
            if let Some(block) = line.frame.get_mut(usize::from(terms.slot)) {
                *block = *sound;
                line.slots.insert(terms.slot);
            }
        }
    }

    /// What the last tick has for the box: the message that is its next 20 ms.
    pub fn message(&mut self, span: u8) -> Option<&[u8]> {
        let line = self.lines.get_mut(usize::from(span))?;
        let length = block::encode(line.sequence, line.slots, &line.frame, &mut line.message);
        line.sequence = line.sequence.wrapping_add(1);
        line.message.get(..length)
    }

    /// The next thing that was heard.
    pub fn poll(&mut self) -> Option<SoundFact> {
        while let Some(fact) = self.engine.poll_fact() {
            let heard = |port: PortId| {
                let port = SoundPort(port.0 + SoundPort::BEARERS);
                self.open.get(&port).is_some_and(|terms| terms.hears).then_some(port)
            };
            let fact = match fact {
                Fact::SoundStarted { port, .. } => heard(port).map(SoundFact::Started),
                Fact::SoundEnded { port, lasted_ms } => {
                    heard(port).map(|port| SoundFact::Ended { port, lasted_ms })
                }
                Fact::Digit { port, digit, .. } => {
                    heard(port).map(|port| SoundFact::Key(port, char::from(digit)))
                }
                Fact::PlayEnded { .. }
                | Fact::MediaTimeout { .. }
                | Fact::MediaStarted { .. }
                | Fact::MediaResumed { .. }
                | Fact::SourceChanged { .. }
                | Fact::DigitsSent { .. }
                | Fact::RecorderOverrun { .. }
                | Fact::PortReport { .. }
                | Fact::PortClosed { .. }
                | Fact::FactsLost { .. } => None,
            };
            if fact.is_some() {
                return fact;
            }
        }
        None
    }

    fn open(&mut self, terms: BearerTerms) -> Result<(), SoundError> {
        let port = place(terms.port);
        self.engine.apply(Command::OpenPort(OpenPort::bearer(port, Codec::Alaw)))?;
        if terms.speaks {
            let mouth = Source::Player(PlayerId(port.0));
            self.engine.apply(Command::Hear(Ear::Port(port), mouth, Gain::UNITY))?;
        }
        if terms.echoes {
            let gain = Gain::from_db(ECHO_DB);
            self.engine.apply(Command::Hear(Ear::Port(port), Source::Port(port), gain))?;
        }
        self.open.insert(terms.port, terms);
        Ok(())
    }
}

const fn place(port: SoundPort) -> PortId {
    PortId(port.0.saturating_sub(SoundPort::BEARERS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tones::{Melody, Nation, Tone};
    use crate::voice::{Language, Voice, Words};
    use media::detect::{level_dbm0, power_at_hz};
    use media::g711;

    const GOOD: BearerTerms = BearerTerms {
        port: SoundPort::of_bearer(0, 5),
        span: 0,
        slot: 5,
        hears: true,
        speaks: true,
        echoes: false,
    };

    /// The town's side and the box's, joined span to span.
    struct Wire {
        town: Bearers,
        linebox: Bearers,
    }

    impl Wire {
        fn new(terms: BearerTerms) -> Wire {
            let mut wire =
                Wire { town: Bearers::new(1).unwrap(), linebox: Bearers::new(1).unwrap() };
            wire.town.apply(SoundOrder::OpenBearer(terms)).unwrap();
            wire.linebox.apply(SoundOrder::OpenBearer(GOOD)).unwrap();
            wire
        }

        /// What is heard at either end, and what the box gets, linear.
        fn run(&mut self, ticks: u32) -> (Vec<SoundFact>, Vec<SoundFact>, Vec<i16>) {
            let (mut here, mut there, mut sound) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ticks {
                self.town.tick();
                self.linebox.tick();
                let message = self.town.message(0).unwrap().to_vec();
                if let Some((_, block)) = block::decode(&message).unwrap().blocks().next() {
                    let mut linear = [0; BLOCK];
                    g711::decode(Codec::Alaw, block, &mut linear);
                    sound.extend(linear);
                }
                self.linebox.handle_message(0, &message);
                let message = self.linebox.message(0).unwrap().to_vec();
                self.town.handle_message(0, &message);
                here.extend(core::iter::from_fn(|| self.town.poll()));
                there.extend(core::iter::from_fn(|| self.linebox.poll()));
            }
            (here, there, sound)
        }
    }

    const HELLO: Voice = Voice { language: Language::Zh, words: Words::Hello };

    #[test]
    fn a_voice_and_keys_are_heard_in_the_channel_both_ways() {
        let mut wire = Wire::new(GOOD);
        wire.town.apply(SoundOrder::Say(GOOD.port, HELLO)).unwrap();
        let (here, there, _) = wire.run(150);
        assert_eq!(here, []);
        assert_eq!(there.first(), Some(&SoundFact::Started(GOOD.port)));
        wire.linebox.apply(SoundOrder::Press(GOOD.port, "12*#".to_owned())).unwrap();
        let (here, _, _) = wire.run(120);
        let key = |fact: &SoundFact| match fact {
            SoundFact::Key(_, key) => Some(*key),
            SoundFact::Started(_) | SoundFact::Ended { .. } | SoundFact::Lost(_) => None,
        };
        assert_eq!(here.iter().filter_map(key).collect::<String>(), "12*#");
        wire.town.apply(SoundOrder::Press(GOOD.port, "90".to_owned())).unwrap();
        let (_, there, _) = wire.run(80);
        assert_eq!(there.iter().filter_map(key).collect::<String>(), "90");
    }

    #[test]
    fn a_tone_goes_on_in_its_cadence_until_it_is_hushed() {
        let mut wire = Wire::new(GOOD);
        wire.town.apply(SoundOrder::Sound(GOOD.port, Tone::Busy(Nation::China))).unwrap();
        let (.., sound) = wire.run(350);
        let steps: Vec<bool> = sound.chunks(80).map(|step| level_dbm0(step) > -30).collect();
        let rounds = steps.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((18..=20).contains(&rounds), "{rounds} edges in 7 s of 0.35 s on, 0.35 s off");
        let loud: Vec<i16> = sound
            .chunks(80)
            .filter(|step| level_dbm0(step) > -30)
            .flat_map(|step| step.iter().copied())
            .collect();
        assert!((-11..=-9).contains(&level_dbm0(&loud)));
        let tone = sound.get(800..2_400).unwrap();
        assert!(power_at_hz(tone, 450.0) > 0.98);
        wire.town.apply(SoundOrder::Hush(GOOD.port)).unwrap();
        let (.., sound) = wire.run(50);
        assert!(level_dbm0(&sound) < -60);
    }

    #[test]
    fn what_is_not_in_use_is_not_sent_and_the_beat_goes_on() {
        let mut wire = Wire::new(GOOD);
        let count = |wire: &mut Wire| {
            let message = wire.town.message(0).unwrap().to_vec();
            let view = block::decode(&message).unwrap();
            (view.sequence, view.blocks().count())
        };
        wire.town.tick();
        assert_eq!(count(&mut wire), (0, 1));
        wire.town.apply(SoundOrder::Close(GOOD.port)).unwrap();
        wire.town.tick();
        assert_eq!(count(&mut wire), (1, 0));
        assert_eq!(wire.town.message(3), None);
        wire.town.handle_message(0, b"no message");
        wire.town.handle_message(9, b"no span");
    }

    #[test]
    fn a_channel_that_is_taken_again_sounds_again() {
        let mut wire = Wire::new(GOOD);
        for sound in [Tone::Beep, Tone::ColourRing(Melody::River), Tone::RingBack(Nation::China)] {
            wire.town.apply(SoundOrder::Sound(GOOD.port, sound)).unwrap();
            let (_, there, _) = wire.run(100);
            assert_eq!(there.first(), Some(&SoundFact::Started(GOOD.port)), "{sound:?}");
            for side in [&mut wire.town, &mut wire.linebox] {
                side.apply(SoundOrder::Close(GOOD.port)).unwrap();
            }
            wire.run(3);
            for side in [&mut wire.town, &mut wire.linebox] {
                side.apply(SoundOrder::OpenBearer(GOOD)).unwrap();
            }
        }
    }

    #[test]
    fn a_bad_line_is_deaf_or_mute_or_gives_back_what_it_hears() {
        let says = |terms: BearerTerms| {
            let mut wire = Wire::new(terms);
            wire.town.apply(SoundOrder::Say(GOOD.port, HELLO)).unwrap();
            wire.linebox.apply(SoundOrder::Say(GOOD.port, HELLO)).unwrap();
            let (here, there, _) = wire.run(100);
            (!here.is_empty(), !there.is_empty())
        };
        assert_eq!(says(GOOD), (true, true));
        assert_eq!(says(BearerTerms { hears: false, ..GOOD }), (false, true));
        assert_eq!(says(BearerTerms { speaks: false, ..GOOD }), (true, false));
        let mut wire = Wire::new(BearerTerms { echoes: true, ..GOOD });
        let tone = Tone::RingBack(Nation::China);
        wire.linebox.apply(SoundOrder::Sound(GOOD.port, tone)).unwrap();
        let (.., sound) = wire.run(45);
        let level = level_dbm0(sound.get(3_200..).unwrap());
        assert!((-26..=-22).contains(&level), "-10 dBm0 come back 14 dB lower: {level}");
    }
}
