//! `events.out.tfevents.*`: training as TensorBoard shows it, written while it runs.
//!
//! The file is TensorFlow's record format: each record has its length before it, and a masked CRC-32C
//! behind each of the two
//! (<https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details>). A record is an
//! `Event` of `tensorflow/core/util/event.proto`; of its messages, the four that are needed here are put
//! together by hand, since a compiler for protocol buffers and its runtime would weigh more than this.
//!
//! Every start of the program writes a file of its own, and TensorBoard reads them one after the other. A
//! run that goes on says so first, which makes it forget the steps that are made again.

use std::io::Write;

use anyhow::Result;
use jiff::Timestamp;

use super::event::{Epoch, Event, Step};
use super::folder::Run;
use crate::fs;

/// What TensorBoard knows such files by.
const NAME: &str = "events.out.tfevents";
/// The version of the format; it comes first.
const VERSION: &str = "brain.Event:2";
/// `SessionLog.SessionStatus.START`.
const START: u64 = 1;
const MASK: u32 = 0xa282_ead8;

/// A file of events that grows.
#[derive(Debug)]
pub struct TensorBoardLog {
    file: fs::File,
    /// What the metric is called.
    metric: String,
    /// The last step, of which an epoch tells as well.
    step: u64,
}

impl TensorBoardLog {
    /// A new file in a run's folder.
    pub fn create(run: &Run, metric: &str) -> Result<Self> {
        let name = format!("{NAME}.{:010}.kaggle-kit", Timestamp::now().as_second());
        let file = fs::open_own(run.file(&name), fs::File::options().append(true).create(true))?;
        let mut log = Self { file, metric: metric.replace(' ', "-"), step: 0 };
        let mut first = event_at(0);
        field_bytes(&mut first, 3, VERSION.as_bytes());
        log.put(&first)?;
        Ok(log)
    }

    /// Writes what of an event is a curve.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Resumed { steps, .. } => {
                self.step = *steps;
                let mut session = Vec::new();
                field_varint(&mut session, 1, START);
                let mut event = event_at(steps + 1);
                field_bytes(&mut event, 7, &session);
                self.put(&event)
            }
            Event::Step(Step { step, loss, rate, momentum, .. }) => {
                self.step = *step;
                let scalars =
                    [("step/loss", *loss), ("step/rate", *rate), ("step/momentum", *momentum)];
                self.scalars(&scalars)
            }
            Event::Epoch(Epoch { train_loss, score, seconds, .. }) => {
                let metric = format!("epoch/{}", self.metric);
                let mut scalars = vec![
                    ("epoch/train-loss", *train_loss),
                    ("epoch/valid-loss", score.loss),
                    (metric.as_str(), score.metric),
                    ("epoch/seconds", *seconds),
                ];
                scalars.extend(score.accuracy.map(|accuracy| ("epoch/accuracy", accuracy)));
                self.scalars(&scalars)
            }
            _ => Ok(()),
        }
    }

    /// One event with all of them; what is no number is a gap.
    fn scalars(&mut self, scalars: &[(&str, f64)]) -> Result<()> {
        let mut summary = Vec::new();
        for (tag, number) in scalars.iter().filter(|(_, number)| number.is_finite()) {
            let mut value = Vec::new();
            field_bytes(&mut value, 1, tag.as_bytes());
            field_float(&mut value, 2, *number as f32);
            field_bytes(&mut summary, 1, &value);
        }
        let mut event = event_at(self.step);
        field_bytes(&mut event, 5, &summary);
        self.put(&event)
    }

    /// At once and whole: another program reads on while this one writes.
    fn put(&mut self, event: &[u8]) -> Result<()> {
        Ok(self.file.write_all(&record(event))?)
    }
}

/// A record around some bytes.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(bytes.len() + 16);
    record.extend(length);
    record.extend(masked(&length).to_le_bytes());
    record.extend(bytes);
    record.extend(masked(bytes).to_le_bytes());
    record
}

/// A CRC of bytes with CRCs in them is a poor one unless these are changed.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK)
}

/// An `Event` with its time and step.
fn event_at(step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    let seconds = Timestamp::now().as_millisecond() as f64 / 1000.0;
    key(&mut event, 1, 1);
    event.extend(seconds.to_le_bytes());
    field_varint(&mut event, 2, step);
    event
}

/// A field's number and how its value is written: 0 a varint, 1 eight bytes, 2 bytes with their length, 5
/// four bytes.
fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

/// Seven bits a byte, the lowest first; all but the last have the eighth bit.
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn field_varint(out: &mut Vec<u8>, field: u64, number: u64) {
    key(out, field, 0);
    varint(out, number);
}

fn field_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(out, field, 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn field_float(out: &mut Vec<u8>, field: u64, number: f32) {
    key(out, field, 5);
    out.extend(number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Score, Stage};

    /// The records of a file, their checksums compared.
    fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let data = &bytes[12..12 + length];
            assert_eq!(bytes[8..12], masked(&bytes[..8]).to_le_bytes());
            assert_eq!(bytes[12 + length..16 + length], masked(data).to_le_bytes());
            all.push(data.to_vec());
            bytes = &bytes[16 + length..];
        }
        all
    }

    fn read_varint(bytes: &mut &[u8]) -> u64 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = bytes[0];
            *bytes = &bytes[1..];
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return number;
            }
        }
    }

    /// The fields of a message, each with its bytes; of a varint, in eight.
    fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let key = read_varint(&mut bytes);
            let length = match key & 7 {
                0 => {
                    all.push((key >> 3, read_varint(&mut bytes).to_le_bytes().to_vec()));
                    continue;
                }
                1 => 8,
                2 => read_varint(&mut bytes) as usize,
                5 => 4,
                wire => panic!("wire type {wire}"),
            };
            all.push((key >> 3, bytes[..length].to_vec()));
            bytes = &bytes[length..];
        }
        all
    }

    fn step_of(event: &[(u64, Vec<u8>)]) -> u64 {
        u64::from_le_bytes(event[1].1.clone().try_into().unwrap())
    }

    fn scalars(event: &[(u64, Vec<u8>)]) -> Vec<(String, f32)> {
        let summary = &event.iter().find(|(field, _)| *field == 5).unwrap().1;
        let scalar = |(_, value): (u64, Vec<u8>)| {
            let value = fields(&value);
            let number = f32::from_le_bytes(value[1].1.clone().try_into().unwrap());
            (String::from_utf8(value[0].1.clone()).unwrap(), number)
        };
        fields(summary).into_iter().map(scalar).collect()
    }

    #[test]
    fn the_checksum_is_that_of_the_format() {
        // RFC 3720, B.4: 32 bytes of zeros; then masked.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked(&[0; 32]), 0x8a91_36aa_u32.rotate_right(15).wrapping_add(MASK));
        let mut bytes = Vec::new();
        varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 0x02]);
    }

    #[test]
    fn steps_and_epochs_are_scalars_and_a_resumed_run_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let mut log = TensorBoardLog::create(&run, "mean F2").unwrap();
        let stage = Stage::WholeNetwork;
        log.write(&Event::Resumed { steps: 299, best: None }).unwrap();
        let step = Step {
            stage,
            cycle: 1,
            epoch: 1,
            step: 300,
            loss: 0.5,
            rate: 1e-3,
            momentum: f64::NAN,
        };
        log.write(&Event::Step(step)).unwrap();
        let score = Score { loss: 0.25, metric: 0.75, accuracy: Some(0.5), error: None };
        log.write(&Event::Epoch(Epoch {
            stage,
            epoch: 1,
            cycle: 1,
            train_loss: 1.5,
            score,
            rates: [0.0; 3],
            seconds: 2.0,
        }))
        .unwrap();
        log.write(&Event::Note { text: "nothing for a curve".to_owned() }).unwrap();

        let [file] = fs::read_dir(folder.path()).unwrap().collect::<Vec<_>>().try_into().unwrap();
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let events: Vec<_> = records(&bytes).iter().map(|record| fields(record)).collect();
        assert_eq!(events.len(), 4);
        assert_eq!(events[0][2], (3, VERSION.as_bytes().to_vec()));
        assert_eq!((step_of(&events[1]), events[1][2].clone()), (300, (7, vec![8, 1])));
        let told = |scalars: Vec<(String, f32)>, expected: &[(&str, f32)]| {
            let scalars: Vec<(&str, f32)> =
                scalars.iter().map(|(tag, of)| (tag.as_str(), *of)).collect();
            assert_eq!(scalars, expected);
        };
        assert_eq!((step_of(&events[2]), step_of(&events[3])), (300, 300));
        told(scalars(&events[2]), &[("step/loss", 0.5), ("step/rate", 1e-3)]);
        told(
            scalars(&events[3]),
            &[
                ("epoch/train-loss", 1.5),
                ("epoch/valid-loss", 0.25),
                ("epoch/mean-F2", 0.75),
                ("epoch/seconds", 2.0),
                ("epoch/accuracy", 0.5),
            ],
        );
    }
}
