//! A stand-in for the browser of somebody who signs in: it opens a page, fills in the forms it is shown,
//! follows redirects one by one, and stops where the sign-in lands.

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Certificate, Client, RequestBuilder, Response, redirect};
use serde_json::Value;
use url::Url;

use crate::Tenant;
use crate::form::{Field, Form};
use crate::lines::DEADLINE;

/// Nobody is sent around more often than this.
const STEPS: usize = 12;

/// A browser that trusts the sandbox.
pub struct Browser {
    client: Client,
    authority: Url,
    cookies: Vec<(String, String)>,
    upn: String,
    password: String,
    /// What is typed into any other text field, such as a device code.
    code: Option<String>,
}

/// Where a sign-in landed.
#[derive(Debug)]
pub struct Visit {
    /// The last address.
    pub url: Url,
    /// The HTTP status there; none when the address was not opened.
    pub status: Option<u16>,
    /// The page there.
    pub page: String,
}

impl Browser {
    /// The browser of one of the tenant's users, by number.
    pub fn of(tenant: &Tenant, user: usize) -> Result<Self> {
        let bundle = std::fs::read(tenant.ca()).context("the sandbox's authorities")?;
        let mut client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(DEADLINE);
        for authority in Certificate::from_pem_bundle(&bundle)? {
            client = client.add_root_certificate(authority);
        }
        let user = &tenant.ready()["users"][user];
        let text = |value: &Value| value.as_str().map(str::to_owned).context("the ready line names the user");
        Ok(Self {
            client: client.build()?,
            authority: tenant.url().parse()?,
            cookies: Vec::new(),
            upn: text(&user["upn"])?,
            password: text(&user["password"])?,
            code: None,
        })
    }

    /// Signs in at an authorization address and opens the redirect address too, as a browser does.
    pub async fn sign_in(&mut self, address: &str) -> Result<Visit> {
        self.go(address, true).await
    }

    /// Signs in at an authorization address, but only reads the redirect's address.
    pub async fn sign_in_up_to_the_redirect(&mut self, address: &str) -> Result<Visit> {
        let visit = self.go(address, false).await?;
        ensure!(visit.status.is_none(), "not sent on, but shown at {}:\n{}", visit.url, visit.page);
        Ok(visit)
    }

    /// Enters a device code at a verification address and signs in.
    pub async fn enter_code(&mut self, address: &str, code: &str) -> Result<Visit> {
        self.code = Some(code.to_owned());
        self.go(address, true).await
    }

    /// The HTTP client that trusts the tenant.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    async fn go(&mut self, address: &str, open_redirect: bool) -> Result<Visit> {
        let mut url: Url = address.parse().with_context(|| format!("{address} is no address"))?;
        let mut request = self.client.get(url.clone());
        for _ in 0..STEPS {
            let home = url.origin() == self.authority.origin();
            if !home && !open_redirect {
                return Ok(Visit { url, status: None, page: String::new() });
            }
            let response = self.send(request, home).await.with_context(|| format!("opening {url}"))?;
            let status = response.status();
            if let Some(location) = response.headers().get(LOCATION).filter(|_| status.is_redirection()) {
                url = url.join(location.to_str()?)?;
                request = self.client.get(url.clone());
                continue;
            }
            let page = response.text().await?;
            let form = if home && status.is_success() { Form::first(&page) } else { None };
            let Some(form) = form else {
                return Ok(Visit { url, status: Some(status.as_u16()), page });
            };
            url = if form.action.is_empty() { url } else { url.join(&form.action)? };
            request = self.client.post(url.clone()).form(&self.fill(form.fields)?);
        }
        bail!("the sign-in went on for {STEPS} pages; the last was {url}")
    }

    async fn send(&mut self, mut request: RequestBuilder, home: bool) -> Result<Response> {
        if home && !self.cookies.is_empty() {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        let response = request.send().await?;
        for cookie in response.headers().get_all(SET_COOKIE).iter().filter(|_| home) {
            let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie without a value")?;
            self.cookies.retain(|(kept, _)| kept != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        Ok(response)
    }

    /// Types what each field wants, and presses the first button.
    fn fill(&self, fields: Vec<Field>) -> Result<Vec<(String, String)>> {
        let mut pressed = false;
        let mut filled = Vec::new();
        for Field { kind, name, value } in fields {
            let typed = match kind.as_str() {
                "hidden" => value,
                "password" => self.password.clone(),
                "submit" | "button" if pressed => continue,
                "submit" | "button" => {
                    pressed = true;
                    value
                }
                "checkbox" => continue,
                _ if name.contains("code") || name == "otc" => self.code.clone().unwrap_or(value),
                _ => self.upn.clone(),
            };
            filled.push((name, typed));
        }
        ensure!(!filled.is_empty(), "the page's form asks for nothing");
        Ok(filled)
    }
}
