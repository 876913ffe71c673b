//! baresip as a desk phone: it registers, answers by itself, says a tone, and keeps what it heard.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::{tone, wait_for};

/// A running phone.
pub struct Baresip {
    process: Child,
    folder: PathBuf,
    address: String,
}

impl Baresip {
    /// Starts a phone at host `host` that registers `user` with the box at `sip` and says a tone
    /// of `tone_hz`. It refreshes its registration after nine minutes only: whatever a test sees of
    /// it, the box has remembered.
    #[must_use]
    pub fn start(
        dir: &Path,
        host: u8,
        sip: u16,
        user: &str,
        secret: &str,
        tone_hz: u32,
    ) -> Baresip {
        Baresip::start_with(dir, host, sip, (user, secret), tone_hz, "PCMA,PCMU")
    }

    /// The same with the codecs that it speaks.
    #[must_use]
    pub fn start_with(
        dir: &Path,
        host: u8,
        sip: u16,
        (user, secret): (&str, &str),
        tone_hz: u32,
        codecs: &str,
    ) -> Baresip {
        let folder = dir.join(format!("baresip-{user}"));
        let heard = folder.join("heard");
        fs::create_dir_all(&heard).unwrap();
        let microphone = folder.join("microphone.wav");
        fs::write(&microphone, tone::wav_of_tone(tone_hz, 240)).unwrap();
        let address = crate::host(host);
        let config = format!(
            "poll_method epoll\nsip_listen {address}:5060\nnet_interface {address}\n\
             call_local_timeout 3600\ncall_max_calls 4\naudio_source aufile,{}\n\
             audio_player aubridge,null\naudio_alert aubridge,alert\nausrc_srate 8000\n\
             auplay_srate 8000\naudio_txmode thread\naudio_buffer 20-160\nrtp_ports 11000-11999\n\
             jitter_buffer_delay 2-8\nmodule_path /usr/lib/baresip/modules\nmodule g711.so\n\
             module sndfile.so\nmodule aufile.so\nmodule aubridge.so\nmodule_tmp uuid.so\n\
             module_tmp account.so\nmodule_app debug_cmd.so\nmodule_app menu.so\n\
             module_app ctrl_tcp.so\nctrl_tcp_listen {address}:4444\nsnd_path {}\n",
            microphone.display(),
            heard.display()
        );
        fs::write(folder.join("config"), config).unwrap();
        let account = format!(
            "<sip:{user}@127.0.0.1:{sip}>;auth_user={user};auth_pass={secret};answermode=auto;\
             regint=600;audio_codecs={codecs};ptime=20\n"
        );
        fs::write(folder.join("accounts"), account).unwrap();
        fs::write(folder.join("contacts"), "").unwrap();
        let log = fs::File::create(folder.join("log")).unwrap();
        let process = Command::new("baresip")
            .arg("-f")
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("baresip is installed by make setup");
        let phone = Baresip { process, folder, address };
        wait_for("baresip's control port", Duration::from_secs(10), || {
            TcpStream::connect((phone.address.as_str(), 4444)).ok()
        });
        phone
    }

    /// Dials as a person at the phone would.
    pub fn dial(&self, number: &str, sip: u16) {
        self.tell("dial", &format!("sip:{number}@127.0.0.1:{sip}"));
    }

    /// Presses keys, one after another.
    pub fn press(&self, keys: &str) {
        for key in keys.chars() {
            self.tell("sndcode", &key.to_string());
            std::thread::sleep(Duration::from_millis(180));
        }
    }

    /// Signs an agent in by the phone alone: `*11`, then number and PIN when the voice asks.
    pub fn sign_in(&self, agent: &str, pin: &str, sip: u16) {
        self.dial("*11", sip);
        std::thread::sleep(Duration::from_secs(3));
        self.press(&format!("{agent}#"));
        std::thread::sleep(Duration::from_secs(2));
        self.press(&format!("{pin}#"));
    }

    /// Hangs up.
    pub fn hang_up(&self) {
        self.tell("hangup", "");
    }

    /// Puts the call on hold by a re-INVITE, as the key of a desk phone does.
    pub fn hold(&self) {
        self.tell("hold", "");
    }

    /// Takes it back.
    pub fn resume(&self) {
        self.tell("resume", "");
    }

    /// The largest part that a tone had in any second of what the phone heard over all calls.
    #[must_use]
    pub fn heard(&self, tone_hz: u32) -> f64 {
        let share = |path| tone::share_in_best_second(&tone::read_mono(path), tone_hz);
        self.calls_heard().iter().map(|(_, path)| share(path)).fold(0.0, f64::max)
    }

    /// What the phone has heard so far in its newest call.
    #[must_use]
    pub fn hearing(&self) -> Vec<i16> {
        let newest = self.calls_heard().into_iter().max();
        newest.map(|(_, path)| tone::read_mono(&path)).unwrap_or_default()
    }

    /// The files in which the phone keeps what it hears, with the time of their last sample.
    fn calls_heard(&self) -> Vec<(SystemTime, PathBuf)> {
        let files = fs::read_dir(self.folder.join("heard")).unwrap().filter_map(Result::ok);
        let decoded = files.filter(|file| file.file_name().to_string_lossy().contains("dec"));
        decoded.filter_map(|f| Some((f.metadata().ok()?.modified().ok()?, f.path()))).collect()
    }

    /// What the phone has printed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Is switched off: hangs up and unregisters.
    pub fn leave(&mut self) {
        self.tell("quit", "");
        wait_for("baresip's end", Duration::from_secs(5), || self.process.try_wait().unwrap());
    }

    /// Pulls the plug.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// One command over the control port: JSON in netstrings.
    fn tell(&self, command: &str, parameters: &str) -> Value {
        let message = json!({ "command": command, "params": parameters, "token": "t" }).to_string();
        let mut stream = TcpStream::connect((self.address.as_str(), 4444)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        write!(stream, "{}:{message},", message.len()).unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).unwrap_or(0);
        let text = String::from_utf8_lossy(&answer[..length]).into_owned();
        let json = text.split_once(':').map_or("", |(_, rest)| rest.trim_end_matches(','));
        serde_json::from_str(json).unwrap_or(Value::Null)
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        self.kill();
    }
}
