//! The memory of many users and of many tenants.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, ensure};
use attache_terms::{Rng, SystemRng};
use serde_json::{Value, json};

use super::client::Ask;
use super::process::{Process, text};
use super::{median, millis};

const USERS: u32 = 300_000;
const TENANTS: u32 = 1000;

/// Bound: bytes of a user.
const USER: f64 = 2048.0;

/// The user that all others are like: a seeded one, with a password, a licence and names.
const MODEL: &str = "a77ac4e0-0000-4000-8000-000000000102";
/// What stands for an id and a name in what is written for each user.
const ID: &str = "MODEL-ID";
const NAME: &str = "MODEL-NAME";

/// Bytes of each of many users: the memory of a process whose data folder holds them, less that of one whose
/// folder does not.
pub(super) async fn users(attache: &Path) -> anyhow::Result<()> {
    // Beside the program, since a folder for temporary files may be memory.
    let data = tempfile::tempdir_in(attache.parent().context("the program stands in a folder")?)?;
    drop(Process::sandbox(attache, Some(data.path()))?);
    let empty = Process::sandbox(attache, Some(data.path()))?.memory("VmRSS")?;
    let last = add_users(&tenant_file(data.path())?)?;
    let process = Process::sandbox(attache, Some(data.path()))?;
    let each = (process.memory("VmRSS")? - empty) * 1024.0 / f64::from(USERS);
    let mut connection = process.client()?.connect().await?;
    let token = connection.send(&Ask::token(&process.ready)?).await?.json()?;
    let path = format!("/v1.0/users/{last}@{}", text(&process.ready, "/domain")?);
    let started = Instant::now();
    let found = connection.send(&Ask::get(path, Some(text(&token, "/access_token")?))).await?.json()?;
    let took = started.elapsed();
    ensure!(text(&found, "/displayName")? == last, "{last} is not there: {found}");
    crate::print(format_args!(
        "sandbox, {USERS} users          {each:6.0} B each ({:4.2} x the bound of {USER} B), read from the data folder; ready in {:.0} ms; one found by name in {:.2} ms",
        each / USER,
        millis(process.to_ready),
        millis(took),
    ));
    Ok(())
}

fn tenant_file(data: &Path) -> anyhow::Result<PathBuf> {
    let paths =
        std::fs::read_dir(data)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    let is_tenant = |path: &&PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with("tenant-") && name.ends_with(".json"))
    };
    paths.iter().find(is_tenant).cloned().context("the data folder holds no tenant")
}

/// Adds users to a tenant's file; the answer is the name of the last.
fn add_users(path: &Path) -> anyhow::Result<String> {
    let mut tenant: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let users =
        tenant.pointer_mut("/holdings/tenant/users").and_then(Value::as_object_mut).context("no users")?;
    let mut model = users.get(MODEL).cloned().context("no user to be like")?;
    let domain = text(&model, "/upn")?.rsplit_once('@').context("no domain")?.1.to_owned();
    for (name, value) in [
        ("id", json!(ID)),
        ("upn", json!(format!("{NAME}@{domain}"))),
        ("mail", json!(format!("{NAME}@{domain}"))),
        ("display_name", json!(NAME)),
        ("mail_nickname", json!(NAME)),
    ] {
        ensure!(model.get(name).is_some(), "a user has no {name}: {model}");
        model[name] = value;
    }
    let entry = json!({ ID: model }).to_string();
    let entry = entry.trim_start_matches('{').strip_suffix('}').context("no entry")?;
    users.insert(ID.to_owned(), Value::Null);
    let whole = tenant.to_string();
    let (before, after) = whole.split_once(&format!("{ID:?}:null")).context("no place for users")?;
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(before.as_bytes())?;
    let mut last = String::new();
    for number in 0..USERS {
        last = format!("person-number-{number:06}");
        let separator = if number == 0 { "" } else { "," };
        let entry = entry.replace(ID, &SystemRng.uuid().to_string()).replace(NAME, &last);
        write!(file, "{separator}{entry}")?;
    }
    file.write_all(after.as_bytes())?;
    file.into_inner()?.sync_all()?;
    Ok(last)
}

/// A thousand tenants in one process: what each takes, and whether all answer.
pub(super) async fn tenants(attache: &Path) -> anyhow::Result<()> {
    let process = Process::sandbox(attache, None)?;
    let mut connection = process.client()?.connect().await?;
    let add = Ask::post("/_sandbox/tenants", text(&process.ready, "/control_token")?, &json!({}));
    let before = process.memory("VmRSS")?;
    let (mut all, mut times) = (Vec::new(), Vec::new());
    for _ in 0..TENANTS {
        let started = Instant::now();
        all.push(connection.send(&add).await?.json()?);
        times.push(started.elapsed());
    }
    let each = (process.memory("VmRSS")? - before) / f64::from(TENANTS);
    let started = Instant::now();
    for ready in &all {
        let token = connection.send(&Ask::token(ready)?).await?.json()?;
        let path = format!("/v1.0/users/{}", text(ready, "/users/0/id")?);
        connection.send(&Ask::get(path, Some(text(&token, "/access_token")?))).await?.json()?;
    }
    let answered = started.elapsed() / TENANTS;
    crate::print(format_args!(
        "sandbox, {TENANTS} tenants            {:6.2} ms and {each:.0} KiB each; all give a token and a user, in {:.2} ms",
        millis(median(times, Ord::cmp)),
        millis(answered),
    ));
    Ok(())
}
