//! A cable: what two programs on this machine say to each other passes through it, and it can be cut, at once or
//! at a certain word.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// At which word a cable is cut, once.
#[derive(Debug, Clone)]
struct Cut {
    /// What the client says.
    word: Vec<u8>,
    /// What the server answers before the cut; `None` when it shall not even hear the word.
    answer: Option<Vec<u8>>,
}

/// A cable to one port.
pub struct Cable {
    port: u16,
    planned: Arc<Mutex<Option<Cut>>>,
    cuts: watch::Sender<u64>,
    listening: JoinHandle<()>,
}

impl Cable {
    /// A cable to a port of 127.0.0.1.
    pub async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?.port();
        let (planned, cuts) = (Arc::new(Mutex::new(None)), watch::Sender::new(0));
        let (plan, cutter) = (Arc::clone(&planned), cuts.clone());
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let (plan, mut cut) = (Arc::clone(&plan), cutter.subscribe());
                let cutter = cutter.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cut.changed() => {}
                        planned = carry(client, server, &plan) => {
                            if planned.is_some() {
                                cutter.send_modify(|cuts| *cuts += 1);
                            }
                        }
                    }
                });
            }
        });
        Ok(Self { port: own, planned, cuts, listening })
    }

    /// Where it begins, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts what passes now. New connections pass.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts when the client says this word, before the server hears it; once.
    pub fn cut_before(&self, word: &[u8]) {
        self.plan(Cut { word: word.to_vec(), answer: None });
    }

    /// Cuts when the server has answered the client's word, before the client hears it; once.
    pub fn cut_after(&self, word: &[u8], answer: &[u8]) {
        self.plan(Cut { word: word.to_vec(), answer: Some(answer.to_vec()) });
    }

    /// Whether the planned cut is still to come.
    pub fn is_whole(&self) -> bool {
        self.planned.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_some()
    }

    fn plan(&self, cut: Cut) {
        *self.planned.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(cut);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.listening.abort();
        self.cut();
    }
}

/// Carries both ways until one side ends, or until the planned cut, which it then returns.
async fn carry(mut client: TcpStream, mut server: TcpStream, plan: &Mutex<Option<Cut>>) -> Option<Cut> {
    let (mut said, mut answered) = ([0; 16 * 1024], [0; 16 * 1024]);
    let mut cut: Option<Cut> = None;
    let mut held = Vec::new();
    loop {
        tokio::select! {
            read = client.read(&mut said) => {
                let said = &said[..read.ok().filter(|read| *read > 0)?];
                if cut.is_none() {
                    cut = due(plan, said);
                }
                if matches!(&cut, Some(Cut { answer: None, .. })) {
                    return cut;
                }
                server.write_all(said).await.ok()?;
            }
            read = server.read(&mut answered) => {
                let answered = &answered[..read.ok().filter(|read| *read > 0)?];
                match &cut {
                    Some(Cut { answer: Some(answer), .. }) => {
                        held.extend_from_slice(answered);
                        if holds(&held, answer) {
                            return cut;
                        }
                    }
                    _ => client.write_all(answered).await.ok()?,
                }
            }
        }
    }
}

fn due(plan: &Mutex<Option<Cut>>, said: &[u8]) -> Option<Cut> {
    let mut plan = plan.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    plan.take_if(|cut| holds(said, &cut.word))
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
