//! Clock, lag, faults and snapshots as controls.

use std::time::Duration;

use askama::Template;
use http::StatusCode;

use crate::exchange::Response;
use crate::faults::{Effect, Fault, Release};
use crate::throttling::Limits;

use super::desk::{Choice, Desk, Frame};
use super::page::{Refusal, page, redirect};

#[derive(Template)]
#[template(path = "portal/steer.html")]
struct Steer {
    frame: Frame,
    now: String,
    pace: f64,
    profiles: Vec<Choice>,
    scale: f64,
    limits: Vec<Choice>,
    limit_scale: f64,
    faults: Vec<Rule>,
    held: Vec<Held>,
    snapshots: Vec<Kept>,
    error: String,
}

struct Rule {
    id: u64,
    what: String,
    effect: String,
    applied: u32,
}

struct Held {
    id: u64,
    what: String,
}

struct Kept {
    id: u64,
    name: String,
    taken: String,
}

pub(super) fn show(desk: &Desk<'_>) -> Result<Response, Refusal> {
    shown(desk, StatusCode::OK, String::new())
}

/// Does what a form asks for, and shows the controls again.
pub(super) fn change(desk: &Desk<'_>, what: &str) -> Result<Response, Refusal> {
    let done = match what {
        "clock" => clock(desk),
        "lag" => lag(desk),
        "throttling" => throttling(desk),
        "fault" => fault(desk),
        "remove-fault" => number(desk, "id").map(|id| desk.realm.faults.remove(id)).and_then(there),
        "release" => {
            number(desk, "id").map(|id| desk.realm.faults.release(id, Release::GoOn)).and_then(there)
        }
        "cut" => number(desk, "id").map(|id| desk.realm.faults.release(id, Release::Cut)).and_then(there),
        "snapshot" => {
            let name = desk.field("name").trim().to_owned();
            desk.realm.snapshots.keep(desk.realm.look(), name, desk.realm.clock.now());
            Ok(())
        }
        "restore" => match desk.realm.snapshots.get(desk.field("id")) {
            Some(held) => desk.realm.restore(held).map_err(|error| error.to_string()),
            None => there(false),
        },
        "reset" => desk.realm.reset().map_err(|error| error.to_string()),
        _ => {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "No such control",
                "Go back and choose another.",
            ));
        }
    };
    let kept = done.and_then(|()| desk.realm.keep_settings().map_err(|error| error.to_string()));
    match kept {
        Ok(()) => Ok(redirect(&desk.at("steer"))),
        Err(error) => shown(desk, StatusCode::BAD_REQUEST, error),
    }
}

fn shown(desk: &Desk<'_>, status: StatusCode, error: String) -> Result<Response, Refusal> {
    let (realm, lag) = (&desk.realm, desk.realm.lag());
    let in_force = word(&serde_json::json!(lag.profile));
    let profiles = ["none", "typical", "worst", "never"].map(|profile| Choice {
        value: profile.to_owned(),
        label: profile.to_owned(),
        is_chosen: profile == in_force,
    });
    let throttling = realm.manners().throttling;
    let limits = [("off", Limits::Off), ("documented", Limits::Documented)].map(|(name, limits)| Choice {
        value: name.to_owned(),
        label: name.to_owned(),
        is_chosen: limits == throttling.limits,
    });
    let steer = Steer {
        frame: desk.frame("steer"),
        now: realm.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        pace: realm.clock.pace(),
        profiles: profiles.into(),
        scale: lag.scale,
        limits: limits.into(),
        limit_scale: throttling.scale,
        faults: realm
            .faults
            .rules()
            .into_iter()
            .map(|rule| Rule {
                id: rule.id,
                what: format!("{} {}", rule.fault.method.as_deref().unwrap_or("any method"), rule.fault.path),
                effect: word(&serde_json::json!(rule.fault.effect)["kind"]).replace('_', " "),
                applied: rule.applied,
            })
            .collect(),
        held: realm
            .faults
            .held()
            .into_iter()
            .map(|held| Held { id: held.id, what: format!("{} {}", held.method, held.path) })
            .collect(),
        snapshots: realm
            .snapshots
            .all()
            .into_iter()
            .map(|one| Kept {
                id: one.id,
                name: one.name,
                taken: one.taken.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            })
            .collect(),
        error,
    };
    Ok(page(status, &steer))
}

fn clock(desk: &Desk<'_>) -> Result<(), String> {
    let clock = &desk.realm.clock;
    match (desk.field("advance"), desk.field("now"), desk.field("pace")) {
        ("", "", pace) => {
            let pace = pace.parse().ok().filter(|pace| (0.0..=1_000_000.0).contains(pace));
            clock.set_pace(pace.ok_or("The pace is a number from 0 to 1000000.")?);
        }
        ("", now, _) => {
            let now = now.parse().map_err(|_| "Write the time as 2026-03-01T12:00:00Z.")?;
            clock.set(now);
        }
        (seconds, _, _) => {
            let by = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            clock.advance(by.ok_or("The seconds are a number from 0 upwards.")?);
        }
    }
    Ok(())
}

fn lag(desk: &Desk<'_>) -> Result<(), String> {
    let mut lag = desk.realm.lag();
    lag.profile = desk.field("profile").parse()?;
    lag.scale = desk.field("scale").parse().map_err(|_| "The scale is a number from 0 to 1000000.")?;
    if !lag.is_sound() {
        return Err("The scale is a number from 0 to 1000000.".to_owned());
    }
    desk.realm.set_lag(lag);
    Ok(())
}

fn throttling(desk: &Desk<'_>) -> Result<(), String> {
    let mut throttling = desk.realm.manners().throttling;
    throttling.limits = match desk.field("limits") {
        "documented" => Limits::Documented,
        _ => Limits::Off,
    };
    throttling.scale = desk.field("scale").parse().map_err(|_| "The scale is a number from 0 to 1000000.")?;
    if !throttling.is_sound() {
        return Err("The scale is a number from 0 to 1000000.".to_owned());
    }
    desk.realm.throttle(throttling);
    Ok(())
}

fn fault(desk: &Desk<'_>) -> Result<(), String> {
    let effect = match desk.field("effect") {
        "delay" => Effect::Delay { ms: number(desk, "ms")? },
        "cut" => Effect::ResetBeforeCommit,
        "cut_after" => Effect::ResetAfterCommit,
        "hold" => Effect::HoldBeforeCommit,
        "truncate" => Effect::TruncateBody,
        _ => Effect::Answer {
            status: number(desk, "status")?,
            body: None,
            retry_after: match desk.field("retry_after") {
                "" => None,
                _ => Some(number(desk, "retry_after")?),
            },
        },
    };
    let path = desk.field("path").trim();
    if path.is_empty() {
        return Err("Say which path, such as /v1.0/users/*.".to_owned());
    }
    let method = desk.field("method");
    let mut fault = Fault::once("GET", path, effect);
    fault.method = (!method.is_empty()).then(|| method.to_owned());
    fault.count = match desk.field("count") {
        "" => None,
        _ => Some(number(desk, "count")?),
    };
    fault.check().map_err(str::to_owned)?;
    desk.realm.faults.add(fault);
    Ok(())
}

fn number<T: std::str::FromStr>(desk: &Desk<'_>, name: &str) -> Result<T, String> {
    desk.field(name).trim().parse().map_err(|_| format!("{} is a number.", name.replace('_', " ")))
}

fn word(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn there(was_there: bool) -> Result<(), String> {
    if was_there { Ok(()) } else { Err("It is gone already.".to_owned()) }
}
