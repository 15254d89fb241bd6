//! Targets as clients send them. Graph takes `$search="displayName:a"` with its quotation marks raw, as Microsoft's
//! pages print it and curl, Go and Python send it; hyper's `Uri` refuses them in a query before any handler sees the
//! request. So the stream of an HTTP/1 connection has them percent-encoded, in request lines and nowhere else.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection whose request lines are ones that `Uri` takes.
#[derive(Debug)]
pub(crate) struct RawTarget<S> {
    inner: S,
    reader: Reader,
    /// What was read and not handed on yet, from `handed` on.
    read: Vec<u8>,
    handed: usize,
}

impl<S> RawTarget<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, reader: Reader::default(), read: Vec::new(), handed: 0 }
    }
}

/// How much is read at a time.
const PIECE: usize = 16 * 1024;

impl<S: AsyncRead + Unpin> AsyncRead for RawTarget<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.handed == this.read.len() {
            if this.reader.at == At::Opaque {
                return Pin::new(&mut this.inner).poll_read(context, buffer);
            }
            let mut piece = [0; PIECE];
            let mut piece = ReadBuf::new(&mut piece);
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut piece))?;
            (this.handed, this.read) = (0, this.reader.encode(piece.filled()));
        }
        let rest = &this.read[this.handed..];
        let taken = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..taken]);
        this.handed += taken;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RawTarget<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Where in the conversation the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    RequestLine,
    Headers,
    /// So many bytes of a body, and whether a chunk's size follows them.
    Body {
        left: u64,
        is_chunk: bool,
    },
    ChunkSize,
    Trailers,
    /// HTTP/2, or what cannot be followed: nothing is looked at any more.
    Opaque,
}

/// Follows the requests of a connection, a byte at a time.
#[derive(Debug, Default)]
struct Reader {
    at: At,
    /// The line so far, without its end.
    line: Vec<u8>,
    /// What the headers so far say of the body.
    length: u64,
    is_chunked: bool,
}

/// The longest line that is followed; hyper refuses such a request.
const LONGEST: usize = 512 * 1024;

impl Reader {
    fn encode(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(bytes.len() + 16);
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match &mut self.at {
                At::Opaque => {
                    encoded.extend_from_slice(rest);
                    break;
                }
                At::Body { left, is_chunk } => {
                    let whole = usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                    let (body, after) = rest.split_at(whole);
                    encoded.extend_from_slice(body);
                    *left -= whole as u64;
                    if *left == 0 {
                        self.at = if *is_chunk { At::ChunkSize } else { At::RequestLine };
                    }
                    rest = after;
                }
                At::RequestLine | At::Headers | At::ChunkSize | At::Trailers => {
                    match byte {
                        b'"' | b'<' | b'>' if self.is_in_target() => {
                            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
                        }
                        _ => encoded.push(byte),
                    }
                    self.take(byte);
                    rest = after;
                }
            }
        }
        encoded
    }

    /// Whether the next byte of the line is one of a target: behind the method.
    fn is_in_target(&self) -> bool {
        self.at == At::RequestLine && self.line.iter().filter(|byte| **byte == b' ').count() == 1
    }

    fn take(&mut self, byte: u8) {
        if byte != b'\n' {
            self.line.push(byte);
            if self.line.len() > LONGEST {
                self.at = At::Opaque;
            }
            return;
        }
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        self.at = match self.at {
            // Empty lines before a request are passed over (RFC 9112 §2.2).
            At::RequestLine if line.is_empty() => At::RequestLine,
            At::RequestLine if line.starts_with(b"PRI ") || line.starts_with(b"CONNECT ") => At::Opaque,
            At::RequestLine => {
                (self.length, self.is_chunked) = (0, false);
                At::Headers
            }
            At::Headers if line.is_empty() => self.body(),
            At::Headers => self.header(line),
            At::ChunkSize => chunk(line),
            At::Trailers if line.is_empty() => At::RequestLine,
            at => at,
        };
    }

    fn header(&mut self, line: &[u8]) -> At {
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match (name, value.trim()) {
            ("content-length", value) => match value.parse() {
                Ok(length) => self.length = length,
                Err(_) => return At::Opaque,
            },
            ("transfer-encoding", value) => self.is_chunked = value.ends_with("chunked"),
            ("upgrade", _) => return At::Opaque,
            _ => {}
        }
        At::Headers
    }

    fn body(&self) -> At {
        match (self.is_chunked, self.length) {
            (true, _) => At::ChunkSize,
            (false, 0) => At::RequestLine,
            (false, left) => At::Body { left, is_chunk: false },
        }
    }
}

/// What follows the size of a chunk: the chunk and the end of its line.
fn chunk(line: &[u8]) -> At {
    let line = String::from_utf8_lossy(line);
    let size = line.split(';').next().unwrap_or_default().trim();
    match u64::from_str_radix(size, 16) {
        Ok(0) => At::Trailers,
        Ok(size) => At::Body { left: size.saturating_add(2), is_chunk: true },
        Err(_) => At::Opaque,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Requests of every kind behind one another, as sent and as they are to arrive.
    fn conversation() -> (Vec<u8>, Vec<u8>) {
        let sent = concat!(
            "GET /v1.0/users?$search=\"displayName:a\" HTTP/1.1\r\nHost: \"a\"\r\nConsistencyLevel: eventual\r\n\r\n",
            "POST /x?<y> HTTP/1.1\r\nContent-Length: 27\r\n\r\nGET /\"body\" HTTP/1.1\r\n\r\n<>\"",
            "\r\nPUT /x?\" HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
            "5;a=\"b\"\r\n\"<>\r\n\r\n1\r\n\"\r\n0\r\nTrailer: \"\r\n\r\n",
            "GET /\"p\"?q='\"' HTTP/1.1\nHost: h\n\n",
        );
        let arrived = sent
            .replace("search=\"displayName:a\"", "search=%22displayName:a%22")
            .replace("x?<y>", "x?%3Cy%3E")
            .replace("PUT /x?\"", "PUT /x?%22")
            .replace("/\"p\"?q='\"'", "/%22p%22?q='%22'");
        (sent.into(), arrived.into())
    }

    proptest! {
        #[test]
        fn targets_are_encoded_and_nothing_else_however_they_come(pieces in prop::collection::vec(1..40_usize, 0..60)) {
            let (sent, arrived) = conversation();
            let (mut reader, mut rest, mut encoded) = (Reader::default(), sent.as_slice(), Vec::new());
            for piece in pieces.into_iter().chain([usize::MAX]) {
                let (now, later) = rest.split_at(piece.min(rest.len()));
                encoded.extend(reader.encode(now));
                rest = later;
            }
            prop_assert_eq!(String::from_utf8(encoded).unwrap(), String::from_utf8(arrived).unwrap());
            prop_assert_eq!(reader.at, At::RequestLine);
        }

        #[test]
        fn any_bytes_get_through(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let plain: Vec<u8> = bytes.into_iter().filter(|byte| !b"\"<>".contains(byte)).collect();
            prop_assert_eq!(Reader::default().encode(&plain), plain);
        }
    }

    #[test]
    fn http_2_is_left_alone() {
        let bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nGET /\"x\" HTTP/1.1\r\n\r\n\"<>";
        let mut reader = Reader::default();
        assert_eq!(reader.encode(bytes), bytes);
        assert_eq!(reader.at, At::Opaque);
    }
}
