//! The engine: one turn of the sound of the whole box.
//!
//! ```text
//! tick:  players, ports --> sources --table--> detectors   facts
//!                                          --> ports       packets, bearers
//!                                          --> recorders   blocks
//! ```
//!
//! Only what is in use is touched: three lists name the open ports, playing players and running
//! recorders.

use crate::command::{Barge, Command, OpenPort, Play, Refusal};
use crate::echo::EchoCanceller;
use crate::fact::{Block, DigitPath, Fact, Facts, PacketRefusal, PlayEnd, PortStats};
use crate::id::{Channel, Ear, Gain, PlayerId, PortId, PromptId, RecorderId, Source};
use crate::mix::{Sources, Voice};
use crate::player::{Played, Player, Prompt};
use crate::port::Port;
use crate::record::Recorder;
use crate::table::Table;
use crate::{FRAME, limits};

/// How large the engine is built. Each count is limited by [`limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Ports, at most [`limits::PORTS`].
    pub ports: usize,
    /// Players, at most [`limits::PLAYERS`].
    pub players: usize,
    /// Recorders, at most [`limits::RECORDERS`].
    pub recorders: usize,
    /// Echo cancellers, at most [`limits::ECHOES`].
    pub echoes: usize,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            ports: limits::PORTS,
            players: limits::PLAYERS,
            recorders: limits::RECORDERS,
            echoes: limits::ECHOES,
        }
    }
}

/// What the shell may conclude from a packet that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The first packet of this synchronisation source: symmetric RTP may learn the sender's
    /// address from it.
    pub new_source: bool,
}

/// The sound of the box. `Send`: built at start, then given to the sound thread.
#[derive(Debug)]
pub struct Engine {
    table: Table,
    ports: Vec<Port>,
    players: Vec<Player>,
    recorders: Vec<Recorder>,
    /// Echo cancellers that no port has.
    echoes: Vec<Box<EchoCanceller>>,
    /// The library; samples live as long as the process.
    prompts: Vec<Option<&'static [i16]>>,
    sources: Sources,
    /// Ports in use, in order of opening.
    open: Vec<PortId>,
    /// Players that may play; cleared of idle ones each tick.
    playing: Vec<PlayerId>,
    /// Recorders that run.
    recording: Vec<RecorderId>,
    /// Recorders whose block of the last tick has not been taken, from `next_block` on.
    blocks: Vec<RecorderId>,
    next_block: usize,
    facts: Facts,
}

impl Engine {
    /// Builds everything; the only call that allocates. Counts above [`limits`] are cut to them.
    #[must_use]
    pub fn new(setup: Setup) -> Engine {
        let ports = setup.ports.min(limits::PORTS);
        let players = setup.players.min(limits::PLAYERS);
        let recorders = setup.recorders.min(limits::RECORDERS);
        Engine {
            table: Table::new(ports, players, recorders),
            ports: (0..ports as u16).map(|n| Port::new(PortId(n))).collect(),
            players: (0..players).map(|_| Player::default()).collect(),
            recorders: (0..recorders as u16).map(|n| Recorder::new(RecorderId(n))).collect(),
            echoes: (0..setup.echoes.min(limits::ECHOES)).map(|_| Box::default()).collect(),
            prompts: vec![None; limits::PROMPTS],
            sources: Sources::new(ports + players),
            open: Vec::with_capacity(ports),
            playing: Vec::with_capacity(players),
            recording: Vec::with_capacity(recorders),
            blocks: Vec::with_capacity(recorders),
            next_block: 0,
            facts: Facts::new(),
        }
    }

    /// Does one command; it is audible from the next tick on. A refused one changes nothing.
    pub fn apply(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::OpenPort(how) => self.open_port(&how),
            Command::ClosePort(port) => self.close_port(port),
            Command::SetCodec(port, codec) => self.port(port).map(|p| p.set_codec(codec)),
            Command::SetDigitPayload(port, payload_type) => {
                self.port(port).map(|p| p.set_digit_payload(payload_type))
            }
            Command::SetMapping(port, mapping) => self.port(port).map(|p| p.set_mapping(mapping)),
            Command::SetSending(port, sending) => self.port(port).map(|p| p.set_sending(sending)),
            Command::SetMediaTimeout(port, ms) => self.port(port).map(|p| p.set_media_timeout(ms)),
            Command::SetEcho(port, on) => self.set_echo(port, on),
            Command::SetDetector(port, listening) => {
                self.port(port).map(|p| p.set_listening(listening))
            }
            Command::Hear(ear, source, gain) => self.hear(ear, source, gain),
            Command::Unhear(ear, source) => {
                self.table.unhear(ear, source);
                Ok(())
            }
            Command::Deafen(ear) => {
                self.table.deafen(ear);
                Ok(())
            }
            Command::SetPrompt(prompt, samples) => {
                *self.prompts.get_mut(prompt.index()).ok_or(Refusal::NoPrompt(prompt))? =
                    Some(samples);
                Ok(())
            }
            Command::Play(play) => self.play(&play),
            Command::PlayTone(player, tone, barge) => {
                self.interrupt(player)?.play_tone(tone, barge);
                self.list_player(player);
                Ok(())
            }
            Command::Stop(player) => self.interrupt(player).map(|_| ()),
            Command::SendDigits(port, digits) => {
                let queued = self.port(port)?.queue_digits(&digits);
                if queued { Ok(()) } else { Err(Refusal::DigitsFull(port)) }
            }
            Command::StartRecorder(recorder) => self.start_recorder(recorder),
            Command::StopRecorder(recorder) => self.stop_recorder(recorder),
            Command::Report(port) => {
                let stats = self.port(port)?.stats();
                self.facts.push(Fact::PortReport { port, stats });
                Ok(())
            }
        }
    }

    /// Takes one datagram that came to a port. `now_us` is a monotonic time in microseconds, used
    /// for the jitter figure only.
    pub fn handle_packet(
        &mut self,
        port: PortId,
        now_us: u64,
        datagram: &[u8],
    ) -> Result<Accepted, PacketRefusal> {
        let open = self.ports.get_mut(port.index()).filter(|p| p.open);
        let place = open.ok_or(PacketRefusal::PortClosed)?;
        let received = place.handle_packet(now_us, datagram, &mut self.facts)?;
        if let Some(digit) = received.digit {
            self.handle_digit(port, digit, DigitPath::Event);
        }
        Ok(received.accepted)
    }

    /// Takes the next block of a bearer. Where its line beats the tick there is one block a tick; of
    /// another line it may be none or two, which is met as drift. Without any, sound is made up.
    ///
    /// # Errors
    /// [`Refusal::NoPort`], [`Refusal::PortClosed`], [`Refusal::NotBearer`].
    pub fn handle_bearer(&mut self, port: PortId, block: &[u8; FRAME]) -> Result<(), Refusal> {
        let place = self.ports.get_mut(port.index()).ok_or(Refusal::NoPort(port))?;
        if !place.open {
            return Err(Refusal::PortClosed(port));
        }
        if !place.is_bearer() {
            return Err(Refusal::NotBearer(port));
        }
        place.handle_bearer(block, &mut self.facts);
        Ok(())
    }

    /// One turn of 20 ms: takes sound from the jitter buffers and players, runs the detectors,
    /// mixes and encodes. Fills what [`Engine::packets`], [`Engine::bearers`] and
    /// [`Engine::poll_block`] give.
    pub fn tick(&mut self) {
        self.hear_players();
        self.hear_ports();
        self.run_detectors();
        self.send();
        self.record();
    }

    /// The packets of the last tick, one at most for each port, in order of opening. They stay
    /// until the next tick, so that one `sendmmsg` can point at them all.
    pub fn packets(&self) -> impl Iterator<Item = (PortId, &[u8])> {
        self.open.iter().filter_map(|&port| {
            let packet = self.ports.get(port.index())?.packet()?;
            Some((port, packet))
        })
    }

    /// The blocks of the last tick for the lines, one at most for each bearer, in order of opening.
    /// A bearer that does not send has none.
    pub fn bearers(&self) -> impl Iterator<Item = (PortId, &[u8; FRAME])> {
        self.open.iter().filter_map(|&port| {
            let block = self.ports.get(port.index())?.block()?;
            Some((port, block))
        })
    }

    /// The next recorded block of the last tick. What is not taken before the next tick is lost
    /// and counted.
    pub fn poll_block(&mut self) -> Option<&Block> {
        let recorder = *self.blocks.get(self.next_block)?;
        self.next_block += 1;
        self.recorders.get_mut(recorder.index())?.take()
    }

    /// The next fact.
    pub fn poll_fact(&mut self) -> Option<Fact> {
        self.facts.pop()
    }

    /// The counts of an open port.
    #[must_use]
    pub fn stats(&self, port: PortId) -> Option<PortStats> {
        self.ports.get(port.index()).filter(|p| p.open).map(Port::stats)
    }

    /// Who hears whom.
    #[must_use]
    pub const fn table(&self) -> &Table {
        &self.table
    }

    fn port(&mut self, port: PortId) -> Result<&mut Port, Refusal> {
        let place = self.ports.get_mut(port.index()).ok_or(Refusal::NoPort(port))?;
        if place.open { Ok(place) } else { Err(Refusal::PortClosed(port)) }
    }

    fn open_port(&mut self, how: &OpenPort) -> Result<(), Refusal> {
        let port = how.port;
        if port.index() >= self.ports.len() {
            return Err(Refusal::NoPort(port));
        }
        self.close_port(port)?;
        if let Some(place) = self.ports.get_mut(port.index()) {
            place.open(how);
        }
        self.open.push(port);
        self.table.hear(Ear::Detector(port), Source::Port(port), Gain::UNITY)
    }

    fn close_port(&mut self, port: PortId) -> Result<(), Refusal> {
        let place = self.ports.get_mut(port.index()).ok_or(Refusal::NoPort(port))?;
        if !place.open {
            return Ok(());
        }
        self.facts.push(Fact::PortClosed { port, stats: place.stats() });
        place.close();
        // Room for all was made at the start.
        self.echoes.extend(place.stop_echo());
        self.open.retain(|&open| open != port);
        if let Some(voice) = self.sources.voice.get_mut(port.index()) {
            *voice = Voice::Silent;
        }
        self.table.forget(Source::Port(port));
        self.table.deafen(Ear::Port(port));
        self.table.deafen(Ear::Detector(port));
        for player in &mut self.players {
            if player.barge == Barge::Digit(port) {
                player.barge = Barge::None;
            }
        }
        Ok(())
    }

    fn set_echo(&mut self, port: PortId, on: bool) -> Result<(), Refusal> {
        let place = self.ports.get_mut(port.index()).ok_or(Refusal::NoPort(port))?;
        if !place.open {
            return Err(Refusal::PortClosed(port));
        }
        if !place.is_bearer() {
            return Err(Refusal::NotBearer(port));
        }
        if !on {
            self.echoes.extend(place.stop_echo());
        } else if !place.cancels_echo() {
            place.start_echo(self.echoes.pop().ok_or(Refusal::EchoesTaken(port))?);
        }
        Ok(())
    }

    /// A row for a closed port is refused: nobody would ever take it away.
    fn hear(&mut self, ear: Ear, source: Source, gain: Gain) -> Result<(), Refusal> {
        match ear {
            Ear::Port(port) | Ear::Detector(port) => {
                self.port(port)?;
            }
            Ear::Recorder(..) => {}
        }
        match source {
            Source::Port(port) => {
                self.port(port)?;
            }
            Source::Player(_) => {}
        }
        self.table.hear(ear, source, gain)
    }

    fn play(&mut self, play: &Play) -> Result<(), Refusal> {
        let samples = self.prompt(play.prompt)?;
        let prompt = Prompt { samples, repeat: play.repeat };
        if play.append {
            let place = self.player(play.player)?;
            if !place.append(prompt, play.barge) {
                return Err(Refusal::PlaylistFull(play.player));
            }
        } else {
            self.interrupt(play.player)?.play(prompt, play.barge);
        }
        self.list_player(play.player);
        Ok(())
    }

    fn prompt(&self, prompt: PromptId) -> Result<&'static [i16], Refusal> {
        self.prompts.get(prompt.index()).copied().flatten().ok_or(Refusal::NoPrompt(prompt))
    }

    fn player(&mut self, player: PlayerId) -> Result<&mut Player, Refusal> {
        self.players.get_mut(player.index()).ok_or(Refusal::NoPlayer(player))
    }

    /// The player, silenced, and what it played told as stopped.
    fn interrupt(&mut self, player: PlayerId) -> Result<&mut Player, Refusal> {
        let place = self.players.get_mut(player.index()).ok_or(Refusal::NoPlayer(player))?;
        if place.stop() {
            self.facts.push(Fact::PlayEnded { player, why: PlayEnd::Stopped });
        }
        Ok(place)
    }

    fn list_player(&mut self, player: PlayerId) {
        if !self.playing.contains(&player) {
            self.playing.push(player);
        }
    }

    fn start_recorder(&mut self, recorder: RecorderId) -> Result<(), Refusal> {
        let place = self.recorders.get_mut(recorder.index());
        if place.ok_or(Refusal::NoRecorder(recorder))?.start() {
            self.recording.push(recorder);
        }
        Ok(())
    }

    fn stop_recorder(&mut self, recorder: RecorderId) -> Result<(), Refusal> {
        let place = self.recorders.get_mut(recorder.index());
        place.ok_or(Refusal::NoRecorder(recorder))?.running = false;
        self.recording.retain(|&running| running != recorder);
        self.table.deafen(Ear::Recorder(recorder, Channel::Left));
        self.table.deafen(Ear::Recorder(recorder, Channel::Right));
        Ok(())
    }

    /// Tells a digit and silences the players that it barges in on, in this very tick.
    fn handle_digit(&mut self, port: PortId, digit: u8, by: DigitPath) {
        self.facts.push(Fact::Digit { port, digit, by });
        let first = self.ports.len();
        for &player in &self.playing {
            let Some(place) = self.players.get_mut(player.index()) else {
                continue;
            };
            if place.barge == Barge::Digit(port) && place.stop() {
                self.sources.voice[first + player.index()] = Voice::Silent;
                self.facts.push(Fact::PlayEnded { player, why: PlayEnd::Digit(digit) });
            }
        }
    }

    fn hear_players(&mut self) {
        let (players, sources, facts) = (&mut self.players, &mut self.sources, &mut self.facts);
        let first = self.ports.len();
        self.playing.retain(|&player| {
            let at = first + player.index();
            let played = players[player.index()].handle_tick(&mut sources.frame[at]);
            sources.voice[at] = match played {
                Played::Idle => Voice::Silent,
                Played::Sound | Played::Ended => Voice::Linear,
            };
            if played == Played::Ended {
                facts.push(Fact::PlayEnded { player, why: PlayEnd::Finished });
            }
            // One that has ended stays for a tick, so that its source falls silent then.
            played != Played::Idle
        });
    }

    fn hear_ports(&mut self) {
        for port in &self.open {
            let at = port.index();
            let sources = &mut self.sources;
            let (frame, bytes) = (&mut sources.frame[at], &mut sources.bytes[at]);
            sources.voice[at] = self.ports[at].hear(frame, bytes, &mut self.facts);
        }
    }

    fn run_detectors(&mut self) {
        let mut sum = [0; FRAME];
        for n in 0..self.open.len() {
            let port = self.open[n];
            let place = &mut self.ports[port.index()];
            if !place.is_listening() {
                continue;
            }
            let rows = self.table.rows(Ear::Detector(port));
            let mixed = self.sources.mix(&self.table, rows, &mut sum);
            let frame = self.sources.linear(mixed, &sum);
            if let Some(digit) = place.detect(frame, &mut self.facts) {
                self.handle_digit(port, digit, DigitPath::InBand);
            }
        }
    }

    fn send(&mut self) {
        let (table, sources) = (&self.table, &self.sources);
        let mut sum = [0; FRAME];
        for &port in &self.open {
            self.ports[port.index()].say(&mut self.facts, |codec, bytes| {
                let mixed = sources.mix(table, table.rows(Ear::Port(port)), &mut sum);
                sources.encode(mixed, &sum, codec, bytes);
            });
        }
    }

    fn record(&mut self) {
        let (table, sources) = (&self.table, &self.sources);
        let (mut left_sum, mut right_sum) = ([0; FRAME], [0; FRAME]);
        self.blocks.clear();
        self.next_block = 0;
        for &recorder in &self.recording {
            let rows = |channel| table.rows(Ear::Recorder(recorder, channel));
            let left = sources.mix(table, rows(Channel::Left), &mut left_sum);
            let right = sources.mix(table, rows(Channel::Right), &mut right_sum);
            let (left, right) =
                (sources.linear(left, &left_sum), sources.linear(right, &right_sum));
            let hole = self.recorders[recorder.index()].handle_tick(left, right);
            if let Some(lost) = hole {
                self.facts.push(Fact::RecorderOverrun { recorder, lost });
            }
            self.blocks.push(recorder);
        }
    }
}
