//! Connections to clients, which can be broken off without an answer, as a network does.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep};

/// A client that is waited for and says nothing for so long is gone, or means no good: each connection
/// takes one of a few hundred open files.
pub(crate) const IDLE: Duration = Duration::from_secs(10);
/// The same of a client that takes nothing of an answer; a person may have stopped it for a while.
const STUCK: Duration = Duration::from_secs(120);

/// Takes connections.
pub(crate) struct Connections {
    pub(crate) listener: TcpListener,
    /// How long a client may say nothing.
    pub(crate) idle: Duration,
}

/// A connection.
pub(crate) struct Connection {
    stream: TcpStream,
    cutter: Cutter,
    patience: Duration,
    idle: Pin<Box<Sleep>>,
    stuck: Pin<Box<Sleep>>,
}

/// What the one who answers has to say about a connection.
#[derive(Clone, Default)]
pub(crate) struct Cutter(Arc<Flags>);

#[derive(Default)]
struct Flags {
    cut: AtomicBool,
    answering: AtomicBool,
}

/// On a response: break the connection off instead of sending it.
#[derive(Clone, Copy)]
pub(crate) struct NoAnswer;

impl IntoResponse for NoAnswer {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Cutter {
    /// Nothing more is sent or received.
    pub(crate) fn cut(&self) {
        self.0.cut.store(true, Ordering::Relaxed);
    }

    /// Whether an answer is made or sent: then it is no fault of the client's that it says nothing.
    pub(crate) fn set_answering(&self, answering: bool) {
        self.0.answering.store(answering, Ordering::Relaxed);
    }

    fn is_answering(&self) -> bool {
        self.0.answering.load(Ordering::Relaxed)
    }

    fn check(&self) -> io::Result<()> {
        let is_cut = self.0.cut.load(Ordering::Relaxed);
        if is_cut { Err(ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, Connections>> for Cutter {
    fn connect_info(incoming: IncomingStream<'_, Connections>) -> Self {
        incoming.io().cutter.clone()
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Answers are written in one go; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let patience = self.idle;
        let (idle, stuck) = (Box::pin(sleep(patience)), Box::pin(sleep(STUCK)));
        (Connection { stream, cutter: Cutter::default(), patience, idle, stuck }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connection {
    /// Bytes have moved, one way or the other.
    fn is_alive(&mut self) {
        let now = Instant::now();
        self.idle.as_mut().reset(now + self.patience);
        self.stuck.as_mut().reset(now + STUCK);
    }

    /// What came of writing.
    fn written(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.is_alive();
        } else if self.stuck.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.cutter.check()?;
        let this = &mut *self;
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            this.is_alive();
        } else if !this.cutter.is_answering() && this.idle.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.cutter.check()?;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.cutter.check()?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
