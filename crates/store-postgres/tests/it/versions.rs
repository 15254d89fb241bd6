//! A server that is too old is refused at once, in words. No such server is at hand: one that speaks as much of
//! PostgreSQL's protocol as is asked of it (chapter "Message Flow" of its documentation) says which version it has.

use std::net::Ipv4Addr;

use attache_store_postgres::OpenError;
use attache_terms::Explain as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::opening::refusal;

/// PostgreSQL's own numbers of the two types that are asked for.
const INT4: i32 = 23;
const TEXT: i32 = 25;

/// Where a server of this version is.
async fn server(number: i32, version: &'static str) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // The client leaves when it has heard enough.
        let _ = serve(stream, number, version).await;
    });
    format!("postgres://attache:secret@127.0.0.1:{port}/attache?sslmode=disable")
}

async fn serve(mut stream: TcpStream, number: i32, version: &str) -> std::io::Result<()> {
    let startup = stream.read_i32().await?;
    rest(&mut stream, startup).await?;
    stream.write_all(&[authenticated(), ready()].concat()).await?;
    loop {
        let kind = stream.read_u8().await?;
        let length = stream.read_i32().await?;
        rest(&mut stream, length).await?;
        let answer = match kind {
            b'P' => message(b'1', &[]),
            b'D' => [message(b't', &[0, 0]), columns()].concat(),
            b'B' => message(b'2', &[]),
            b'E' => [row(number, version), message(b'C', b"SELECT 1\0")].concat(),
            b'C' => message(b'3', &[]),
            b'S' => ready(),
            // What comes after the question for the version is not there.
            b'Q' => [message(b'E', b"SERROR\0C0A000\0Mnot in this server\0\0"), ready()].concat(),
            _ => return Ok(()),
        };
        stream.write_all(&answer).await?;
    }
}

/// Reads what a message has after its length, which counts itself.
async fn rest(stream: &mut TcpStream, length: i32) -> std::io::Result<()> {
    let mut body = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut body).await.map(|_| ())
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], &length[..], body].concat()
}

fn authenticated() -> Vec<u8> {
    message(b'R', &0_i32.to_be_bytes())
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn columns() -> Vec<u8> {
    let column = |name: &[u8], kind: i32, size: i16| {
        let no_table = [0; 6];
        [name, &no_table[..], &kind.to_be_bytes(), &size.to_be_bytes(), &(-1_i32).to_be_bytes(), &[0, 0]]
            .concat()
    };
    message(b'T', &[vec![0, 2], column(b"number\0", INT4, 4), column(b"version\0", TEXT, -1)].concat())
}

fn row(number: i32, version: &str) -> Vec<u8> {
    let value = |value: &[u8]| [&i32::try_from(value.len()).unwrap().to_be_bytes(), value].concat();
    message(b'D', &[vec![0, 2], value(&number.to_be_bytes()), value(version.as_bytes())].concat())
}

#[tokio::test]
async fn a_server_before_version_15_is_refused_with_its_version_and_what_to_do() {
    let too_old = refusal(&server(140_017, "14.17 (Debian 14.17-1)").await).await;
    assert!(matches!(&too_old, OpenError::TooOld { found } if found.starts_with("14.17")), "{too_old:?}");
    let said = too_old.to_string();
    assert!(said.contains("PostgreSQL 14.17") && said.contains("15 or newer"), "{said}");
    assert_eq!(too_old.code(), "database_too_old");
    assert!(too_old.remedy().to_string().contains("upgrade the database server"), "{}", too_old.remedy());
    let ancient = refusal(&server(90_624, "9.6.24").await).await;
    assert!(matches!(ancient, OpenError::TooOld { .. }), "{ancient:?}");
}

#[tokio::test]
async fn the_first_of_version_15_is_new_enough() {
    // It comes as far as to what this server does not have.
    let further = refusal(&server(150_000, "15.0").await).await;
    assert!(further.to_string().contains("its tables cannot be made"), "{further:?}");
}
