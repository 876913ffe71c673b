//! What must be hard to guess: proofs of passwords and PINs, random tokens, generated secrets.
//!
//! A proof takes tens of milliseconds and tens of megabytes on purpose, so it is made off the
//! reactor and only a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::Semaphore;

use crate::api::limits::PROOFS_AT_ONCE;

/// What a proof costs: memory in KiB and passes over it.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    /// 19 MiB, two passes: OWASP's first choice for argon2id; 20 to 40 ms on the box.
    pub const SHIPPED: Cost = Cost { memory_kib: 19 * 1024, passes: 2 };
    /// For tests of everything else.
    pub const LEAST: Cost = Cost { memory_kib: 8, passes: 1 };
}

/// The system gave no random bytes, or the hash could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no secret can be made ({0}): restart the box")]
pub struct NoSecret(String);

/// Makes and checks proofs.
#[derive(Clone, Debug)]
pub struct Proofs {
    cost: Cost,
    at_once: Arc<Semaphore>,
    /// Checked against when there is no such name, so that the answer takes as long.
    decoy: Arc<str>,
}

impl Proofs {
    /// Proofs of this cost.
    ///
    /// # Errors
    /// [`NoSecret`].
    pub fn new(cost: Cost) -> Result<Proofs, NoSecret> {
        let decoy = hash_now(cost, &token()?)?.into();
        Ok(Proofs { cost, at_once: Arc::new(Semaphore::new(PROOFS_AT_ONCE)), decoy })
    }

    /// The hash to keep for `secret`.
    ///
    /// # Errors
    /// [`NoSecret`].
    pub async fn hash(&self, secret: String) -> Result<String, NoSecret> {
        let cost = self.cost;
        let _turn = self.at_once.acquire().await;
        let made = tokio::task::spawn_blocking(move || hash_now(cost, &secret)).await;
        made.unwrap_or_else(|e| Err(NoSecret(e.to_string())))
    }

    /// Whether `secret` is the one behind `hash`. Without a hash it takes as long and says no.
    pub async fn check(&self, secret: String, hash: Option<String>) -> bool {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let _turn = self.at_once.acquire().await;
        let checked = tokio::task::spawn_blocking(move || check_now(&secret, &hash)).await;
        known && checked.unwrap_or(false)
    }

    /// As [`Proofs::hash`], on this thread: before the reactor runs.
    ///
    /// # Errors
    /// [`NoSecret`].
    pub fn hash_now(&self, secret: &str) -> Result<String, NoSecret> {
        hash_now(self.cost, secret)
    }
}

fn hash_now(cost: Cost, secret: &str) -> Result<String, NoSecret> {
    let wrong = |e: &dyn core::fmt::Display| NoSecret(e.to_string());
    let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(|e| wrong(&e))?;
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(|e| wrong(&e))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(argon.hash_password(secret.as_bytes(), &salt).map_err(|e| wrong(&e))?.to_string())
}

fn check_now(secret: &str, hash: &str) -> bool {
    // The parameters are those in the hash, so that old hashes outlive a change of cost.
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
}

fn random<const N: usize>() -> Result<[u8; N], NoSecret> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| NoSecret(e.to_string()))?;
    Ok(bytes)
}

/// A token of 256 random bits.
///
/// # Errors
/// [`NoSecret`].
pub fn token() -> Result<String, NoSecret> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// A password that can be read out and typed: three groups of four, about 58 bits.
///
/// # Errors
/// [`NoSecret`].
pub fn readable_password() -> Result<String, NoSecret> {
    let text = letters::<12>(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789")?;
    let (first, rest) = text.split_at(4);
    let (second, third) = rest.split_at(4);
    Ok(format!("{first}-{second}-{third}"))
}

/// A password for a machine: 20 letters and digits, about 116 bits.
///
/// # Errors
/// [`NoSecret`].
pub fn machine_password() -> Result<String, NoSecret> {
    letters::<20>(b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
}

/// Bytes that would make some letters likelier than others are thrown away.
fn letters<const N: usize>(alphabet: &[u8]) -> Result<String, NoSecret> {
    let fair = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(N);
    while text.len() < N {
        for byte in random::<N>()?.into_iter().map(usize::from).filter(|byte| *byte < fair) {
            if let Some(letter) = alphabet.get(byte % alphabet.len()).filter(|_| text.len() < N) {
                text.push(char::from(*letter));
            }
        }
    }
    Ok(text)
}

/// `MD5(user:realm:password)` in hex, RFC 7616 §3.4.2: what a registrar needs.
#[must_use]
pub fn ha1(user: &str, realm: &str, password: &str) -> String {
    use md5::{Digest, Md5};
    let hash = Md5::digest(format!("{user}:{realm}:{password}").as_bytes());
    hash.iter().fold(String::with_capacity(32), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_secret_is_proved_and_nobody_has_none() {
        let proofs = Proofs::new(Cost::LEAST).unwrap();
        let hash = proofs.hash("4711".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(proofs.check("4711".into(), Some(hash.clone())).await);
        assert!(!proofs.check("4712".into(), Some(hash)).await);
        assert!(!proofs.check("4711".into(), None).await);
        assert!(!proofs.check("4711".into(), Some("not a hash".into())).await);
    }

    #[test]
    fn generated_secrets_have_their_shape_and_differ() {
        let password = readable_password().unwrap();
        assert_eq!(password.len(), 14);
        assert!(password.split('-').all(|group| group.len() == 4));
        assert_ne!(readable_password().unwrap(), password);
        assert_eq!(machine_password().unwrap().len(), 20);
        assert_eq!(token().unwrap().len(), 43);
    }

    #[test]
    fn ha1_is_the_one_of_the_standard() {
        // RFC 2617 §3.5.
        let expected = "939e7578ed9e3c518a452acee763bce9";
        assert_eq!(ha1("Mufasa", "testrealm@host.com", "Circle Of Life"), expected);
    }
}
