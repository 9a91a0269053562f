//! The other side: discovery, the address to send a browser to, and the exchange of what it brings back.

use std::{
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AsyncHttpClient, AuthType, AuthorizationCode, Client,
    ClientId, ClientSecret, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, IdTokenFields, IssuerUrl, OAuth2TokenResponse as _,
    PkceCodeChallenge, RedirectUrl, RequestTokenError, Scope, StandardErrorResponse,
    StandardTokenResponse, TokenResponse as _, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod,
        CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Answer, Beginning, SsoError, Vouched,
    vouched::{Wanted, join},
};
use crate::{
    config::{Environment, Sso as Stated},
    egress::{Http, Lookup, causes},
};

/// How long what discovery said is good for when a sign-in begins. Its end asks anew, keys included.
const FRESH: SignedDuration = SignedDuration::from_mins(10);
/// Of an answer of the provider, in bytes.
const MOST: usize = 1 << 20;
/// How far the clock of the provider may be ahead or behind.
const AHEAD: i64 = 60;
/// How tokens may be signed. Nobody signs with a secret that the browser side could know, and nobody not at all.
const SIGNED: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Claims that the standard does not name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Further {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Further {}

type IdFields = IdTokenFields<
    Further,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Known = Client<
    Further,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<IdFields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The provider cannot be spoken to; a sentence without its beginning.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unspoken(String);

/// The provider that is configured.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: IssuerUrl,
    name: String,
    client: ClientId,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    wanted: Wanted,
    /// Audiences that a token may name beside us.
    audiences: Vec<String>,
    line: Line,
    known: Mutex<Option<(Timestamp, CoreProviderMetadata)>>,
}

impl Provider {
    pub(super) fn new(
        stated: &Stated,
        public_url: &str,
        environment: &Environment,
        lookup: &Lookup,
    ) -> Result<Self, String> {
        let secret = stated.client_secret.as_ref();
        let secret = secret
            .map(|secret| secret.value.read(environment))
            .transpose()?;
        let redirect = RedirectUrl::new(format!("{public_url}/sso/callback"));
        Ok(Self {
            issuer: IssuerUrl::new(stated.issuer.value.as_str().to_owned())
                .map_err(|error| format!("the issuer is no address: {error}"))?,
            name: stated.name(),
            client: ClientId::new(stated.client_id.value.clone()),
            secret: secret.map(|secret| ClientSecret::new(secret.reveal().to_owned())),
            redirect: redirect.map_err(|error| format!("the public URL is none: {error}"))?,
            scopes: stated
                .scopes
                .value
                .iter()
                .cloned()
                .map(Scope::new)
                .collect(),
            wanted: Wanted {
                user: stated.user.value.clone(),
                groups: stated.groups.value.clone(),
            },
            audiences: stated.audiences.value.clone(),
            line: Line {
                issuer: stated.issuer.value.url().clone(),
                home: Http::new(stated.allow_private.value, lookup.clone())?,
                elsewhere: Http::new(false, lookup.clone())?,
            },
            known: Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where a browser goes to sign in.
    pub(super) async fn authorize(
        &self,
        beginning: &Beginning,
        is_anew: bool,
        now: Timestamp,
    ) -> Result<String, SsoError> {
        let metadata = match self.remembered(now) {
            Some(metadata) => metadata,
            None => self.discover(now).await?,
        };
        let client = self.client(metadata);
        let (state, nonce) = (beginning.csrf(), beginning.nonce());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&beginning.verifier());
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || state,
                move || nonce,
            )
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(challenge);
        if is_anew {
            request = request
                .add_prompt(CoreAuthPrompt::Login)
                .set_max_age(std::time::Duration::ZERO);
        }
        Ok(request.url().0.to_string())
    }

    /// Exchanges the code, and checks what comes of it: signature, issuer, audience, times, nonce.
    pub(super) async fn redeem(
        &self,
        beginning: &Beginning,
        answer: Answer<'_>,
        now: Timestamp,
    ) -> Result<Vouched, SsoError> {
        if answer
            .issuer
            .is_some_and(|said| said != self.issuer.as_str())
        {
            return Err(SsoError::NotGood("another issuer answered".to_owned()));
        }
        let client = self.client(self.discover(now).await?);
        let exchange = client
            .exchange_code(AuthorizationCode::new(answer.code.to_owned()))
            .map_err(|error| SsoError::NotGood(error.to_string()))?
            .set_pkce_verifier(beginning.verifier());
        let tokens = exchange.request_async(&self.line).await.map_err(refused)?;
        let token = tokens
            .id_token()
            .ok_or_else(|| SsoError::NotGood("it gave no ID token".to_owned()))?;
        let clock = moment(now);
        let leeway = moment(now - SignedDuration::from_secs(AHEAD));
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(SIGNED)
            .set_time_fn(move || leeway)
            // Looked at below, together with whom the token was made for.
            .set_other_audience_verifier_fn(|_| true)
            .set_issue_time_verifier_fn(move |issued| {
                let ahead = issued.timestamp() - clock.timestamp();
                (ahead <= AHEAD)
                    .then_some(())
                    .ok_or_else(|| "it is from the future".to_owned())
            });
        let claims = token
            .claims(&verifier, &beginning.nonce())
            .map_err(|error| SsoError::NotGood(error.to_string()))?;
        // A token of another client that names us, too, was not made for us (section 3.1.3.7).
        let party = claims.authorized_party();
        if party.is_some_and(|party| *party != self.client) {
            return Err(SsoError::NotGood(
                "its token was made for another client".to_owned(),
            ));
        }
        // Of several audiences those count that are trusted, and any where the token says that it was made for us.
        let is_trusted = |audience: &str| {
            audience == self.client.as_str() || self.audiences.iter().any(|one| one == audience)
        };
        let mut audiences = claims.audiences().iter();
        if party.is_none() && !audiences.all(|audience| is_trusted(audience)) {
            return Err(SsoError::NotGood(
                "its token is for others as well and does not say for which client it was made"
                    .to_owned(),
            ));
        }
        // An access token of somebody else would name their groups (OpenID Connect Core, section 3.1.3.6).
        if let Some(said) = claims.access_token_hash() {
            let good = |error: &dyn std::fmt::Display| SsoError::NotGood(error.to_string());
            let kind = token.signing_alg().map_err(|error| good(&error))?;
            let key = token.signing_key(&verifier).map_err(|error| good(&error))?;
            let hash = AccessTokenHash::from_token(tokens.access_token(), kind, key);
            if hash.map_err(|error| good(&error))? != *said {
                return Err(SsoError::NotGood(
                    "its access token is of another sign-in".to_owned(),
                ));
            }
        }
        let signed_in = claims.auth_time().map(|at| at.timestamp());
        let attended = signed_in.is_some_and(|at| at + AHEAD >= beginning.at.as_second());
        let subject = claims.subject().clone();
        let mut all = object(claims)?;
        // RFC 7519, section 4.1.5; the crate does not look at it.
        let begins = all.get("nbf").and_then(Value::as_f64);
        let soon = now + SignedDuration::from_secs(AHEAD);
        if begins.is_some_and(|begins| begins > soon.as_duration().as_secs_f64()) {
            return Err(SsoError::NotGood("its token is not good yet".to_owned()));
        }
        // Many providers keep names and groups for those who ask with the access token.
        if !self.wanted.is_met(&all)
            && let Ok(request) = client.user_info(tokens.access_token().clone(), Some(subject))
        {
            let more: UserInfoClaims<Further, CoreGenderClaim> = request
                .request_async(&self.line)
                .await
                .map_err(|error| SsoError::NotGood(error.to_string()))?;
            join(&mut all, object(&more)?);
        }
        let issuer = self.issuer.as_str();
        let vouched = self.wanted.read(issuer, &all)?;
        Ok(Vouched {
            attended,
            ..vouched
        })
    }

    fn client(&self, metadata: CoreProviderMetadata) -> Known {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let by_body = methods.is_some_and(|methods| {
            methods.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let client =
            Client::from_provider_metadata(metadata, self.client.clone(), self.secret.clone())
                .set_redirect_uri(self.redirect.clone());
        if by_body {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        }
    }

    fn remembered(&self, now: Timestamp) -> Option<CoreProviderMetadata> {
        let known = self.known.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        let (at, metadata) = known.as_ref()?;
        (now.duration_since(*at) < FRESH).then(|| metadata.clone())
    }

    /// What the provider says about itself, with its keys. It must name itself as the configuration does.
    async fn discover(&self, now: Timestamp) -> Result<CoreProviderMetadata, SsoError> {
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.line).await;
        let metadata = found.map_err(|error| SsoError::Unreachable(chain(&error)))?;
        let known = self.known.lock();
        *known.unwrap_or_else(PoisonError::into_inner) = Some((now, metadata.clone()));
        Ok(metadata)
    }
}

/// How the provider is spoken to.
#[derive(Debug)]
struct Line {
    issuer: Url,
    /// For the origin of the issuer, which may be inside the house where the operator says so.
    home: Http,
    /// For every other address that the provider names.
    elsewhere: Http,
}

impl<'c> AsyncHttpClient<'c> for Line {
    type Error = Unspoken;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unspoken>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.speak(request))
    }
}

impl Line {
    async fn speak(&self, request: HttpRequest) -> Result<HttpResponse, Unspoken> {
        let (parts, body) = request.into_parts();
        let bad = |error: &dyn std::fmt::Display| Unspoken(error.to_string());
        let url: Url = parts.uri.to_string().parse().map_err(|error| bad(&error))?;
        let at_home = url.origin() == self.issuer.origin();
        if !at_home && url.scheme() != "https" {
            return Err(Unspoken("it names an address without TLS".to_owned()));
        }
        let http = if at_home { &self.home } else { &self.elsewhere };
        let request = http
            .request(parts.method, &url)
            .map_err(|error| bad(&error))?
            .headers(parts.headers)
            .body(body);
        let answered = request.send().await;
        let mut answered = answered.map_err(|error| Unspoken(causes(&error)))?;
        let mut response = openidconnect::http::Response::builder().status(answered.status());
        if let Some(headers) = response.headers_mut() {
            *headers = answered.headers().clone();
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answered
            .chunk()
            .await
            .map_err(|error| Unspoken(causes(&error)))?
        {
            if bytes.len() + chunk.len() > MOST {
                return Err(Unspoken("its answer is too long".to_owned()));
            }
            bytes.extend_from_slice(&chunk);
        }
        response.body(bytes).map_err(|error| bad(&error))
    }
}

/// The same moment for a library that has another calendar.
fn moment(now: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp(now.as_second(), 0).unwrap_or_default()
}

/// Why the code was not exchanged. What the provider describes is not repeated: others may have written it.
fn refused(
    error: RequestTokenError<Unspoken, StandardErrorResponse<CoreErrorResponseType>>,
) -> SsoError {
    match error {
        RequestTokenError::ServerResponse(said) => SsoError::NotGood(format!(
            "it refused the code with `{}`",
            said.error().as_ref()
        )),
        RequestTokenError::Request(error) => SsoError::Unreachable(error.to_string()),
        RequestTokenError::Parse(..) => SsoError::NotGood("its answer cannot be read".to_owned()),
        RequestTokenError::Other(why) => SsoError::NotGood(why),
    }
}

fn object(claims: &impl Serialize) -> Result<Map<String, Value>, SsoError> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(all)) => Ok(all),
        _ => Err(SsoError::NotGood("its claims cannot be read".to_owned())),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
