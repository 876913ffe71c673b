//! Header fields in their order (RFC 3261 §7.3, §20): names without case, compact forms, typed
//! reading of the ones that more than one machine needs.

use core::fmt;

use super::{Contacts, NameAddr, WireError, address, lex};

macro_rules! names {
    ($($name:ident = $text:literal $(, $compact:literal)?;)*) => {
        /// The name of a header field. Compared without case; compact forms are the same name.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each is the header of its own text below
        pub enum HeaderName {
            $($name,)*
            /// Any other token, in lower case.
            Other(Box<str>),
        }

        impl HeaderName {
            /// The long form as the standard spells it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(HeaderName::$name => $text,)*
                    HeaderName::Other(text) => text,
                }
            }

            /// The name for the text of an error, which holds nothing from outside.
            pub(crate) const fn label(&self) -> &'static str {
                match self {
                    $(HeaderName::$name => $text,)*
                    HeaderName::Other(_) => "header field",
                }
            }

            /// Reads a name in long or compact form.
            #[must_use]
            pub fn parse(text: &str) -> Option<HeaderName> {
                $(
                    if text.eq_ignore_ascii_case($text) $(|| text.eq_ignore_ascii_case($compact))? {
                        return Some(HeaderName::$name);
                    }
                )*
                let fits = lex::is_whole_token(text);
                fits.then(|| HeaderName::Other(text.to_ascii_lowercase().into()))
            }
        }
    };
}

names! {
    Accept = "Accept";
    AlertInfo = "Alert-Info";
    Allow = "Allow";
    AllowEvents = "Allow-Events", "u";
    AnswerMode = "Answer-Mode";
    AuthenticationInfo = "Authentication-Info";
    Authorization = "Authorization";
    CallId = "Call-ID", "i";
    CallInfo = "Call-Info";
    Contact = "Contact", "m";
    ContentDisposition = "Content-Disposition";
    ContentEncoding = "Content-Encoding", "e";
    ContentLength = "Content-Length", "l";
    ContentType = "Content-Type", "c";
    CSeq = "CSeq";
    Date = "Date";
    Diversion = "Diversion";
    Event = "Event", "o";
    Expires = "Expires";
    From = "From", "f";
    MaxForwards = "Max-Forwards";
    MinExpires = "Min-Expires";
    MinSe = "Min-SE";
    PAssertedIdentity = "P-Asserted-Identity";
    PPreferredIdentity = "P-Preferred-Identity";
    Path = "Path";
    Privacy = "Privacy";
    ProxyAuthenticate = "Proxy-Authenticate";
    ProxyAuthorization = "Proxy-Authorization";
    ProxyRequire = "Proxy-Require";
    RAck = "RAck";
    Reason = "Reason";
    RecordRoute = "Record-Route";
    ReferTo = "Refer-To", "r";
    ReferredBy = "Referred-By", "b";
    Replaces = "Replaces";
    Require = "Require";
    RetryAfter = "Retry-After";
    Route = "Route";
    RSeq = "RSeq";
    Server = "Server";
    SessionExpires = "Session-Expires", "x";
    Subject = "Subject", "s";
    SubscriptionState = "Subscription-State";
    Supported = "Supported", "k";
    Timestamp = "Timestamp";
    To = "To", "t";
    Unsupported = "Unsupported";
    UserAgent = "User-Agent";
    Via = "Via", "v";
    Warning = "Warning";
    WwwAuthenticate = "WWW-Authenticate";
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One header field. The value is unfolded and has no white space at its ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    /// Its value as text, with commas and quotes where they were.
    pub value: String,
}

/// Header fields in the order of the message.
///
/// In a [`super::Request`] or [`super::Response`] these are the fields *beside* Via, From, To,
/// Call-ID, CSeq and Content-Length, which the message carries typed or computes; emission skips
/// those six if somebody pushes them here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// No field.
    #[must_use]
    pub const fn new() -> Headers {
        Headers(Vec::new())
    }

    /// In order.
    pub fn iter(&self) -> core::slice::Iter<'_, Header> {
        self.0.iter()
    }

    /// How many lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first value of `name`.
    #[must_use]
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of `name`, line by line, in order.
    pub fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |h| h.name == *name).map(|h| h.value.as_str())
    }

    /// Whether `name` is there.
    #[must_use]
    pub fn has(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// Appends a line. Line breaks in `value` become spaces, so that no text from outside can
    /// start a header of its own.
    pub fn push(&mut self, name: HeaderName, value: impl fmt::Display) {
        let value = one_line(value.to_string());
        self.0.push(Header { name, value });
    }

    /// Appends a line that the parser has checked.
    pub(crate) fn push_parsed(&mut self, header: Header) {
        self.0.push(header);
    }

    /// Replaces every line of `name` by one.
    pub fn set(&mut self, name: HeaderName, value: impl fmt::Display) {
        self.remove(&name);
        self.push(name, value);
    }

    /// Takes every line of `name` away.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|h| h.name != *name);
    }

    /// The values of a comma-separated list, over all lines of `name` (Supported, Allow, …).
    pub fn items<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(lex::split_list).filter(|item| !item.is_empty())
    }

    /// Whether a comma-separated list of `name` holds `token`, without case.
    #[must_use]
    pub fn lists(&self, name: &HeaderName, token: &str) -> bool {
        self.items(name).any(|item| item.eq_ignore_ascii_case(token))
    }

    /// The addresses of `name` (Route, Record-Route, Path, P-Asserted-Identity), over all lines.
    pub fn addresses(&self, name: &HeaderName) -> Result<Vec<NameAddr>, WireError> {
        let mut list = Vec::new();
        for value in self.all(name) {
            NameAddr::parse_list(value, name.label(), &mut list)?;
        }
        Ok(list)
    }

    /// What Contact says. A star beside anything else is refused (RFC 3261 §10.3 step 6).
    pub fn contacts(&self) -> Result<Contacts, WireError> {
        let mut values = self.all(&HeaderName::Contact);
        match (values.next().map(str::trim), values.next()) {
            (Some("*"), None) => Ok(Contacts::Star),
            (_, _) => self.addresses(&HeaderName::Contact).map(Contacts::List),
        }
    }

    /// The first contact, for a dialog's remote target.
    #[must_use]
    pub fn contact(&self) -> Option<NameAddr> {
        match self.contacts() {
            Ok(Contacts::List(list)) => list.into_iter().next(),
            Ok(Contacts::Star) | Err(_) => None,
        }
    }

    /// Max-Forwards, 0 to 255 (RFC 3261 §20.22).
    pub fn max_forwards(&self) -> Result<Option<u8>, WireError> {
        let error = WireError::Malformed("Max-Forwards");
        self.digits(&HeaderName::MaxForwards)
            .map_or(Ok(None), |text| text.ok_or(error)?.parse().map(Some).map_err(|_| error))
    }

    /// The Expires header in seconds; more than 32 bits is the greatest that we know, and what is
    /// not a number is an error (RFC 3261 §20.19).
    pub fn expires_s(&self) -> Result<Option<u32>, WireError> {
        let seconds = |text: Option<&str>| text.and_then(address::parse_seconds);
        self.digits(&HeaderName::Expires)
            .map(|text| seconds(text).ok_or(WireError::Malformed("Expires")))
            .transpose()
    }

    /// The first value of `name`: nothing, or `Some(None)` if it is not a row of digits.
    fn digits(&self, name: &HeaderName) -> Option<Option<&str>> {
        let value = self.get(name)?;
        let fits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        Some(fits.then_some(value))
    }

    /// Media type and subtype of Content-Type in lower case, without parameters.
    #[must_use]
    pub fn content_type(&self) -> Option<String> {
        let value = self.get(&HeaderName::ContentType)?;
        let media_type = value.split(';').next().unwrap_or_default();
        let lower = media_type.to_ascii_lowercase();
        Some(lower.chars().filter(|c| !matches!(c, ' ' | '\t')).collect())
    }
}

/// `text` on one line.
pub(crate) fn one_line(text: String) -> String {
    if text.contains(['\r', '\n']) { text.replace(['\r', '\n'], " ") } else { text }
}
