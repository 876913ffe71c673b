//! The box itself, and the description of this API.

use axum::Json;
use axum::extract::State;
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, ResponseBuilder,
};

use super::Front;
use super::rights::{self, Right};

/// What the box is.
#[derive(Debug, Serialize, ToSchema)]
pub struct AboutBox {
    /// Its name.
    pub name: String,
    /// First language of the console and of the voice: `zh` or `en`.
    pub language: String,
    /// ISO 3166: how a number without a country code is read.
    pub country: String,
    /// IANA name.
    pub timezone: String,
    /// Customers and phones are simulated: nothing here is real.
    pub simulated: bool,
    /// Where it listens: what somebody needs who plugs a phone in.
    pub ports: AboutPorts,
    /// The digest realm of phones.
    pub realm: String,
    /// Documents that must be signed before the box may dial; none in this version.
    pub must_sign: Vec<String>,
    /// The version of the program.
    pub version: &'static str,
}

/// Where the box listens.
#[derive(Debug, Serialize, ToSchema)]
pub struct AboutPorts {
    /// The address that everything binds.
    pub listen: String,
    /// SIP, UDP.
    pub sip: u16,
    /// HTTP, TCP.
    pub console: u16,
    /// RTP, UDP, first-last.
    pub rtp: String,
}

/// What the box is.
#[utoipa::path(get, path = "/api/v1/box", tag = "box", responses((status = 200, body = AboutBox)))]
pub async fn about_box(State(front): State<Front>) -> Json<AboutBox> {
    let config = &front.config;
    Json(AboutBox {
        name: config.about.name.clone(),
        language: config.about.language.clone(),
        country: config.about.country.clone(),
        timezone: config.about.timezone.clone(),
        simulated: config.town.simulated,
        ports: AboutPorts {
            listen: config.ports.listen.to_string(),
            sip: config.ports.sip,
            console: config.ports.console,
            rtp: config.ports.rtp.clone(),
        },
        realm: config.sip.realm.clone(),
        must_sign: Vec::new(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// This description. No sign-in needed.
#[utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "box", security(()),
    responses((status = 200, body = String, content_type = "application/json"))
)]
pub async fn description(State(front): State<Front>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], front.openapi.clone())
}

/// What the description says before any route: title, and the two ways to sign in.
#[must_use]
pub fn openapi() -> OpenApi {
    let about = InfoBuilder::new()
        .title("Linebox")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The call-centre appliance. Times are UTC milliseconds; lists come in parts \
             (`limit`, `after`). Sign in with POST /api/v1/login and send `X-Linebox: 1` with \
             every change, or send `Authorization: Bearer TOKEN`. Every error is \
             {\"error\":{\"code\",\"message\",\"field\",\"row\"}}.",
        ))
        .build();
    let mut parts = Components::new();
    let cookie = ApiKey::Cookie(ApiKeyValue::new(super::auth::COOKIE_NAME));
    parts.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    parts.add_security_scheme("token", SecurityScheme::Http(bearer));
    let either = ["session", "token"].map(|name| SecurityRequirement::new(name, [""; 0]));
    OpenApiBuilder::new().info(about).components(Some(parts)).security(Some(either)).build()
}

/// What is so of every route, said at each: the right that it asks for, and how it answers what it
/// does not do.
pub fn complete(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        let operations = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            if let Some(right) = rights::of_route(&method, path).filter(|r| *r != Right::Open) {
                let told = format!("Asks for the right `{}`.", right.word());
                let before = operation.description.take().map(|text| text + "\n\n");
                operation.description = Some(before.unwrap_or_default() + &told);
            }
            let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorAnswer")));
            let other = ResponseBuilder::new()
                .description("It was not done: `error.code` is a word that never changes.")
                .content("application/json", error.build());
            let responses = &mut operation.responses.responses;
            responses.entry("default".to_owned()).or_insert_with(|| other.build().into());
        }
    }
}
