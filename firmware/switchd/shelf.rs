//! The sound files of the box, read once at start.
//!
//! ```text
//! <prompts>/<language>/<name>.wav    Prompt { language, name }
//! <prompts>/<name>.wav               Prompt { "", name }: music, beep
//! ```
//!
//! They are never freed: the sound thread plays them for the life of the process, and nothing is
//! freed on its tick.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use link::Prompt;
use media::wav::Wav;
use media::{Command, PromptId};

use crate::seam::SoundOrder;
use crate::switch::{Library, Sound};

/// The folder of sounds could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} (setting sound.prompts): {source}; name the folder of sound files")]
pub struct ShelfError {
    /// The folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Reads every sound under `folder`: the library by name, and the orders that give the sounds to the
/// sound thread. A file that is no sound is left out and logged.
///
/// # Errors
/// [`ShelfError`].
pub fn read(folder: &Path) -> Result<(Library, Vec<SoundOrder>), ShelfError> {
    let mut library = Library::default();
    let mut orders = Vec::new();
    let mut take = |language: &str, path: &Path| {
        let Some(name) = wav_name(path) else { return };
        let Ok(id) = u16::try_from(orders.len()) else { return };
        if usize::from(id) >= media::limits::PROMPTS {
            return tracing::warn!(?path, "one sound file too many: it is not loaded");
        }
        match samples(path) {
            Ok(samples) => {
                let length_ms = u32::try_from(samples.len() / 8).unwrap_or(u32::MAX);
                let sound = Sound { id: PromptId(id), length_ms };
                library.add(Prompt::new(language, name), sound);
                orders.push(SoundOrder::Media(Command::SetPrompt(PromptId(id), samples)));
            }
            Err(error) => tracing::warn!(?path, %error, "not a sound for us: it is not loaded"),
        }
    };
    for path in children(folder)? {
        if path.is_dir() {
            let language = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            for path in children(&path)? {
                take(language, &path);
            }
        } else {
            take("", &path);
        }
    }
    Ok((library, orders))
}

fn samples(path: &Path) -> io::Result<&'static [i16]> {
    let wav = Wav::parse(&fs::read(path)?).map_err(io::Error::other)?;
    Ok(Vec::leak(wav.to_prompt()))
}

fn wav_name(path: &Path) -> Option<&str> {
    let is_wav = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav"));
    path.file_stem().and_then(|n| n.to_str()).filter(|_| is_wav)
}

/// What lies in a folder, in order of name, so that two starts number the sounds alike.
fn children(folder: &Path) -> Result<Vec<PathBuf>, ShelfError> {
    let failed = |source| ShelfError { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut paths = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_are_found_by_language_and_name_and_what_is_none_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("zh")).unwrap();
        let tone = media::wav::emit(8_000, 1, &[100; 1_600]);
        fs::write(dir.path().join("beep.wav"), &tone).unwrap();
        fs::write(dir.path().join("zh/pin.wav"), &tone).unwrap();
        fs::write(dir.path().join("zh/broken.wav"), b"RIFF").unwrap();
        fs::write(dir.path().join("zh/notes.txt"), b"no sound").unwrap();
        let (library, orders) = read(dir.path()).unwrap();
        assert_eq!((library.len(), orders.len()), (2, 2));
        let pin = library.find(&Prompt::new("zh", "pin")).unwrap();
        assert_eq!(pin.length_ms, 200);
        assert_eq!(library.find(&Prompt::new("en", "pin")), None);
        assert!(library.find(&Prompt::new("en", "beep")).is_some());
        assert!(read(&dir.path().join("nowhere")).is_err());
    }
}
