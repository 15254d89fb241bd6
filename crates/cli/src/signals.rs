//! The end that a person or a service manager asks for.

use std::future::Future;
use std::io;

/// Ends when SIGINT or SIGTERM arrives.
pub(crate) async fn ended() -> io::Result<()> {
    listen()?.await;
    Ok(())
}

/// Listens from now on, whenever it is awaited: a signal that arrives meanwhile is not lost.
#[cfg(unix)]
pub(crate) fn listen() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Listens for Ctrl-C from now on, whenever it is awaited.
#[cfg(windows)]
pub(crate) fn listen() -> io::Result<impl Future<Output = ()>> {
    let mut pressed = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        pressed.recv().await;
    })
}
