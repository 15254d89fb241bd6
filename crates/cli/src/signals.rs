//! The end that a person or a service manager asks for.

/// Ends when SIGINT or SIGTERM arrives.
#[cfg(unix)]
pub(crate) async fn ended() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Ends when Ctrl-C is pressed.
#[cfg(not(unix))]
pub(crate) async fn ended() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
