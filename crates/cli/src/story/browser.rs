//! `try` plays the browser: it opens the sign-in page, fills in the form as a person would, and follows the
//! redirect to the loopback address on which the sign-in waits.

use std::net::Ipv4Addr;

use anyhow::{Context, bail};
use reqwest::{Client, Response, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Position, Url};

/// Signs in at `authorize` with these credentials, and follows the way back to the application.
pub(super) async fn sign_in(
    client: &Client,
    authorize: Url,
    name: &str,
    password: &str,
) -> anyhow::Result<()> {
    let back = self::authorize(client, authorize, name, password).await?;
    come_back(&back).await.context("the application did not take the sign-in")
}

/// Signs in at `authorize` with these credentials: where the browser is sent back to.
pub(super) async fn authorize(
    client: &Client,
    authorize: Url,
    name: &str,
    password: &str,
) -> anyhow::Result<Url> {
    let page = client.get(authorize.clone()).send().await.context("the sign-in page cannot be reached")?;
    let back = match location(&page) {
        Some(back) => back,
        None => {
            let html = page.text().await?;
            let form = form(&html, &authorize).context("the sign-in page has no form")?;
            let mut fields = form.hidden;
            fields.push((form.name_field, name.to_owned()));
            fields.push((form.password_field, password.to_owned()));
            let answer = client.post(form.action).form(&fields).send().await?;
            location(&answer).context("the sign-in was not accepted")?
        }
    };
    let back = authorize.join(&back)?;
    if !matches!(back.host_str(), Some("localhost" | "127.0.0.1")) {
        bail!("the sign-in leads to {:?}, which is not this machine", back.host_str());
    }
    Ok(back)
}

/// Opens the loopback address, as a browser does: plain HTTP, which the product's own client refuses to speak.
async fn come_back(url: &Url) -> anyhow::Result<()> {
    let port = url.port_or_known_default().context("the address has no port")?;
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer.lines().next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200") {
        bail!("it answered {status:?}");
    }
    Ok(())
}

struct Form {
    action: Url,
    hidden: Vec<(String, String)>,
    name_field: String,
    password_field: String,
}

/// The first form of a page: where it goes, and what it asks for.
fn form(html: &str, page: &Url) -> Option<Form> {
    let start = html.find("<form")?;
    let form = &html[start..start + html[start..].find("</form>")?];
    let action = attribute(&form[..form.find('>')?], "action")
        .map_or_else(|| Some(page.clone()), |action| page.join(&action).ok())?;
    let (mut hidden, mut name_field, mut password_field) = (Vec::new(), None, None);
    for input in form.split("<input").skip(1) {
        let input = &input[..input.find('>').unwrap_or(input.len())];
        let Some(name) = attribute(input, "name") else { continue };
        match attribute(input, "type").as_deref() {
            Some("hidden") => hidden.push((name, attribute(input, "value").unwrap_or_default())),
            Some("password") => password_field = Some(name),
            Some("submit" | "checkbox") => {}
            _ => name_field = Some(name),
        }
    }
    Some(Form { action, hidden, name_field: name_field?, password_field: password_field? })
}

/// The value of a quoted attribute, with the five entities of HTML resolved.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..start + tag[start..].find('"')?];
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    let value = entities.iter().fold(value.to_owned(), |value, (entity, text)| value.replace(entity, text));
    Some(value.replace("&amp;", "&"))
}

fn location(response: &Response) -> Option<String> {
    if !response.status().is_redirection() {
        return None;
    }
    Some(response.headers().get(header::LOCATION)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_reads_it() {
        let page = Url::parse("https://localhost:8365/tenant/oauth2/v2.0/authorize?state=1").unwrap();
        let html = r#"<p>Hi</p><form method="post" action="/sign-in?a=1&amp;b=2">
            <input type="hidden" name="flow" value="x&quot;y&amp;lt;">
            <input type="email" name="login"><input type="password" name="passwd"><input type="submit" name="go">
            </form>"#;
        let form = form(html, &page).unwrap();
        assert_eq!(form.action.as_str(), "https://localhost:8365/sign-in?a=1&b=2");
        assert_eq!(form.hidden, [("flow".to_owned(), "x\"y&lt;".to_owned())]);
        assert_eq!((form.name_field.as_str(), form.password_field.as_str()), ("login", "passwd"));
    }
}
