//! Spans as OTLP's JSON has them: ids in hexadecimal, 64-bit numbers as text, enumerations as numbers
//! (OpenTelemetry Protocol Specification, "JSON Protobuf Encoding").

use serde_json::{Value as Json, json};

use super::collect::{Span, Value};

/// `SPAN_KIND_INTERNAL`, `SPAN_KIND_SERVER`, `SPAN_KIND_CLIENT`.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;
/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// What is posted: an `ExportTraceServiceRequest`.
pub(super) fn request(spans: &[Span]) -> Json {
    let attribute = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let version = env!("CARGO_PKG_VERSION");
    json!({ "resourceSpans": [{
        "resource": { "attributes": [
            attribute("service.name", "attache-gateway"),
            attribute("service.version", version),
        ] },
        "scopeSpans": [{
            "scope": { "name": "attache", "version": version },
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }] })
}

fn span(span: &Span) -> Json {
    let nanoseconds = |at: jiff::Timestamp| at.as_nanosecond().to_string();
    let mut wire = json!({
        "traceId": hex(&span.trace),
        "spanId": hex(&span.id),
        "name": name(span),
        "kind": match span.name {
            "http" => SERVER,
            "graph" => CLIENT,
            _ => INTERNAL,
        },
        "startTimeUnixNano": nanoseconds(span.begun),
        "endTimeUnixNano": nanoseconds(span.ended),
        "attributes": span.fields.iter().map(|(name, value)| attribute(span, name, value)).collect::<Vec<_>>(),
        "status": if span.failed { json!({ "code": ERROR }) } else { json!({}) },
    });
    if let Some(parent) = &span.parent {
        wire["parentSpanId"] = hex(parent).into();
    }
    wire
}

/// What a person looks for: `GET /api/v1/orgs/{org}`, `identity.provision`; else what the span is called.
fn name(span: &Span) -> String {
    let text = |wanted| {
        span.fields.iter().find_map(|(name, value)| match value {
            Value::Text(text) if *name == wanted => Some(text.as_str()),
            _ => None,
        })
    };
    match (span.name, text("method"), text("route"), text("kind")) {
        ("http", Some(method), Some(route), _) => format!("{method} {route}"),
        ("job", _, _, Some(kind)) => kind.to_owned(),
        _ => span.name.to_owned(),
    }
}

/// A field, under the name that the semantic conventions of HTTP have for it.
fn attribute(span: &Span, name: &str, value: &Value) -> Json {
    let key = match (span.name, name) {
        ("http" | "graph", "method") => "http.request.method".to_owned(),
        ("http" | "graph", "status") => "http.response.status_code".to_owned(),
        ("http", "route") => "http.route".to_owned(),
        (of, name) => format!("attache.{of}.{name}"),
    };
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Truth(truth) => json!({ "boolValue": truth }),
    };
    json!({ "key": key, "value": value })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_the_protocol_says() {
        let at = |text: &str| text.parse().unwrap();
        let spans = [Span {
            trace: [0xab; 16],
            id: [0x0c; 8],
            parent: Some([1; 8]),
            name: "http",
            begun: at("2026-11-28T12:00:00.000001Z"),
            ended: at("2026-11-28T12:00:00.5Z"),
            fields: vec![
                ("method", Value::Text("GET".into())),
                ("route", Value::Text("/orgs/{org}".into())),
                ("status", Value::Number(500)),
            ],
            failed: true,
        }];
        let sent = request(&spans);
        let span = &sent["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"], "ab".repeat(16));
        assert_eq!(
            (&span["spanId"], &span["parentSpanId"]),
            (&json!("0c".repeat(8)), &json!("01".repeat(8)))
        );
        assert_eq!((&span["name"], &span["kind"]), (&json!("GET /orgs/{org}"), &json!(2)));
        assert_eq!(span["startTimeUnixNano"], "1795867200000001000");
        assert_eq!(span["endTimeUnixNano"], "1795867200500000000");
        let status = json!({ "key": "http.response.status_code", "value": { "intValue": "500" } });
        assert!(span["attributes"].as_array().unwrap().contains(&status), "{span}");
        assert_eq!(span["status"], json!({ "code": 2 }));
        assert_eq!(
            sent["resourceSpans"][0]["resource"]["attributes"][0],
            json!({ "key": "service.name", "value": { "stringValue": "attache-gateway" } })
        );
    }
}
