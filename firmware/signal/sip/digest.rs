//! Digest authentication (RFC 7616 as RFC 3261 §22 and RFC 8760 use it): MD5 and SHA-256, with
//! `qop=auth` or, for old phones, without (RFC 2617).
//!
//! Parsing, emission and arithmetic only. Which nonce is good, how long, and how often a count may
//! come is the registrar's to decide. `auth-int` and the `-sess` algorithms are not spoken: a
//! challenge that offers nothing else reads as [`DigestError::Algorithm`] or
//! [`DigestError::Qop`]. Bounded by the bound of a header value, as nothing here grows what it reads.

use core::fmt::{self, Write};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::wire::{Method, WireError, lex};
use crate::limits::PARAMS_MAX;

/// Why a challenge or an answer to one cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// Another scheme than Digest: not for us, look at the next header.
    #[error("the far end asks for another scheme than Digest")]
    Scheme,
    /// The parameters do not parse, or a mandatory one is not there.
    #[error("the digest parameters do not parse: look at them in a trace")]
    Malformed,
    /// Neither MD5 nor SHA-256.
    #[error("the far end wants an algorithm other than MD5 or SHA-256")]
    Algorithm,
    /// Only `auth-int` or something unknown.
    #[error("the far end wants a quality of protection other than auth")]
    Qop,
}

/// A hash of RFC 7616 §3.2 (the ones of RFC 8760 that phones speak).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// What every phone speaks, and what is meant if nothing is said.
    #[default]
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Algorithm {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn parse(name: &str) -> Result<Algorithm, DigestError> {
        let found = [Algorithm::Md5, Algorithm::Sha256].into_iter();
        let mut found = found.filter(|a| a.name().eq_ignore_ascii_case(name));
        found.next().ok_or(DigestError::Algorithm)
    }

    /// The hash of the parts joined by colons, in lower-case hex.
    fn hash(self, parts: &[&str]) -> String {
        let text = parts.join(":");
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `H(user:realm:password)`: as good as the password within its realm, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1 {
    algorithm: Algorithm,
    hex: String,
}

impl Ha1 {
    /// The hash of a password.
    #[must_use]
    pub fn new(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Ha1 {
        Ha1 { algorithm, hex: algorithm.hash(&[user, realm, password]) }
    }

    /// A stored hash: 32 hex digits for MD5, 64 for SHA-256.
    #[must_use]
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Ha1> {
        let length = match algorithm {
            Algorithm::Md5 => 32,
            Algorithm::Sha256 => 64,
        };
        let fits = text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Ha1 { algorithm, hex: text.to_ascii_lowercase() })
    }

    /// The hash in hex, to be stored sealed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.hex
    }

    /// Which hash this is.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ha1({}, hidden)", self.algorithm.name())
    }
}

/// WWW-Authenticate or Proxy-Authenticate (RFC 7616 §3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose passwords are asked for.
    pub realm: String,
    /// To be hashed with the password.
    pub nonce: String,
    /// To be given back.
    pub opaque: Option<String>,
    /// The hash.
    pub algorithm: Algorithm,
    /// Whether `qop=auth` is offered; without it the answer is RFC 2069's.
    pub qop_auth: bool,
    /// The password was right and only the nonce was too old.
    pub stale: bool,
}

impl Challenge {
    /// Reads a header value.
    pub fn parse(value: &str) -> Result<Challenge, DigestError> {
        let params = AuthParams::parse(value)?;
        let qop = params.get("qop");
        let qop_auth = qop.is_some_and(|qop| lex::split_list(qop).any(is_auth));
        if qop.is_some() && !qop_auth {
            return Err(DigestError::Qop);
        }
        Ok(Challenge {
            realm: params.need("realm")?,
            nonce: params.need("nonce")?,
            opaque: params.get("opaque").map(str::to_owned),
            algorithm: params.algorithm()?,
            qop_auth,
            stale: params.get("stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
        })
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = format!("Digest realm={}", quote(&self.realm));
        out += &format!(", nonce={}", quote(&self.nonce));
        if let Some(opaque) = &self.opaque {
            out += &format!(", opaque={}", quote(opaque));
        }
        out += &format!(", algorithm={}", self.algorithm.name());
        if self.qop_auth {
            out += ", qop=\"auth\"";
        }
        if self.stale {
            out += ", stale=true";
        }
        f.write_str(&out)
    }
}

/// The counted part of an answer (RFC 7616 §3.4): there exactly if `qop=auth` was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The client's own nonce.
    pub cnonce: String,
    /// How often the client has used the nonce, from 1.
    pub nc: u32,
    /// The eight hex digits as they came: they are hashed with their case.
    nc_text: String,
}

impl Counted {
    /// The `nc`-th use of a nonce.
    #[must_use]
    pub fn new(cnonce: impl Into<String>, nc: u32) -> Counted {
        Counted { cnonce: cnonce.into(), nc, nc_text: format!("{nc:08x}") }
    }
}

/// Authorization or Proxy-Authorization (RFC 7616 §3.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Who it claims to be.
    pub username: String,
    /// As in the challenge.
    pub realm: String,
    /// As in the challenge.
    pub nonce: String,
    /// The URI that was hashed. It need not equal the request URI (proxies change that one);
    /// whoever verifies decides how near it must be.
    pub uri: String,
    /// The hash, in hex.
    pub response: String,
    /// The hash's kind.
    pub algorithm: Algorithm,
    /// As in the challenge.
    pub opaque: Option<String>,
    /// With `qop=auth`.
    pub counted: Option<Counted>,
}

impl Credentials {
    /// The answer to `challenge` for a request `method uri`. `counted` is used if the challenge
    /// offers `qop=auth`. `ha1` must be of the challenge's algorithm and realm.
    #[must_use]
    pub fn answer(
        challenge: &Challenge,
        username: &str,
        ha1: &Ha1,
        method: &Method,
        uri: &str,
        counted: Counted,
    ) -> Credentials {
        let mut credentials = Credentials {
            username: username.to_owned(),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
            uri: uri.to_owned(),
            response: String::new(),
            algorithm: challenge.algorithm,
            opaque: challenge.opaque.clone(),
            counted: challenge.qop_auth.then_some(counted),
        };
        credentials.response = credentials.expected(ha1, method);
        credentials
    }

    /// Reads a header value.
    pub fn parse(value: &str) -> Result<Credentials, DigestError> {
        let params = AuthParams::parse(value)?;
        let counted = match params.get("qop") {
            None => None,
            Some(qop) if is_auth(qop) => Some(params.counted()?),
            Some(_) => return Err(DigestError::Qop),
        };
        Ok(Credentials {
            username: params.need("username")?,
            realm: params.need("realm")?,
            nonce: params.need("nonce")?,
            uri: params.need("uri")?,
            response: params.need("response")?,
            algorithm: params.algorithm()?,
            opaque: params.get("opaque").map(str::to_owned),
            counted,
        })
    }

    /// Whether the password behind `ha1` made this answer for `method`. Takes the same time
    /// wherever the first difference is. False if the algorithms differ.
    #[must_use]
    pub fn verify(&self, ha1: &Ha1, method: &Method) -> bool {
        let expected = self.expected(ha1, method);
        self.algorithm == ha1.algorithm
            && same_in_constant_time(
                expected.as_bytes(),
                self.response.to_ascii_lowercase().as_bytes(),
            )
    }

    /// RFC 7616 §3.4.1.
    fn expected(&self, ha1: &Ha1, method: &Method) -> String {
        let hash = |parts: &[&str]| ha1.algorithm.hash(parts);
        let ha2 = hash(&[method.as_str(), &self.uri]);
        match &self.counted {
            None => hash(&[&ha1.hex, &self.nonce, &ha2]),
            Some(Counted { cnonce, nc_text, .. }) => {
                hash(&[&ha1.hex, &self.nonce, nc_text, cnonce, "auth", &ha2])
            }
        }
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::from("Digest ");
        for (name, value) in [
            ("username", &self.username),
            ("realm", &self.realm),
            ("nonce", &self.nonce),
            ("uri", &self.uri),
            ("response", &self.response),
        ] {
            out += &format!("{name}={}, ", quote(value));
        }
        out += &format!("algorithm={}", self.algorithm.name());
        if let Some(opaque) = &self.opaque {
            out += &format!(", opaque={}", quote(opaque));
        }
        if let Some(Counted { cnonce, nc_text, .. }) = &self.counted {
            out += &format!(", qop=auth, nc={nc_text}, cnonce={}", quote(cnonce));
        }
        f.write_str(&out)
    }
}

/// Whether two texts are the same, in a time that depends on their lengths alone.
#[must_use]
pub fn same_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |sum, (x, y)| sum | (x ^ y));
    core::hint::black_box(differences) == 0 && a.len() == b.len()
}

fn is_auth(qop: &str) -> bool {
    qop.eq_ignore_ascii_case("auth")
}

fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    lex::push_quoted(&mut out, text);
    out
}

/// `Digest name=value, name="value"`: at most [`PARAMS_MAX`], names in lower case.
struct AuthParams(Vec<(String, String)>);

impl AuthParams {
    fn parse(value: &str) -> Result<AuthParams, DigestError> {
        let value = value.trim_matches([' ', '\t']);
        let (scheme, rest) = value.split_once([' ', '\t']).ok_or(DigestError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(DigestError::Scheme);
        }
        let mut params = AuthParams(Vec::new());
        params.read(rest).map_err(|_| DigestError::Malformed)?;
        Ok(params)
    }

    fn read(&mut self, text: &str) -> Result<(), WireError> {
        let error = WireError::Malformed("Authorization");
        let mut cursor = lex::Cursor::new(text, error);
        cursor.skip_space();
        loop {
            let name = cursor.token()?.to_ascii_lowercase();
            cursor.expect(b'=')?;
            let value = match cursor.peek() {
                Some(b'"') => cursor.quoted()?,
                _ => cursor.take_while(|b| b.is_ascii_graphic() && b != b',').to_owned(),
            };
            // A repeated parameter would let two readers see two things.
            if self.0.len() == PARAMS_MAX || self.get(&name).is_some() {
                return Err(error);
            }
            self.0.push((name, value));
            if !cursor.eat(b',') {
                return cursor.end();
            }
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<String, DigestError> {
        self.get(name).map(str::to_owned).ok_or(DigestError::Malformed)
    }

    fn algorithm(&self) -> Result<Algorithm, DigestError> {
        self.get("algorithm").map_or(Ok(Algorithm::Md5), Algorithm::parse)
    }

    fn counted(&self) -> Result<Counted, DigestError> {
        let (nc_text, cnonce) = (self.need("nc")?, self.need("cnonce")?);
        let fits = nc_text.len() == 8 && nc_text.bytes().all(|b| b.is_ascii_hexdigit());
        let nc = u32::from_str_radix(&nc_text, 16).ok().filter(|_| fits);
        Ok(Counted { cnonce, nc: nc.ok_or(DigestError::Malformed)?, nc_text })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 2617 §3.5.
    const RFC_2617: &str = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
        nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, \
        nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", \
        opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";

    /// RFC 7616 §3.9.1.
    const RFC_7616_NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const RFC_7616_CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn get() -> Method {
        Method::parse("GET").unwrap()
    }

    fn rfc_7616(algorithm: Algorithm) -> Challenge {
        let opaque = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS".to_owned();
        Challenge {
            realm: "http-auth@example.org".to_owned(),
            nonce: RFC_7616_NONCE.to_owned(),
            opaque: Some(opaque),
            algorithm,
            qop_auth: true,
            stale: false,
        }
    }

    #[test]
    fn the_example_of_rfc_2617_verifies_and_a_wrong_password_does_not() {
        let credentials = Credentials::parse(RFC_2617).unwrap();
        let realm = "testrealm@host.com";
        let ha1 = Ha1::new(Algorithm::Md5, "Mufasa", realm, "Circle Of Life");
        assert_eq!(ha1.expose(), "939e7578ed9e3c518a452acee763bce9");
        assert!(credentials.verify(&ha1, &get()));
        assert!(!credentials.verify(&ha1, &Method::Invite));
        assert!(!credentials.verify(&Ha1::new(Algorithm::Md5, "Mufasa", realm, "x"), &get()));
    }

    #[test]
    fn the_examples_of_rfc_7616_come_out_of_our_answer() {
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let challenge = rfc_7616(algorithm);
            let ha1 = Ha1::new(algorithm, "Mufasa", &challenge.realm, "Circle of Life");
            let counted = Counted::new(RFC_7616_CNONCE, 1);
            let uri = "/dir/index.html";
            let ours = Credentials::answer(&challenge, "Mufasa", &ha1, &get(), uri, counted);
            assert_eq!(ours.response, response);
            assert_eq!(Credentials::parse(&ours.to_string()), Ok(ours.clone()));
            assert!(ours.verify(&ha1, &get()));
        }
    }

    #[test]
    fn an_answer_without_qop_is_the_old_hash() {
        // RFC 2069 §2.4 with the response of erratum 749.
        let header = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
            nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
            response=\"1949323746fe6a43ef61f9606e7febea\"";
        let credentials = Credentials::parse(header).unwrap();
        assert_eq!(credentials.counted, None);
        let ha1 = Ha1::new(Algorithm::Md5, "Mufasa", "testrealm@host.com", "CircleOfLife");
        assert!(credentials.verify(&ha1, &get()));
    }

    #[test]
    fn a_challenge_is_read_as_phones_and_providers_write_it() {
        let challenge = Challenge::parse(
            "digest  Realm = \"a \\\"b\\\"\" ,nonce=\"x,y\",algorithm=sha-256,qop=\"auth-int,auth\"\
             ,stale=TRUE,charset=UTF-8",
        );
        let challenge = challenge.unwrap();
        assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str()), ("a \"b\"", "x,y"));
        assert!(challenge.qop_auth && challenge.stale);
        assert_eq!(challenge.algorithm, Algorithm::Sha256);
        assert_eq!(Challenge::parse(&challenge.to_string()), Ok(challenge));
    }

    #[test]
    fn what_we_cannot_use_says_why() {
        let challenge = |text| Challenge::parse(text).unwrap_err();
        assert_eq!(challenge("Basic realm=\"x\""), DigestError::Scheme);
        assert_eq!(challenge("NoOneKnowsThisScheme opaque-data=here"), DigestError::Scheme);
        assert_eq!(challenge("Digest realm=\"x\""), DigestError::Malformed);
        assert_eq!(challenge("Digest realm=\"x"), DigestError::Malformed);
        assert_eq!(challenge("Digest realm=\"x\", realm=\"y\", nonce=z"), DigestError::Malformed);
        let sess = "Digest realm=\"x\", nonce=\"y\", algorithm=MD5-sess";
        assert_eq!(challenge(sess), DigestError::Algorithm);
        assert_eq!(challenge("Digest realm=x, nonce=y, qop=\"auth-int\""), DigestError::Qop);
        let uncounted = RFC_2617.replace("nc=00000001, ", "");
        assert_eq!(Credentials::parse(&uncounted), Err(DigestError::Malformed));
        let short = RFC_2617.replace("nc=00000001", "nc=1");
        assert_eq!(Credentials::parse(&short), Err(DigestError::Malformed));
    }

    #[test]
    fn an_md5_hash_never_verifies_a_sha_256_answer() {
        let challenge = rfc_7616(Algorithm::Sha256);
        let sha = Ha1::new(Algorithm::Sha256, "u", &challenge.realm, "p");
        let md5 = Ha1::new(Algorithm::Md5, "u", &challenge.realm, "p");
        let counted = Counted::new("c", 1);
        let answer =
            Credentials::answer(&challenge, "u", &sha, &Method::Register, "sip:x", counted);
        assert!(answer.verify(&sha, &Method::Register));
        assert!(!answer.verify(&md5, &Method::Register));
    }

    #[test]
    fn a_stored_hash_must_have_the_length_of_its_algorithm_and_is_never_shown() {
        assert!(Ha1::from_hex(Algorithm::Md5, "939E7578ED9E3C518A452ACEE763BCE9").is_some());
        assert!(Ha1::from_hex(Algorithm::Sha256, "939e7578ed9e3c518a452acee763bce9").is_none());
        assert!(Ha1::from_hex(Algorithm::Md5, "xx9e7578ed9e3c518a452acee763bce9").is_none());
        let ha1 = Ha1::from_hex(Algorithm::Md5, "939e7578ed9e3c518a452acee763bce9").unwrap();
        assert!(!format!("{ha1:?}").contains("939e"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(Digest )?\\PC{0,200}") {
            let _ = Challenge::parse(&text);
            let _ = Credentials::parse(&text);
        }

        #[test]
        fn any_challenge_is_read_as_it_was_written(
            realm in "[ -~]{0,40}", nonce in "[ -~]{0,40}",
            opaque in proptest::option::of("[ -~]{0,20}"),
            sha: bool, qop_auth: bool, stale: bool,
        ) {
            let algorithm = if sha { Algorithm::Sha256 } else { Algorithm::Md5 };
            let challenge = Challenge { realm, nonce, opaque, algorithm, qop_auth, stale };
            prop_assert_eq!(Challenge::parse(&challenge.to_string()), Ok(challenge));
        }
    }
}
