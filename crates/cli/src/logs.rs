//! Logs: to standard error for people, and to a file that rotates, because hosts swallow standard error. What a
//! collector reads is one JSON object a line, on standard error and in the file alike.
//! The file is opened by the first line that is logged, so that a start that logs nothing costs nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// A file is set aside when it has grown to this many bytes, and one older file is kept.
const LIMIT: u64 = 4 << 20;

/// Whom the log is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// People.
    Text,
    /// A collector.
    Json,
}

impl LogFormat {
    /// The words of the setting.
    #[cfg_attr(not(feature = "gateway"), expect(dead_code, reason = "a setting of the gateway's"))]
    pub(crate) const CHOICES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

/// What else hears of spans.
pub(crate) type More = Option<Box<dyn Layer<Registry> + Send + Sync>>;

/// Starts logging. `filter` is for the file; standard error gets warnings and worse, or, in JSON, the same as the file.
pub(crate) fn start(filter: &str, format: LogFormat, directory: &Path, more: More) -> Result<(), String> {
    let file = self::filter(filter)?;
    let rotating = Rotating { path: directory.join("attache.log"), open: Mutex::new(None) };
    if format == LogFormat::Json {
        let layers = json(rotating).with_filter(file.clone()).and_then(json(io::stderr).with_filter(file));
        return tracing_subscriber::registry()
            .with(more)
            .with(layers)
            .try_init()
            .map_err(|error| error.to_string());
    }
    let to_file = fmt::layer().with_ansi(false).with_writer(rotating).with_filter(file);
    let to_people = fmt::layer()
        .compact()
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .with_writer(io::stderr)
        .with_filter(LevelFilter::WARN);
    tracing_subscriber::registry()
        .with(more)
        .with(to_file)
        .with(to_people)
        .try_init()
        .map_err(|error| error.to_string())
}

/// One object a line: `timestamp`, `level`, `target`, the event's fields, and `span` with the request's id and route,
/// or the job's kind and id.
fn json<S, W>(writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fmt::layer().json().flatten_event(true).with_span_list(false).with_writer(writer)
}

/// What the file gets.
pub(crate) fn filter(text: &str) -> Result<Targets, String> {
    // The MCP SDK logs the content of messages at info.
    format!("rmcp=warn,{text}")
        .parse()
        .map_err(|error| format!("{text:?} is no filter such as info or attache_entra=debug: {error}"))
}

/// A log file that is set aside at its limit.
struct Rotating {
    path: PathBuf,
    open: Mutex<Option<(File, u64)>>,
}

impl Rotating {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let full = open.as_ref().is_some_and(|(_, length)| length + line.len() as u64 > LIMIT);
        if full {
            *open = None;
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        if open.is_none() {
            if let Some(directory) = self.path.parent() {
                std::fs::create_dir_all(directory)?;
            }
            let mut options = OpenOptions::new();
            options.create(true).append(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&self.path)?;
            let length = file.metadata()?.len();
            *open = Some((file, length));
        }
        if let Some((file, length)) = open.as_mut() {
            file.write_all(line)?;
            *length += line.len() as u64;
        }
        Ok(())
    }
}

/// One event on its way to the file.
struct Line<'a>(&'a Rotating);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_line(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Rotating {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_gets_an_object_a_line_with_the_span_that_it_belongs_to() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("attache.log");
        let rotating = Rotating { path: path.clone(), open: Mutex::new(None) };
        let collector = tracing_subscriber::registry().with(json(rotating));
        tracing::subscriber::with_default(collector, || {
            let span = tracing::info_span!("http", id = "r-1", route = "/api/v1/orgs/{org}");
            span.in_scope(|| tracing::warn!(code = "store_unavailable", "the store"));
        });
        let text = std::fs::read_to_string(&path).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&line["level"], &line["message"], &line["code"]),
            (&"WARN".into(), &"the store".into(), &"store_unavailable".into())
        );
        assert_eq!(
            (&line["span"]["id"], &line["span"]["route"]),
            (&"r-1".into(), &"/api/v1/orgs/{org}".into())
        );
        assert!(line["timestamp"].is_string() && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn a_full_file_is_set_aside_and_nothing_is_lost_of_the_newest() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("logs").join("attache.log");
        let rotating = Rotating { path: path.clone(), open: Mutex::new(None) };
        let line = vec![b'x'; 1 << 20];
        for _ in 0..4 {
            rotating.write_line(&line).unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 4 << 20);
        rotating.write_line(b"the newest\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"the newest\n");
        assert_eq!(std::fs::metadata(path.with_extension("log.1")).unwrap().len(), 4 << 20);
    }
}
