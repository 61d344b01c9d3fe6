//! The body of a download: whole, cut, or falling silent, at full speed or as over a slow line.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use http_body::Frame;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::blob::BlobSlice;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its last byte.
    Whole,
    /// The connection breaks off.
    Cut,
    /// Nothing more comes, and the connection stays open.
    Silence,
}

/// A body on its way.
pub(crate) struct Outgoing {
    part: BlobSlice,
    end: End,
    throttle: Option<Throttle>,
    /// Until when nothing is sent.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Outgoing {
    /// What was written needs a moment to leave before the connection goes.
    const BEFORE_CUT: Duration = Duration::from_millis(100);

    pub(crate) fn new(part: BlobSlice, end: End, rate: Option<u64>) -> Self {
        Self { part, end, throttle: rate.map(Throttle::new), pause: None }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if let Some(pause) = &mut this.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            this.pause = None;
            if this.part.length() == 0 && this.end == End::Cut {
                return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
            }
        }
        let most = if this.throttle.is_some() { Throttle::PIECE } else { BlobSlice::MOST };
        match this.part.next(most) {
            Ok(Some(piece)) => {
                if let Some(throttle) = &mut this.throttle {
                    this.pause = Some(Box::pin(sleep_until(throttle.after(piece.len()))));
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Ok(None) => match this.end {
                End::Whole => Poll::Ready(None),
                End::Cut => {
                    let until = Instant::now() + Self::BEFORE_CUT;
                    this.pause = Some(Box::pin(sleep_until(until)));
                    // Once more, so that the pause is waited for.
                    self.poll_frame(context)
                }
                End::Silence => Poll::Pending,
            },
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

/// Keeps to a number of bytes a second.
pub(crate) struct Throttle {
    rate: u64,
    started: Instant,
    passed: u64,
}

impl Throttle {
    /// Small enough for an even flow.
    const PIECE: usize = 32 << 10;

    pub(crate) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), started: Instant::now(), passed: 0 }
    }

    /// When more may pass after so many bytes.
    pub(crate) fn after(&mut self, n: usize) -> Instant {
        self.passed += n as u64;
        self.started + Duration::from_secs_f64(self.passed as f64 / self.rate as f64)
    }
}
